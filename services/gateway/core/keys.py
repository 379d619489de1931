"""API keys: their form, and the file that lists them.

A key is ``pbxis_<id>_<secret>``: the id (64 random bits, hexadecimal) says which one it is and is no
secret, the rest is 256 random bits, url-safe. The file holds a SHA-256 of the whole key and never the key.
A slow, salted hash, as passwords need, would add nothing: it makes guessing dear, and 256 random bits
cannot be guessed at any price. A fast one costs a busy gateway nothing.

The file, as `pbxis key` writes it::

    [[key]]
    name = "wallboard"
    id = "5b0c9e1f7a3d2468"
    sha256 = "…"              # of the key, 64 hexadecimal digits
    roles = ["stream"]
    pbxs = ["hq"]             # absent: all
    created = 2026-01-31

To add a property: a field in :class:`KeyEntry`, its rule in :func:`_check`, its use in
``KeyEntry.principal``.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec
import tomli_w

from services.gateway.core.principal import LOCAL, ROLES, Principal, Role
from shared.errors import CallCentreError

ID_BYTES = 8
SECRET_BYTES = 32

_KEY = re.compile(r"pbxis_([0-9a-f]{16})_[A-Za-z0-9_-]{43}")
_ID = re.compile(r"[0-9a-f]{16}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_AT = re.compile(r" - at `\$\.?(.*)`$")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`")
_MISSING = re.compile(r"Object missing required field `(.*)`")
_NOBODY = "0" * 64

_HEADING = """\
# API keys of pbxis: hashes only. `pbxis key add`, `list` and `revoke` keep this file;
# a running gateway heeds a change within a second. What is written here by hand beyond the
# entries is lost with the next `pbxis key`.

"""


class KeysError(CallCentreError):
    """Something about API keys that cannot be done."""


class MalformedKeysError(KeysError):
    """A keys file that cannot be used.

    Attributes:
        entry: which one, as ``key[1] ('wallboard')``; empty for the file as a whole.
    """

    def __init__(self, entry: str, problem: str) -> None:
        self.entry = entry
        self.problem = problem
        super().__init__(f"{entry}: {problem}" if entry else problem)


class BadKeyNameError(KeysError):
    """A name that a key cannot have."""

    def __init__(self, name: str, problem: str) -> None:
        self.name = name
        self.problem = problem
        super().__init__(f"{name!r} cannot be the name of a key: {problem}")


class KeyNameTakenError(KeysError):
    """There is a key of that name."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"there is a key named {name!r} already: revoke it first, or take another name")


class NoSuchKeyError(KeysError):
    """There is no key of that name; the text lists those there are."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        self.name = name
        self.known = known
        super().__init__(f"there is no key named {name!r}; there are: {', '.join(known) or 'none'}")


class KeyEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One key of the file. ``pbxs`` are those that it is for; ``None``: all."""

    name: str
    id: str
    sha256: str
    roles: tuple[Role, ...]
    pbxs: tuple[str, ...] | None = None
    created: datetime.date

    def principal(self) -> Principal:
        """Who uses this key."""
        pbxs = None if self.pbxs is None else frozenset(self.pbxs)
        return Principal(id=self.id, name=self.name, roles=frozenset(self.roles), pbxs=pbxs)


class KeyBook:
    """All keys of a file. A value: :meth:`with_key` and :meth:`without` give another one."""

    def __init__(self, entries: Sequence[KeyEntry] = ()) -> None:
        self.entries = tuple(entries)
        self._by_id = {entry.id: (entry.sha256, entry.principal()) for entry in entries}

    def find(self, key: str) -> Principal | None:
        """Who uses this key; ``None`` when it is not good, for whatever reason.

        What of the key is compared is its hash, in a time that does not depend on how much of it
        is right, nor on whether there is a key of that id.
        """
        found = _KEY.fullmatch(key)
        if found is None:
            return None
        expected, principal = self._by_id.get(found[1], (_NOBODY, None))
        return principal if hmac.compare_digest(hash_of(key), expected) else None

    def principal(self, key_id: str) -> Principal | None:
        """Who uses the key of this id; ``None`` when there is none, or no longer."""
        return self._by_id.get(key_id, (_NOBODY, None))[1]

    def with_key(self, entry: KeyEntry) -> KeyBook:
        """The same and one more.

        Raises:
            KeyNameTakenError: there is one of that name.
            BadKeyNameError: no key can have that name.
        """
        check_name(entry.name)
        if any(entry.name == other.name for other in self.entries):
            raise KeyNameTakenError(entry.name)
        return KeyBook([*self.entries, entry])

    def without(self, name: str) -> KeyBook:
        """The same without the key of that name.

        Raises:
            NoSuchKeyError: there is none.
        """
        left = [entry for entry in self.entries if entry.name != name]
        if len(left) == len(self.entries):
            raise NoSuchKeyError(name, [entry.name for entry in self.entries])
        return KeyBook(left)


