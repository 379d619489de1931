"""A phone on a UDP port of the loopback interface (RFC 3261), registered with Asterisk or not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from enum import Enum
from types import TracebackType
from typing import Self

from tests.support.sip.call import SipCall
from tests.support.sip.digest import authorization
from tests.support.sip.message import Headers, SipMessage, build, new_branch, tag_of, token

_HOST = "127.0.0.1"
_REPEAT_AFTER_S = 0.5  # timer T1 of RFC 3261; doubled at each repetition
_ANSWER_WITHIN_S = 8.0

_Provisional = Callable[[SipMessage], None] | None


class Answering(Enum):
    """What the phone does by itself when a call comes in."""

    RING = "ring"  # and leaves the rest to the test
    ANSWER = "answer"
    BUSY = "busy"


class SipPhone(asyncio.DatagramProtocol):
    """One phone. Made by `open`; use it as an async context manager, or `close` it.

    Attributes:
        user: the number it registers as and shows when it calls.
        answering: what it does with a call that comes in; may be changed at any time.
        calls: every call it ever had, in order.
    """

    def __init__(self, user: str, password: str, server_port: int, name: str, headers: Headers) -> None:
        self.user = user
        self.port = 0
        self.answering = Answering.RING
        self.calls: list[SipCall] = []
        self._password = password
        self._server_port = server_port
        self._name = name
        self._headers = headers
        self._arrived: asyncio.Queue[SipCall] = asyncio.Queue()
        self._pending: dict[tuple[str, str], tuple[asyncio.Future[SipMessage], _Provisional]] = {}
        self._answered: dict[tuple[str, str], bytes] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._registered = False
        self._registration = token()
        self._registration_cseq = 0

    @classmethod
    async def open(
        cls,
        user: str,
        *,
        server_port: int,
        password: str = "",
        name: str = "",
        headers: Sequence[tuple[str, str]] = (),
        port: int = 0,
    ) -> SipPhone:
        """Open the phone's UDP port.

        Args:
            user: its number; ``name`` is shown beside it.
            server_port: Asterisk's SIP port on loopback.
            headers: added to every request, for example what makes it a trunk.
            port: its own port; 0 takes a free one.
        """
        phone = cls(user, password, server_port, name, list(headers))
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: phone, local_addr=(_HOST, port))
        phone.port = transport.get_extra_info("sockname")[1]
        return phone

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:
        self._transport = transport

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Give the port back. Calls are forgotten, not ended: whoever resets Asterisk does that."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for call in self.calls:
            call.end("us")
        self._transport.close()

    # ---------------------------------------------------------------- what the user does

    async def register(self, expires_s: int = 600) -> None:
        """Sign the phone in at Asterisk; 0 seconds sign it out.

        Raises:
            RuntimeError: Asterisk refused.
        """
        response = await self._register(expires_s, [])
        if response.status == 401:
            proof = self.authorization(response, "REGISTER", self._server_uri)
            response = await self._register(expires_s, [proof])
        if response.status != 200:
            raise RuntimeError(f"phone {self.user} cannot register: {response.start}")
        self._registered = expires_s > 0

    async def unregister(self) -> None:
        if self._registered:
            await self.register(0)

    async def dial(self, number: str, headers: Sequence[tuple[str, str]] = ()) -> SipCall:
        """Call a number. Returns at once: wait for what is to become of the call."""
        quoted = self._name.replace("\\", "\\\\").replace('"', '\\"')
        shown = f'"{quoted}" ' if quoted else ""
        call = SipCall(
            self,
            local=f"{shown}<sip:{self.user}@{_HOST}>",
            remote=f"<{self.uri_of(number)}>",
            target=self.uri_of(number),
            call_id=token(),
        )
        self.calls.append(call)
        self.start(call.invite([("Contact", self._contact), *headers]))
        return call

    async def incoming(self, timeout_s: float = 5.0) -> SipCall:
        """The next call that comes in, in order; with `Answering.RING` it is ringing."""
        async with asyncio.timeout(timeout_s):
            return await self._arrived.get()

    @property
    def contact(self) -> str:
        """The URI at which Asterisk reaches it."""
        return f"sip:{self.user}@{_HOST}:{self.port}"

    # ---------------------------------------------------------------- used by its calls

    @property
    def _server_uri(self) -> str:
        return f"sip:{_HOST}:{self._server_port}"

    @property
    def _contact(self) -> str:
        return f"<{self.contact}>"

    def uri_of(self, number: str) -> str:
        return f"sip:{number}@{_HOST}:{self._server_port}"

    def authorization(self, challenge: SipMessage, method: str, uri: str) -> tuple[str, str]:
        return authorization(challenge, user=self.user, password=self._password, method=method, uri=uri)

    def send(self, method: str, uri: str, headers: Headers, *, branch: str, body: str = "") -> None:
        """Send a request and await nothing."""
        self._transport.sendto(self._request(method, uri, headers, branch, body), self._server)

    async def transact(
        self,
        method: str,
        uri: str,
        headers: Headers,
        *,
        body: str = "",
        branch: str | None = None,
        on_provisional: _Provisional = None,
        timeout_s: float = _ANSWER_WITHIN_S,
    ) -> SipMessage:
        """Send a request, again while nothing answers, and return its final response.

        Raises:
            TimeoutError: there was none in time.
        """
        branch = branch or new_branch()
        final: asyncio.Future[SipMessage] = asyncio.get_running_loop().create_future()
        seen = asyncio.Event()

        def provisional(response: SipMessage) -> None:
            seen.set()
            if on_provisional is not None:
                on_provisional(response)

        final.add_done_callback(lambda _: seen.set())
        self._pending[branch, method] = final, provisional
        data = self._request(method, uri, headers, branch, body)
        try:
            async with asyncio.timeout(timeout_s):
                pause_s = _REPEAT_AFTER_S
                while not seen.is_set():
                    self._transport.sendto(data, self._server)
                    await _set_within(seen, pause_s)
                    pause_s *= 2
                return await final
        finally:
            del self._pending[branch, method]

    def respond(
        self,
        request: SipMessage,
        status: int,
        reason: str,
        *,
        tag: str,
        headers: Sequence[tuple[str, str]] = (),
        body: str = "",
    ) -> None:
        """Answer a request; the answer is kept for when the request is repeated."""
        to = request.get("To")
        lines: Headers = [
            *(("Via", via) for via in request.all("Via")),
            *(("Record-Route", route) for route in request.all("Record-Route")),
            ("From", request.get("From")),
            ("To", to if tag_of(to) else f"{to};tag={tag}"),
            ("Call-ID", request.call_id),
            ("CSeq", request.get("CSeq")),
            ("Contact", self._contact),
            *headers,
        ]
        data = build(f"SIP/2.0 {status} {reason}", lines, body)
        self._answered[request.branch, request.method] = data
        self._transport.sendto(data, self._server)

    # ---------------------------------------------------------------- the wire

    @property
    def _server(self) -> tuple[str, int]:
        return _HOST, self._server_port

    def datagram_received(self, data: bytes, addr: object) -> None:
        if not data.strip():
            return  # a keep-alive
        message = SipMessage.parse(data)
        if message.status is not None:
            self._on_response(message, message.status)
        elif message.method != "ACK":
            self._on_request(message)

    def error_received(self, exc: Exception) -> None:
        """Nobody listens at Asterisk's port: it is down, and whoever waits runs into his deadline."""

    def _on_response(self, response: SipMessage, status: int) -> None:
        final, provisional = self._pending.get((response.branch, response.method), (None, None))
        if final is None or final.done():
            return
        if status >= 200:
            final.set_result(response)
        elif provisional is not None:
            provisional(response)

    def _on_request(self, request: SipMessage) -> None:
        if again := self._answered.get((request.branch, request.method)):
            self._transport.sendto(again, self._server)
            return
        known = next((call for call in self.calls if call.call_id == request.call_id), None)
        if known is not None:
            known.received(request)
        elif request.method == "INVITE":
            self._take(SipCall.of_invite(self, request))
        else:  # OPTIONS, NOTIFY outside a call
            self.respond(request, 200, "OK", tag=token())

    def _take(self, call: SipCall) -> None:
        self.calls.append(call)
        match self.answering:
            case Answering.RING:
                call.ring()
            case Answering.ANSWER:
                call.ring()
                call.answer()
            case Answering.BUSY:
                call.reject()
        self._arrived.put_nowait(call)

    async def _register(self, expires_s: int, extra: Headers) -> SipMessage:
        self._registration_cseq += 1
        me = f"<sip:{self.user}@{_HOST}>"
        headers: Headers = [
            ("From", f"{me};tag={self._registration}"),
            ("To", me),
            ("Call-ID", self._registration),
            ("CSeq", f"{self._registration_cseq} REGISTER"),
            ("Contact", self._contact),
            ("Expires", str(expires_s)),
            *extra,
        ]
        return await self.transact("REGISTER", self._server_uri, headers)

    def _request(self, method: str, uri: str, headers: Headers, branch: str, body: str) -> bytes:
        lines: Headers = [
            ("Via", f"SIP/2.0/UDP {_HOST}:{self.port};rport;branch={branch}"),
            ("Max-Forwards", "70"),
            *headers,
            *self._headers,
        ]
        if method in ("INVITE", "REFER") and not any(name == "Contact" for name, _ in lines):
            lines.append(("Contact", self._contact))
        return build(f"{method} {uri} SIP/2.0", lines, body)

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Do something of a call beside everything else; ended when the phone is closed."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _set_within(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
