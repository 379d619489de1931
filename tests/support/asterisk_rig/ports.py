"""Ports for an Asterisk that must find them free again after it was killed."""

import random
import socket

# Below Linux's ephemeral ports (32768 and up), so that no outgoing connection can take one while
# Asterisk is down, and beside its RTP ports (20000 to 23999).
_CANDIDATES = range(15_000, 20_000)
_HOST = "127.0.0.1"


def free_ports(count: int) -> list[int]:
    """Ports of loopback that are free for TCP and for UDP now."""
    chosen: list[int] = []
    for port in random.sample(_CANDIDATES, len(_CANDIDATES)):
        if _is_free(port):
            chosen.append(port)
            if len(chosen) == count:
                return chosen
    raise RuntimeError("no free ports")


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind((_HOST, port))
            except OSError:
                return False
    return True
