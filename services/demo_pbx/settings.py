"""Settings of the demo PBX."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DemoPbxSettings:
    """How the demo PBX runs.

    `secret` empty: a random one is made. `speed` is simulated seconds a real second; other than 1,
    times that Asterisk gives as points in time (LoginTime, Uniqueid) run away from the clock.
    `write_limit_bytes` is what may wait for a client that does not read before it is cut off.
    """

    username: str = "demo"
    secret: str = ""
    seed: int = 1
    speed: float = 1.0
    host: str = "127.0.0.1"
    port: int = 5038
    auth_timeout_s: float = 30.0
    write_limit_bytes: int = 1 << 20
