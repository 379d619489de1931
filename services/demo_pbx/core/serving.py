"""Which waiting caller rings which free member, looked at again whenever that may have changed."""

from services.demo_pbx.core.queues import Queue
from services.demo_pbx.core.switch import Switch

LOOK_AGAIN_S = 0.3
"""Asterisk looks once a second; a little sooner keeps the demo lively at low load."""


def serve_soon(switch: Switch, queue: Queue) -> None:
    """Plan one look at the queue, unless one is planned already."""
    if not queue.serving:
        queue.serving = True
        switch.schedule.after(LOOK_AGAIN_S, lambda: _serve(switch, queue))


def serve_all_soon(switch: Switch) -> None:
    for queue in switch.queues.values():
        if queue.waiting:
            serve_soon(switch, queue)


def _serve(switch: Switch, queue: Queue) -> None:
    queue.serving = False
    for call in list(queue.waiting):
        if call.leg is None and call.may_ring():
            member = queue.next_member()
            if member is None:
                return
            call.ring(member)
