"""`POST /stop`: end this gateway."""

from __future__ import annotations

from collections.abc import Callable

from litestar import post
from litestar.background_tasks import BackgroundTask
from litestar.handlers import HTTPRouteHandler
from litestar.response.base import ASGIResponse

from services.gateway.action_desk import ActionDesk
from services.gateway.core.parameters import Parameters
from services.gateway.core.principal import ROLES, Principal
from services.gateway.core.request_input import read_body, read_query
from services.gateway.errors import GatewayError, RoleMissingError
from services.gateway.guard import admit, caller_of
from services.gateway.key_ring import KeyRing
from services.gateway.routes.problems import AnyRequest
from services.gateway.routes.requests import body_of, idempotency_key, json_answer
from services.gateway.settings import Settings

ACTION = "stop"
ANSWER = "The gateway stops."


def routes(
    settings: Settings, ring: KeyRing, desk: ActionDesk, stop: Callable[[], None]
) -> list[HTTPRouteHandler]:
    """The route; ``stop`` begins a clean end of this process and returns at once."""

    @post("/stop", name="stop")
    async def end(request: AnyRequest) -> ASGIResponse:
        caller = caller_of(request.scope["headers"], request.scope["client"])
        principal = admit(settings, ring, caller, ROLES)
        try:
            await _check(request, principal)
        except GatewayError as error:
            desk.note_refused(principal, ACTION, None, {}, caller.peer, error)
            raise
        desk.note_done(principal, ACTION, caller.peer)
        # only once it is written: who asks learns that it will stop
        return json_answer(ANSWER, background=BackgroundTask(stop))

    return [end]


async def _check(request: AnyRequest, principal: Principal) -> None:
    if not principal.has("admin"):
        raise RoleMissingError(principal.name, "admin")
    if principal.pbxs is not None:  # whose PBXs it would stop too
        raise RoleMissingError(principal.name, "admin for all PBXs")
    Parameters(read_query(request.scope["query_string"]), read_body(await body_of(request)), ())
    idempotency_key(request)  # to stop twice is to stop; still it must be one
