"""Who may publish and subscribe to what.

The embedded server enforces this; whoever runs a NATS of his own finds here what its users need.
A gateway faces the network, so it can read the log and call commands, and cannot write a single event.
"""

from __future__ import annotations

from typing import NamedTuple

from services.jetstream.connection import Role
from services.jetstream.log import LOG, STATE
from shared.subjects import (
    ALIVE_SUBJECTS,
    AUDIT_SUBJECTS,
    EVENT_SUBJECTS,
    FENCE_SUBJECTS,
    ROOT,
    STATE_SUBJECTS,
)

TICKETS = "PBXIS_TICKETS"
CURSORS = "PBXIS_CURSORS"
ACTIONS = "PBXIS_ACTIONS"
AUDIT = "PBXIS_AUDIT"
LEASE = "PBXIS_LEASE"

_API = "$JS.API"


class Permissions(NamedTuple):
    """Subjects; ``responses``: may answer what it is asked."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]
    responses: bool


def _reading(stream: str) -> tuple[str, ...]:
    """Look at a stream, and read it with consumers of one's own."""
    return (
        f"{_API}.STREAM.INFO.{stream}",
        f"{_API}.STREAM.MSG.GET.{stream}",
        f"{_API}.CONSUMER.CREATE.{stream}",
        f"{_API}.CONSUMER.CREATE.{stream}.>",
        f"{_API}.CONSUMER.INFO.{stream}.*",
        f"{_API}.CONSUMER.DELETE.{stream}.*",
    )


def _making(stream: str) -> tuple[str, ...]:
    return f"{_API}.STREAM.CREATE.{stream}", f"{_API}.STREAM.UPDATE.{stream}"


def _owning(bucket: str) -> tuple[str, ...]:
    """Everything with a key-value bucket, except deleting it."""
    stream = f"KV_{bucket}"
    return (
        *_reading(stream),
        *_making(stream),
        f"{_API}.STREAM.PURGE.{stream}",
        f"{_API}.DIRECT.GET.{stream}",
        f"{_API}.DIRECT.GET.{stream}.>",
        f"$KV.{bucket}.>",
    )


_COMMON = (f"{_API}.INFO", "$JS.FC.>")

PERMISSIONS: dict[Role, Permissions] = {
    "bridge": Permissions(
        publish=(
            STATE_SUBJECTS,
            EVENT_SUBJECTS,
            FENCE_SUBJECTS,
            ALIVE_SUBJECTS,
            *_COMMON,
            *_reading(LOG),
            *_making(LOG),
            *_reading(STATE),
            *_making(STATE),
            f"{_API}.STREAM.PURGE.{STATE}",
            f"{_API}.STREAM.DELETE.{STATE}",
            f"{_API}.STREAM.INFO.KV_{LEASE}",
            f"{_API}.STREAM.MSG.GET.KV_{LEASE}",
            *_making(f"KV_{LEASE}"),
            f"$KV.{LEASE}.>",
        ),
        # What is written to a bucket can be heard as it is written, without a consumer.
        subscribe=(f"{ROOT}.cmd.>", f"$KV.{LEASE}.>", "_INBOX.bridge.>"),
        responses=True,
    ),
    "gateway": Permissions(
        publish=(
            f"{ROOT}.cmd.>",
            *_COMMON,
            *_reading(LOG),
            *_reading(STATE),
            *_owning(TICKETS),
            *_owning(CURSORS),
            *_owning(ACTIONS),
            AUDIT_SUBJECTS,
            *_reading(AUDIT),
            *_making(AUDIT),
        ),
        subscribe=(ALIVE_SUBJECTS, "_INBOX.gateway.>"),
        responses=False,
    ),
}
