"""The actions and queries: one route for each form of ``core/forms.py``.

A request is first admitted, then read, then sent to the PBX that it is about; what is refused on the way is
written down with who asked, and for what. What can be decided without the network is decided in ``core/``.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any

from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.response.base import ASGIResponse

from services.gateway.action_desk import ActionDesk, Order
from services.gateway.action_errors import of_outcome
from services.gateway.core import answers, which_pbx
from services.gateway.core.form import Filled, Form, fill
from services.gateway.core.forms import FORMS
from services.gateway.core.principal import ROLES, Principal
from services.gateway.core.request_input import read_body, read_query
from services.gateway.errors import GatewayError, RoleMissingError
from services.gateway.guard import admit, caller_of
from services.gateway.key_ring import KeyRing
from services.gateway.routes.problems import AnyRequest
from services.gateway.routes.requests import COMMAND_ID, body_of, idempotency_key, json_answer, problem_answer
from services.gateway.settings import Settings
from shared.commands import QUERIES, Command, Outcome


@dataclass(frozen=True)
class Actions:
    """What the routes need. ``knowledge`` is the live state."""

    settings: Settings
    ring: KeyRing
    knowledge: which_pbx.Knowledge
    desk: ActionDesk

    async def answer(self, form: Form, request: AnyRequest) -> ASGIResponse:
        """Do what a request asks for.

        Raises:
            GatewayError: it is refused; nothing was sent.
        """
        caller = caller_of(request.scope["headers"], request.scope["client"])
        principal = admit(self.settings, self.ring, caller, ROLES)
        came: dict[str, object] = {}
        pbx = None
        try:
            if not any(principal.has(role) for role in form.roles):
                # For the record of what was attempted; what else is wrong with it does not matter.
                with contextlib.suppress(GatewayError, HTTPException):
                    await self._read(form, request, came)
                raise RoleMissingError(principal.name, " or ".join(form.roles))
            filled = await self._read(form, request, came)
            if form.action in QUERIES:
                return await self._look_up(form, filled, principal)
            key = idempotency_key(request)
            pbx = which_pbx.choose(filled, principal, self.settings.pbxs, self.knowledge)
        except GatewayError as error:
            if form.action not in QUERIES:
                self.desk.note_refused(principal, form.action, pbx, came, caller.peer, error)
            raise
        order = Order(
            pbx=pbx,
            command=filled.command,
            principal=principal,
            address=caller.peer,
            idempotency_key=key,
        )
        return await self._act(form, order)

    async def _read(self, form: Form, request: AnyRequest, came: dict[str, object]) -> Filled:
        """Read a request; ``came`` takes what it said, as far as it could be read."""
        path: dict[str, str] = request.path_params
        came.update(path)
        query = read_query(request.scope["query_string"])
        came.update(query)
        body = read_body(await body_of(request))
        came.update(body)
        return fill(form, path, query, body, self.settings.pbxs)

    async def _act(self, form: Form, order: Order) -> ASGIResponse:
        reply = await self.desk.run(order)
        named = {COMMAND_ID: reply.command_id}
        error = of_outcome(reply.outcome)
        if error is not None:
            return problem_answer(error, named)
        return json_answer(answers.of_action(form.answers, reply.command_id, reply.outcome), named)

    async def _look_up(self, form: Form, filled: Filled, principal: Principal) -> ASGIResponse:
        if form.answers == "queues" and filled.queue is None:
            return json_answer(await self._all_queues(filled, principal))
        pbx = which_pbx.choose(filled, principal, self.settings.pbxs, self.knowledge)
        outcome = await self._ask(pbx, filled.command, principal)
        if form.answers == "queues":
            return json_answer(answers.of_queue(pbx, outcome.queues[0]))
        return json_answer([answers.of_candidate(candidate) for candidate in outcome.candidates])

    async def _all_queues(self, filled: Filled, principal: Principal) -> list[dict[str, Any]]:
        said = which_pbx.named(filled, principal)
        pbxs = which_pbx.visible(principal, self.settings.pbxs) if said is None else (said,)
        outcomes = await asyncio.gather(*(self._ask(pbx, filled.command, principal) for pbx in pbxs))
        return [
            answers.of_queue(pbx, queue)
            for pbx, outcome in zip(pbxs, outcomes, strict=True)
            for queue in outcome.queues
        ]

    async def _ask(self, pbx: str, command: Command, principal: Principal) -> Outcome:
        outcome = await self.desk.ask(pbx, command, principal)
        error = of_outcome(outcome)
        if error is not None:
            raise error
        return outcome


def routes(actions: Actions) -> list[HTTPRouteHandler]:
    """The routes, one for each form."""
    return [_route(actions, form) for form in FORMS]


def _route(actions: Actions, form: Form) -> HTTPRouteHandler:
    async def handle(request: AnyRequest) -> ASGIResponse:
        return await actions.answer(form, request)

    path = form.path
    for field in form.fields:
        path = path.replace(f"{{{field.name}}}", f"{{{field.name}:str}}")
    return HTTPRouteHandler(path, http_method=form.method, status_code=200, name=form.operation)(handle)
