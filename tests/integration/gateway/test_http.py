"""The routes that are no streams: tickets, pages, health, schema, and how errors look."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from litestar.routes import HTTPRoute

from services.gateway import action_errors, edge, errors
from services.gateway.core.forms import FORMS
from services.gateway.core.tickets import key_of
from services.gateway.errors import GatewayError
from tests.support.gateway_fakes import online
from tests.support.gateway_rig import running

DOCS = Path(__file__).parents[3] / "docs"


async def test_ticket_is_a_json_string() -> None:
    async with running() as rig:
        answer = await rig.http.post("/ticket", json={"agents": ["148"]})

    assert answer.headers["content-type"] == "application/json"
    assert re.fullmatch(r"[A-Za-z0-9_-]{32}", answer.json())
    assert answer.headers["cache-control"] == "no-store"
    assert rig.store.tickets[key_of(answer.json())].ticket.agents == ("148",)


async def test_ticket_takes_its_parameters_from_the_query_too() -> None:
    async with running() as rig:
        answer = await rig.http.post("/ticket?agents=148,149&queues=q1&summaryEvents=true")

    ticket = rig.store.tickets[key_of(answer.json())].ticket
    assert (ticket.agents, ticket.queues, ticket.summary_events) == (("148", "149"), ("q1",), True)


@pytest.mark.parametrize(
    ("content", "code"), [(b"{", "bad_json"), (b"[1]", "bad_json"), (b'{"agent": []}', "bad_parameter")]
)
async def test_bad_request_is_a_problem_document(content: bytes, code: str) -> None:
    async with running() as rig:
        answer = await rig.http.post("/ticket", content=content)

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == code
    assert answer.json()["status"] == 400
    assert {"type", "title", "detail"} <= answer.json().keys()


async def test_closed_gateway_issues_no_ticket_and_says_what_to_do() -> None:
    async with running(open=False) as rig:
        answer = await rig.http.post("/ticket")

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "gateway.open = true" in answer.json()["detail"]


async def test_ticket_cannot_be_made_while_nats_is_away() -> None:
    async with running() as rig:
        rig.store.away = True
        answer = await rig.http.post("/ticket")

    assert answer.status_code == 503
    assert answer.json()["code"] == "bus_unavailable"
    assert answer.headers["retry-after"] == "2"


async def test_revoked_ticket_cannot_be_revoked_again() -> None:
    async with running() as rig:
        ticket = await rig.ticket()
        first = await rig.http.delete(f"/ticket/{ticket}")
        second = await rig.http.delete(f"/ticket/{ticket}")

    assert first.json() == {"response": "Success", "message": "The ticket is revoked."}
    assert second.status_code == 404


async def test_health() -> None:
    async with running(started=False) as rig:
        live = await rig.http.get("/health/live")
        early = await rig.http.get("/health/ready")
        rig.log.start(online())
        ready = await rig.http.get("/health/ready")
        rig.gateway.hub.stale("no heartbeat")
        stale = await rig.http.get("/health/ready")

    assert (live.status_code, live.json()) == (200, {"status": "live"})
    assert early.status_code == 503
    assert early.json()["reasons"] == ["the state has not been read from NATS yet"]
    assert (ready.status_code, ready.json()) == (200, {"status": "ready"})
    assert stale.status_code == 503
    assert "no heartbeat" in stale.json()["detail"]


@pytest.mark.parametrize("path", ["/nothing", "/client/carrier-pigeon/148/q1", "/static/x.js"])
async def test_what_is_not_there_is_a_problem_document(path: str) -> None:
    async with running() as rig:
        answer = await rig.http.get(path)

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("GET", "/ticket", "POST"), ("POST", "/x/sse", "GET"), ("PUT", "/", "GET")],
)
async def test_wrong_method_names_the_right_ones(method: str, path: str, allowed: str) -> None:
    async with running() as rig:
        answer = await rig.http.request(method, path)

    assert answer.status_code == 405
    assert allowed in answer.headers["allow"]
    assert answer.json()["code"] == "method_not_allowed"


async def test_websocket_address_asked_for_by_http_says_so() -> None:
    async with running() as rig:
        answer = await rig.http.get("/x/websocket")

    assert answer.status_code == 426


async def test_defect_is_an_answer_without_its_details(caplog: pytest.LogCaptureFixture) -> None:
    async with running() as rig:
        ticket = await rig.ticket()

        async def broken(key: str) -> None:
            raise ZeroDivisionError("secret detail")

        rig.store.read = broken  # pyright: ignore[reportAttributeAccessIssue]
        stream = await rig.http.get(f"/{ticket}/long-poll")
        rig.store.revoke = broken  # pyright: ignore[reportAttributeAccessIssue]
        route = await rig.http.delete(f"/ticket/{ticket}")

    for answer in (stream, route):
        assert answer.status_code == 500
        assert answer.json()["code"] == "internal_error"
        assert "secret" not in answer.text
    assert "secret detail" in caplog.text
    assert ticket not in caplog.text


async def test_pages_that_are_not_built_say_how_to_build_them(tmp_path: Path) -> None:
    async with running(static=tmp_path) as rig:
        answers = [await rig.http.get("/"), await rig.http.get("/client/sse/148/q1")]

    for answer in answers:
        assert answer.status_code == 503
        assert "make web" in answer.json()["detail"]


async def test_pages_and_their_files(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<p>index")
    (tmp_path / "client.html").write_text("<p>client")
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "client-BxY1234z.js").write_text("//")
    (tmp_path / "icon.svg").write_text("<svg/>")
    (tmp_path / "odd.exe").write_text("x")
    async with running(static=tmp_path) as rig:
        index = await rig.http.get("/")
        page = await rig.http.get("/client/long-poll/148,149@hq/q1,q2")
        hashed = await rig.http.get("/static/assets/client-BxY1234z.js")
        plain = await rig.http.get("/static/icon.svg")
        odd = await rig.http.get("/static/odd.exe")
        head = await rig.http.head("/")

    assert index.text == "<p>index"
    assert page.text == "<p>client"
    assert index.headers["content-type"] == "text/html; charset=utf-8"
    assert index.headers["cache-control"] == "no-cache"
    assert index.headers["content-security-policy"] == edge.CONTENT_SECURITY_POLICY
    assert index.headers["referrer-policy"] == "no-referrer"
    assert index.headers["x-content-type-options"] == "nosniff"
    assert hashed.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert hashed.headers["content-type"] == "text/javascript; charset=utf-8"
    assert plain.headers["cache-control"] == "no-cache"
    assert odd.status_code == 404
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len("<p>index"))


async def schema() -> dict[str, Any]:
    async with running() as rig:
        answer = await rig.http.get("/schema")
    assert answer.status_code == 200
    return answer.json()


async def test_schema_has_every_route() -> None:
    document = await schema()

    served = {
        "/ticket",
        "/ticket/{ticket}",
        "/health/live",
        "/health/ready",
        "/{ticket}/long-poll",
        "/{ticket}/sse",
        "/stop",
        *(form.path for form in FORMS),
    }
    assert served <= document["paths"].keys()
    assert document["x-websockets"].keys() == {"/{ticket}/websocket"}


async def test_schema_forgets_no_route() -> None:
    async with running() as rig:
        document = (await rig.http.get("/schema")).json()
        inner = rig.gateway.litestar
    shown = {(path, method) for path, methods in document["paths"].items() for method in methods}
    hidden = ("/client/", "/static/", "/schema")

    for route in inner.routes:
        path = route.path_format
        if isinstance(route, HTTPRoute) and path != "/" and not path.startswith(hidden):
            assert {(path, method.lower()) for method in route.methods - {"OPTIONS"}} <= shown


async def test_unknown_schema_is_a_problem_document() -> None:
    async with running() as rig:
        answer = await rig.http.get("/schema/nothing")

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


async def test_schema_is_the_same_everywhere_and_names_no_pbx_of_the_site() -> None:
    async with running(pbxs=("secret-site",)) as rig:
        one = await rig.http.get("/schema")
    async with running() as rig:
        other = await rig.http.get("/schema")

    assert "secret-site" not in one.text
    assert one.text == other.text


async def test_schema_has_errors_with_examples() -> None:
    responses = (await schema())["paths"]["/ticket"]["post"]["responses"]

    assert responses.keys() == {"200", "400", "401", "403", "413", "500", "503"}
    examples = responses["400"]["content"]["application/problem+json"]["examples"]
    assert examples["bad_parameter"]["value"]["parameter"] == "agent"
    assert examples["bad_json"]["value"]["status"] == 400


def _all(kind: type[GatewayError]) -> list[type[GatewayError]]:
    return [kind, *(found for sub in kind.__subclasses__() for found in _all(sub))]


def test_every_error_is_documented() -> None:
    text = (DOCS / "http-api.md").read_text()
    public = [kind for kind in _all(GatewayError) if hasattr(kind, "code")]

    assert {errors.NoKeyError, action_errors.NotSentError} <= set(public)
    for kind in public:
        assert f"| {kind.status} | `{kind.code}` |" in text, kind
    assert vars(errors)["PROBLEM_JSON"] in text
