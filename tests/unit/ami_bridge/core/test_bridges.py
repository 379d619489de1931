"""Who talks with whom."""

from __future__ import annotations

from services.ami_bridge.core.bridges import Bridges, Party

A, B, C = (Party(letter, f"PJSIP/{letter}", None, None) for letter in "abc")


def test_two_in_a_bridge_talk_with_each_other() -> None:
    bridges = Bridges()
    bridges.enter("1", False, A)
    assert bridges.partner("a") is None
    bridges.enter("1", False, B)

    assert bridges.partner("a") == B
    assert bridges.partner("b") == A
    assert set(bridges.together("a")) == {"a", "b"}


def test_three_have_no_partner() -> None:
    bridges = Bridges()
    for party in (A, B, C):
        bridges.enter("1", False, party)

    assert bridges.partner("a") is None


def test_parked_calls_do_not_talk_with_each_other() -> None:
    bridges = Bridges()
    bridges.enter("lot", True, A)
    bridges.enter("lot", True, B)

    assert bridges.partner("a") is None


def test_a_channel_is_in_one_bridge() -> None:
    bridges = Bridges()
    bridges.enter("1", False, A)
    bridges.enter("2", False, A)
    bridges.leave("a", "1")

    assert bridges.contains("a")
    assert len(bridges) == 1
    bridges.leave("a", "2")
    assert not bridges.contains("a")
    assert len(bridges) == 0


def test_an_unknown_channel_is_nowhere() -> None:
    bridges = Bridges()
    bridges.leave("a")

    assert bridges.partner("a") is None
    assert bridges.together("a") == ()


def test_a_channel_is_found_by_its_name_as_long_as_it_is_in_a_bridge() -> None:
    bridges = Bridges()
    bridges.enter("1", False, A)
    bridges.enter("1", False, B)
    namesake = B._replace(uniqueid="d")
    bridges.enter("2", False, namesake)
    bridges.leave("b")
    bridges.leave("a")

    assert bridges.named("PJSIP/a") is None
    assert bridges.named("PJSIP/b") == namesake
