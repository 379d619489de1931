"""The lists to ask."""

from __future__ import annotations

from dataclasses import fields

from services.ami_bridge.core.snapshot import LISTS, REFRESH_LISTS, Snapshot


def test_each_list_fills_another_part_of_the_snapshot() -> None:
    assert sorted(action.fills for action in LISTS) == sorted(field.name for field in fields(Snapshot))


def test_what_is_asked_again_is_what_refresh_reads() -> None:
    assert [action.fills for action in REFRESH_LISTS] == ["queue_status", "queue_summary"]
    assert [action.name for action in LISTS if action.required] == ["QueueStatus"]
