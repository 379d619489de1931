"""`GET /<ticket>/websocket`: one event a message.

Close codes: 1008 and 4500-4999 mean do not reconnect; any other, reconnect.
"""

from __future__ import annotations

from services.gateway.core import frames
from services.gateway.errors import (
    CLOSE_MOVE,
    CLOSE_NO_TICKET,
    CLOSE_POLICY,
    CLOSE_TOO_SLOW,
    CLOSE_TRY_AGAIN,
    BusAwayError,
    NoTicketError,
    NotReadyError,
    OriginRefusedError,
)
from services.gateway.lanes.asgi import AsgiWebSocketLane
from services.gateway.lanes.raw import RawWebSocketLane
from services.gateway.routes.streams import (
    AsgiScope,
    Receive,
    Send,
    Streams,
    Way,
)
from services.gateway.subscription import End

_CODES = {
    End.NO_TICKET: CLOSE_NO_TICKET,
    End.STOPPING: CLOSE_MOVE,
    End.TOO_SLOW: CLOSE_TOO_SLOW,
    End.KEYS_AWAY: CLOSE_TRY_AGAIN,
    End.REPLACED: CLOSE_TRY_AGAIN,
}


async def handle(streams: Streams, scope: AsgiScope, receive: Receive, send: Send, ticket_id: str) -> None:
    """Serve one connection. It is always accepted: a browser does not see why a handshake failed."""
    if (await receive())["type"] != "websocket.connect":
        return
    try:
        await _serve(streams, scope, receive, send, ticket_id)
    except OSError:
        return  # the client went away while we wrote


async def _serve(streams: Streams, scope: AsgiScope, receive: Receive, send: Send, ticket_id: str) -> None:
    await send({"type": "websocket.accept", "headers": []})
    try:
        streams.check_origin(scope)
        key, ticket = await streams.desk.admit(ticket_id)
    except OriginRefusedError as error:
        await _close(send, CLOSE_POLICY, error.title)
        return
    except NoTicketError as error:
        await _close(send, CLOSE_NO_TICKET, error.title)
        return
    except (BusAwayError, NotReadyError) as error:
        await _close(send, CLOSE_TRY_AGAIN, error.title)
        return

    await streams.carry(key, ticket, scope, receive, send, _WAY)


async def _goodbye(streams: Streams, send: Send, reason: End) -> None:
    if reason is End.NO_TICKET:
        for message in (frames.CLOSED, frames.CLOSE):
            await send({"type": "websocket.send", "text": message.text})
    hint = f"; retry in {streams.retry_ms()} ms" if reason is End.STOPPING else ""
    await _close(send, _CODES[reason], reason.value + hint)


async def _close(send: Send, code: int, reason: str) -> None:
    await send({"type": "websocket.close", "code": code, "reason": reason})


_WAY = Way(RawWebSocketLane, AsgiWebSocketLane, _goodbye)
