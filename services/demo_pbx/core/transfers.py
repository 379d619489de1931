"""Moving calls: redirect, blind transfer and park, by AMI or from the phone.

Source of the order of events: tests/fixtures/ami, redirect_direct_call, transfer_blind_sip,
transfer_blind_action, park_giveup.
"""

from services.demo_pbx.core.channels import Channel
from services.demo_pbx.core.parking import ANNOUNCEMENT_S
from services.demo_pbx.core.pbx import Pbx


def redirect(pbx: Pbx, channel: Channel, context: str, exten: str) -> bool:
    """Send a channel elsewhere in the dialplan; who talked to it is hung up.

    An unknown extension is taken, too, and the channel is dropped. False: the channel cannot be
    moved, because its phone only rings.
    """
    if not _movable(channel):
        return False
    channel.exten = exten
    other = _detach(pbx, channel)
    if other is not None:
        pbx.switch.dismiss(other)
    pbx.send(channel, context, exten)
    return True


def redirect_both(
    pbx: Pbx, channel: Channel, extra: Channel, place: tuple[str, str], extra_place: tuple[str, str]
) -> bool:
    """Redirect with ExtraChannel: both parties stay alive and go on, each for itself."""
    if not _movable(channel) or not _movable(extra) or extra is channel:
        return False
    for each, (context, exten) in ((channel, place), (extra, extra_place)):
        other = _detach(pbx, each)
        if other is not None and other is not extra and other is not channel:
            pbx.switch.dismiss(other)
        each.task = None
        each.context, each.exten = context, exten
    for each, (context, exten) in ((channel, place), (extra, extra_place)):
        if not each.gone:
            pbx.send(each, context, exten)
    return True


def blind_transfer(pbx: Pbx, agent: Channel, context: str, exten: str, *, by_phone: bool) -> bool:
    """The agent sends his party away and is free. False: he talks to nobody."""
    peer = agent.peer
    bridge = agent.bridge
    if peer is None or bridge is None:
        return False
    switch = pbx.switch
    if by_phone:
        pbx.hold(agent)
        pbx.unhold(agent)
    else:
        switch.emit("Unhold", agent)
    result = [("Result", "Success")]
    facts = [("IsExternal", "Yes"), ("Context", context), ("Extension", exten)]
    switch.emit("BlindTransfer", result, ("Transferer", agent), ("Transferee", peer), bridge, facts)
    if agent.agents_part is not None:
        agent.agents_part.complete("transfer")
    _detach(pbx, peer)
    switch.dismiss(agent)
    pbx.send(peer, context, exten)
    return True


def park(
    pbx: Pbx,
    channel: Channel,
    *,
    told: Channel | None,
    timeout_s: int | None = None,
    space: int | None = None,
) -> bool:
    """Park a channel. `told` hears the space, then is hung up; a timeout rings his phone.

    Where nobody in the same bridge is told, the party is hung up at once and a timeout would
    ring the parked channel's own device, as in Asterisk. False: it cannot be parked.
    """
    if not _movable(channel) or not pbx.lot.has_room():
        return False
    in_same_bridge = told is not None and told is channel.peer
    parker = told.device if told is not None and in_same_bridge else channel.device
    other = _detach(pbx, channel)
    if other is not None:
        _dismiss_later(pbx, other, ANNOUNCEMENT_S if in_same_bridge else 0.0)
    return pbx.lot.park(channel, parker=parker, timeout_s=timeout_s, space=space) is not None


def _dismiss_later(pbx: Pbx, channel: Channel, delay_s: float) -> None:
    """Hang up who was left alone, unless he was moved elsewhere by then."""
    alone = channel.task

    def dismiss() -> None:
        if channel.task is alone:
            pbx.switch.dismiss(channel)

    pbx.schedule.after(delay_s, dismiss)


def _movable(channel: Channel) -> bool:
    return not channel.gone and (channel.bridge is not None or channel.state.name in ("UP", "RING"))


def _detach(pbx: Pbx, channel: Channel) -> Channel | None:
    return channel.task.detach(channel) if channel.task is not None else None
