"""Results that are kept, each in a dated file."""

from __future__ import annotations

import datetime
import os
from pathlib import Path

_FOLDER = Path(__file__).parent.parent / "results"


def keep(name: str, *parts: str) -> str:
    """Write a result, an empty line between its parts; the file's name as seen from here."""
    now = datetime.datetime.now(datetime.UTC)
    _FOLDER.mkdir(exist_ok=True)
    file = _FOLDER / f"{now:%Y-%m-%d-%H%M}-{name}.md"
    file.write_text("\n\n".join(parts), encoding="utf-8")
    return os.path.relpath(file)
