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
        log.info("%s: standing by", duty.centre.pbx)
        await duty.lease.acquire()
        log.warning("%s: acts no more: %s", duty.centre.pbx, await Term(duty).serve())
        cancellation.heed()
