"""Who asks, and what he may."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

Role = Literal["stream", "call", "queue", "admin"]
ROLES: tuple[Role, ...] = ("stream", "call", "queue", "admin")

LOCAL = "local"
"""The name of whoever needs no key: a program of this machine, at a gateway that is open to it."""


@dataclass(frozen=True, kw_only=True)
class Principal:
    """A key, or a program that needs none.

    Attributes:
        id: never given to another key, also after this one was revoked; idempotency keys and tickets belong
            to it.
        name: for people; it stands in the audit.
        pbxs: the PBXs that the key is for; ``None``: all.
    """

    id: str
    name: str
    roles: frozenset[Role]
    pbxs: frozenset[str] | None = None

    def has(self, role: Role) -> bool:
        """Whether it may do what this role may; an admin may do everything."""
        return role in self.roles or "admin" in self.roles

    def may_see(self, pbx: str) -> bool:
        """Whether it is for that PBX."""
        return self.pbxs is None or pbx in self.pbxs

    def visible(self, pbxs: Collection[str]) -> tuple[str, ...]:
        """Those of the PBXs that it is for."""
        return tuple(pbx for pbx in pbxs if self.may_see(pbx))


OPEN = Principal(id=LOCAL, name=LOCAL, roles=frozenset(ROLES))
