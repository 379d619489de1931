"""A real Asterisk for the end-to-end tests: see ``docs/testing-with-asterisk.md``."""

from tests.support.asterisk_rig.ami_client import AmiClient, AmiClosedError, AmiMessage, AmiRefusedError
from tests.support.asterisk_rig.polling import eventually
from tests.support.asterisk_rig.rig import AsteriskRig, asterisk_rig

__all__ = [
    "AmiClient",
    "AmiClosedError",
    "AmiMessage",
    "AmiRefusedError",
    "AsteriskRig",
    "asterisk_rig",
    "eventually",
]
