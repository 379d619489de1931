"""How much of what was written a client has not taken yet."""

from __future__ import annotations

import struct
import sys
from asyncio import Transport

from services.gateway.lanes.deadlines import unsent


def untaken(transport: Transport) -> int:
    """Bytes that are still in the process or in the system's send queue.

    The system takes more from the process only when a good part of its queue, a MiB or two, has become free:
    the progress of a client that reads slowly is seen in the queue alone. Linux tells of it; elsewhere only
    what is in the process is counted.
    """
    return unsent(transport) + _queued(transport)


if sys.platform == "linux":
    import fcntl
    import termios

    def _queued(transport: Transport) -> int:
        connection = transport.get_extra_info("socket")
        if connection is None:
            return 0
        try:
            answer = fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(4))  # see tcp(7)
        except (OSError, ValueError):  # it has just been closed
            return 0
        return struct.unpack("i", answer)[0]

else:

    def _queued(transport: Transport) -> int:
        return 0
