"""Queue actions. Queue names match without case, interfaces exactly; texts are Asterisk's."""

from collections.abc import Iterator

from services.demo_pbx.core.actions.request import Item, Reply, Request
from services.demo_pbx.core.channels import Headers
from services.demo_pbx.core.pbx import Pbx
from services.demo_pbx.core.queues import Queue, Waiting

TRUE = frozenset({"yes", "true", "y", "t", "1", "on"})


def find_queue(pbx: Pbx, name: str) -> Queue | None:
    return next((q for q in pbx.switch.queues.values() if q.name.lower() == name.lower()), None)


def queue_add(pbx: Pbx, request: Request, reply: Reply) -> None:
    name, interface = request.get("Queue"), request.get("Interface")
    penalty = request.get("Penalty")
    if not name:
        reply.error("'Queue' not specified.")
    elif not interface:
        reply.error("'Interface' not specified.")
    elif (queue := find_queue(pbx, name)) is None:
        reply.error("Unable to add interface to queue: No such queue")
    elif pbx.membership.add(
        queue,
        interface,
        name=request.get("MemberName"),
        penalty=_number(penalty),
        paused=is_true(request.get("Paused")),
        reason=request.get("Reason"),
    ):
        reply.success("Added interface to queue")
    else:
        reply.error("Unable to add interface: Already there")


def queue_remove(pbx: Pbx, request: Request, reply: Reply) -> None:
    name, interface = request.get("Queue"), request.get("Interface")
    if not name or not interface:
        reply.error("Need 'Queue' and 'Interface' parameters.")
    elif (queue := find_queue(pbx, name)) is None:
        reply.error("Unable to remove interface from queue: No such queue")
    elif pbx.membership.remove(queue, interface):
        reply.success("Removed interface from queue")
    else:
        reply.error("Unable to remove interface: Not there")


def queue_pause(pbx: Pbx, request: Request, reply: Reply) -> None:
    interface, paused = request.get("Interface"), request.get("Paused")
    name = request.get("Queue")
    if not interface or not paused:
        reply.error("Need 'Interface' and 'Paused' parameters.")
        return
    queue = find_queue(pbx, name) if name else None
    pause = is_true(paused)
    known = not name or queue is not None
    if known and pbx.membership.pause(interface, pause, request.get("Reason"), queue):
        reply.success("Interface paused successfully" if pause else "Interface unpaused successfully")
    else:
        reply.error("Interface not found")


def queue_penalty(pbx: Pbx, request: Request, reply: Reply) -> None:
    interface, penalty, name = request.get("Interface"), request.get("Penalty"), request.get("Queue")
    if not interface or not penalty:
        reply.error("Need 'Interface' and 'Penalty' parameters.")
        return
    queue = find_queue(pbx, name) if name else None
    valid = not penalty.startswith("-") and (not name or queue is not None)
    if valid and pbx.membership.set_penalty(interface, _number(penalty), queue):
        reply.success("Interface penalty set successfully")
    else:
        reply.error("Invalid interface, queuename or penalty")


def queue_ring_in_use(pbx: Pbx, request: Request, reply: Reply) -> None:
    interface, value, name = request.get("Interface"), request.get("RingInUse"), request.get("Queue")
    if not interface or not value:
        reply.error("Need 'Interface' and 'RingInUse' parameters.")
        return
    queue = find_queue(pbx, name) if name else None
    known = not name or queue is not None
    if known and pbx.membership.set_ring_in_use(interface, is_true(value), queue):
        reply.success("Interface ringinuse set successfully")
    else:
        reply.error("Invalid interface, queuename or ringinuse value")


def queue_reset(pbx: Pbx, request: Request, reply: Reply) -> None:
    """An unknown queue is a success, too, as in Asterisk."""
    for queue in _wanted(pbx, request):
        queue.reset()
    reply.success("Queue stats reset successfully")


def queue_status(pbx: Pbx, request: Request, reply: Reply) -> None:
    reply.listing("Queue status will follow", _status_items(pbx, request), "QueueStatusComplete")


def _status_items(pbx: Pbx, request: Request) -> Iterator[Item]:
    only = request.get("Member")
    for queue in _wanted(pbx, request):
        yield Item("QueueParams", queue.params_headers())
        for member in queue.members.values():
            if not only or member.interface == only:
                yield Item("QueueMember", member.list_headers())
        for position, call in enumerate(queue.waiting, 1):
            yield Item("QueueEntry", _entry(pbx, queue, position, call))


def _entry(pbx: Pbx, queue: Queue, position: int, call: Waiting) -> Headers:
    """A waiting caller; what is not known is `unknown` here, not `<unknown>`."""
    caller = call.caller
    return [
        ("Queue", queue.name),
        ("Position", str(position)),
        ("Channel", caller.name),
        ("Uniqueid", caller.uniqueid),
        ("CallerIDNum", caller.caller_num or "unknown"),
        ("CallerIDName", caller.caller_name or "unknown"),
        ("ConnectedLineNum", caller.connected_num or "unknown"),
        ("ConnectedLineName", caller.connected_name or "unknown"),
        ("Wait", str(int(pbx.schedule.now - call.joined_at))),
        ("Priority", "0"),
    ]


def queue_summary(pbx: Pbx, request: Request, reply: Reply) -> None:
    items = (Item("QueueSummary", queue.summary_headers(pbx.schedule.now)) for queue in _wanted(pbx, request))
    reply.listing("Queue summary will follow", items, "QueueSummaryComplete")


def _wanted(pbx: Pbx, request: Request) -> list[Queue]:
    name = request.get("Queue")
    if not name:
        return list(pbx.switch.queues.values())
    queue = find_queue(pbx, name)
    return [queue] if queue is not None else []


def _number(text: str) -> int:
    """What is no number is 0, as in Asterisk."""
    return int(text) if text.isdecimal() else 0


def is_true(text: str) -> bool:
    return text.lower() in TRUE
