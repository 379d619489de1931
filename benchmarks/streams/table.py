"""The one table that all scenarios print into."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["reached", "MISSED", ""]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One figure.

    Attributes:
        what: of what.
        ours: with its unit.
        beside: what it is compared with, with name and unit; "" for nothing.
        ratio: ours to the floor.
        target: in words; "" for a figure that only informs.
        reached: whether it is; ``None`` when there is no target.
        note: spread of the rounds, how busy the load client was, what is included.
    """

    what: str
    ours: str
    beside: str = ""
    ratio: float | None = None
    target: str = ""
    reached: bool | None = None
    note: str = ""

    @property
    def verdict(self) -> Verdict:
        if self.reached is None:
            return ""
        return "reached" if self.reached else "MISSED"

    @property
    def cells(self) -> tuple[str, ...]:
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        return self.what, self.ours, self.beside, ratio, self.target, self.verdict, self.note


HEAD = ("what", "ours", "beside", "ratio", "target", "", "note")


def rendered(rows: Sequence[Row]) -> str:
    """The table, as Markdown that also reads well as it is."""
    lines = [HEAD, *(row.cells for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD) - 1)]
    rule = "|".join(["", *("-" * (width + 2) for width in widths), "---", ""])
    head, *body = ("| " + " | ".join(_padded(line, widths)) + " |" for line in lines)
    return "\n".join([head, rule, *body])


def missed(rows: Iterable[Row]) -> list[str]:
    """What is not as it should be."""
    return [row.what for row in rows if row.reached is False]


def _padded(line: tuple[str, ...], widths: Sequence[int]) -> list[str]:
    *most, note = line
    return [*(cell.ljust(width) for cell, width in zip(most, widths, strict=True)), note]
