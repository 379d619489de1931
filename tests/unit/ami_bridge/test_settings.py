"""The configuration of a PBX, as the parts of the bridge want it."""

from __future__ import annotations

from services.ami_bridge.core.plans import CommandRules
from services.ami_bridge.settings import command_rules
from shared.config import PbxSection


def test_the_rules_of_commands_come_from_the_configuration() -> None:
    pbx = PbxSection(
        name="hq",
        host="pbx",
        username="pbxis",
        location_prefix="SIP/",
        originate_context="from-internal",
        redirect_context="transfers",
        park_timeout_s=60,
    )

    assert command_rules(pbx) == CommandRules(
        location_prefix="SIP/",
        originate_context="from-internal",
        redirect_context="transfers",
        park_timeout_s=60,
    )
