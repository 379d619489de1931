"""What the bridge needs from outside, as Protocols; the adapters fulfil them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

from services.ami_bridge.core.ami_message import AmiMessage
from services.ami_bridge.core.kept_moments import Instant
from services.ami_bridge.core.order import Order
from services.ami_bridge.core.plans import Plan
from shared.commands import Command, Outcome
from shared.events import Event

# --- Asterisk Manager Interface -------------------------------------------------------------------


class AmiSession(Protocol):
    """One login to Asterisk, from its success to the loss of the connection."""

    @property
    def asterisk(self) -> str:
        """The version of Asterisk (``22.10.1``); ``""`` when the AMI user may not ask for it."""
        ...

    @property
    def read_until(self) -> Instant:
        """What Asterisk said before that has been taken from :meth:`batches`, and handled by who took it.

        It is when Asterisk was asked for a sign of life that it has given since; first, when it was called.
        """
        ...

    def batches(self) -> AsyncIterator[Sequence[AmiMessage]]:
        """The wanted events in the order they came, from the login on; to be read by one reader.

        Whatever arrived before the link was lost is still handed over.

        Raises:
            AmiLinkLostError: the session is over, and so are the events.
        """
        ...

    def rest(self) -> Sequence[AmiMessage]:
        """What came so far and was not taken from :meth:`batches`; it is taken by that."""
        ...

    async def request_list(self, action: str, **headers: str) -> list[AmiMessage]:
        """Ask for a list; its items in order, without the event that ends it.

        Raises:
            AmiActionRefusedError: for instance `Permission denied`.
            ActionNotSentError: the session is over.
            ActionOutcomeUnknownError: the link was lost or the time was up in the middle of it.
        """
        ...

    async def request(
        self, action: str, headers: Mapping[str, str | Sequence[str]], timeout_s: float
    ) -> AmiMessage:
        """Send an action; its successful answer.

        Args:
            action: AMI name of it, such as `QueuePause`.
            headers: the other headers; a sequence is sent as a repeated header (`Variable`). An
                `ActionID` may be given; else one is made. `Async: true` is always set on Originate.
            timeout_s: how long to wait for the answer.

        Raises:
            UnsafeActionError: a header holds CR, LF, NUL, or is too long for Asterisk; not sent.
            ActionNotSentError: the session is over; not sent.
            AmiActionRefusedError: Asterisk answered with an error.
            ActionOutcomeUnknownError: sent, and no answer came in time or before the link was lost.
        """
        ...


class SessionHandler(Protocol):
    """Who uses the sessions of a link."""

    async def on_session(self, session: AmiSession) -> None:
        """Serve a session.

        When the link is lost, :meth:`AmiSession.batches` ends with ``AmiLinkLostError``; a handler
        that does not come to its end soon after is cancelled. Any ``CallCentreError`` ends the
        session and is the reason of the next :meth:`on_down`; other errors end the link.
        """
        ...

    def on_down(self, reason: str, auth_failed: bool) -> None:
        """An attempt failed, or a session ended (after :meth:`on_session` did)."""
        ...


class AmiLink(Protocol):
    """The way to one Asterisk."""

    async def run(self, handler: SessionHandler) -> None:
        """Keep a session up for ever; when cancelled, log off and return. Close is final."""
        ...


# --- the log --------------------------------------------------------------------------------------


class EventPublisher(Protocol):
    """Takes events for the log."""

    def put(self, event: Event, moment_id: str) -> None:
        """Queue an event; never blocks and never raises.

        Args:
            moment_id: of a moment: its name, made of Asterisk's own ids, by which it is stored once. Of a
                state: empty.
        """
        ...


# --- commands -------------------------------------------------------------------------------------


class ServerTime(Protocol):
    """NATS's clock."""

    def now_ms(self) -> int | None:
        """Milliseconds since the epoch; ``None``: not known now."""
        ...


class LivePbx(Protocol):
    """A PBX to be acted on, as far as it is in step."""

    @property
    def session(self) -> AmiSession | None:
        """The session while what is known of the PBX is live; ``None``: nothing may be sent."""
        ...

    @property
    def absence(self) -> str:
        """Why there is no session, for people: `offline: connection refused`."""
        ...

    def plan(self, command: Command, /) -> Plan:
        """What a command means to this PBX, by what is known of it now."""
        ...


class CommandHandler(Protocol):
    """Carries commands out."""

    async def execute(self, order: Order, command: Command) -> Outcome:
        """Carry a command out, once; it raises nothing and ends by the deadline.

        The same order again, also while the first is under way, gets the outcome of the first.
        """
        ...

    def give_up(self) -> None:
        """End all that is under way at once: `not_sent` or, if it was sent, `unknown`."""
        ...
