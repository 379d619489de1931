"""Ports of this machine."""

from __future__ import annotations

import asyncio
import contextlib
import socket

_LISTENING_WITHIN_S = 30.0


def free_port() -> int:
    """A port that was free just now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


async def listening(port: int) -> None:
    """Wait until somebody listens there."""
    async with asyncio.timeout(_LISTENING_WITHIN_S):
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.02)
