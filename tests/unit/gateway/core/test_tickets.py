from __future__ import annotations

from services.gateway.core.tickets import ID_BYTES, is_id, key_of, make_id


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
