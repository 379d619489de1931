"""Hints."""

from __future__ import annotations

import pytest

from services.ami_bridge.core.call_centre import CallCentre
from services.ami_bridge.core.extensions import Extensions, read_extension
from services.ami_bridge.core.identity import Identity
from shared.errors import MalformedMessageError
from tests.unit.ami_bridge.core.messages import hint
from tests.unit.ami_bridge.core.replay import replay, story


def test_a_repeated_state_is_published_once() -> None:
    assert story(replay([hint("148", 1), hint("148", 1)])) == ["148 phone inuse"]


def test_a_hint_of_another_context_is_no_agents() -> None:
    assert (
        read_extension(hint("701", 1, context="parkedcalls", device="park:701@parkedcalls"), "hint") is None
    )


def test_the_hint_context_can_be_configured() -> None:
    centre = CallCentre("hq", Identity(hint_context="ext-local"))

    assert story(replay([hint("148", 8, context="ext-local")], centre)) == ["148 phone ringing"]


def test_a_hint_that_watches_no_phone_is_no_agents() -> None:
    assert read_extension(hint("*76148", 1, device="Custom:DND148"), "hint") is None
    assert read_extension(hint("148", 1, device="PJSIP/148&Custom:DND148"), "hint") == ("148", "inuse")


def test_a_hint_that_was_removed_is_unavailable() -> None:
    assert story(replay([hint("148", 0), hint("148", -1, device="")])) == [
        "148 phone not_inuse",
        "148 phone unavailable",
    ]


def test_an_unknown_hint_has_no_document() -> None:
    assert Extensions().document("hq", "148") is None


def test_a_state_that_is_no_number_is_malformed() -> None:
    with pytest.raises(MalformedMessageError):
        read_extension({**hint("148", 0), "Status": "Idle"}, "hint")
