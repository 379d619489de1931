"""One attempt to carry one command out over one session, with an honest outcome.

``refused``: Asterisk, or the core, said no. ``not_sent``: nothing that acts reached Asterisk. ``unknown``:
something that acts was written, and no answer came. A lookup before it changes nothing, so one that is not
answered is ``not_sent``. Of several actions, some done and some not, the outcome is ``partly_done``.

It is never late: the time that is left is looked at when it begins, and again right before each action that
is sent. Asterisk gets what is left less ``MARGIN_MS``, which the answer needs for its way to the gateway.
"""

from __future__ import annotations

from services.ami_bridge.core.ami_message import AmiMessage
from services.ami_bridge.core.commands import conclude, done
from services.ami_bridge.core.plans import AmiRequest, Check, Steps
from services.ami_bridge.core.refusals import outcome_of
from services.ami_bridge.errors import (
    ActionNotSentError,
    ActionOutcomeUnknownError,
    AmiActionRefusedError,
    UnsafeActionError,
)
from services.ami_bridge.ports import AmiSession, LivePbx, ServerTime
from shared.commands import Code, Command, Outcome

MARGIN_MS = 200
"""What is kept of the time to the deadline for the way of the answer to the gateway."""

LEAST_MS = 50
"""With less time than this nothing is sent: it would more likely end as unknown than as done."""

MOST_AHEAD_MS = 120_000
"""No deadline is further away than this; for longer an order would have to be remembered. One that is
comes of a wrong clock, not of a wrong request, so it is ``not_sent``."""


class Attempt:
    """Runs once.

    Attributes:
        acted: whether something that acts was written, or may have been.
    """

    def __init__(self, pbx: LivePbx, server_time: ServerTime, deadline_ms: int) -> None:
        self._pbx = pbx
        self._server_time = server_time
        self._deadline_ms = deadline_ms
        self.acted = False

    async def run(self, command: Command) -> Outcome:
        """Carry the command out; it raises nothing of what may go wrong outside."""
        session = self._pbx.session
        if session is None:
            return _not_sent("offline", f"The PBX is {self._pbx.absence}. Nothing was sent.")
        left_ms = self._left_ms()
        if isinstance(left_ms, Outcome):
            return left_ms
        plan = self._pbx.plan(command)
        return plan if isinstance(plan, Outcome) else await self._take(plan, session)

    def cut_short(self, reason: str) -> Outcome:
        """The outcome when it ended before its end."""
        if self.acted:
            return _unknown(f"{reason}: it was sent, and its outcome is unknown.")
        return Outcome(result="not_sent", message=f"{reason}: nothing was sent.")

    async def _take(self, steps: Steps, session: AmiSession) -> Outcome:
        if steps.check is not None:
            ended = await self._check(steps.check, session)
            if ended is not None:
                return ended
        outcomes: list[Outcome] = []
        for request in steps.actions:
            answer = await self._ask(request, session)
            outcomes.append(answer if isinstance(answer, Outcome) else done(answer))
            if outcomes[-1].result in ("not_sent", "unknown"):
                break
        return conclude(steps.actions, outcomes)

    async def _check(self, check: Check, session: AmiSession) -> Outcome | None:
        answer = await self._ask(check.request, session)
        return answer if isinstance(answer, Outcome) else check.read(answer)

    async def _ask(self, request: AmiRequest, session: AmiSession) -> AmiMessage | Outcome:
        """Send one action; its successful answer, or what became of it instead."""
        left_ms = self._left_ms()
        if isinstance(left_ms, Outcome):
            return left_ms
        acted_before = self.acted
        self.acted = acted_before or request.acts
        try:
            return await session.request(request.action, request.headers, left_ms / 1000)
        except ActionOutcomeUnknownError as error:
            if request.acts:
                return _unknown(f"Asterisk was told, and {request.action} has no known end: {error.reason}.")
            outcome = _not_sent(
                "no_answer",
                f"Asterisk did not answer {request.action}, which had to be known first: {error.reason}. "
                "Nothing was done.",
            )
        except UnsafeActionError as error:
            outcome = Outcome(result="refused", code="invalid", message=str(error))
        except ActionNotSentError as error:
            outcome = _not_sent("offline", str(error))
        except AmiActionRefusedError as error:
            outcome = outcome_of(request.action, error.reason)
        self.acted = acted_before
        return outcome

    def _left_ms(self) -> int | Outcome:
        """How long Asterisk may take; an outcome when nothing may be sent (any more)."""
        now_ms = self._server_time.now_ms()
        if now_ms is None:
            return _not_sent("bus_away", "The bridge does not know NATS's time now. Nothing was sent.")
        left_ms = self._deadline_ms - now_ms
        if left_ms > MOST_AHEAD_MS:
            return _not_sent(
                "clock",
                f"By the bridge's measure of NATS's clock the deadline is {left_ms // 1000} s ahead, and no "
                f"deadline is more than {MOST_AHEAD_MS // 1000} s: one of the two has the wrong time. "
                "Nothing was sent.",
            )
        if left_ms < MARGIN_MS + LEAST_MS:
            return _not_sent("late", "It came too late to be answered by its deadline. Nothing was sent.")
        return left_ms - MARGIN_MS


def _not_sent(code: Code, message: str) -> Outcome:
    return Outcome(result="not_sent", code=code, message=message)


def _unknown(message: str) -> Outcome:
    return Outcome(result="unknown", code="no_answer", message=message)
