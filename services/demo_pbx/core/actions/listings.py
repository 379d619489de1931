"""Lists of what there is: extensions, devices, channels, bridges, parked calls."""

from collections.abc import Iterator

from services.demo_pbx.core.actions.request import Item, Reply, Request
from services.demo_pbx.core.channels import Channel, Headers
from services.demo_pbx.core.pbx import Pbx
from services.demo_pbx.core.switch import hint, hint_headers


def extension_state(pbx: Pbx, request: Request, reply: Reply) -> None:
    """One hint. No such hint is a success with Status -1."""
    exten, context = request.get("Exten"), request.get("Context") or "default"
    if not exten:
        reply.error("Extension not specified")
        return
    unknown = hint(exten, context, "", -1, "Unknown")
    found = next((h for h in _hints(pbx) if h[0][1] == exten and h[1][1] == context), unknown)
    reply.respond("Success", [("Message", "Extension Status"), *found])


def extension_state_list(pbx: Pbx, request: Request, reply: Reply) -> None:
    items = (Item("ExtensionStatus", headers, id_first=True) for headers in _hints(pbx))
    reply.listing("Extension Statuses will follow", items, "ExtensionStateListComplete")


def _hints(pbx: Pbx) -> Iterator[Headers]:
    """Hints of phones (context `hint`) and of parking spaces (context `parkedcalls`)."""
    for device in pbx.switch.devices.values():
        if not device.trunk:
            yield hint_headers(device)
    for space in range(pbx.lot.settings.first, pbx.lot.settings.last + 1):
        yield pbx.lot.space_hint(space)


def device_state_list(pbx: Pbx, request: Request, reply: Reply) -> None:
    states = {device.name: device.state for device in pbx.switch.devices.values()}
    states |= pbx.switch.other_states
    items = (
        Item("DeviceStateChange", [("Device", name), ("State", state.name)], id_first=True)
        for name, state in states.items()
    )
    reply.listing("Device State Changes will follow", items, "DeviceStateListComplete")


def core_show_channels(pbx: Pbx, request: Request, reply: Reply) -> None:
    items = (Item("CoreShowChannel", _shown(pbx, c), id_first=True) for c in pbx.switch.channels.values())
    reply.listing("Channels will follow", items, "CoreShowChannelsComplete")


def _shown(pbx: Pbx, channel: Channel) -> Headers:
    seconds = int(pbx.schedule.now - channel.created_at)
    duration = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return [
        *channel.headers(),
        ("Application", channel.application),
        ("ApplicationData", channel.data),
        ("Duration", duration),
        ("BridgeId", channel.bridge.uniqueid if channel.bridge else ""),
    ]


def status(pbx: Pbx, request: Request, reply: Reply) -> None:
    """All channels or one; `Variables` (comma separated) adds their values."""
    name = request.get("Channel")
    if name and name not in pbx.switch.channels:
        reply.error("No such channel")
        return
    channels = [pbx.switch.channels[name]] if name else list(pbx.switch.channels.values())
    wanted = [variable for variable in request.get("Variables").split(",") if variable]
    items = (Item("Status", _status(pbx, channel, wanted)) for channel in channels)
    reply.listing(
        "Channel status will follow", items, "StatusComplete", lambda count: [("Items", str(count))]
    )


def _status(pbx: Pbx, channel: Channel, variables: list[str]) -> Headers:
    return [
        ("Privilege", "Call"),
        *channel.headers(),
        ("Type", "PJSIP"),
        ("DNID", channel.exten),
        ("EffectiveConnectedLineNum", channel.connected_num or "<unknown>"),
        ("EffectiveConnectedLineName", channel.connected_name or "<unknown>"),
        ("TimeToHangup", "0"),
        ("BridgeID", channel.bridge.uniqueid if channel.bridge else ""),
        ("Application", channel.application),
        ("Data", channel.data),
        ("Nativeformats", "(ulaw)"),
        ("Readformat", "ulaw"),
        ("Readtrans", ""),
        ("Writeformat", "ulaw"),
        ("Writetrans", ""),
        ("Callgroup", "0"),
        ("Pickupgroup", "0"),
        ("Seconds", str(int(pbx.schedule.now - channel.created_at))),
        *(("Variable", f"{name}={channel.variables.get(name, '')}") for name in variables),
    ]


def bridge_list(pbx: Pbx, request: Request, reply: Reply) -> None:
    kind = request.get("BridgeType")
    items = (
        Item("BridgeListItem", bridge.headers(), id_first=True)
        for bridge in pbx.switch.bridges.values()
        if not kind or bridge.kind == kind
    )
    reply.listing("Bridge listing will follow", items, "BridgeListComplete")


def bridge_info(pbx: Pbx, request: Request, reply: Reply) -> None:
    uniqueid = request.get("BridgeUniqueid")
    bridge = pbx.switch.bridges.get(uniqueid)
    if not uniqueid:
        reply.error("BridgeUniqueid must be provided")
    elif bridge is None:
        reply.error("Specified BridgeUniqueid not found")
    else:
        items = (Item("BridgeInfoChannel", channel.headers(), id_first=True) for channel in bridge.channels)
        reply.listing(
            "Bridge channel listing will follow", items, "BridgeInfoComplete", lambda _: bridge.headers()
        )


def parked_calls(pbx: Pbx, request: Request, reply: Reply) -> None:
    wanted = request.get("ParkingLot")
    stays = pbx.lot.stays.values() if wanted in ("", pbx.lot.settings.name) else []
    items = (Item("ParkedCall", [*stay.channel.headers("Parkee"), *stay.headers()]) for stay in stays)
    reply.listing(
        "Parked calls will follow", items, "ParkedCallsComplete", lambda count: [("Total", str(count))]
    )


def parking_lots(pbx: Pbx, request: Request, reply: Reply) -> None:
    lot = pbx.lot.settings
    headers = [
        ("Name", lot.name),
        ("StartSpace", str(lot.first)),
        ("StopSpace", str(lot.last)),
        ("Timeout", str(lot.timeout_s)),
    ]
    items = [Item("Parkinglot", headers, id_first=True)]
    reply.listing("Parking lots will follow", items, "ParkinglotsComplete")
