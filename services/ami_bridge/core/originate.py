"""Calls that were asked for and did not come about. Reason words of originateFailed:

    busy                     the agent's phone was busy
    declined                 the agent rejected the call
    no_answer                the agent did not answer in time
    unavailable              his phone is not registered, or there is none: it never rang
    failed                   anything else
    cancelled                somebody hung up before the two were connected, the agent or an action
    destination_busy         the agent answered; then the one he called was busy,
    destination_declined     rejected the call,
    destination_no_answer    did not answer in time,
    destination_unavailable  has no phone that is registered,
    destination_failed       or failed in another way

Those from ``cancelled`` on are of calls that this system asked for: asked_calls.py. This file is about
those of other programs on the same PBX, whose requests cannot be tied to their legs.

OriginateResponse tells about the agent's leg alone and hardly why: `Reason` 3 is "not answered in time",
5 "busy", and 0 everything else. The true cause stands in the DialEnd, or the Hangup, of the leg, which
may come before it.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

_BY_DIAL_STATUS = {
    "BUSY": "busy",
    "NOANSWER": "no_answer",
    "CANCEL": "no_answer",
    "CHANUNAVAIL": "unavailable",
}

# Q.850 causes of Hangup.
_BY_CAUSE = {
    "1": "unavailable",  # unallocated
    "3": "unavailable",  # no route to destination
    "17": "busy",
    "18": "no_answer",
    "19": "no_answer",
    "20": "unavailable",  # subscriber absent
    "21": "declined",
}

_NO_ANSWER_IN_TIME = 3
_BUSY = 5

# Response and cause come within milliseconds of each other; an older cause is another call's.
_BELONGS_WITHIN_MS = 10_000
_KEPT = 64


class _Failure(NamedTuple):
    at_ms: int
    agent: str
    uniqueid: str
    word: str


class Cause(NamedTuple):
    """Why a call failed. ``uniqueid`` is the failed leg's; each comes once; ``""`` if it is not known."""

    word: str
    uniqueid: str


class FailedLegs:
    """The last legs of Originate that were not answered; bounded, for not each is asked about.

    Attributes:
        unnamed: how many failures had no leg by which to name them.
    """

    def __init__(self) -> None:
        self.unnamed = 0
        self._failures: deque[_Failure] = deque(maxlen=_KEPT)

    def dial_ended(self, agent: str, uniqueid: str, dial_status: str, now_ms: int) -> None:
        """Note the `DialStatus` of a leg."""
        self._note(agent, uniqueid, _BY_DIAL_STATUS.get(dial_status, "failed"), now_ms)

    def hung_up(self, agent: str, uniqueid: str, cause: str, now_ms: int) -> None:
        """Note the `Cause` of a leg's Hangup."""
        self._note(agent, uniqueid, _BY_CAUSE.get(cause, "failed"), now_ms)

    def knows(self, agent: str) -> bool:
        """Whether a cause is noted for a leg of this agent."""
        return any(failure.agent == agent for failure in self._failures)

    def cause(self, agent: str, code: int, ringing: str | None, now_ms: int) -> Cause:
        """Why a call failed, when OriginateResponse says that it did.

        Args:
            code: its `Reason`.
            ringing: the Uniqueid of a leg of this kind that still is with the agent.
        """
        failure = next((each for each in reversed(self._failures) if each.agent == agent), None)
        if failure is not None:
            self._failures.remove(failure)
        recent = failure if failure is not None and now_ms - failure.at_ms <= _BELONGS_WITHIN_MS else None
        uniqueid = recent.uniqueid if recent is not None else ringing or ""
        if code == _NO_ANSWER_IN_TIME:
            return Cause("no_answer", uniqueid)
        if code == _BUSY:
            return Cause("busy", uniqueid)
        if recent is not None:
            return Cause(recent.word, uniqueid)
        return Cause("unavailable" if ringing is None else "failed", uniqueid)

    def _note(self, agent: str, uniqueid: str, word: str, now_ms: int) -> None:
        """Keep the first cause of a leg that says something."""
        for index, failure in enumerate(self._failures):
            if failure.uniqueid == uniqueid:
                if failure.word == "failed":
                    self._failures[index] = failure._replace(word=word)
                return
        self._failures.append(_Failure(now_ms, agent, uniqueid, word))
