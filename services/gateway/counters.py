"""What the hub counts: whole numbers that only grow, from the start of the process.

The hub adds to them in its hot path, so they are plain integers; `/metrics` reads them when it is asked
(``metrics.py``). A new counter is a field here, a row in ``metrics.py`` and one in `docs/metrics.md`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class StreamCounters:
    """Counts of one gateway process. Each starts at 0."""

    events_in: int = 0
    """Messages taken from the log, live ones alone: not those of a snapshot."""
    deliveries: int = 0
    """Events written to clients: one event that goes to three clients counts three times."""
    writes: int = 0
    """Writes to clients' connections; one carries all events of a tick."""
    openings: int = 0
    """Streams and polls that were given a beginning, whichever."""
    resumed_from_ring: int = 0
    """Openings that went on behind the client's id, from memory."""
    resumed_from_log: int = 0
    """Openings that went on behind the client's id, read from the log in NATS."""
    resets: int = 0
    """Times a client that had a state was given it anew, after ``reset``: what it missed was not told."""
    lagged: int = 0
    """Times a client fell behind, so that nothing more was kept for it."""
    caught_up: int = 0
    """Times a client that had fallen behind read again and got what it missed, or the state."""
    closed_too_slow: int = 0
    """Clients that were ended because they did not read."""
    feed_restarts: int = 0
    """Times the state was read anew from NATS after the first."""
