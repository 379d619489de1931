"""Read recorded AMI sessions (tests/fixtures/ami) into messages.

A splitter of its own, as plain as can be, so that a fault in the bridge's parser does not hide here.
"""

from __future__ import annotations

import gzip
from pathlib import Path

CAPTURES = Path(__file__).parent.parent / "fixtures" / "ami"

Message = dict[str, "str | list[str]"]


def capture(name: str) -> list[Message]:
    """The messages of a capture, from the login's answer on.

    Args:
        name: below tests/fixtures/ami, without `.ami` or `.ami.gz`: ``filtered/direct_call``.
    """
    packed = CAPTURES / f"{name}.ami.gz"
    if packed.exists():
        return read(gzip.decompress(packed.read_bytes()))
    return read((CAPTURES / f"{name}.ami").read_bytes())


def read(transcript: bytes) -> list[Message]:
    """Split a transcript. Only CR LF ends a line: values may hold a bare CR or LF."""
    _, _, messages = transcript.decode("utf-8", "replace").partition("\r\n")
    return [parsed for block in messages.split("\r\n\r\n") if (parsed := _parse(block))]


def events(name: str) -> list[Message]:
    """The live events of a capture: no responses, and no items of lists but OriginateResponse."""
    return [
        message
        for message in capture(name)
        if "Event" in message
        and ("ActionID" not in message or message["Event"] in ("OriginateResponse", "UserEvent"))
    ]


def listing(name: str, *kinds: str) -> list[Message]:
    """The items of these kinds in the first lists of a capture that have them."""
    found: list[Message] = []
    for kind in kinds:
        items = [each for each in capture(name) if each.get("Event") == kind and "ActionID" in each]
        found += [each for each in items if each["ActionID"] == items[0]["ActionID"]]
    return found


def _parse(block: str) -> Message:
    message: Message = {}
    for line in block.split("\r\n"):
        header, colon, value = line.partition(":")
        if not colon:
            continue
        value = value.removeprefix(" ")
        before = message.get(header)
        if before is None:
            message[header] = value
        elif isinstance(before, list):
            before.append(value)
        else:
            message[header] = [before, value]
    return message
