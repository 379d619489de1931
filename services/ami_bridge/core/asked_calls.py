"""What becomes of the calls that this system asks for.

Originate is sent with the request's id as its `ChannelId`, so the agent's leg has that id as its Uniqueid,
and every event of it tells exactly which request it is about; a bridge that has just been started knows it
from the list of channels. How such a call fails stands in the leg's own events, and is told at its Hangup.
The words are in originate.py.

Before the agent answers, the `Cause` of the Hangup tells it; Asterisk gives a rejected call the DialStatus
NOANSWER, and one that nobody answered in time none at all. After he has answered, the DialEnd of the
destination tells it; to a phone that is not there nothing is dialled, and the `Cause` is 3. What is no
Dial, such as a queue, an announcement or an echo, cannot fail.

Whom the agent calls is known from the command on. Asterisk does not tell it before he has answered: what his
leg shows until then is the caller ID that the request gave. So a bridge that was not asked, say because it
was started in between, tells no number until then.
"""

from __future__ import annotations

import re
from typing import TypeAlias

Line: TypeAlias = "tuple[str | None, str | None]"
"""The number and the name of a connected line."""

_OWN_ID = re.compile(r"pbxis-[0-9a-f]{32}")

# Q.850. 0 and 16: somebody hung up, no phone told why.
_UNAVAILABLE = frozenset(("1", "3", "20"))
_DECLINED = "21"
_HUNG_UP = frozenset(("", "0", "16"))
_BY_CAUSE = {
    "17": "busy",
    "18": "no_answer",
    "19": "no_answer",
    _DECLINED: "declined",
} | dict.fromkeys(_UNAVAILABLE, "unavailable")

# `Reason` of OriginateResponse; 0 is everything else.
_BY_CODE = {3: "no_answer", 5: "busy"}

_BY_DIAL_STATUS = {"BUSY": "busy", "CHANUNAVAIL": "unavailable"}
_SILENT = frozenset(("", "NOANSWER", "CANCEL"))

_BY_DESTINATION_STATUS: dict[str, str | None] = {
    "ANSWER": None,
    "BUSY": "destination_busy",
    "NOANSWER": "destination_no_answer",
    "CHANUNAVAIL": "destination_unavailable",
    "CANCEL": "cancelled",
}


def is_own_id(text: str) -> bool:
    """Whether that is the id of a request of ours, and so the Uniqueid of the agent's leg."""
    return _OWN_ID.fullmatch(text) is not None


def never_rang(code: int) -> str:
    """Why a call failed of which there was no leg, by the `Reason` of its OriginateResponse."""
    return _BY_CODE.get(code, "unavailable")


class AskedCall:
    """One request of ours, as long as the agent's leg is up.

    Attributes:
        number: the destination that was asked for; ``None`` when this process was not asked.
        answered: the agent did.
        served: his leg was in a bridge or in a queue, so the call came about.
    """

    __slots__ = (
        "_code",
        "_destination",
        "_destination_status",
        "_dial_status",
        "_given",
        "answered",
        "number",
        "served",
    )

    def __init__(self, number: str | None = None) -> None:
        self.number = number
        self.answered = False
        self.served = False
        self._given: Line | None = None
        self._code = 0
        self._dial_status = ""
        self._destination = ""
        self._destination_status = ""

    def rings(self, line: Line) -> None:
        """Note the connected line of the leg that rings: the caller ID that was given."""
        self._given = line

    def is_party(self, line: Line) -> bool:
        """Whether a connected line is the remote party's: what was given stays until another comes."""
        if line == self._given and line[0] is not None:
            return False
        if line[0] is not None:
            self._given = None
        return True

    def refused(self, code: int) -> None:
        """Note the `Reason` of an OriginateResponse that says failure."""
        self._code = code

    def dial_ended(self, dial_status: str) -> None:
        """Note the `DialStatus` of the agent's leg."""
        self.answered = self.answered or dial_status == "ANSWER"
        self._dial_status = dial_status

    def destination_ended(self, uniqueid: str, dial_status: str) -> None:
        """Note the `DialStatus` of a leg that his leg dialled: of the last one, and its first status."""
        self.answered = True
        if uniqueid != self._destination:
            self._destination, self._destination_status = uniqueid, dial_status

    def failure(self, cause: str) -> str | None:
        """Why it failed, at the Hangup of the agent's leg with that `Cause`; ``None`` if it did not."""
        if self.served:
            return None
        return self._after_answer(cause) if self.answered else self._before_answer(cause)

    def _before_answer(self, cause: str) -> str:
        told = _BY_CAUSE.get(cause) or _BY_CODE.get(self._code) or _BY_DIAL_STATUS.get(self._dial_status)
        if told is not None:
            return told
        return "cancelled" if cause in _HUNG_UP and self._dial_status in _SILENT else "failed"

    def _after_answer(self, cause: str) -> str | None:
        status = self._destination_status
        if not status:
            return "destination_unavailable" if cause in _UNAVAILABLE else None
        if status == "NOANSWER" and cause == _DECLINED:
            return "destination_declined"
        return _BY_DESTINATION_STATUS.get(status, "destination_failed")
