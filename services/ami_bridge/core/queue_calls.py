"""Queue calls from the agent's answer (AgentConnect) to AgentComplete, and their recordings.

AgentComplete may come minutes after the agent's part ended, when the caller finally hangs up after a redirect
or parking; then it lacks the Dest headers, and when the caller's channel is gone already it lacks even his
Uniqueid. So who serves whom is remembered from AgentConnect, and the agent is found by `Interface`.
"""

from __future__ import annotations

from collections.abc import Collection

from services.ami_bridge.core.ami_message import AmiMessage, every, name, optional, whole
from services.ami_bridge.core.identity import plain_interface
from shared.events import AgentComplete

# An agent serves one caller; some whom he redirected or parked may be outstanding.
_OUTSTANDING = 16

RECORDING = "MIXMONITOR_FILENAME"


class Served:
    """A caller whom an agent answered. ``since`` is when, in ms since the epoch."""

    __slots__ = ("agent", "recording", "since", "uniqueid")

    def __init__(self, uniqueid: str, agent: str, since: int) -> None:
        self.uniqueid = uniqueid
        self.agent = agent
        self.since = since
        self.recording: str | None = None


class QueueCalls:
    """Who serves whom, by queue and interface; and the file names of the recordings, by Uniqueid."""

    def __init__(self) -> None:
        self._served: dict[tuple[str, str], list[Served]] = {}
        self._recordings: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._served) + len(self._recordings)

    def connect(self, queue: str, interface: str, served: Served) -> None:
        """Apply AgentConnect."""
        outstanding = self._served.setdefault((queue, plain_interface(interface)), [])
        outstanding.append(served)
        del outstanding[:-_OUTSTANDING]

    def serves(self, uniqueid: str, agent: str) -> bool:
        """Whether that agent's part with that caller is outstanding."""
        return any(
            served.uniqueid == uniqueid and served.agent == agent
            for outstanding in self._served.values()
            for served in outstanding
        )

    def channels(self) -> set[str]:
        """The Uniqueids of the callers and of the recorded channels."""
        callers = {served.uniqueid for outstanding in self._served.values() for served in outstanding}
        return callers | self._recordings.keys()

    def forget(self, uniqueids: Collection[str]) -> None:
        """Drop what is kept of channels that are known to be gone."""
        for served_by, outstanding in list(self._served.items()):
            outstanding[:] = [served for served in outstanding if served.uniqueid not in uniqueids]
            if not outstanding:
                del self._served[served_by]
        for uniqueid in uniqueids:
            self._recordings.pop(uniqueid, None)

    def recorded(self, uniqueid: str, path: str) -> None:
        """Note the file that a channel is recorded to."""
        self._recordings[uniqueid] = path

    def hung_up(self, uniqueid: str) -> None:
        """Forget a channel's recording, but for a caller whose AgentComplete is still to come."""
        path = self._recordings.pop(uniqueid, None)
        if path is not None:
            for outstanding in self._served.values():
                for served in outstanding:
                    if served.uniqueid == uniqueid:
                        served.recording = path

    def complete(self, pbx: str, message: AmiMessage, agent: str | None, now_ms: int) -> AgentComplete:
        """Apply AgentComplete.

        Args:
            agent: who has that interface now; the one of AgentConnect counts more.

        Raises:
            MalformedMessageError: a header is missing or unreadable.
        """
        queue, interface = name(message, "Queue"), name(message, "Interface")
        talk_time, hold_time = whole(message, "TalkTime"), whole(message, "HoldTime")
        reason = name(message, "Reason")
        served = self._take(queue, interface, optional(message, "Uniqueid"), now_ms - talk_time * 1000)
        unique_id = optional(message, "Uniqueid") or (served.uniqueid if served else "")
        return AgentComplete(
            pbx=pbx,
            agent=(served.agent if served else agent) or interface,
            queue=queue,
            unique_id=unique_id,
            talk_time=talk_time,
            hold_time=hold_time,
            recording=(
                _recording_in(message)
                or self._recordings.get(unique_id)
                or self._recordings.get(optional(message, "DestUniqueid"))
                or (served.recording if served else None)
            ),
            reason=reason,
        )

    def _take(self, queue: str, interface: str, uniqueid: str, answered_at: int) -> Served | None:
        """Whose part ended: the caller named, else the one who was answered nearest to that instant."""
        served_by = (queue, plain_interface(interface))
        outstanding = self._served.get(served_by, [])
        fitting = [each for each in outstanding if each.uniqueid == uniqueid] if uniqueid else outstanding
        if not fitting:
            return None
        served = min(fitting, key=lambda each: abs(each.since - answered_at))
        outstanding.remove(served)
        if not outstanding:
            del self._served[served_by]
        return served


def _recording_in(message: AmiMessage) -> str | None:
    """The file name when Asterisk adds it to its events (`channelvars` in manager.conf)."""
    for header in ("ChanVariable", "DestChanVariable"):
        for assignment in every(message, header):
            variable, _, path = assignment.partition("=")
            if variable == RECORDING and path:
                return path
    return None
