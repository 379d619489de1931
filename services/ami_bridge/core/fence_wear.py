"""How much may have come into the log since fences were put up: when to put them up anew.

The log drops its oldest by size and by age. The size is not asked for: what was sent is counted, and what
others sent goes by how far the sequence has gone and what a message takes on average. It need not be exact:
fences are worn as soon as that is half of what the log holds.
"""

from __future__ import annotations

# What the log keeps beside subject, payload and name: the headers of the fence, its own bookkeeping.
_BESIDE_BYTES = 256
_UNKNOWN_BYTES = 1024


class FenceWear:
    """Of the fences of one bridge. Times are seconds, on a clock that never jumps."""

    def __init__(self, max_bytes: int, max_age_s: float, now_s: float) -> None:
        """Of a log that holds so much and keeps it for so long."""
        self._bytes = max_bytes // 2
        self._age_s = max_age_s / 2
        self._sequence = 0
        self._over_at_s = now_s + self._age_s
        self._sent = self._sent_bytes = 0

    def put_up(self, sequence: int, now_s: float) -> None:
        """They were put up, the last of them there."""
        self._sequence = sequence
        self._over_at_s = now_s + self._age_s
        self._sent = self._sent_bytes = 0

    def sent(self, size: int) -> bool:
        """A message was sent: so many bytes of subject, payload and name. Whether those alone are enough."""
        self._sent += 1
        self._sent_bytes += size + _BESIDE_BYTES
        return self._sent_bytes >= self._bytes

    def is_over(self, last_sequence: int, message_bytes: int, now_s: float) -> bool:
        """Whether to put them up anew.

        Args:
            last_sequence: the highest that the log is known to have.
            message_bytes: what a message takes on average; 0: not known.
        """
        others = max(last_sequence - self._sequence - self._sent, 0)
        since = self._sent_bytes + others * (message_bytes or _UNKNOWN_BYTES)
        return since >= self._bytes or now_s >= self._over_at_s
