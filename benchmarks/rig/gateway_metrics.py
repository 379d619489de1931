"""What a gateway tells of itself at `/metrics`."""

from __future__ import annotations

from benchmarks.rig.tickets import http


async def metrics(port: int) -> str:
    """All of it, as text."""
    async with http(port) as connection:
        return (await connection.ask("GET", "/metrics")).decode("ascii")


def figure(text: str, name: str) -> int:
    """One figure that is a whole number; ``name`` with its labels, as it is printed."""
    found = [line for line in text.splitlines() if line.startswith(f"{name} ")]
    return round(float(found[0].rpartition(" ")[2]))
