"""One node of the cluster: a container with two networks, that of the nodes and that of their clients."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator
from pathlib import Path

import nats
from docker.models.containers import Container
from docker.models.networks import Network
from nats.aio.client import Client
from nats.errors import Error

from services.embedded_nats.server_config import server_config
from services.jetstream.connection import Role
from shared.config import NatsSection
from tests.support.asterisk_rig import eventually

CLIENT_PORT, ROUTE_PORT = 4222, 6222
_SERVES_WITHIN_S = 20.0
_ANSWER_WITHIN_S = 1.0


def node_config(name: str, names: list[str]) -> str:
    """The embedded server's settings and users, on every address of the container, as one of a cluster."""
    passwords: dict[Role, str] = {"bridge": "bridge", "gateway": "gateway"}
    text = server_config(NatsSection(), Path("/data"), CLIENT_PORT, passwords)
    text = re.sub(r"listen: .*", f'listen: "0.0.0.0:{CLIENT_PORT}"', text)
    text = text.replace("server_name: pbxis", f"server_name: {name}")
    text = text.replace("users = [", 'users = [ {user: "admin", password: "admin"},')
    routes = ", ".join(f'"nats://{each}:{ROUTE_PORT}"' for each in names)
    return (
        f'{text}\ncluster {{\n  name: pbxis\n  listen: "0.0.0.0:{ROUTE_PORT}"\n'
        f"  no_advertise: true\n  routes: [{routes}]\n}}\n"
    )


class NatsNode:
    """``url`` is for clients on this machine, the same after every restart."""

    def __init__(self, name: str, container: Container, port: int, nodes: Network, clients: Network) -> None:
        self.name = name
        self.url = f"nats://127.0.0.1:{port}"
        self._container = container
        self._nodes = nodes
        self._clients = clients

    def __repr__(self) -> str:
        return f"<{self.name} at {self.url}>"

    async def kill(self) -> None:
        """SIGKILL."""
        await asyncio.to_thread(self._container.kill, "SIGKILL")

    async def stop(self) -> None:
        """SIGTERM, in order."""
        await asyncio.to_thread(self._container.stop)

    async def start(self) -> None:
        """Start it again, with its files; it may not be in step with the others yet."""
        await asyncio.to_thread(self._container.start)

    async def freeze(self) -> None:
        """`docker pause`: its sockets stay open, and it does nothing."""
        await asyncio.to_thread(self._container.pause)

    async def thaw(self) -> None:
        """`docker unpause`."""
        await asyncio.to_thread(self._container.unpause)

    async def isolate(self) -> None:
        """Cut it off from the other nodes; its clients still reach it."""
        await asyncio.to_thread(self._nodes.disconnect, self._container)

    async def rejoin(self) -> None:
        """Undo `isolate`."""
        await asyncio.to_thread(lambda: self._nodes.connect(self._container, aliases=[self.name]))

    async def unplug(self) -> None:
        """Cut it off from the other nodes and from its clients: packets are lost, no connection ends."""
        await self.isolate()
        await asyncio.to_thread(self._clients.disconnect, self._container)

    async def plug_in(self) -> None:
        """Undo `unplug`."""
        await asyncio.to_thread(self._clients.connect, self._container)
        await self.rejoin()

    async def serving(self) -> None:
        """Wait until clients can use JetStream through it."""

        async def answers() -> bool:
            with contextlib.suppress(Error, OSError, TimeoutError):
                async with self.admin() as client:
                    await client.jetstream(timeout=_ANSWER_WITHIN_S).account_info()
                    return True
            return False

        await eventually(answers, f"{self.name} serves", timeout_s=_SERVES_WITHIN_S)

    @contextlib.asynccontextmanager
    async def admin(self) -> AsyncGenerator[Client]:
        """A user who may do everything, on this node alone."""
        client = await nats.connect(
            self.url,
            user="admin",
            password="admin",
            allow_reconnect=False,
            connect_timeout=1,
            error_cb=_say_nothing,
        )
        try:
            yield client
        finally:
            await client.close()


async def _say_nothing(error: Exception) -> None:
    del error
