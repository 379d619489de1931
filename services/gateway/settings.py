"""The gateway's part of the configuration, as the gateway uses it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from shared.config import Config

STATIC = Path(__file__).parent / "static"

_LOOPBACK_NAMES = ("localhost",)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What does not change while a gateway runs.

    ``demo``: every PBX is the demo. ``pbxs`` are the configured names. ``keys_file`` is absolute; ``None``:
    no key is good. ``static`` holds the built pages.
    """

    host: str
    pbxs: tuple[str, ...]
    origins: tuple[str, ...] = ()
    open: bool | None = None
    demo: bool = False
    keys_file: Path | None = None
    poll_timeout_s: float = 30
    ticket_ttl_s: int = 86400
    ping_interval_s: float = 15
    static: Path = STATIC

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can connect."""
        return is_loopback(self.host)

    @property
    def keyless(self) -> bool:
        """Whether programs and pages of this machine need no key. What is written counts for the demo too."""
        return self.on_loopback and (self.demo if self.open is None else self.open)


@lru_cache(maxsize=1024)
def is_loopback(host: str) -> bool:
    """Whether an address or name always means this machine."""
    if host.lower() in _LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def from_config(config: Config, *, demo: bool) -> Settings:
    """The settings that a configuration file asks for."""
    gateway = config.gateway
    return Settings(
        host=gateway.host,
        pbxs=tuple(pbx.name for pbx in config.pbx),
        origins=gateway.origins,
        open=gateway.open,
        demo=demo,
        keys_file=Path(gateway.keys_file),
        poll_timeout_s=gateway.poll_timeout_s,
        ticket_ttl_s=gateway.ticket_ttl_s,
    )
