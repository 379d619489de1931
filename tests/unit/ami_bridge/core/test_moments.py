"""The names of moments."""

from __future__ import annotations

from services.ami_bridge.core.moments import moment_id


def test_a_part_cannot_forge_another_one_or_break_a_header() -> None:
    assert moment_id("hq", "a.b", "c\r\nX: y", "") == "hq.a=2Eb.c=0D=0AX=3A=20y._"
    assert moment_id("hq", "_") != moment_id("hq", "")
