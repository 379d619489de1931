"""What a bridge acts on, by hand: a PBX with a plan, a session that answers as told, and NATS's time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, cast

from services.ami_bridge.core.ami_message import AmiMessage
from services.ami_bridge.core.kept_moments import Instant
from services.ami_bridge.core.plans import AmiRequest, Plan, Steps
from shared.commands import Command

NOW_MS = 1_700_000_000_000
SUCCESS: AmiMessage = {"Response": "Success", "Message": "Done so"}


class Sent(NamedTuple):
    """An action that was sent."""

    action: str
    headers: dict[str, str | list[str]]
    timeout_s: float


Answer = AmiMessage | Exception | None
"""What Asterisk says: an answer, an error that the session raises, or nothing until it is told to."""


class FakeSession:
    """Answers each action with what ``answers`` has for it; the others succeed."""

    asterisk = "22"
    read_until = Instant(0, 0)

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.answers: dict[str, Answer] = {}
        self.hold = asyncio.Event()
        """Who gets ``None`` for an answer waits for this, and then succeeds."""

    def batches(self) -> AsyncIterator[Sequence[AmiMessage]]:
        raise AssertionError("no command reads events")

    def rest(self) -> Sequence[AmiMessage]:
        raise AssertionError("no command reads events")

    async def request_list(self, action: str, **headers: str) -> list[AmiMessage]:
        raise AssertionError(f"no command asks for a list, not {action}")

    async def request(
        self, action: str, headers: Mapping[str, str | Sequence[str]], timeout_s: float
    ) -> AmiMessage:
        listed = {name: value if isinstance(value, str) else list(value) for name, value in headers.items()}
        self.sent.append(Sent(action, listed, timeout_s))
        answer = self.answers.get(action, SUCCESS)
        if isinstance(answer, Exception):
            raise answer
        if answer is None:
            await self.hold.wait()
            return SUCCESS
        return answer


def one_action(command: Command) -> Plan:
    """A plan of one action that acts, named for the command."""
    return Steps(None, (AmiRequest(type(command).__name__, {"Of": "the test"}),))


@dataclass
class FakePbx:
    """A ``LivePbx``."""

    session: FakeSession | None = field(default_factory=FakeSession)
    absence: str = "offline: connection refused"
    plan: Callable[[Command], Plan] = field(default=one_action)

    @property
    def sent(self) -> list[str]:
        """The names of what was sent."""
        return [each.action for each in cast("FakeSession", self.session).sent]


@dataclass
class FakeTime:
    """NATS's clock, set by the test."""

    ms: int | None = NOW_MS

    def now_ms(self) -> int | None:
        return self.ms
