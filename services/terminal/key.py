"""`pbxis key`: make, list and revoke API keys. Gateways that read the same file heed it within a second."""

from __future__ import annotations

import argparse
import datetime
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

from services import configuration
from services.gateway import key_file
from services.gateway.core.keys import (
    ID_BYTES,
    SECRET_BYTES,
    KeyBook,
    KeyEntry,
    KeysError,
    hash_of,
    make_key,
)
from services.gateway.core.principal import Role
from services.gateway.key_file import KeysFileError
from shared.config import Config
from shared.errors import ConfigError

_DEMO = "demo"


class UnknownPbxError(KeysError):
    """A key for a PBX that is not configured."""

    def __init__(self, pbx: str, known: Sequence[str]) -> None:
        self.pbx = pbx
        super().__init__(f"no PBX is named {pbx!r}; there are: {', '.join(known)}")


def key(options: argparse.Namespace) -> int:
    """Do what the command line says; the exit code.

    Raises:
        ConfigError: the configuration is wrong, or its keys file cannot be used.
        KeysError: the name is taken, not there, or none that a key can have; or there is no such PBX.
    """
    config = configuration.load(options.config, pbx_secrets=False)
    file = Path(config.gateway.keys_file)
    try:
        if options.key_command == "add":
            return _add(file, config, options.name, options.roles, options.pbx)
        if options.key_command == "revoke":
            return _revoke(file, options.name)
        return _list(file)
    except KeysFileError as error:
        raise ConfigError("gateway.keys_file", str(error)) from error


def _add(file: Path, config: Config, name: str, roles: tuple[Role, ...], pbxs: tuple[str, ...]) -> int:
    known = [pbx.name for pbx in config.pbx] or [_DEMO]
    for pbx in pbxs:
        if pbx not in known:
            raise UnknownPbxError(pbx, known)
    text, key_id = make_key(secrets.token_bytes(ID_BYTES + SECRET_BYTES))
    entry = KeyEntry(
        name=name,
        id=key_id,
        sha256=hash_of(text),
        roles=roles,
        pbxs=pbxs or None,
        created=datetime.datetime.now(datetime.UTC).date(),
    )
    key_file.change(file, lambda book: book.with_key(entry))
    print(text, flush=True)
    _say(f"This is the key {name} (roles: {', '.join(roles)}; PBXs: {', '.join(pbxs) or 'all'}).")
    _say(
        "It is shown this once: store it in a safe place. Programs send it as `Authorization: Bearer <key>`."
    )
    return 0


def _revoke(file: Path, name: str) -> int:
    had_admin = has_admin = False

    def make(book: KeyBook) -> KeyBook:
        nonlocal had_admin, has_admin
        left = book.without(name)
        had_admin, has_admin = _has_admin(book), _has_admin(left)
        return left

    key_file.change(file, make)
    _say(f"The key {name} is revoked. Its tickets end within seconds, on every gateway that reads {file}.")
    if had_admin and not has_admin:
        _say("No key with the role admin is left.")
    return 0


def _has_admin(book: KeyBook) -> bool:
    return any("admin" in entry.roles for entry in book.entries)


def _list(file: Path) -> int:
    entries = key_file.load(file).entries
    if not entries:
        _say(f"There are no keys in {file}.")
        return 0
    rows = [("NAME", "ROLES", "PBXS", "CREATED", "ID")]
    rows += [
        (
            entry.name,
            ",".join(entry.roles),
            ",".join(entry.pbxs or ["all"]),
            entry.created.isoformat(),
            entry.id,
        )
        for entry in entries
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
    return 0


def _say(text: str) -> None:
    """For people; what programs read is on standard output."""
    print(text, file=sys.stderr)
