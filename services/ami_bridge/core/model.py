"""All that the core knows of one PBX, and the documents that it makes of it.

Mutable, with a single owner (:class:`~services.ami_bridge.core.call_centre.CallCentre`). A key names a
document: the event type with the queue and the agent of its scope.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from services.ami_bridge.core.bridges import Bridges
from services.ami_bridge.core.calls import Calls
from services.ami_bridge.core.extensions import Extensions
from services.ami_bridge.core.identity import (
    Identifier,
    interface_of_channel,
    is_local,
    looks_like_extension,
    plain_interface,
)
from services.ami_bridge.core.members import Members
from services.ami_bridge.core.moments import Output
from services.ami_bridge.core.originate import FailedLegs
from services.ami_bridge.core.queue_calls import QueueCalls
from services.ami_bridge.core.queues import Queues
from services.ami_bridge.core.summaries import Summaries
from shared.events import CATALOGUE, State, type_of

Key = tuple[str, "str | None", "str | None"]


def key_of(state: State) -> Key:
    """The key of a document."""
    kind = type_of(state)
    entry = CATALOGUE[kind]
    return (
        kind,
        getattr(state, "queue") if entry.by_queue else None,  # noqa: B009 - by the catalogue it has one
        getattr(state, "agent") if entry.by_agent else None,  # noqa: B009 - by the catalogue it has one
    )


class Model:
    """The parts, what has changed (``touched``) and what has happened (``moments``) since last asked.

    ``session`` tells this session with Asterisk from all others, in names of moments that are counted.
    """

    def __init__(self, pbx: str, identifier: Identifier, session: str = "") -> None:
        self.pbx = pbx
        self.session = session
        self.identifier = identifier
        self.members = Members()
        self.queues = Queues()
        self.extensions = Extensions()
        self.calls = Calls()
        self.bridges = Bridges()
        self.queue_calls = QueueCalls()
        self.failed_legs = FailedLegs()
        self.summaries = Summaries()
        self.parkings: dict[str, int] = {}
        self.wants_resync = False
        self.touched: dict[Key, None] = {}
        self.moments: list[Output] = []

    def follow(self, previous: Model) -> None:
        """Take over what no list tells from the model before, of the same session with Asterisk."""
        self.session = previous.session
        self.calls.follow(previous.calls, same_session=True)
        self.queue_calls = previous.queue_calls
        self.failed_legs = previous.failed_legs
        self.parkings = previous.parkings

    def channels(self) -> set[str]:
        """The Uniqueids of which something is kept that no list tells."""
        return self.queue_calls.channels() | self.parkings.keys()

    def forget_channels(self, uniqueids: Collection[str]) -> None:
        """Drop what is kept of channels that are known to be gone."""
        self.queue_calls.forget(uniqueids)
        for uniqueid in uniqueids:
            self.parkings.pop(uniqueid, None)

    def touch(self, kind: str, queue: str | None, agent: str | None) -> None:
        """Note that a document may have changed."""
        self.touched[kind, queue, agent] = None

    def touch_calls(self, *agents: str) -> None:
        """Note that the calls of these agents may have changed."""
        for agent in agents:
            self.touched["phoneNumber", None, agent] = None

    def knows(self, agent: str) -> bool:
        """Whether that is an agent: a queue member, a hint, or a number like an extension's."""
        return agent in self.members or agent in self.extensions or looks_like_extension(agent)

    def agent_of_channel(self, channel: str) -> str | None:
        """The agent whose phone a channel is; ``None`` for trunks and for channels that are no phones."""
        interface = interface_of_channel(channel)
        return None if interface is None else self.agent_of_dial_string(interface)

    def agent_of_dial_string(self, dial_string: str) -> str | None:
        """The agent whom a dial string calls; ``None`` when it is none."""
        member = self.members.agent_of(plain_interface(dial_string))
        if member is not None:
            return member
        agent = self.identifier.agent_of_interface(dial_string)
        if agent is None or not self.knows(agent):
            return None
        # What a Local channel dials may be anything in the dialplan: there a number alone proves nothing.
        if is_local(dial_string) and agent not in self.members and agent not in self.extensions:
            return None
        return agent

    def forget_queue(self, queue: str) -> None:
        """Drop a queue that no longer exists; its documents become tombstones."""
        for of_queue, agent in list(self.members.pairs()):
            if of_queue == queue:
                self.touch("queueMemberStatus", queue, agent)
        for kind in ("queueCount", "queueCallers", "QueueSummary", "MemberSummary"):
            self.touch(kind, queue, None)
        self.members.forget_queue(queue)
        self.queues.forget(queue)
        self.summaries.forget(queue)

    def document(self, key: Key) -> State | None:
        """The current value of a document; ``None`` when what it is about does not exist."""
        return _DOCUMENTS[key[0]](self, key[1] or "", key[2] or "")

    def keys(self) -> Iterator[Key]:
        """Every document that the model can make."""
        for queue, agent in self.members.pairs():
            yield "queueMemberStatus", queue, agent
        for agent in self.members.named():
            yield "agentName", None, agent
        for agent in self.extensions:
            yield "extensionStatus", None, agent
        for agent in self.calls.agents():
            yield "phoneNumber", None, agent
        for queue in self.queues:
            yield "queueCount", queue, None
            yield "queueCallers", queue, None
        for queue in self.summaries.queues():
            yield "QueueSummary", queue, None
        for queue in self.summaries.with_members():
            yield "MemberSummary", queue, None


def _phone_number(model: Model, agent: str) -> State | None:
    document = model.calls.document(model.pbx, agent)
    return document if document.calls or model.knows(agent) else None


_DOCUMENTS: dict[str, Callable[[Model, str, str], State | None]] = {
    "agentName": lambda model, _, agent: model.members.name(model.pbx, agent),
    "extensionStatus": lambda model, _, agent: model.extensions.document(model.pbx, agent),
    "queueMemberStatus": lambda model, queue, agent: model.members.document(model.pbx, queue, agent),
    "phoneNumber": lambda model, _, agent: _phone_number(model, agent),
    "queueCount": lambda model, queue, _: model.queues.count(model.pbx, queue),
    "queueCallers": lambda model, queue, _: model.queues.callers(model.pbx, queue),
    "QueueSummary": lambda model, queue, _: model.summaries.queue(queue),
    "MemberSummary": lambda model, queue, _: model.summaries.members(model.pbx, queue),
}
