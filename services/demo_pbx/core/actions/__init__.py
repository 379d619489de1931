"""What an AMI client may ask of the PBX: one table, action name in lower case to handler.

Login, Logoff, Challenge, Events and Filter belong to the connection and are in `ami_session`.
"""

from collections.abc import Callable, Mapping

from services.demo_pbx.core.actions import calls, listings, originate, queues, system
from services.demo_pbx.core.actions.request import Reply, Request
from services.demo_pbx.core.pbx import Pbx

Handler = Callable[[Pbx, Request, Reply], None]

HANDLERS: Mapping[str, Handler] = {
    "blindtransfer": calls.blind_transfer,
    "bridgeinfo": listings.bridge_info,
    "bridgelist": listings.bridge_list,
    "coresettings": system.core_settings,
    "coreshowchannels": listings.core_show_channels,
    "corestatus": system.core_status,
    "devicestatelist": listings.device_state_list,
    "extensionstate": listings.extension_state,
    "extensionstatelist": listings.extension_state_list,
    "getvar": calls.getvar,
    "hangup": calls.hangup,
    "originate": originate.originate,
    "park": calls.park,
    "parkedcalls": listings.parked_calls,
    "parkinglots": listings.parking_lots,
    "ping": system.ping,
    "queueadd": queues.queue_add,
    "queuememberringinuse": queues.queue_ring_in_use,
    "queuepause": queues.queue_pause,
    "queuepenalty": queues.queue_penalty,
    "queueremove": queues.queue_remove,
    "queuereset": queues.queue_reset,
    "queuestatus": queues.queue_status,
    "queuesummary": queues.queue_summary,
    "redirect": calls.redirect,
    "status": listings.status,
}
"""Names as in `services.demo_pbx.core.actions.system.COMMANDS`, which ListCommands shows."""

__all__ = ["HANDLERS", "Handler", "Reply", "Request"]