def make_key(random: bytes) -> tuple[str, str]:
    """A key and its id, from :data:`ID_BYTES` + :data:`SECRET_BYTES` random bytes."""
    key_id = random[:ID_BYTES].hex()
    secret = base64.urlsafe_b64encode(random[ID_BYTES:]).rstrip(b"=").decode("ascii")
    return f"pbxis_{key_id}_{secret}", key_id


def is_key(text: str) -> bool:
    """Whether it has the form of a key."""
    return _KEY.fullmatch(text) is not None


def hash_of(key: str) -> str:
    """What is kept of a key."""
    return hashlib.sha256(key.encode()).hexdigest()


def check_name(name: str) -> None:
    """Refuse a name that no key can have: it stands in logs, headers and the audit.

    Raises:
        BadKeyNameError: it is one.
    """
    if not _NAME.fullmatch(name):
        raise BadKeyNameError(
            name, "1 to 64 letters, digits, dots, dashes and underscores, the first a letter or digit"
        )
    if name == LOCAL:
        raise BadKeyNameError(
            name, "programs of the gateway's own machine, which need no key, are called that"
        )


def parse(text: str) -> KeyBook:
    """Read a keys file.

    Raises:
        MalformedKeysError: it cannot be used; one bad entry spoils it all, for it may be one that was
            meant to take something away.
    """
    if not text.strip():
        # Never written by `pbxis key`: an editor or a full disk has cut it off.
        raise MalformedKeysError("", "the file is empty")
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MalformedKeysError("", f"this is not valid TOML: {error}") from error
    items = raw.pop("key", [])
    for unknown in raw:
        raise MalformedKeysError(
            "", f"there is no {unknown[:64]!r} in a keys file; an entry begins with [[key]]"
        )
    if not isinstance(items, list):
        raise MalformedKeysError("key", "an entry begins with [[key]]")
    entries: list[KeyEntry] = []
    for index, item in enumerate(cast("list[object]", items)):
        where = _where(index, item)
        entry = _entry(where, item)
        _check(where, entry, entries)
        entries.append(entry)
    return KeyBook(entries)


def serialise(book: KeyBook) -> str:
    """The text of a keys file; :func:`parse` reads it back."""
    items: list[Mapping[str, Any]] = [
        msgspec.to_builtins(entry, builtin_types=(datetime.date,)) for entry in book.entries
    ]
    return _HEADING + (tomli_w.dumps({"key": items}) if items else "key = []\n")


def _where(index: int, item: object) -> str:
    name = cast("dict[str, object]", item).get("name") if isinstance(item, dict) else None
    return f"key[{index}] ({name[:64]!r})" if isinstance(name, str) else f"key[{index}]"


def _entry(where: str, item: object) -> KeyEntry:
    try:
        return msgspec.convert(item, KeyEntry)
    except msgspec.ValidationError as error:
        raise MalformedKeysError(where, _explain(str(error))) from error


def _explain(text: str) -> str:
    """msgspec's words (``Expected `str`, got `int` - at `$.name```) as ours."""
    at = _AT.search(text)
    problem = text[: at.start()] if at else text
    unknown, missing = _UNKNOWN.fullmatch(problem), _MISSING.fullmatch(problem)
    if unknown:
        return f"{unknown[1][:64]}: there is no such property"
    if missing:
        return f"{missing[1]}: it is required"
    if at and at[1].startswith("roles[") and problem.startswith("Invalid enum value"):
        return f"roles: there is no such role; the roles are {', '.join(ROLES)}"
    problem = problem[0].lower() + problem[1:]
    return f"{at[1]}: {problem}" if at and at[1] else problem


def _check(where: str, entry: KeyEntry, before: Sequence[KeyEntry]) -> None:
    """The rules that types cannot say."""
    try:
        check_name(entry.name)
    except BadKeyNameError as error:
        raise MalformedKeysError(where, f"name: {error.problem}") from error
    problem = None
    if not _ID.fullmatch(entry.id):
        problem = "id: it is 16 hexadecimal digits in lower case"
    elif not _SHA256.fullmatch(entry.sha256):
        problem = "sha256: it is 64 hexadecimal digits in lower case"
    elif not entry.roles:
        problem = f"roles: it needs at least one of {', '.join(ROLES)}"
    elif entry.pbxs == ():
        problem = "pbxs: name at least one, or leave it out for all"
    elif any(entry.name == other.name for other in before):
        problem = "name: two keys have it"
    elif any(entry.id == other.id for other in before):
        problem = "id: two keys have it"
    if problem:
        raise MalformedKeysError(where, problem)
