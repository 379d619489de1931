"""One call of a phone: a SIP dialog (RFC 3261 §12) and what its user does in it."""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from tests.support.sip.message import Headers, SipMessage, new_branch, tag_of, token, uri_of
from tests.support.sip.sdp import describe

if TYPE_CHECKING:
    from tests.support.sip.phone import SipPhone

_SDP = ("Content-Type", "application/sdp")
_REASONS = {180: "Ringing", 200: "OK", 480: "Temporarily Unavailable", 486: "Busy Here", 603: "Decline"}
_RINGS_AT_MOST_S = 120.0


class CallState(Enum):
    CALLING = "calling"  # we have sent or got an INVITE; nothing rings yet
    RINGING = "ringing"
    UP = "up"
    ENDED = "ended"


class CallEndedError(Exception):
    """The call ended while something else was awaited of it."""

    def __init__(self, call: SipCall) -> None:
        self.status = call.status
        super().__init__(f"{call} ended, SIP status {call.status}")


class SipCall:
    """A call, made by `SipPhone.dial` or come in (`SipPhone.incoming`).

    Attributes:
        state: where it is now.
        status: final status of the INVITE (200, 486, ...); ``None`` before.
        ended_by: ``"us"`` or ``"them"``; ``None`` while it lasts.
        number: who calls (incoming), or who was called.
    """

    def __init__(self, phone: SipPhone, *, local: str, remote: str, target: str, call_id: str) -> None:
        self.state = CallState.CALLING
        self.status: int | None = None
        self.ended_by: Literal["us", "them"] | None = None
        self.number = remote.partition("sip:")[2].partition("@")[0]
        self.call_id = call_id
        self.local_tag = tag_of(local) or token()
        self._phone = phone
        self._local = local if tag_of(local) else f"{local};tag={self.local_tag}"
        self._remote = remote
        self._target = target
        self._cseq = 1
        self._sdp_version = 1
        self._invite_uri = target
        self._invite_branch = ""
        self._invite_cseq = 1
        self._incoming: SipMessage | None = None
        self._changed = asyncio.Event()

    @classmethod
    def of_invite(cls, phone: SipPhone, invite: SipMessage) -> SipCall:
        """The call that an INVITE from Asterisk begins."""
        call = cls(
            phone,
            local=invite.get("To"),
            remote=invite.get("From"),
            target=uri_of(invite.get("Contact")),
            call_id=invite.call_id,
        )
        call._incoming = invite
        return call

    def __repr__(self) -> str:
        return f"<call {self._phone.user} / {self.number}: {self.state.value}>"

    # ---------------------------------------------------------------- what the user does

    async def wait(self, *states: CallState, timeout_s: float = 5.0) -> SipCall:
        """Wait for one of the states.

        Raises:
            CallEndedError: it ended, and that was not awaited.
            TimeoutError: nothing of the kind happened in time.
        """
        async with asyncio.timeout(timeout_s):
            while self.state not in states:
                if self.state is CallState.ENDED:
                    raise CallEndedError(self)
                self._changed.clear()
                await self._changed.wait()
        return self

    async def up(self, timeout_s: float = 5.0) -> SipCall:
        return await self.wait(CallState.UP, timeout_s=timeout_s)

    async def ended(self, timeout_s: float = 5.0) -> SipCall:
        return await self.wait(CallState.ENDED, timeout_s=timeout_s)

    def ring(self) -> None:
        self._answer_invite(180)
        self._move(CallState.RINGING)

    def answer(self) -> None:
        """Take an incoming call."""
        self._answer_invite(200, self._describe("sendrecv"))
        self.status = 200
        self._move(CallState.UP)

    def reject(self, status: int = 486) -> None:
        """Refuse an incoming call: 486 busy, 480 not there, 603 declined."""
        self._answer_invite(status)
        self.status = status
        self.end("us")

    async def hold(self) -> None:
        await self._reinvite("sendonly")

    async def unhold(self) -> None:
        await self._reinvite("sendrecv")

    async def transfer(self, number: str) -> None:
        """Blind transfer: the other party goes to ``number``, and this call ends when it got there."""
        await self._refer(f"<{self._phone.uri_of(number)}>")

    async def transfer_to(self, other: SipCall) -> None:
        """Attended transfer: our party here and our party in ``other`` are joined, both calls end soon."""
        replaces = f"{other.call_id};to-tag={tag_of(other._remote)};from-tag={other.local_tag}"
        await self._refer(f"<{uri_of(other._remote)}?Replaces={quote(replaces, safe='')}>")

    async def hangup(self) -> None:
        """End the call, in whatever state it is."""
        if self.state is CallState.UP:
            self.end("us")
            await self._request("BYE")
        elif self.state is not CallState.ENDED and self._incoming is not None:
            self.reject()
        elif self.state is not CallState.ENDED:
            self.ended_by = "us"
            headers = self._headers("CANCEL", self._invite_cseq)
            await self._phone.transact("CANCEL", self._invite_uri, headers, branch=self._invite_branch)
            await self.ended()

    # ---------------------------------------------------------------- called by the phone

    async def invite(self, headers: Headers) -> None:
        """Send the INVITE, answer a challenge, and follow it to its final response."""
        extra = [*headers, _SDP]
        response = await self._send_invite(extra)
        if response.status in (401, 407):
            self._cseq += 1
            proof = self._phone.authorization(response, "INVITE", self._target)
            response = await self._send_invite([*extra, proof])
        self.status = response.status
        if response.status != 200:
            self.end("them")
            return
        self._learn(response)
        self._acknowledge(response)
        self._move(CallState.UP)
        if self.ended_by == "us":  # answered in the moment of the CANCEL
            await self.hangup()

    def received(self, request: SipMessage) -> None:
        """Take a request inside the call."""
        match request.method:
            case "INVITE":
                self._target = uri_of(request.get("Contact"))
                self._phone.respond(
                    request, 200, "OK", tag=self.local_tag, headers=[_SDP], body=self._describe("sendrecv")
                )
            case "CANCEL":
                self._phone.respond(request, 200, "OK", tag=self.local_tag)
                if self.state is not CallState.UP:
                    self._answer_invite(487, reason="Request Terminated")
                    self.status = 487
                    self.end("them")
            case "BYE":
                self._phone.respond(request, 200, "OK", tag=self.local_tag)
                self.end("them")
            case _:
                self._phone.respond(request, 200, "OK", tag=self.local_tag)
                if request.method == "NOTIFY" and request.body.startswith("SIP/2.0 2"):
                    # The transfer has succeeded: whoever asked for it hangs up (RFC 5589 §6.1).
                    self._phone.start(self.hangup())

    def provisional(self, response: SipMessage) -> None:
        if response.status in (180, 183) and self.state is CallState.CALLING:
            self._learn(response)
            self._move(CallState.RINGING)

    def end(self, by: Literal["us", "them"]) -> None:
        if self.state is not CallState.ENDED:
            self.ended_by = self.ended_by or by
            self._move(CallState.ENDED)

    # ---------------------------------------------------------------- the dialog

    def _move(self, state: CallState) -> None:
        if self.state is not CallState.ENDED:
            self.state = state
            self._changed.set()

    def _learn(self, response: SipMessage) -> None:
        self._remote = response.get("To")
        if contact := response.get("Contact"):
            self._target = uri_of(contact)

    def _describe(self, direction: str) -> str:
        self._sdp_version += 1
        return describe(version=self._sdp_version, direction=direction)

    def _headers(self, method: str, cseq: int) -> Headers:
        return [
            ("From", self._local),
            ("To", self._remote),
            ("Call-ID", self.call_id),
            ("CSeq", f"{cseq} {method}"),
        ]

    async def _request(self, method: str, extra: Headers | None = None, body: str = "") -> SipMessage:
        """Send a request inside the dialog; a challenge is answered once."""
        response = await self._send(method, extra or [], body)
        if response.status in (401, 407):
            proof = self._phone.authorization(response, method, self._target)
            response = await self._send(method, [*(extra or []), proof], body)
        return response

    async def _send(self, method: str, extra: Headers, body: str) -> SipMessage:
        self._cseq += 1
        headers = [*self._headers(method, self._cseq), *extra]
        return await self._phone.transact(method, self._target, headers, body=body)

    async def _reinvite(self, direction: str) -> None:
        response = await self._request("INVITE", [_SDP], self._describe(direction))
        if response.status != 200:
            raise RuntimeError(f"{self}: re-INVITE refused, {response.start}")
        self._acknowledge(response)

    async def _refer(self, refer_to: str) -> None:
        by = ("Referred-By", f"<{self._phone.uri_of(self._phone.user)}>")
        response = await self._request("REFER", [("Refer-To", refer_to), by])
        if response.status != 202:
            raise RuntimeError(f"{self}: REFER refused, {response.start}")

    async def _send_invite(self, extra: Headers) -> SipMessage:
        self._invite_branch, self._invite_cseq = new_branch(), self._cseq
        response = await self._phone.transact(
            "INVITE",
            self._invite_uri,
            [*self._headers("INVITE", self._cseq), *extra],
            body=self._describe("sendrecv"),
            branch=self._invite_branch,
            on_provisional=self.provisional,
            timeout_s=_RINGS_AT_MOST_S,
        )
        if response.status != 200:
            # The ACK of a refusal belongs to the INVITE's own transaction (RFC 3261 §17.1.1.3).
            headers = self._headers("ACK", self._cseq)
            headers[1] = ("To", response.get("To"))
            self._phone.send("ACK", self._invite_uri, headers, branch=self._invite_branch)
        return response

    def _acknowledge(self, response: SipMessage) -> None:
        self._phone.send("ACK", self._target, self._headers("ACK", response.cseq), branch=new_branch())

    def _answer_invite(self, status: int, body: str = "", *, reason: str | None = None) -> None:
        if self._incoming is None:
            raise RuntimeError(f"{self} is an outgoing call")
        text = reason or _REASONS.get(status, "No")
        headers = [_SDP] if body else []
        self._phone.respond(self._incoming, status, text, tag=self.local_tag, headers=headers, body=body)
