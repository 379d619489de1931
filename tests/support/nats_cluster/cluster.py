"""The three nodes together: starting them, and asking which of them leads.

async with nats_cluster(folder) as cluster:
    leader = await cluster.leader("PBXIS_LOG")
    await leader.kill()
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sysconfig
import tempfile
from collections.abc import AsyncGenerator, Generator, Sequence
from pathlib import Path

import docker
import nats
from docker.models.networks import Network
from nats.aio.client import Client
from nats.errors import Error
from nats.js import api

from tests.support.asterisk_rig import eventually
from tests.support.asterisk_rig.docker_engine import image_of, owner_labels, require_engine, running, sweep
from tests.support.asterisk_rig.ports import free_ports
from tests.support.nats_cluster.node import CLIENT_PORT, NatsNode, node_config

NAMES = ["n1", "n2", "n3"]
_READY_WITHIN_S = 30.0
_ANSWER_WITHIN_S = 1.0


class NatsCluster:
    """Stands where a single nats-server does: ``url`` is what a service connects with."""

    def __init__(self, nodes: Sequence[NatsNode]) -> None:
        self.nodes = nodes
        self.replicas = len(nodes)

    @property
    def url(self) -> str:
        """All of them, with commas."""
        return ",".join(node.url for node in self.nodes)

    async def leader(self, stream: str) -> NatsNode:
        """The node that leads a stream now; waits until there is one."""
        found: list[NatsNode] = []

        async def known() -> bool:
            with contextlib.suppress(Error, OSError, TimeoutError):
                info = await self._stream(stream)
                found[:] = [node for node in self.nodes if info.cluster and node.name == info.cluster.leader]
            return bool(found)

        await eventually(known, f"{stream} has a leader", timeout_s=_READY_WITHIN_S)
        return found[0]

    async def in_step(self, *streams: str) -> None:
        """Wait until every node has the whole of these streams."""

        async def whole() -> bool:
            with contextlib.suppress(Error, OSError, TimeoutError):
                infos = [await self._stream(stream) for stream in streams]
                return all(
                    info.cluster is not None
                    and len(info.cluster.replicas or []) == self.replicas - 1
                    and all(copy.current and not copy.offline for copy in info.cluster.replicas or [])
                    for info in infos
                )
            return False

        await eventually(whole, f"three whole copies of {streams}", timeout_s=_READY_WITHIN_S)

    @contextlib.asynccontextmanager
    async def admin(self) -> AsyncGenerator[Client]:
        """A user who may do everything, on whichever node is there."""
        client = await nats.connect(
            self.url.split(","),
            user="admin",
            password="admin",
            connect_timeout=1,
            reconnect_time_wait=0.1,  # pyright: ignore[reportArgumentType] - used as a float
            max_reconnect_attempts=-1,
            ping_interval=1,
            max_outstanding_pings=2,
            error_cb=_say_nothing,
        )
        try:
            yield client
        finally:
            await client.close()

    async def _stream(self, name: str) -> api.StreamInfo:
        async with self.admin() as client:
            return await client.jetstream(timeout=_ANSWER_WITHIN_S).stream_info(name)


async def _say_nothing(error: Exception) -> None:
    del error


@contextlib.asynccontextmanager
async def nats_cluster(folder: Path) -> AsyncGenerator[NatsCluster]:
    """Three nodes on two networks of their own, when they have found each other.

    Args:
        folder: for their settings; what they store stays in the containers.
    """
    require_engine()
    sweep()
    with contextlib.ExitStack() as stack:
        nodes = await asyncio.to_thread(_start, stack, folder)
        cluster = NatsCluster(nodes)

        async def ready() -> bool:
            with contextlib.suppress(Error, OSError, TimeoutError):
                for node in nodes:
                    async with node.admin() as client:
                        await client.jetstream(timeout=_ANSWER_WITHIN_S).account_info()
                return True
            return False

        await eventually(ready, "the nodes have found each other", timeout_s=_READY_WITHIN_S)
        yield cluster
        await asyncio.to_thread(stack.close)


def _start(stack: contextlib.ExitStack, folder: Path) -> list[NatsNode]:
    image = _image()
    nodes_network = stack.enter_context(_network("nodes", internal=True))
    clients_network = stack.enter_context(_network("clients", internal=False))
    found: list[NatsNode] = []
    for name, port in zip(NAMES, free_ports(len(NAMES)), strict=True):
        settings = folder / name
        settings.mkdir()
        (settings / "nats.conf").write_text(node_config(name, NAMES), encoding="utf-8")
        container = stack.enter_context(
            running(
                image,
                {},
                network=clients_network.name,
                ports={CLIENT_PORT: port},
                folders={settings: "/etc/nats"},
            )
        )
        nodes_network.connect(container, aliases=[name])
        found.append(NatsNode(name, container, port, nodes_network, clients_network))
    return found


def _image() -> str:
    program = Path(sysconfig.get_path("scripts")) / "nats-server"
    with tempfile.TemporaryDirectory(prefix="pbxis-test-image-") as folder:
        shutil.copy(program, folder)
        shutil.copy(Path(__file__).with_name("Dockerfile"), folder)
        return image_of(Path(folder), "pbxis-test-nats")


@contextlib.contextmanager
def _network(name: str, *, internal: bool) -> Generator[Network]:
    """A network of this run alone; the one of the nodes leads nowhere else, so it publishes no port."""
    with contextlib.closing(docker.from_env()) as client:
        network = client.networks.create(
            f"pbxis-test-{os.getpid()}-{name}",
            internal=internal,
            labels=owner_labels(),
            options={"com.docker.network.bridge.host_binding_ipv4": "127.0.0.1"},
        )
        try:
            yield network
        finally:
            network.remove()
