"""How long to wait before the next attempt to connect to Asterisk.

Three situations, three answers:

* Asterisk restarts, or was killed and comes back: for the first five minutes of an outage a try each
  0.2–1 s, so that the figures are live again within about a second of its port answering. A refused
  connection costs both sides next to nothing.
* Asterisk is away for long: full jitter below a ceiling that doubles from 1 s to 60 s.
* Asterisk refuses the login: a minute, doubling to five. It will not change its mind soon, and address
  bans (fail2ban) count attempts.

A session that lived half a minute ends an outage; one that did not goes on with it, so that a
connection which breaks at once each time is not tried fast for ever.
"""

from __future__ import annotations

from collections.abc import Callable

_SOONEST_S = 0.2
_FAST_S = 1.0
_FAST_FOR_S = 300.0
_SLOWEST_S = 60.0
_LOGIN_FIRST_S = 60.0
_LOGIN_SLOWEST_S = 300.0
_LOGIN_JITTER = 0.1
_LIVED_S = 30.0


class BackOff:
    """The waits of one link; times are in seconds of one monotonic clock."""

    def __init__(self, uniform: Callable[[float, float], float]) -> None:
        """``uniform(a, b)`` gives a number between the two: ``random.uniform`` outside tests."""
        self._uniform = uniform
        self._outage_since: float | None = None
        self._slow_s = 1.0
        self._login_s = _LOGIN_FIRST_S

    def session_ended(self, lived_s: float) -> None:
        """A session had been up; the login was right."""
        self._login_s = _LOGIN_FIRST_S
        if lived_s >= _LIVED_S:
            self._outage_since = None
            self._slow_s = 1.0

    def next_delay_s(self, now_s: float) -> float:
        """After a lost session, or an attempt that made none."""
        if self._outage_since is None:
            self._outage_since = now_s
        if now_s - self._outage_since < _FAST_FOR_S:
            return self._uniform(_SOONEST_S, _FAST_S)
        ceiling = self._slow_s
        self._slow_s = min(self._slow_s * 2, _SLOWEST_S)
        return self._uniform(_SOONEST_S, ceiling)

    def next_login_delay_s(self) -> float:
        """After a refused login. Never less than a minute: the jitter only adds."""
        delay = self._login_s
        self._login_s = min(delay * 2, _LOGIN_SLOWEST_S)
        return delay + self._uniform(0.0, delay * _LOGIN_JITTER)
