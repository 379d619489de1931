"""The demo PBX as one object: a simulated call centre behind a real AMI port."""

import secrets
from dataclasses import replace

from services.demo_pbx.ami_server import AmiServer
from services.demo_pbx.core.simulation import busy_centre
from services.demo_pbx.live_centre import LiveCentre, wall_clock
from services.demo_pbx.settings import DemoPbxSettings


class DemoPbx:
    """Starts with calls up, callers waiting and agents paused, and goes on from there.

    Numbers: agents 101 to 140 (`PJSIP/101`), hints in context `hint`, context `default` for
    Originate and Redirect, queues 600 to 604, parking 700 with spaces 701 to 720.
    """

    def __init__(self, settings: DemoPbxSettings | None = None) -> None:
        settings = settings or DemoPbxSettings()
        self._settings = replace(settings, secret=settings.secret or secrets.token_urlsafe(18))
        self._centre: LiveCentre | None = None
        self._server: AmiServer | None = None

    @property
    def username(self) -> str:
        return self._settings.username

    @property
    def secret(self) -> str:
        """The AMI secret, made at random if the settings had none."""
        return self._settings.secret

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen and begin; returns the port. `OSError` if it cannot be had."""
        pbx = busy_centre(wall_clock(), self._settings.seed)
        self._centre = LiveCentre(pbx, self._settings.speed)
        self._server = AmiServer(self._centre, self._settings)
        try:
            return await self._server.start(host, port)
        except OSError:
            self._centre.close()
            raise

    async def close(self) -> None:
        """Tell the clients, disconnect them, stop; may be called twice."""
        if self._server is not None:
            await self._server.close()
        if self._centre is not None:
            self._centre.close()
        self._server = self._centre = None
