"""Actions about the PBX itself."""

from datetime import UTC, datetime

from services.demo_pbx.core.actions.request import Reply, Request
from services.demo_pbx.core.channels import Headers
from services.demo_pbx.core.pbx import Pbx

AMI_VERSION = "11.0.0"
ASTERISK_VERSION = "22.10.1"

COMMANDS: Headers = [
    ("BlindTransfer", "Blind transfer channel(s) to the given destination  (Priv: call,all)"),
    ("BridgeInfo", "Get information about a bridge.  (Priv: <none>)"),
    ("BridgeList", "Get a list of bridges in the system.  (Priv: <none>)"),
    ("Challenge", "Generate Challenge for MD5 Auth.  (Priv: <none>)"),
    ("CoreSettings", "Show PBX core settings (version etc).  (Priv: system,reporting,all)"),
    ("CoreShowChannels", "List currently active channels.  (Priv: system,reporting,all)"),
    ("CoreStatus", "Show PBX core status variables.  (Priv: system,reporting,all)"),
    ("DeviceStateList", "List the current known device states.  (Priv: call,reporting,all)"),
    ("Events", "Control Event Flow.  (Priv: <none>)"),
    ("ExtensionState", "Check Extension Status.  (Priv: call,reporting,all)"),
    ("ExtensionStateList", "List the current known extension states.  (Priv: call,reporting,all)"),
    ("Filter", "Dynamically add filters for the current manager session.  (Priv: system,all)"),
    ("Getvar", "Gets a channel variable or function value.  (Priv: call,reporting,all)"),
    ("Hangup", "Hangup channel.  (Priv: system,call,all)"),
    ("ListCommands", "List available manager commands.  (Priv: <none>)"),
    ("Login", "Login Manager.  (Priv: <none>)"),
    ("Logoff", "Logoff Manager.  (Priv: <none>)"),
    ("Originate", "Originate a call.  (Priv: originate,all)"),
    ("Park", "Park a channel.  (Priv: call,all)"),
    ("ParkedCalls", "List parked calls.  (Priv: call,all)"),
    ("Parkinglots", "Get a list of parking lots  (Priv: call,all)"),
    ("Ping", "Keepalive command.  (Priv: <none>)"),
    ("QueueAdd", "Add interface to queue.  (Priv: agent,all)"),
    ("QueueMemberRingInUse", "Set the ringinuse value for a queue member.  (Priv: agent,all)"),
    ("QueuePause", "Makes a queue member temporarily unavailable.  (Priv: agent,all)"),
    ("QueuePenalty", "Set the penalty for a queue member.  (Priv: agent,all)"),
    ("QueueRemove", "Remove interface from queue.  (Priv: agent,all)"),
    ("QueueReset", "Reset queue statistics.  (Priv: <none>)"),
    ("QueueStatus", "Show queue status.  (Priv: <none>)"),
    ("QueueSummary", "Show queue summary.  (Priv: <none>)"),
    ("Redirect", "Redirect (transfer) a call.  (Priv: call,all)"),
    ("Status", "List channel status.  (Priv: system,call,reporting,all)"),
]
"""What ListCommands shows, in Asterisk's words."""


def ping(pbx: Pbx, request: Request, reply: Reply) -> None:
    reply.respond("Success", [("Ping", "Pong"), ("Timestamp", f"{pbx.schedule.now:.6f}")])


def core_settings(pbx: Pbx, request: Request, reply: Reply) -> None:
    reply.respond(
        "Success",
        [
            ("AMIversion", AMI_VERSION),
            ("AsteriskVersion", ASTERISK_VERSION),
            ("SystemName", ""),
            ("CoreMaxCalls", "0"),
            ("CoreMaxLoadAvg", "0.000000"),
            ("CoreRunUser", ""),
            ("CoreRunGroup", ""),
            ("CoreMaxFilehandles", "0"),
            ("CoreRealTimeEnabled", "No"),
            ("CoreCDRenabled", "Yes"),
            ("CoreHTTPenabled", "No"),
            ("SoundsSearchCustomDir", "No"),
        ],
    )


def core_status(pbx: Pbx, request: Request, reply: Reply) -> None:
    started = datetime.fromtimestamp(pbx.switch.started_at, UTC)
    reply.respond(
        "Success",
        [
            ("CoreStartupDate", started.strftime("%Y-%m-%d")),
            ("CoreStartupTime", started.strftime("%H:%M:%S")),
            ("CoreReloadDate", started.strftime("%Y-%m-%d")),
            ("CoreReloadTime", started.strftime("%H:%M:%S")),
            ("CoreCurrentCalls", str(len(pbx.switch.channels))),
            ("CoreProcessedCalls", str(pbx.switch.calls_processed)),
        ],
    )


def fully_booted(pbx: Pbx) -> Headers:
    """FullyBooted, which every client gets after its login."""
    uptime = str(int(pbx.schedule.now - pbx.switch.started_at))
    return [("Uptime", uptime), ("LastReload", uptime), ("Status", "Fully Booted")]
