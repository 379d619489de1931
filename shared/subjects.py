"""NATS subjects: the only place that builds or reads one.

    pbxis.v1.state.<pbx>.<type>.<queue|_>.<agent|_>   a state: the full current value
    pbxis.v1.event.<pbx>.<type>.<queue|_>.<agent|_>   a moment
    pbxis.v1.fence.<pbx>.<n>                          a bridge begins to write: in the log, for bridges alone
    pbxis.v1.alive.<pbx>                              the bridge's heartbeat, not in the log
    pbxis.v1.cmd.<pbx>.<action>                       request/reply, not in the log
    pbxis.v1.audit.<pbx>                              who did what, a stream of its own

The queue and agent tokens are the event's *scope*, not its properties: `phoneNumber` has a property
`queue`, yet its token is ``_``. A token keeps ``[A-Za-z0-9-]`` and writes every other byte of the
UTF-8 form as ``=XX`` (also ``_``, ``.``, space and ``=``), so any name survives and no name can widen
a subscription. ``_`` alone means "none".
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, NamedTuple

from shared.errors import MalformedSubjectError

ROOT = "pbxis.v1"
STATE_SUBJECTS = f"{ROOT}.state.>"
EVENT_SUBJECTS = f"{ROOT}.event.>"
FENCE_SUBJECTS = f"{ROOT}.fence.>"
ALIVE_SUBJECTS = f"{ROOT}.alive.*"
AUDIT_SUBJECTS = f"{ROOT}.audit.>"
NONE = "_"

Family = Literal["state", "event"]

_UNSAFE = re.compile(rb"[^A-Za-z0-9-]")
_TOKEN = re.compile(r"(?:[A-Za-z0-9-]|=[0-9A-F]{2})+")
_ESCAPE = re.compile(rb"=([0-9A-F]{2})")
_TOKENS_OF_AN_EVENT = 7
_FENCES = FENCE_SUBJECTS.removesuffix(">")


class Subject(NamedTuple):
    """A subject of the log, taken apart. ``queue`` and ``agent`` are the scope; ``None`` is "none"."""

    family: Family
    pbx: str
    type: str
    queue: str | None
    agent: str | None


@lru_cache(maxsize=65536)
def encode_token(name: str) -> str:
    """Write a name as one subject token.

    Raises:
        ValueError: the name is empty, which no token can say.
    """
    if not name:
        raise ValueError("a subject token cannot be empty")
    raw = name.encode("utf-8", "surrogatepass")
    return _UNSAFE.sub(lambda match: b"=%02X" % match[0][0], raw).decode("ascii")


@lru_cache(maxsize=65536)
def decode_token(token: str) -> str:
    """Read a name back.

    Raises:
        MalformedSubjectError: not what :func:`encode_token` writes.
    """
    if not _TOKEN.fullmatch(token):
        raise MalformedSubjectError(token)
    raw = _ESCAPE.sub(lambda match: bytes((int(match[1], 16),)), token.encode("ascii"))
    try:
        return raw.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        raise MalformedSubjectError(token) from error


def build(subject: Subject) -> str:
    """The subject as NATS wants it."""
    queue = NONE if subject.queue is None else encode_token(subject.queue)
    agent = NONE if subject.agent is None else encode_token(subject.agent)
    return f"{ROOT}.{subject.family}.{encode_token(subject.pbx)}.{subject.type}.{queue}.{agent}"


def parse(subject: str) -> Subject:
    """Take a subject of the log apart.

    Raises:
        MalformedSubjectError: it is none of ours.
    """
    tokens = subject.split(".")
    if len(tokens) != _TOKENS_OF_AN_EVENT or tokens[0] != "pbxis" or tokens[1] != "v1":
        raise MalformedSubjectError(subject)
    family = tokens[2]
    if family not in ("state", "event"):
        raise MalformedSubjectError(subject)
    return Subject(
        family=family,
        pbx=decode_token(tokens[3]),
        type=tokens[4],
        queue=None if tokens[5] == NONE else decode_token(tokens[5]),
        agent=None if tokens[6] == NONE else decode_token(tokens[6]),
    )


def states_of(pbx: str) -> str:
    """All states of one PBX, as a filter."""
    return f"{ROOT}.state.{encode_token(pbx)}.>"


def moments_of(pbx: str) -> str:
    """All moments of one PBX, as a filter."""
    return f"{ROOT}.event.{encode_token(pbx)}.>"


def fence(pbx: str, number: int | None = None) -> str:
    """Where a bridge of a PBX says, in the log, that from there on it is the one that writes (ADR 0009).

    Args:
        number: which of its fences; ``None``: all of them, as a filter.
    """
    return f"{_FENCES}{encode_token(pbx)}.{'*' if number is None else number}"


def is_fence(subject: str) -> bool:
    """Whether a subject of the log is a fence: nothing of it is for anyone but bridges."""
    return subject.startswith(_FENCES)


def alive(pbx: str) -> str:
    """Where the bridge of a PBX says that it runs."""
    return f"{ROOT}.alive.{encode_token(pbx)}"


def pbx_of_alive(subject: str) -> str:
    """The PBX of a heartbeat.

    Raises:
        MalformedSubjectError: it is none of ours.
    """
    head, _, token = subject.rpartition(".")
    if head != f"{ROOT}.alive":
        raise MalformedSubjectError(subject)
    return decode_token(token)


def command(pbx: str, action: str) -> str:
    """Where the commands of one action for one PBX go; ``action`` is a plain word such as ``originate``."""
    return f"{ROOT}.cmd.{encode_token(pbx)}.{action}"


def audit(pbx: str | None) -> str:
    """Where what was done on a PBX, or on none, is recorded."""
    return f"{ROOT}.audit.{NONE if pbx is None else encode_token(pbx)}"
