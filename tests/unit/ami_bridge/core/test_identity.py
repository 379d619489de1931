"""Which agent an interface, a member or a channel belongs to."""

from __future__ import annotations

import pytest

from services.ami_bridge.core.identity import (
    Identifier,
    Identity,
    interface_of_channel,
    is_local,
    looks_like_extension,
    plain_interface,
)


@pytest.mark.parametrize(
    ("interface", "agent"),
    [
        ("PJSIP/148", "148"),
        ("PJSIP/front-desk", "front-desk"),
        ("SIP/148", "148"),
        ("SCCP/148", "148"),
        ("IAX2/148", "148"),
        ("Local/148@from-queue/n", "148"),
        ("Local/148@from-queue", "148"),
        ("PJSIP/0991234567@trunk", "0991234567"),
        ("PJSIP/148/sip:148@10.0.0.1", "148"),
        ("DAHDI/1", None),
        ("PJSIP/", None),
        ("Message/ast_msg_queue", None),
        ("148", None),
        ("", None),
    ],
)
def test_the_agent_of_a_dial_string(interface: str, agent: str | None) -> None:
    assert Identifier(Identity()).agent_of_interface(interface) == agent


def test_the_location_prefix_may_hold_a_part_of_the_name() -> None:
    identifier = Identifier(Identity(location_prefix="PJSIP/agent-"))

    assert identifier.agent_of_interface("PJSIP/agent-148") == "148"
    assert identifier.agent_of_interface("PJSIP/148") == "148"


def test_further_technologies_can_be_configured() -> None:
    assert Identifier(Identity(technologies=("DAHDI",))).agent_of_interface("DAHDI/7") == "7"


@pytest.mark.parametrize(
    ("interface", "state_interface", "agent"),
    [
        ("PJSIP/148", "PJSIP/148", "148"),
        ("PJSIP/148", "", "148"),
        ("Local/148@from-queue/n", "hint:148@ext-local", "148"),
        ("Local/5551@agents/n", "hint:147@hint", "147"),
        ("Local/5551@agents/n", "PJSIP/147", "147"),
        ("Local/5551@agents/n", "hint:", "5551"),
        ("PJSIP/148", "Custom:logged-in-148", "148"),
        ("DAHDI/1", "DAHDI/1", "DAHDI/1"),
    ],
)
def test_the_agent_of_a_queue_member(interface: str, state_interface: str, agent: str) -> None:
    assert Identifier(Identity()).agent_of_member(interface, state_interface) == agent


@pytest.mark.parametrize(
    ("channel", "interface"),
    [
        ("PJSIP/148-0000001a", "PJSIP/148"),
        ("PJSIP/front-desk-0000001a", "PJSIP/front-desk"),
        ("IAX2/148-1234", "IAX2/148"),
        ("Local/147@agents-00000000;1", "Local/147@agents"),
        ("DAHDI/1-1", "DAHDI/1"),
        ("Local/147@agents-00000000;2", None),
        ("PJSIP/148-0000001a<ZOMBIE>", None),
        ("PJSIP/148", None),
        ("", None),
    ],
)
def test_the_interface_of_a_channel(channel: str, interface: str | None) -> None:
    assert interface_of_channel(channel) == interface


def test_the_options_of_a_local_interface_are_not_in_its_channels() -> None:
    assert plain_interface("Local/147@agents/n") == "Local/147@agents"
    assert plain_interface("Local/147@agents") == "Local/147@agents"
    assert plain_interface("PJSIP/147") == "PJSIP/147"
    assert is_local("Local/147@agents-00000000;1")
    assert not is_local("PJSIP/147-00000001")


def test_a_short_number_looks_like_an_extension_and_a_trunk_does_not() -> None:
    assert looks_like_extension("148")
    assert not looks_like_extension("trunk")
    assert not looks_like_extension("38512345678")
