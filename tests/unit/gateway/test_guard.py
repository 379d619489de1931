from __future__ import annotations

import pytest

from services.gateway.errors import NoKeyError, OriginRefusedError
from services.gateway.guard import (
    Caller,
    caller_of,
    check_origin,
    configured_origin,
    origin_allowed,
    require_key,
)
from services.gateway.settings import Settings

OPEN = Settings(host="127.0.0.1", pbxs=("hq",), open=True, origins=("https://board.example",))


def caller(
    host: str | None = "127.0.0.1:58615",
    origin: str | None = None,
    peer: str | None = "127.0.0.1",
    **more: str,
) -> Caller:
    headers = [("host", host), ("origin", origin), *((name.replace("_", "-"), more[name]) for name in more)]
    return Caller(headers=[(name, value) for name, value in headers if value is not None], peer=peer)


def allowed(settings: Settings, who: Caller) -> bool:
    try:
        require_key(settings, who)
    except NoKeyError:
        return False
    return True


@pytest.mark.parametrize(
    "host", ["127.0.0.1:58615", "localhost:58615", "LOCALHOST", "[::1]:58615", "127.8.8.8", "board.example"]
)
def test_programs_of_this_machine_need_no_key(host: str) -> None:
    assert allowed(OPEN, caller(host))


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost:58615", "http://localhost:58615"),
        ("127.0.0.1:58615", "http://127.0.0.1:58615"),
        ("localhost", "http://localhost:80"),
        ("board.example", "https://board.example"),
        ("127.0.0.1:58615", "https://board.example"),
    ],
)
def test_own_and_configured_pages_need_no_key(host: str, origin: str) -> None:
    assert allowed(OPEN, caller(host, origin))


def test_demo_is_open() -> None:
    assert allowed(Settings(host="localhost", pbxs=("demo",), demo=True), caller())


def test_gateway_that_is_not_open_says_what_to_do() -> None:
    with pytest.raises(NoKeyError, match=r"gateway\.open = true"):
        require_key(Settings(host="127.0.0.1", pbxs=("hq",)), caller())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "gateway.example"])
def test_gateway_that_others_can_reach_is_never_open(host: str) -> None:
    assert not allowed(Settings(host=host, pbxs=("hq",), open=True), caller())


def test_refusal_says_why_the_request_is_not_of_this_machine() -> None:
    with pytest.raises(NoKeyError, match="proxy"):
        require_key(OPEN, caller(x_forwarded_for="127.0.0.1"))


@pytest.mark.parametrize("origin", ["null", "https://evil.example", "http://localhost:3000", "", "localhost"])
def test_other_origins_are_refused(origin: str) -> None:
    who = caller("localhost:58615", origin)

    assert not allowed(OPEN, who)
    with pytest.raises(OriginRefusedError):
        check_origin(OPEN, who)


def test_request_without_an_origin_comes_from_a_program() -> None:
    check_origin(OPEN, caller())


def test_behind_a_proxy_that_ends_tls_the_own_origin_is_told_by_the_host() -> None:
    assert origin_allowed(OPEN, caller("calls.example", "https://calls.example"))
    assert origin_allowed(OPEN, caller("calls.example:443", "https://calls.example"))
    assert not origin_allowed(OPEN, caller("calls.example:8443", "https://calls.example"))
    assert not origin_allowed(OPEN, caller("calls.example", "ftp://calls.example"))
    assert not origin_allowed(OPEN, caller("calls.example:x", "https://calls.example:x"))


def test_only_configured_origins_get_cors_headers() -> None:
    assert configured_origin(OPEN, caller(origin="https://board.example")) == "https://board.example"
    assert configured_origin(OPEN, caller(origin="https://evil.example")) is None
    assert configured_origin(OPEN, caller()) is None


def test_caller_is_read_from_an_asgi_scope() -> None:
    who = caller_of([(b"Host", b"localhost"), (b"x-a", b"\xe9")], ("127.0.0.1", 1))

    assert who == Caller(headers=[("host", "localhost"), ("x-a", "é")], peer="127.0.0.1")
    assert caller_of([], None).peer is None
