"""Which of a PBX's bridges acts, as one of them: it stands by, acts, and stands by again."""

from __future__ import annotations

import logging

from services import cancellation
from services.ami_bridge.term import Duty, Term

log = logging.getLogger("pbxis.bridge")


async def lead(duty: Duty) -> None:
    """Act for the PBX whenever no other bridge does; until cancelled."""
    await duty.lease.open()
    while True:
        log.info("standing by")
        await duty.lease.acquire()
        log.warning("acts no more: %s", await Term(duty).serve())
        cancellation.heed()
