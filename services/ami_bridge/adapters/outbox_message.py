"""A message that the outbox published, and what JetStream answers to it."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from nats.aio.msg import Msg

from services.ami_bridge.adapters.fences import IN_PROCESS, MOVED

_NO_RESPONDERS = "503"
_TOO_LARGE = 10054  # JSStreamMessageExceedsMaximumErr: the stream's max_msg_size


@dataclass(slots=True, eq=False)
class OutboxMessage:
    """From its first sending until it is settled.

    Attributes:
        headers: without those of its fence, which is another at each sending.
        moment_id: ``""`` for a state.
        sent_at: on the loop's clock.
    """

    number: int
    subject: str
    payload: bytes
    headers: dict[str, str]
    moment_id: str
    fence: int = 0
    sent_at: float = 0.0


class Refusal(msgspec.Struct):
    """Why it was not stored."""

    code: int = 0
    err_code: int = 0
    description: str = ""

    @property
    def no_stream(self) -> bool:
        """No stream takes the subject."""
        return self.code == int(_NO_RESPONDERS) and not self.err_code

    @property
    def fenced_off(self) -> bool:
        """The fence under which it was sent does not stand any more."""
        return self.err_code == MOVED

    @property
    def in_process(self) -> bool:
        """The log has not done yet with what was sent under the same fence before."""
        return self.err_code == IN_PROCESS

    @property
    def for_good(self) -> bool:
        """It will never be stored, however often it is tried."""
        return self.err_code == _TOO_LARGE


class Answer(msgspec.Struct):
    """``seq`` is the sequence under which the log has it, now or from an earlier attempt."""

    seq: int = 0
    error: Refusal | None = None


_decode = msgspec.json.Decoder(Answer).decode


def read_answer(message: Msg) -> Answer:
    """Read an answer; whatever is none is a refusal."""
    if message.headers and message.headers.get("Status") == _NO_RESPONDERS:
        return Answer(error=Refusal(code=int(_NO_RESPONDERS), description="no stream takes it"))
    try:
        answer = _decode(message.data)
    except msgspec.DecodeError:
        return Answer(error=Refusal(description=f"an answer that is none: {message.data[:100]!r}"))
    if answer.error is None and answer.seq == 0:
        return Answer(error=Refusal(description="an answer without a sequence"))
    return answer
