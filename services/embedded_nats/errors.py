"""Why the embedded server does not run."""

from __future__ import annotations

from pathlib import Path

from shared.errors import CallCentreError


class EmbeddedNatsError(CallCentreError):
    """The server does not start; the text says what to do."""


class StoreInUseError(EmbeddedNatsError):
    """Another server keeps its log in this folder."""

    def __init__(self, folder: Path, pid: str) -> None:
        self.folder = folder
        self.pid = pid
        super().__init__(
            f"nats.store_dir {folder} is in use by another pbxis{f' (process {pid})' if pid else ''}; "
            "stop that one, or choose another folder"
        )
