from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from services.gateway.core.principal import OPEN as ANYBODY
from services.gateway.core.principal import ROLES, Principal, Role
from services.gateway.errors import NoKeyError, OriginRefusedError, RoleMissingError
from services.gateway.guard import (
    Caller,
    admit,
    caller_of,
    check_origin,
    configured_origin,
    origin_allowed,
)
from services.gateway.key_ring import KeyRing
from services.gateway.settings import Settings
from tests.support.gateway_fakes import FakeClock
from tests.support.keys import Keys, bearer

OPEN = Settings(host="127.0.0.1", pbxs=("hq",), open=True, origins=("https://board.example",))


def caller(
    host: str | None = "127.0.0.1:58615",
    origin: str | None = None,
    peer: str | None = "127.0.0.1",
    **more: str,
) -> Caller:
    headers = [("host", host), ("origin", origin), *((name.replace("_", "-"), more[name]) for name in more)]
    return Caller(headers=[(name, value) for name, value in headers if value is not None], peer=peer)


def no_keys() -> KeyRing:
    return KeyRing(None, FakeClock(), required=False)


def allowed(settings: Settings, who: Caller) -> bool:
    try:
        return admit(settings, no_keys(), who, "admin") is ANYBODY
    except NoKeyError:
        return False


class Door:
    """A guard with one key, and the callers who come to it."""

    def __init__(self, folder: Path, *roles: Role, **settings: Any) -> None:
        self.keys = Keys(folder)
        self.key = self.keys.add("wall", *roles)
        defaults: dict[str, Any] = {"host": "0.0.0.0", "pbxs": ("hq",)}
        self.settings = Settings(**{**defaults, **settings}, keys_file=self.keys.file)
        self.ring = KeyRing(self.keys.file, FakeClock(), required=not self.settings.keyless)

    def admit(self, who: Caller, role: Role | tuple[Role, ...] = "stream") -> Principal:
        return admit(self.settings, self.ring, who, role)

    def with_key(self, **more: str) -> Caller:
        return caller(authorization=bearer(self.key)["Authorization"], **more)


def with_header(*values: str) -> Caller:
    return Caller(
        headers=[("host", "localhost"), *(("authorization", value) for value in values)], peer="127.0.0.1"
    )


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


def test_demo_that_is_said_to_be_closed_is_closed() -> None:
    assert not allowed(Settings(host="localhost", pbxs=("demo",), demo=True, open=False), caller())


def test_demo_is_open() -> None:
    assert allowed(Settings(host="localhost", pbxs=("demo",), demo=True), caller())


def test_gateway_that_is_not_open_says_what_to_do() -> None:
    with pytest.raises(NoKeyError, match=r"gateway\.open = true"):
        admit(Settings(host="127.0.0.1", pbxs=("hq",)), no_keys(), caller(), "stream")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "gateway.example"])
def test_gateway_that_others_can_reach_is_never_open(host: str) -> None:
    assert not allowed(Settings(host=host, pbxs=("hq",), open=True), caller())


def test_refusal_says_why_the_request_is_not_of_this_machine() -> None:
    with pytest.raises(NoKeyError, match="proxy"):
        admit(OPEN, no_keys(), caller(x_forwarded_for="127.0.0.1"), "stream")


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


def test_good_key_lets_its_principal_in_from_anywhere(tmp_path: Path) -> None:
    door = Door(tmp_path, "stream")

    who = door.admit(door.with_key(host="calls.example", peer="192.0.2.7", x_forwarded_for="192.0.2.8"))

    assert (who.name, who.roles) == ("wall", {"stream"})


def test_scheme_may_be_written_in_any_case_and_apart(tmp_path: Path) -> None:
    door = Door(tmp_path, "stream")

    assert door.admit(with_header(f"bEARER   {door.key}")).name == "wall"


def test_everything_that_is_not_one_good_key_has_the_same_answer(tmp_path: Path) -> None:
    door = Door(tmp_path, "stream", host="127.0.0.1", open=True)
    key, other = door.key, door.keys.add("other", "admin")
    door.keys.revoke("other")
    door.ring.look()
    texts: set[str] = set()
    for headers in (
        [""],
        ["Bearer"],
        ["Bearer "],
        [key],
        [f"Bearer {key} "],
        [f"Bearer {key}x"],
        [f"Bearer {key[:-1]}"],
        [f"Bearer {key.upper()}"],
        [f"Bearer {key.swapcase()}"],
        [f"Bearer {key}, Bearer {key}"],
        [f"Bearer {key}\tx"],
        [f"Basic {key}"],
        [f"Bearer {other}"],
        ["Bearer pbxis_\xe9"],
        [f"Bearer {key[:22]}{'A' * 43}"],
        [f"Bearer {key}", f"Bearer {key}"],
        [f"Bearer {key}", "Basic x"],
    ):
        with pytest.raises(NoKeyError) as refused:
            door.admit(with_header(*headers))
        texts.add(str(refused.value))

    assert len(texts) == 1
    assert "pbxis key add" in texts.pop()


def test_bad_key_is_refused_where_none_would_be_needed(tmp_path: Path) -> None:
    door = Door(tmp_path, "stream", host="127.0.0.1", open=True)

    assert door.admit(caller()) is ANYBODY
    with pytest.raises(NoKeyError):
        door.admit(caller(authorization="Bearer x"))


def test_good_key_of_a_strangers_page_is_refused(tmp_path: Path) -> None:
    door = Door(tmp_path, "admin", origins=("https://crm.example",))

    assert door.admit(door.with_key(origin="https://crm.example")).name == "wall"
    with pytest.raises(OriginRefusedError):
        door.admit(door.with_key(origin="https://evil.example"))
    with pytest.raises(NoKeyError):
        door.admit(caller(origin="https://evil.example", authorization="Bearer x"))


def test_key_without_the_role_is_refused_by_name(tmp_path: Path) -> None:
    door = Door(tmp_path, "stream")

    with pytest.raises(RoleMissingError, match="'wall' has not the role 'call'"):
        door.admit(door.with_key(), "call")
    with pytest.raises(RoleMissingError, match="'queue or call'"):
        door.admit(door.with_key(), ("queue", "call"))


def test_one_of_several_roles_is_enough(tmp_path: Path) -> None:
    door = Door(tmp_path, "stream")

    assert door.admit(door.with_key(), ("queue", "stream")).name == "wall"


def test_admin_may_do_everything(tmp_path: Path) -> None:
    door = Door(tmp_path, "admin")

    assert all(door.admit(door.with_key(), role).name == "wall" for role in ROLES)
