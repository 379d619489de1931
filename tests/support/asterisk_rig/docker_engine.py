"""Images and containers for tests: built once, named for their content, swept when a run was killed."""

from __future__ import annotations

import atexit
import contextlib
import gc
import hashlib
import os
import socket
import warnings
from collections.abc import Generator, Mapping
from pathlib import Path

import docker
from docker.errors import DockerException, ImageNotFound, NotFound
from docker.models.containers import Container

from tests.support.requirements_gate import need

_OWNER_PID = "org.pbxis.test.pid"
_OWNER_HOST = "org.pbxis.test.host"


def require_engine() -> None:
    """Skip (or fail) the test when no Docker engine answers."""
    if reason := _why_no_engine():
        need("Docker", reason)


def image_of(folder: Path, name: str) -> str:
    """The image built from a folder, tagged by a digest of its files: built only when they changed.

    Returns:
        Its name with the tag.
    """
    digest = hashlib.sha256()
    for path in sorted(file for file in folder.rglob("*") if file.is_file()):
        digest.update(f"{path.relative_to(folder)}\0{path.stat().st_mode & 0o111}\0".encode())
        digest.update(path.read_bytes())
    tag = f"{name}:{digest.hexdigest()[:12]}"
    with contextlib.closing(docker.from_env()) as client:
        try:
            client.images.get(tag)
        except ImageNotFound:
            client.images.build(path=str(folder), tag=tag, rm=True)
    return tag


def owner_labels() -> dict[str, str]:
    """By which `sweep` knows whose a container, or a network, is."""
    return {_OWNER_PID: str(os.getpid()), _OWNER_HOST: socket.gethostname()}


@contextlib.contextmanager
def running(
    image: str,
    environment: Mapping[str, str],
    *,
    network: str | None = None,
    ports: Mapping[int, int] | None = None,
    folders: Mapping[Path, str] | None = None,
) -> Generator[Container]:
    """A container on the host's network, or on that named; removed at the end.

    On the host's network the ports are the machine's own, so SIP, whose messages carry addresses, needs no
    translation; the image must bind to loopback. The image's health check is off: tests have better ones,
    and kill the process on purpose.

    Args:
        ports: of the container, and the host's that lead there; for a network that is not the host's.
        folders: of the host, and where the container reads them.
    """
    _disable_missing_reaper()
    from testcontainers.core.container import DockerContainer  # reads its settings when imported

    container = DockerContainer(image).with_envs(**environment)
    where = {"network_mode": "host"} if network is None else {"network": network}
    container.with_kwargs(healthcheck={"test": ["NONE"]}, labels=owner_labels(), **where)
    for port, host_port in (ports or {}).items():
        container.with_bind_ports(port, host_port)
    for folder, seen_as in (folders or {}).items():
        container.with_volume_mapping(str(folder), seen_as, "ro")
    atexit.register(container.stop)
    try:
        with container:
            yield container.get_wrapped_container()
    finally:
        atexit.unregister(container.stop)
        container.get_docker_client().client.close()


def sweep() -> None:
    """Remove containers and networks whose test run is gone: without a reaper, nobody else would."""
    with contextlib.closing(docker.from_env()) as client:
        mine: dict[str, str | list[str] | bool] = {"label": f"{_OWNER_HOST}={socket.gethostname()}"}
        for container in client.containers.list(all=True, filters=mine):
            if _is_left_over(container.labels):
                with contextlib.suppress(NotFound):  # another run sweeps as well
                    container.remove(force=True, v=True)
        for network in client.networks.list(filters=mine):
            if _is_left_over(network.attrs["Labels"]):
                with contextlib.suppress(NotFound):
                    network.remove()


def _is_left_over(labels: Mapping[str, str]) -> bool:
    return not Path(f"/proc/{labels[_OWNER_PID]}").exists()


def _why_no_engine() -> str:
    with warnings.catch_warnings():
        # The client leaves a socket open when nobody answers; collected here, it fails no test.
        warnings.simplefilter("ignore", ResourceWarning)
        reason = ""
        try:
            with contextlib.closing(docker.from_env()) as client:
                client.ping()
        except DockerException as error:
            reason = str(error) or type(error).__name__
        gc.collect()
    return reason


def _disable_missing_reaper() -> None:
    """testcontainers would pull the image of its reaper; a run must not depend on a registry in reach."""
    if "TESTCONTAINERS_RYUK_DISABLED" in os.environ:
        return
    from testcontainers.core.config import testcontainers_config

    with contextlib.closing(docker.from_env()) as client:
        try:
            client.images.get(testcontainers_config.ryuk_image)
        except ImageNotFound:
            os.environ["TESTCONTAINERS_RYUK_DISABLED"] = "true"
            testcontainers_config.ryuk_disabled = True
