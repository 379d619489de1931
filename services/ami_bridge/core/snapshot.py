"""The lists from which the core learns what was there before it came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.ami_bridge.core.ami_message import AmiMessage


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The items of each list, as Asterisk sent them; ``None`` for one that was refused.

    Attributes:
        queue_status: `QueueParams`, `QueueMember` and `QueueEntry` of QueueStatus.
        queue_summary: `QueueSummary` of QueueSummary.
        extension_states: `ExtensionStatus` of ExtensionStateList.
        channels: `Status` of Status (or `CoreShowChannel` of CoreShowChannels).
        bridges: `BridgeListItem` of BridgeList.
    """

    queue_status: Sequence[AmiMessage] | None = None
    queue_summary: Sequence[AmiMessage] | None = None
    extension_states: Sequence[AmiMessage] | None = None
    channels: Sequence[AmiMessage] | None = None
    bridges: Sequence[AmiMessage] | None = None


class ListAction(NamedTuple):
    """A list action to ask.

    Attributes:
        name: of the action.
        params: its further headers.
        fills: the attribute of :class:`Snapshot` that takes its items.
        needs: write classes of which one suffices; empty when everybody may.
        required: whether nothing can be shown without it.
        suffers: what is wrong when it is refused, in plain words.
    """

    name: str
    params: Mapping[str, str]
    fills: str
    needs: tuple[str, ...]
    required: bool
    suffers: str


LISTS: tuple[ListAction, ...] = (
    ListAction(
        "QueueStatus",
        {},
        "queue_status",
        (),
        True,
        "queues, their callers and their members are unknown",
    ),
    ListAction("QueueSummary", {}, "queue_summary", (), False, "there is no QueueSummary"),
    ListAction(
        "ExtensionStateList",
        {},
        "extension_states",
        ("call", "reporting"),
        False,
        "the state of a phone is unknown until it changes for the first time",
    ),
    ListAction(
        "Status",
        {},
        "channels",
        ("system", "call", "reporting"),
        False,
        "calls that are up when the bridge connects are not seen",
    ),
    ListAction(
        "BridgeList",
        {},
        "bridges",
        (),
        False,
        "an agent who is parked when the bridge connects is shown as talking",
    ),
)

REFRESH_LISTS: tuple[ListAction, ...] = LISTS[:2]
"""What to ask every `summary_refresh_s` seconds."""
