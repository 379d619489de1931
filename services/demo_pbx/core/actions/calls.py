"""Actions on channels: redirect, transfer, park, hang up, read a variable."""

import re

from services.demo_pbx.core import layout, transfers
from services.demo_pbx.core.actions.request import Item, Reply, Request
from services.demo_pbx.core.channels import Channel
from services.demo_pbx.core.pbx import Pbx

FUNCTION = re.compile(r"^(?P<name>[A-Z_]+)\((?P<argument>.*)\)$")


def redirect(pbx: Pbx, request: Request, reply: Reply) -> None:
    """An unknown Context or Exten is a success, and the call is then dropped, as in Asterisk."""
    name, extra_name = request.get("Channel"), request.get("ExtraChannel")
    channel, extra = _channel(pbx, name), _channel(pbx, extra_name)
    priority = request.get("Priority")
    if not name:
        reply.error("Channel not specified")
    elif not request.get("Context"):
        reply.error("Context not specified")
    elif not request.get("Exten"):
        reply.error("Exten not specified")
    elif not priority:
        reply.error("Priority not specified")
    elif not priority.isdecimal():
        reply.error("Priority is invalid")
    elif channel is None:
        reply.error(f"Channel does not exist: {name}")
    elif extra_name and extra is None:
        reply.error(f"ExtraChannel does not exist: {extra_name}")
    elif _redirect(pbx, request, channel, extra):
        reply.success("Dual Redirect successful" if extra else "Redirect successful")
    else:
        reply.error("Redirect failed")


def _redirect(pbx: Pbx, request: Request, channel: Channel, extra: Channel | None) -> bool:
    context, exten = request.get("Context"), request.get("Exten")
    if extra is None:
        return transfers.redirect(pbx, channel, context, exten)
    extra_place = (request.get("ExtraContext") or context, request.get("ExtraExten") or exten)
    return transfers.redirect_both(pbx, channel, extra, (context, exten), extra_place)


def blind_transfer(pbx: Pbx, request: Request, reply: Reply) -> None:
    """`Channel` is the transferring party; the other one is moved.

    An unknown extension is a success, and both are then dropped, as in Asterisk.
    """
    name, exten = request.get("Channel"), request.get("Exten")
    channel = _channel(pbx, name)
    if not name:
        reply.error("No channel specified")
    elif not exten:
        reply.error("No extension specified")
    elif channel is None:
        reply.error("Channel specified does not exist")
    else:
        context = request.get("Context") or channel.context
        if transfers.blind_transfer(pbx, channel, context, exten, by_phone=False):
            reply.success("Transfer succeeded")
        else:
            reply.error("Transfer invalid")


def park(pbx: Pbx, request: Request, reply: Reply) -> None:
    """The two park messages end with a bare LF before the line's own end, as in Asterisk."""
    name = request.get("Channel")
    told_name = request.get("TimeoutChannel") or request.get("AnnounceChannel") or request.get("Channel2")
    timeout, space = request.get("Timeout"), request.get("ParkingSpace")
    channel = _channel(pbx, name)
    if not name:
        reply.error("Channel not specified")
    elif timeout and (not timeout.isdecimal() or int(timeout) <= 0):
        reply.error("Invalid Timeout value.")
    elif channel is None:
        reply.error(f"Channel does not exist: {name}")
    elif request.get("Parkinglot") in ("", pbx.lot.settings.name) and transfers.park(
        pbx,
        channel,
        told=_channel(pbx, told_name),
        timeout_s=-(-int(timeout) // 1000) if timeout else None,
        space=int(space) if space.isdecimal() else None,
    ):
        reply.success("Park successful\n")
    else:
        reply.error("Park action failed\n")


def hangup(pbx: Pbx, request: Request, reply: Reply) -> None:
    """One channel, or all that match `/pattern/`."""
    name = request.get("Channel")
    if not name:
        reply.error("No channel specified")
        return
    if len(name) > 2 and name.startswith("/") and name.endswith("/"):
        pattern = _pattern(name[1:-1])
        if pattern is None:
            reply.error(f"Regex compile failed on: {name}")
            return
        matching = [c for c in pbx.switch.channels.values() if pattern.search(c.name)]
        items = [Item("ChannelHungup", [("Channel", channel.name)]) for channel in matching]
        reply.listing("Channels hung up will follow", items, "ChannelsHungupListComplete")
        for channel in matching:
            pbx.hang_up(channel)
        return
    channel = _channel(pbx, name)
    if channel is None:
        reply.error("No such channel")
    else:
        pbx.hang_up(channel)
        reply.success("Channel Hungup")


def _pattern(text: str) -> re.Pattern[str] | None:
    try:
        return re.compile(text)
    except re.error:
        return None


def getvar(pbx: Pbx, request: Request, reply: Reply) -> None:
    """A channel variable, DEVICE_STATE or DIALPLAN_EXISTS; what is not set or not known is empty."""
    variable, name = request.get("Variable"), request.get("Channel")
    channel = _channel(pbx, name)
    if not variable:
        reply.error("No variable specified")
    elif name and channel is None:
        reply.error("No such channel")
    else:
        reply.respond("Success", [("Variable", variable), ("Value", _value(pbx, variable, channel))])


def _value(pbx: Pbx, variable: str, channel: Channel | None) -> str:
    function = FUNCTION.match(variable)
    if function is not None and function["name"] == "DEVICE_STATE":
        device = pbx.switch.devices.get(function["argument"])
        return device.state.name if device else "INVALID"
    if function is not None and function["name"] == "DIALPLAN_EXISTS":
        return _exists(pbx, *function["argument"].split(","))
    if channel is None:
        return ""
    built_in = {"UNIQUEID": channel.uniqueid, "LINKEDID": channel.linkedid, "EXTEN": channel.exten}
    return channel.variables.get(variable, built_in.get(variable, ""))


def _exists(pbx: Pbx, context: str, exten: str = "", priority: str = "1", *_: str) -> str:
    """DIALPLAN_EXISTS(context[,extension[,priority]]): an extension of the demo has one priority."""
    there = pbx.find(context, exten) is not None if exten else context in layout.CONTEXTS
    return "1" if there and priority == "1" else "0"


def _channel(pbx: Pbx, name: str) -> Channel | None:
    """By name, without case, or by Uniqueid: both are accepted by Asterisk."""
    if not name:
        return None
    exact = pbx.switch.channels.get(name)
    if exact is not None:
        return exact
    channels = pbx.switch.channels.values()
    return next((c for c in channels if c.name.lower() == name.lower() or c.uniqueid == name), None)
