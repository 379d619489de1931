"""Which of a PBX's bridges acts, as one of them: it stands by, acts, and stands by again."""

from __future__ import annotations

import asyncio
import logging

from services import cancellation
from services.ami_bridge.adapters.log_watch import LogWatch
from services.ami_bridge.term import Duty, Term

log = logging.getLogger("pbxis.bridge")


async def lead(duty: Duty) -> None:
    """Act for the PBX whenever no other bridge does; until cancelled."""
    watch = LogWatch(duty.connection, duty.centre.pbx, duty.log)
    await watch.open()
    await duty.lease.open()
    while True:
        log.info("%s: standing by", duty.centre.pbx)
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(watch.run())
            await duty.lease.acquire()
            watching.cancel()
        log.warning("%s: acts no more: %s", duty.centre.pbx, await Term(duty).serve())
        cancellation.heed()
