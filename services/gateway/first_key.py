"""The first start of a gateway that lets nobody in without a key: one admin key, for its owner's eyes only.

The key lies in a file of its own beside the keys file and never in the log. Of several gateways that start
at once one makes it. The keys file is written last: a start that is cut off leaves no keys file, and the
next start begins anew.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable
from pathlib import Path

from services.gateway import key_file
from services.gateway.core.keys import (
    ID_BYTES,
    SECRET_BYTES,
    KeyBook,
    KeyEntry,
    hash_of,
    make_key,
)
from services.gateway.key_file import KeysFileError
from services.gateway.settings import Settings
from shared.errors import ConfigError

log = logging.getLogger("pbxis.gateway.keys")

NAME = "admin"


def prepare(settings: Settings, random: Callable[[int], bytes], today: datetime.date) -> None:
    """See to it that a gateway which needs keys has a keys file that it can use.

    Raises:
        ConfigError: it has none and cannot make one, or has one that cannot be used.
    """
    if settings.keyless or settings.keys_file is None:
        return
    if admin_key_file(settings.keys_file) == settings.keys_file:
        raise ConfigError("gateway.keys_file", "must not end in .admin-key: the first key will lie there")
    try:
        book = _prepare(settings.keys_file, random, today)
    except KeysFileError as error:
        raise ConfigError("gateway.keys_file", str(error)) from error
    _warn_of_pbxs(settings, book)


def admin_key_file(keys_file: Path) -> Path:
    """Where the first key lies."""
    return keys_file.with_name(f"{keys_file.stem}.admin-key")


def _prepare(file: Path, random: Callable[[int], bytes], today: datetime.date) -> KeyBook:
    if key_file.read_bytes(file) is None:
        with key_file.locked(file):
            if key_file.read_bytes(file) is None:
                return _make(file, random, today)
    book = key_file.load(file)
    left = admin_key_file(file)
    if left.exists():
        log.warning("the first API key still lies in %s: store it in a safe place and delete that file", left)
    return book


def _make(file: Path, random: Callable[[int], bytes], today: datetime.date) -> KeyBook:
    key, key_id = make_key(random(ID_BYTES + SECRET_BYTES))
    book = KeyBook([KeyEntry(name=NAME, id=key_id, sha256=hash_of(key), roles=("admin",), created=today)])
    secret = admin_key_file(file)
    key_file.write_secret(secret, f"{key}\n")
    key_file.write(file, book)
    log.warning(
        "made the first API key, named %s, with the role admin: it is in %s. Store it in a safe place and "
        "delete that file. `pbxis key` makes and revokes keys",
        NAME,
        secret,
    )
    return book


def _warn_of_pbxs(settings: Settings, book: KeyBook) -> None:
    for entry in book.entries:
        missing = [pbx for pbx in entry.pbxs or () if pbx not in settings.pbxs]
        if missing:
            log.warning("the key %s is for a PBX that is not configured: %s", entry.name, ", ".join(missing))
