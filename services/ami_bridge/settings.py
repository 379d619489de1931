"""The configuration of one PBX, as the parts of the bridge want it."""

from __future__ import annotations

from services.ami_bridge.adapters.ami_connection import LinkSettings
from services.ami_bridge.adapters.ami_protocol import WantedEvents
from services.ami_bridge.core.identity import Identity
from services.ami_bridge.core.plans import CommandRules
from services.ami_bridge.core.wanted import WANTED_EVENTS, WANTED_VARIABLES
from shared.config import PbxSection

WANTED = WantedEvents(WANTED_EVENTS, WANTED_VARIABLES)


def link_settings(pbx: PbxSection) -> LinkSettings:
    """Where Asterisk is and who logs in. The configuration has been read with its secrets."""
    return LinkSettings(
        host=pbx.host,
        port=pbx.port,
        username=pbx.username,
        secret=pbx.secret or "",
        tls=pbx.tls,
        tls_ca=pbx.tls_ca,
    )


def identity(pbx: PbxSection) -> Identity:
    """How this PBX names its phones."""
    return Identity(location_prefix=pbx.location_prefix, hint_context=pbx.hint_context)


def command_rules(pbx: PbxSection) -> CommandRules:
    """How this PBX is acted on."""
    return CommandRules(
        location_prefix=pbx.location_prefix,
        originate_context=pbx.originate_context,
        redirect_context=pbx.redirect_context,
        park_timeout_s=pbx.park_timeout_s,
    )
