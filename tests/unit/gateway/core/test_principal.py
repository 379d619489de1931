from __future__ import annotations

from services.gateway.core.principal import OPEN, ROLES, Principal


def test_an_admin_has_every_role() -> None:
    admin = Principal(id="1", name="boss", roles=frozenset({"admin"}))

    assert all(admin.has(role) for role in ROLES)


def test_a_key_has_its_roles_and_no_other() -> None:
    key = Principal(id="1", name="wall", roles=frozenset({"stream"}))

    assert key.has("stream")
    assert not key.has("call")


def test_a_key_sees_the_pbxs_that_it_is_for() -> None:
    key = Principal(id="1", name="wall", roles=frozenset({"stream"}), pbxs=frozenset({"hq"}))

    assert key.visible(("hq", "lab")) == ("hq",)
    assert OPEN.visible(("hq", "lab")) == ("hq", "lab")
