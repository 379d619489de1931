"""Which version of pbxis this is."""

from __future__ import annotations

import tomllib
from importlib import metadata
from pathlib import Path

_PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"


def version() -> str:
    """The installed package's version; in a checkout, which is not installed, that of ``pyproject.toml``."""
    try:
        return metadata.version("pbxis")
    except metadata.PackageNotFoundError:
        return str(tomllib.loads(_PROJECT.read_text(encoding="utf-8"))["project"]["version"])
