from __future__ import annotations

import msgspec
import pytest

from services.gateway.core.principal import OPEN, Principal, Role
from services.gateway.core.tickets import ID_BYTES, Ticket, is_id, key_of, make_id, owned, still_good
from services.gateway.errors import PbxForbiddenError

PBXS = ("hq", "lab")


def key(*pbxs: str, role: Role = "stream") -> Principal:
    return Principal(id="k1", name="wall", roles=frozenset({role}), pbxs=frozenset(pbxs) if pbxs else None)


def ticket(**properties: object) -> Ticket:
    return msgspec.convert({"created": 1, **properties}, Ticket)


def test_id_is_short_and_needs_no_escaping() -> None:
    ticket_id = make_id(bytes(range(232, 232 + ID_BYTES)))

    assert len(ticket_id) == 32
    assert is_id(ticket_id)


def test_key_does_not_tell_the_id() -> None:
    ticket_id = make_id(bytes(ID_BYTES))

    assert ticket_id not in key_of(ticket_id)
    assert len(key_of(ticket_id)) == 64


def test_what_is_no_id_is_recognised() -> None:
    assert not is_id("")
    assert not is_id("A" * 31)
    assert not is_id("A" * 33)
    assert not is_id("A" * 31 + "\n")
    assert not is_id("A" * 31 + "٣")


def test_key_of_anything_can_be_computed() -> None:
    assert key_of("\ud800")


def test_ticket_that_was_stored_before_there_were_keys_still_decodes() -> None:
    found = msgspec.json.decode(b'{"agents":["148"],"summaryEvents":true,"created":5}', type=Ticket)

    assert (found.agents, found.key) == (("148",), None)


def test_ticket_made_without_a_key_is_as_asked_for() -> None:
    assert owned(ticket(agents=("148@lab",)), OPEN, PBXS) == ticket(agents=("148@lab",))


def test_ticket_of_a_key_for_every_pbx_belongs_to_it_and_sees_all() -> None:
    assert owned(ticket(), key(), PBXS) == ticket(key="k1")
    assert owned(ticket(pbx=("lab",)), key(), PBXS) == ticket(pbx=("lab",), key="k1")


def test_ticket_sees_only_the_pbxs_of_its_key() -> None:
    assert owned(ticket(agents=("148",)), key("lab"), PBXS) == ticket(agents=("148",), pbx=("lab",), key="k1")
    assert owned(ticket(pbx=("hq",)), key("hq", "lab"), PBXS).pbx == ("hq",)


@pytest.mark.parametrize(
    "asked", [{"pbx": ("hq",)}, {"pbx": ("lab", "hq")}, {"agents": ("148@hq",)}, {"queues": ("*@hq",)}]
)
def test_naming_a_pbx_that_the_key_is_not_for_is_refused(asked: dict[str, object]) -> None:
    with pytest.raises(PbxForbiddenError) as refused:
        owned(ticket(**asked), key("lab"), PBXS)

    assert refused.value.pbx == "hq"


def test_what_is_no_configured_pbx_is_a_part_of_the_name() -> None:
    assert owned(ticket(agents=("148@moon",)), key("lab"), PBXS).agents == ("148@moon",)


def test_key_that_is_for_no_configured_pbx_gets_no_ticket() -> None:
    with pytest.raises(PbxForbiddenError):
        owned(ticket(), key("moon"), PBXS)


@pytest.mark.parametrize(
    ("stored", "principal", "keyless", "good"),
    [
        (ticket(), None, True, True),
        (ticket(), None, False, False),
        (ticket(key="k1"), None, True, False),
        (ticket(key="k1"), key(), False, True),
        (ticket(key="k1"), key(role="admin"), False, True),
        (ticket(key="k1"), key(role="call"), True, False),
        (ticket(key="k1"), key("hq"), False, False),
        (ticket(key="k1", pbx=("hq",)), key("hq", "lab"), False, True),
        (ticket(key="k1", pbx=("hq", "lab")), key("hq"), False, False),
    ],
)
def test_ticket_is_good_as_long_as_its_maker_could_make_it(
    stored: Ticket, principal: Principal | None, keyless: bool, good: bool
) -> None:
    assert still_good(stored, principal, keyless=keyless) is good
