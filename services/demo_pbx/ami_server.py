"""The AMI port: accepts connections and gives each its session."""

import asyncio
import logging

from services.demo_pbx.ami_session import AmiSession
from services.demo_pbx.live_centre import LiveCentre
from services.demo_pbx.settings import DemoPbxSettings

log = logging.getLogger(__name__)

CLOSING_S = 2.0
"""How long clients may take to get their last bytes when the PBX stops."""


class AmiServer:
    """Listens, and keeps account of the sessions so that stopping leaves nothing behind."""

    def __init__(self, centre: LiveCentre, settings: DemoPbxSettings) -> None:
        self._centre = centre
        self._settings = settings
        self._server: asyncio.Server | None = None
        self._sessions: dict[asyncio.Task[None], AmiSession] = {}

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the port, which was chosen by the system if `port` is 0."""
        self._server = await asyncio.start_server(self._connected, host, port)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Tell the clients, end them, stop listening."""
        if self._server is None:
            return
        self._server.close()
        tasks = list(self._sessions)
        for session in self._sessions.values():
            session.tell_shutdown()
            session.end()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        self._server = None

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = AmiSession(reader, writer, self._centre, self._settings)
        task = asyncio.get_running_loop().create_task(self._run(session, writer))
        self._sessions[task] = session
        task.add_done_callback(self._sessions.pop)

    async def _run(self, session: AmiSession, writer: asyncio.StreamWriter) -> None:
        try:
            await session.run()
        except Exception:
            log.exception("AMI session failed")
        finally:
            await _drain(session, writer)


async def _drain(session: AmiSession, writer: asyncio.StreamWriter) -> None:
    """Let the last bytes go out, for a while; a client that does not take them is cut off."""
    session.end()
    try:
        async with asyncio.timeout(CLOSING_S):
            await writer.wait_closed()
    except (TimeoutError, OSError):
        session.abort()
