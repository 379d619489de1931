"""The API key that a command in a terminal uses: from a file or the environment, never from the command
line, where every user of the machine sees it.
"""

from __future__ import annotations

import os
from pathlib import Path

from services.gateway.core.keys import is_key
from shared.errors import CallCentreError

ENVIRONMENT_KEY = "PBXIS_KEY"
HOW = (
    f"give a key with --key-file FILE or in {ENVIRONMENT_KEY}; "
    "`pbxis key add NAME --roles {role}` makes one"
)


class GivenKeyError(CallCentreError):
    """The key that was given cannot be one; the text says where it is from, and not what it is."""

    def __init__(self, source: str, problem: str) -> None:
        self.source = source
        super().__init__(f"{source}: {problem}")


def given_key(file: str | None) -> str | None:
    """The key in this file, else that of the environment; ``None`` when neither is given.

    Raises:
        GivenKeyError: the file cannot be read, or what was given is no key.
    """
    if file is not None:
        return _checked(file, _read(file))
    text = os.environ.get(ENVIRONMENT_KEY)
    return _checked(ENVIRONMENT_KEY, text) if text else None


def _read(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise GivenKeyError(file, f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise GivenKeyError(file, "is not text") from error


def _checked(source: str, text: str) -> str:
    key = text.strip()
    if not is_key(key):
        raise GivenKeyError(
            source, "holds no API key; one looks like pbxis_0123456789abcdef_…, on a line alone"
        )
    return key
