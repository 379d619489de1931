"""The core of the bridge: AMI messages in, events out.

How it works. :class:`Model` holds what is known of one PBX; ``transitions.TRANSITIONS`` says which AMI
event moves it. A handler notes which **documents** it may have changed; a document is the current
value of one state event (say queueMemberStatus of 148 in `sales`). ``documents`` is what was published
last, and a document is published only when it differs from that, so repeats vanish by themselves.
Moments are published as they come.

The model is mutable, with this class as its single owner: a frozen one would be copied for each
message, 5,500 entries in a large call centre. It is deterministic, and has no clock: time comes as
``now_ms``.

A connection's life: :meth:`status` syncing, the lists asked while live events are kept back, :meth:`resync`
with both, :meth:`status` online, :meth:`apply` for each event, :meth:`refresh` every few seconds;
:meth:`link_lost` and :meth:`status` offline when it ends.

To publish another state: make its document in ``model.py``. To follow another AMI event: ``transitions.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from services.ami_bridge.core import commands
from services.ami_bridge.core.ami_message import AmiMessage, optional
from services.ami_bridge.core.fill import fill, fill_queues
from services.ami_bridge.core.identity import Identifier, Identity
from services.ami_bridge.core.likeness import alike
from services.ami_bridge.core.model import Key, Model, key_of
from services.ami_bridge.core.moments import Output
from services.ami_bridge.core.plans import CommandRules, Plan, Steps
from services.ami_bridge.core.refresh import Drift
from services.ami_bridge.core.rights import Rights
from services.ami_bridge.core.snapshot import Snapshot
from services.ami_bridge.core.tombstones import tombstone
from services.ami_bridge.core.transitions import TRANSITIONS
from shared.commands import Command, Originate
from shared.errors import MalformedMessageError
from shared.events import PbxStatus, PbxWord, State

_PBX_STATUS: Key = ("pbxStatus", None, None)


class CallCentre:
    """One PBX.

    Attributes:
        documents: what was published last, by key.
        rejected: what could not be read in the last :meth:`resync`, :meth:`refresh` or :meth:`link_lost`, for
            the log.
    """

    def __init__(self, pbx: str, identity: Identity | None = None, session: str = "") -> None:
        """
        Args:
            session: tells this process from any other of this PBX; it comes into the names of those moments
                that Asterisk's messages do not tell apart.
        """
        self.pbx = pbx
        self.documents: dict[Key, State] = {}
        self.rejected: list[MalformedMessageError] = []
        self._identifier = Identifier(identity or Identity())
        self._process = session
        self._model = Model(pbx, self._identifier, session)
        self._drift = Drift()
        self._rights = Rights()

    @property
    def wants_resync(self) -> bool:
        """Whether Asterisk said that something changed which no event tells (a reload, late booting)."""
        return self._model.wants_resync

    @property
    def missing_right(self) -> str | None:
        """What this session shows that the AMI user may not read, and what follows, as a sentence."""
        return self._rights.missing

    @property
    def in_progress(self) -> int:
        """How many things are kept of calls that are up: channels, bridges, recordings; 0 when none is."""
        model = self._model
        return len(model.calls) + len(model.bridges) + len(model.queue_calls) + len(model.parkings)

    def restore(self, documents: Iterable[State]) -> None:
        """Take over what an earlier process published, tombstones too, so only what differs is published."""
        for document in documents:
            self.documents[key_of(document)] = document

    def catch_up(self, logged: Iterable[State], *, live: bool) -> list[Output]:
        """What is to be published so that the log, which another bridge may have written, tells the truth.

        Args:
            logged: all that the log says of this PBX, tombstones too.
            live: whether what is known here is. If not, the log's word stands where it has one.
        """
        theirs = {key_of(document): document for document in logged}
        known = list(self.documents)
        unknown = [key for key in theirs if key not in self.documents]
        self.documents.update({key: theirs[key] for key in unknown})
        outputs: list[Output] = []
        if live:
            self._model.touched.update(dict.fromkeys(key for key in unknown if key != _PBX_STATUS))
            outputs = self._collect()
        # The status last, so that `online` does not overtake the figures it vouches for.
        for key in sorted(known, key=_PBX_STATUS.__eq__):
            ours, logs = self.documents[key], theirs.get(key)
            if logs is None and ours.gone is True:
                continue
            if logs is None or (not alike(ours, logs) and (live or key == _PBX_STATUS)):
                outputs.append(Output(ours, ""))
            elif not live:
                self.documents[key] = logs
        return outputs

    def status(self, word: PbxWord, reason: str | None, now_ms: int) -> list[Output]:
        """Say whether the figures are live. ``since`` changes only with the word.

        `syncing` begins a session: what is counted from now on has not been named by the one before.
        """
        if word == "syncing":
            self._model.session = f"{self._process}-{now_ms:x}"
        before = self.documents.get(_PBX_STATUS)
        since = before.since if isinstance(before, PbxStatus) and before.status == word else now_ms
        return self._published([PbxStatus(pbx=self.pbx, status=word, since=since, reason=reason)])

    def link_lost(self, buffered: Sequence[AmiMessage] = (), now_ms: int = 0) -> list[Output]:
        """Forget all calls: channel names and uniqueids come again after Asterisk restarted.

        Args:
            buffered: live events that waited for lists, which will not come any more.

        Returns:
            the moments of ``buffered``. No state: the last figures stay, and pbxStatus says that they are not
            live.
        """
        lost = self._model
        self.rejected = self._step_all(buffered, now_ms)
        moments = lost.moments
        self._rights = Rights()
        self._model = Model(self.pbx, self._identifier, self._process)
        self._model.calls.follow(lost.calls, same_session=False)
        return moments

    def resync(self, lists: Snapshot, buffered: Sequence[AmiMessage], now_ms: int) -> list[Output]:
        """Begin anew from Asterisk's lists and the live events that came meanwhile.

        Within one session, what no list tells is kept: parkings, recordings, who serves whom.

        Returns:
            the moments of ``buffered``, and each state that differs from what was published last: at the end
            of it all, not in between. What is gone becomes a tombstone.
        """
        model = Model(self.pbx, self._identifier)
        model.follow(self._model)
        gone = _gone(model, lists)
        self._model = model
        self._drift = Drift()
        self.rejected = fill(model, lists, self.documents, now_ms) + self._step_all(buffered, now_ms)
        # Only now: an AgentComplete may have come after its caller's Hangup.
        model.forget_channels(gone)
        for key in self.documents:
            if key != _PBX_STATUS:
                model.touched[key] = None
        model.touched.update(dict.fromkeys(model.keys()))
        return self._collect()

    def apply(self, message: AmiMessage, now_ms: int) -> list[Output]:
        """Apply one live event; one of no interest gives nothing.

        Raises:
            MalformedMessageError: it cannot be read; nothing has changed then.
        """
        self._step(message, now_ms)
        return self._collect()

    def refresh(self, lists: Snapshot, now_ms: int) -> list[Output]:
        """Take over the figures that only lists tell, and repair what changed without an event.

        Args:
            lists: a new ``queue_status`` and ``queue_summary``; the other lists are not looked at.
        """
        if lists.queue_status is None:
            return []
        model, listed = self._model, Model(self.pbx, self._identifier)
        self.rejected = []
        fill_queues(listed, lists, now_ms, self.rejected)
        self._rights.refreshed(untold=self._drift.repair(model, listed, now_ms))
        for queue in model.queues:
            model.summaries.adopt(queue, listed.summaries)
            model.touch("QueueSummary", queue, None)
            model.touch("MemberSummary", queue, None)
        return self._collect()

    def plan(self, command: Command, rules: CommandRules) -> Plan:
        """What to do about a command, by what is known now.

        No document changes. Whom an Originate calls is remembered for its leg: no event tells it in time.
        """
        plan = commands.plan(self._model, rules, command)
        if isinstance(command, Originate) and isinstance(plan, Steps):
            self._model.calls.expect(command.action_id, command.destination)
        return plan

    def _step_all(self, messages: Sequence[AmiMessage], now_ms: int) -> list[MalformedMessageError]:
        """One after the other; those that cannot be read."""
        rejected: list[MalformedMessageError] = []
        for message in messages:
            try:
                self._step(message, now_ms)
            except MalformedMessageError as error:
                rejected.append(error)
        return rejected

    def _step(self, message: AmiMessage, now_ms: int) -> None:
        event = optional(message, "Event")
        transition = TRANSITIONS.get(event)
        if transition is not None:
            transition(self._model, message, now_ms)
        self._rights.observe(event)

    def _collect(self) -> list[Output]:
        """The moments, then the documents that changed."""
        model = self._model
        outputs = model.moments
        changed: list[State] = []
        for key in model.touched:
            document = model.document(key)
            before = self.documents.get(key)
            if document is None:
                if before is not None and before.gone is not True:
                    changed.append(tombstone(before))
            elif document != before:
                changed.append(document)
        model.moments = []
        model.touched = {}
        return outputs + self._published(changed)

    def _published(self, states: Iterable[State]) -> list[Output]:
        """The states that differ from what was published last; from now on they are that."""
        outputs: list[Output] = []
        for state in states:
            key = key_of(state)
            if self.documents.get(key) != state:
                self.documents[key] = state
                outputs.append(Output(state, ""))
        return outputs


def _gone(model: Model, lists: Snapshot) -> set[str]:
    """The channels of which something is kept, and that are no more; none when there is no list of them."""
    if lists.channels is None:
        return set()
    return model.channels() - {optional(message, "Uniqueid") for message in lists.channels}
