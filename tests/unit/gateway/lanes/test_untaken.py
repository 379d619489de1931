"""What is on its way to a client, in the process and in the system's send queue."""

from __future__ import annotations

import asyncio
import socket
import sys
from typing import Any

import pytest

from services.gateway.lanes.untaken import untaken

IN_THE_PROCESS = 1000


class Transport(asyncio.Transport):
    """A transport over a socket that the test has written to."""

    def get_write_buffer_size(self) -> int:
        return IN_THE_PROCESS


def pair() -> tuple[socket.socket, socket.socket]:
    """Two ends of a connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        one = socket.create_connection(listener.getsockname())
        return one, listener.accept()[0]


def fill(one: socket.socket) -> None:
    """Write until the systems in between take no more."""
    one.setblocking(False)
    try:
        while True:
            one.send(bytes(65536))
    except BlockingIOError:
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_bytes_in_the_send_queue_are_counted() -> None:
    one, other = pair()
    with one, other:
        extra: dict[str, Any] = {"socket": one}
        transport = Transport(extra)
        assert untaken(transport) == IN_THE_PROCESS
        fill(one)

        assert untaken(transport) > IN_THE_PROCESS


def test_closed_socket_has_no_send_queue() -> None:
    one, other = pair()
    one.close()
    other.close()

    assert untaken(Transport({"socket": one})) == IN_THE_PROCESS


def test_transport_without_a_socket_has_no_send_queue() -> None:
    assert untaken(Transport()) == IN_THE_PROCESS
