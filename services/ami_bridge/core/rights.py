"""Notice an AMI user who may not read what the bridge needs.

Asterisk tells no user what he may read: without a class its events just do not come, while the lists, which
need none of it, look as ever. So it is concluded from what should have come:

    read = call     a queue call was completed, and no call was ever seen
    read = agent    lists showed a member's state, or a count of waiting callers, that no event told

Order between events of different classes is not fixed, so AgentComplete proves nothing until a whole interval
between two refreshes has passed. A conclusion is withdrawn when such an event does come.
"""

from __future__ import annotations

# No more than what the event filter of a narrow user lets through, too.
_OF_CALL = frozenset(("DialBegin", "BridgeEnter", "Hangup", "ExtensionStatus", "NewConnectedLine"))
_OF_AGENT = ("QueueMember", "QueueCaller", "Agent")

NO_CALLS = "the AMI user lacks `read = call` in manager.conf: phones and calls are not followed"
NO_QUEUES = (
    "the AMI user lacks `read = agent` in manager.conf: queues and members are followed by their lists alone"
)


class Rights:
    """What came in one session with Asterisk."""

    def __init__(self) -> None:
        self._saw_call = False
        self._saw_agent = False
        self._completed = False
        self._completed_before = False
        self._lacks_call = False
        self._lacks_agent = False

    @property
    def missing(self) -> str | None:
        """What the AMI user may not read and what follows, as a sentence; ``None`` if nothing shows it."""
        if self._lacks_call and not self._saw_call:
            return NO_CALLS
        if self._lacks_agent and not self._saw_agent:
            return NO_QUEUES
        return None

    def observe(self, event: str) -> None:
        """Note a live event by its name; an item of a list is none."""
        if self._saw_call and self._saw_agent:
            return
        if event in _OF_CALL:
            self._saw_call = True
        elif event.startswith(_OF_AGENT):
            self._saw_agent = True
            self._completed = self._completed or event == "AgentComplete"

    def refreshed(self, *, untold: bool) -> None:
        """Draw conclusions at a refresh.

        Args:
            untold: whether it confirmed a change of which class agent should have told.
        """
        self._lacks_call = self._completed_before
        self._completed_before = self._completed
        self._lacks_agent = self._lacks_agent or untold
