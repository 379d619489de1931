"""Actions under way: each is sent at most once, written down, and has an end.

The way of an action: is there room? -> the idempotency key, if it has one -> the audit's *begun* -> one
request to the bridge -> the key's end -> the audit's *ended*.

An action that has begun goes on to its end also when its client is gone: a key must not stay without an
end, nor an audit. Whoever comes with a key that is under way, here or at another gateway, waits for that
end. A key whose gateway died has none: after ``give_up_ms`` (on NATS's clock, for it was another machine
that wrote it) the outcome is unknown. What was not sent gives its key back, since only then is it sure that
trying again cannot act twice (ADR 0007).

A gateway that stops takes nothing new, and gives what it has sent a little longer (:meth:`ActionDesk.stop`).
Then the outcome is unknown, and that is answered, written down and kept like any other end.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import NamedTuple

import msgspec

from services.gateway.action_errors import NotSentError, of_outcome
from services.gateway.core.audit_records import cleaned, parameters_of, plain_text
from services.gateway.core.principal import Principal
from services.gateway.errors import BusAwayError, GatewayError, KeyReusedError, TooManyRequestsError
from services.gateway.patience import GivenUpError, Patience
from services.gateway.ports import AuditLog, Clock, CommandBus, OnceStore, Running, Settled
from shared.audit import AuditRecord
from shared.commands import Command, Originate, Outcome, action_of, encode

log = logging.getLogger("pbxis.gateway.actions")

MAX_UNDER_WAY = 1000
ANSWER_SLACK_S = 0.5
"""How much longer than the bridge may take the gateway waits for its answer."""

_GIVE_UP_SLACK_S = 1.0
_LOOK_EVERY_S = 0.1
_LONGEST_WAIT_S = 62.0
_ID_BYTES = 16
_LEAST_S = 0.25
_KEPT_CHARACTERS = 500
_KEEP_WITHIN_S = 0.5
_STOPS = Outcome(result="not_sent", code="late", message="This gateway stops; nothing was sent.")


@dataclass(frozen=True, kw_only=True)
class Order:
    """Who wants what done on which PBX.

    ``address`` is the client's. ``Originate.action_id`` may be anything: the desk gives it the command's id.
    """

    pbx: str
    command: Command
    principal: Principal
    address: str | None
    idempotency_key: str | None


class Reply(NamedTuple):
    """What became of it. ``command_id`` names the attempt that acted, which may be an earlier one."""

    command_id: str
    outcome: Outcome


class ActionDesk:
    """The actions of one gateway.

    ``server_now`` is NATS's clock in ms, ``None`` while it is not known. ``timeout_s`` is how long an action
    may take, all in all. ``random`` gives that many unguessable bytes.
    """

    def __init__(
        self,
        bus: CommandBus,
        once: OnceStore,
        audit: AuditLog,
        clock: Clock,
        *,
        server_now: Callable[[], int | None],
        timeout_s: float,
        random: Callable[[int], bytes],
        look_every_s: float = _LOOK_EVERY_S,
    ) -> None:
        self._bus = bus
        self._once = once
        self._audit = audit
        self._clock = clock
        self._server_now = server_now
        self._timeout_s = timeout_s
        self._random = random
        self._look_every_s = look_every_s
        self._under_way: set[asyncio.Task[Reply]] = set()
        self._asking = 0
        self._stopping = False
        self._answers, self._keys = Patience(), Patience()

    @property
    def under_way(self) -> int:
        """How many actions and queries have no end yet."""
        return len(self._under_way) + self._asking

    async def run(self, order: Order) -> Reply:
        """Do it, once; what became of it.

        Raises:
            TooManyRequestsError: too many are under way; nothing was done.
            KeyReusedError: the idempotency key belongs to another request; nothing was done.
            BusAwayError: whether the key was used cannot be read; nothing was done.
        """
        self._check_room()
        if self._stopping:
            return self._refuse(order)
        task = asyncio.create_task(self._run(order))
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    async def ask(self, pbx: str, command: Command, principal: Principal) -> Outcome:
        """Look something up. It is not written down and needs no key, for it changes nothing.

        Raises:
            TooManyRequestsError: too many are under way.
        """
        self._check_room()
        self._asking += 1
        try:
            return await self._answer(pbx, command, self._new_id(), principal, self._timeout_s)
        finally:
            self._asking -= 1

    def note_refused(
        self,
        principal: Principal,
        action: str,
        pbx: str | None,
        parameters: Mapping[str, object],
        address: str | None,
        error: GatewayError,
    ) -> None:
        """Write down what was refused before anything could be sent; ``parameters`` as they came."""
        self._audit.write(
            msgspec.structs.replace(
                self._of_gateway(principal, action, address),
                pbx=pbx,
                parameters=cleaned(parameters),
                result="refused",
                code=error.code,
                message=plain_text(str(error), _KEPT_CHARACTERS),
            )
        )

    def note_done(self, principal: Principal, action: str, address: str | None) -> None:
        """Write down what was done to this gateway itself, such as its stop."""
        self._audit.write(
            msgspec.structs.replace(self._of_gateway(principal, action, address), result="done")
        )

    def _of_gateway(self, principal: Principal, action: str, address: str | None) -> AuditRecord:
        return AuditRecord(
            id=self._new_id(),
            at=self._clock.now_ms(),
            phase="ended",
            caller=principal.name,
            caller_id=principal.id,
            address=address,
            action=action,
        )

    def stop(self, answers_within_s: float) -> None:
        """Send nothing new; what was sent has so long for its answer, then its outcome is unknown.

        Half a second later everything has ended, also when NATS does not answer.
        """
        self._stopping = True
        loop = asyncio.get_running_loop()
        loop.call_later(answers_within_s, self._answers.end)
        loop.call_later(answers_within_s + _KEEP_WITHIN_S, self._keys.end)

    async def finish(self, within_s: float) -> None:
        """Wait until all that is under way has ended, at most that long."""
        if self._under_way:
            _, left = await asyncio.wait(self._under_way, timeout=within_s)
            if left:
                log.warning("%d actions had no end yet; their outcome is unknown", len(left))

    def _refuse(self, order: Order) -> Reply:
        command_id = self._new_id()
        record = self._record(order, command_id)
        self._write(record, result=_STOPS.result, code=NotSentError.code, message=_STOPS.message)
        return Reply(command_id, _STOPS)

    def _check_room(self) -> None:
        if self.under_way >= MAX_UNDER_WAY:
            raise TooManyRequestsError(f"{MAX_UNDER_WAY} actions are under way")

    def _ended(self, task: asyncio.Task[Reply]) -> None:
        self._under_way.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, GatewayError):
            log.error("an action failed", exc_info=error)

    def _new_id(self) -> str:
        return f"pbxis-{self._random(_ID_BYTES).hex()}"

    async def _run(self, order: Order) -> Reply:
        started = self._clock.monotonic()
        if order.idempotency_key is None:
            return await self._act(order, self._new_id(), started)
        key = _key_of(order.principal.id, order.idempotency_key)
        fingerprint = _fingerprint_of(order)
        while True:
            command_id = self._new_id()
            found = await self._begin(order, key, fingerprint, command_id)
            if isinstance(found, int):
                reply = await self._act(order, command_id, started)
                await self._keep(key, found, fingerprint, reply)
                return reply
            reply = await self._end_of(key, found)
            if reply is not None:
                return reply
            # Whoever had the key sent nothing and gave it back: now it may be ours.

    async def _begin(
        self, order: Order, key: str, fingerprint: str, command_id: str
    ) -> int | Running | Settled:
        now_ms = self._server_now()
        try:
            if now_ms is None:
                raise BusAwayError("the clock of NATS is not known yet")  # noqa: TRY301 - as if the store said it
            give_up_ms = now_ms + int((self._timeout_s + ANSWER_SLACK_S) * 1000)
            return await self._take(key, fingerprint, command_id, give_up_ms)
        except KeyReusedError as error:
            self._write(
                self._record(order, command_id), result="refused", code=error.code, message=str(error)
            )
            raise
        except BusAwayError as error:
            self._write(
                self._record(order, command_id), result="not_sent", code=error.code, message=error.reason
            )
            raise

    async def _take(
        self, key: str, fingerprint: str, command_id: str, give_up_ms: int
    ) -> int | Running | Settled:
        try:
            async with self._answers.waiting():
                return await self._once.begin(key, fingerprint, command_id, give_up_ms)
        except GivenUpError as error:
            with contextlib.suppress(GivenUpError):
                async with self._keys.waiting():
                    await self._once.release(key, command_id)  # it may have been taken
            raise BusAwayError("this gateway stops, and got no answer before") from error

    async def _end_of(self, key: str, found: Running | Settled) -> Reply | None:
        """Wait for the end of another attempt; ``None`` when it was not sent."""
        if isinstance(found, Settled):
            return Reply(*found)
        now_ms = self._server_now() or found.give_up_ms
        left_s = (found.give_up_ms - now_ms) / 1000 + _GIVE_UP_SLACK_S
        until = self._clock.monotonic() + min(left_s, _LONGEST_WAIT_S)
        while self._clock.monotonic() < until:
            try:
                async with self._answers.waiting():
                    await asyncio.sleep(self._look_every_s)
                    seen = await self._once.look(key)
            except BusAwayError:
                continue  # not 503, which would say that nothing was sent under this key
            except GivenUpError:
                break
            if seen is None:
                return None
            if isinstance(seen, Settled):
                return Reply(*seen)
        why = (
            "this gateway was stopped before its end"
            if self._answers.over
            else "its end was not written down"
        )
        message = f"It was begun under this Idempotency-Key, and {why}."
        return Reply(found.command_id, Outcome(result="unknown", code="no_answer", message=message))

    async def _act(self, order: Order, command_id: str, started: float) -> Reply:
        command = order.command
        if isinstance(command, Originate):
            command = replace(command, action_id=command_id)
        left_s = self._timeout_s - (self._clock.monotonic() - started)
        begun = self._record(order, command_id)
        if self._stopping:
            outcome = _STOPS
        elif left_s < _LEAST_S:
            outcome = Outcome(result="not_sent", code="late", message="There was no time left to send it.")
        else:
            await self._audit.begin(begun)
            outcome = await self._answer(order.pbx, command, command_id, order.principal, left_s)
        error = of_outcome(outcome)
        result, code, message = outcome.result, error and error.code, outcome.message
        if outcome.candidates:  # which the client gets as an answer, but nothing was done
            result, code = "refused", "several_calls"
            message = message or f"{len(outcome.candidates)} calls fit; nothing was done."
        self._write(
            begun,
            result=result,
            code=code,
            message=message or None,
            duration_ms=round((self._clock.monotonic() - started) * 1000),
        )
        return Reply(command_id, outcome)

    async def _answer(
        self, pbx: str, command: Command, command_id: str, principal: Principal, within_s: float
    ) -> Outcome:
        """Send it, unless this gateway stops meanwhile, and wait for what the bridge answers."""
        if self._stopping:
            return _STOPS
        try:
            async with self._answers.waiting():
                return await self._bus.ask(
                    pbx, command, command_id=command_id, caller=principal.name, within_s=within_s
                )
        except GivenUpError:
            action = action_of(command)
            log.warning("%s %s on %s: outcome unknown: stopped", action, command_id, pbx)
            message = f"It was sent to the bridge of {pbx}, and this gateway was stopped before the answer."
            return Outcome(result="unknown", code="no_answer", message=message)

    async def _keep(self, key: str, revision: int, fingerprint: str, reply: Reply) -> None:
        try:
            async with self._keys.waiting():
                if reply.outcome.result == "not_sent":
                    await self._once.release(key, reply.command_id)
                else:
                    await self._once.settle(key, revision, fingerprint, Settled(*reply))
        except GivenUpError:
            log.warning("%s: stopped before NATS took the end of its Idempotency-Key", reply.command_id)

    def _record(self, order: Order, command_id: str) -> AuditRecord:
        return AuditRecord(
            id=command_id,
            at=self._clock.now_ms(),
            phase="begun",
            caller=order.principal.name,
            caller_id=order.principal.id,
            address=order.address,
            action=action_of(order.command),
            pbx=order.pbx,
            parameters=parameters_of(order.command),
        )

    def _write(
        self,
        begun: AuditRecord,
        *,
        result: str,
        code: str | None,
        message: str | None,
        duration_ms: int = 0,
    ) -> None:
        self._audit.write(
            msgspec.structs.replace(
                begun,
                at=self._clock.now_ms(),
                phase="ended",
                result=result,
                code=code,
                message=message and plain_text(message, _KEPT_CHARACTERS),
                duration_ms=duration_ms,
            )
        )


def _key_of(caller_id: str, key: str) -> str:
    return sha256(msgspec.json.encode((caller_id, key))).hexdigest()


def _fingerprint_of(order: Order) -> str:
    command = order.command
    if isinstance(command, Originate):
        command = replace(command, action_id="")
    return sha256(
        msgspec.json.encode((action_of(command), order.pbx, msgspec.Raw(encode(command))))
    ).hexdigest()
