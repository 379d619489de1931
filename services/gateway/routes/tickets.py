"""`POST /ticket` and `DELETE /ticket/<ticket>`."""

from __future__ import annotations

import msgspec
from litestar import Response, delete, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from services.gateway.core.parameters import ticket_from
from services.gateway.core.request_input import read_query
from services.gateway.core.tickets import owned
from services.gateway.guard import admit, caller_of
from services.gateway.key_ring import KeyRing
from services.gateway.ports import Clock
from services.gateway.routes.problems import AnyRequest
from services.gateway.routes.streams import Streams

_NO_STORE = {"cache-control": "no-store"}


class Done(msgspec.Struct, frozen=True):
    """What a done action answers."""

    response: str
    message: str


def routes(streams: Streams, ring: KeyRing, clock: Clock) -> list[HTTPRouteHandler]:
    """The routes, bound to what they need."""
    settings, desk = streams.settings, streams.desk

    @post("/ticket", status_code=200, summary="Make a ticket", operation_id="makeTicket", tags=["tickets"])
    async def make(request: AnyRequest) -> Response[str]:
        """A ticket is all that a browser needs to receive events: it names a scope and cannot be guessed."""
        caller = caller_of(request.scope["headers"], request.scope["client"])
        principal = admit(settings, ring, caller, "stream")
        query = read_query(request.scope["query_string"])
        asked = ticket_from(query, await request.body(), pbxs=settings.pbxs, now_ms=clock.now_ms())
        ticket = owned(asked, principal, settings.pbxs)
        # Encoded here: Litestar sends a `str` as plain text, whatever the media type says.
        body = msgspec.json.encode(await desk.issue(ticket)).decode()
        return Response(body, media_type="application/json", headers=_NO_STORE)

    @delete(
        "/ticket/{ticket:str}",
        status_code=200,
        summary="Revoke a ticket",
        operation_id="revokeTicket",
        tags=["tickets"],
    )
    async def revoke(request: AnyRequest, ticket: FromPath[str]) -> Response[Done]:
        """Ends the ticket's streams on every gateway. Who holds a ticket may revoke it."""
        streams.check_origin(request.scope)  # type: ignore[arg-type]
        await desk.revoke(ticket)
        return Response(Done("Success", "The ticket is revoked."), headers=_NO_STORE)

    return [make, revoke]
