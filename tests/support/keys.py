"""A keys file for a test, written the way `pbxis key` writes it."""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Iterable
from pathlib import Path

from services.gateway import key_file
from services.gateway.core.keys import ID_BYTES, SECRET_BYTES, KeyBook, KeyEntry, hash_of, make_key
from services.gateway.core.principal import Role

CREATED = datetime.date(2026, 1, 31)


def new_key(
    name: str, roles: Iterable[Role], pbxs: Iterable[str] | None = None, random: bytes | None = None
) -> tuple[str, KeyEntry]:
    """A key and its entry."""
    key, key_id = make_key(random or secrets.token_bytes(ID_BYTES + SECRET_BYTES))
    return key, KeyEntry(
        name=name,
        id=key_id,
        sha256=hash_of(key),
        roles=tuple(roles),
        pbxs=None if pbxs is None else tuple(pbxs),
        created=CREATED,
    )


def bearer(key: str) -> dict[str, str]:
    """The header that a key is sent in."""
    return {"Authorization": f"Bearer {key}"}


class Keys:
    """A keys file in a folder."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "keys.toml"
        key_file.write(self.file, KeyBook())

    def add(self, name: str, *roles: Role, pbxs: Iterable[str] | None = None) -> str:
        """One more key; the key."""
        key, entry = new_key(name, roles, pbxs)
        key_file.change(self.file, lambda book: book.with_key(entry))
        return key

    def revoke(self, name: str) -> None:
        """One key less."""
        key_file.change(self.file, lambda book: book.without(name))

    def alter(self, name: str, *roles: Role, pbxs: Iterable[str] | None = None) -> None:
        """Other roles and PBXs for a key."""

        def make(book: KeyBook) -> KeyBook:
            return KeyBook(
                [
                    entry
                    if entry.name != name
                    else KeyEntry(
                        name=name,
                        id=entry.id,
                        sha256=entry.sha256,
                        roles=roles,
                        pbxs=None if pbxs is None else tuple(pbxs),
                        created=entry.created,
                    )
                    for entry in book.entries
                ]
            )

        key_file.change(self.file, make)
