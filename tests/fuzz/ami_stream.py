"""Make AMI byte streams that begin as true ones and are spoilt in all ways."""

from __future__ import annotations

import gzip
import random
from functools import cache

from tests.support.transcripts import CAPTURES

END = b"\r\n\r\n"
BANNERS = (b"Asterisk Call Manager/11.0.0\r\n", b"\r\nAsterisk Call Manager/2.10.6\r\n")
_NONSENSE = (
    b"",
    b"0",
    b"-1",
    b"1",
    b"9" * 30,
    b"nan",
    b"1e400",
    b"<unknown>",
    b"PJSIP/148-00000001",
    b"Local/1@a-1;1",
    b"a\rb",
    b"a\nb",
    b"\xff\xfe",
    "š€😀".encode(),
    b"\x00",
    b": ",
    b"x" * 3000,
)
_BYTES = (b"\r", b"\n", b"\r\n", b"\r\n\r", b":", b" ", b"\x00", b"\xff", b"Event: ", b"ActionID: ")


@cache
def blocks() -> tuple[tuple[bytes, ...], ...]:
    """The messages of every recorded session, as bytes."""
    found: list[tuple[bytes, ...]] = []
    for path in sorted(CAPTURES.rglob("*.ami*")):
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        _, _, messages = data.partition(b"\r\n")
        found.append(tuple(block for block in messages.split(END) if block))
    return tuple(found)


@cache
def _values() -> dict[bytes, tuple[bytes, ...]]:
    """Every value that was seen of each header."""
    found: dict[bytes, dict[bytes, None]] = {}
    for session in blocks():
        for block in session:
            for line in block.split(b"\r\n"):
                header, colon, value = line.partition(b": ")
                if colon:
                    found.setdefault(header, {})[value] = None
    return {header: tuple(values) for header, values in found.items()}


def messages(rng: random.Random) -> list[bytes]:
    """A part of a session, or of two at once, more or less spoilt; without the ends of messages."""
    made = _run(rng)
    if rng.random() < 0.3:
        made = _merged(rng, made, _run(rng))
    spoilt = rng.choice((0.0, 0.0, 0.02, 0.2, 0.9))
    out: list[bytes] = []
    for block in made:
        luck = rng.random()
        if luck < spoilt / 8:
            continue
        if luck < spoilt / 4 and out:
            out.append(rng.choice(out))  # old news
        out.append(_spoil(rng, block) if rng.random() < spoilt else block)
    if rng.random() < spoilt / 2:
        rng.shuffle(out)
    return out


def stream(rng: random.Random, blocks: list[bytes]) -> bytes:
    """Messages as one stream; seldom with empty ones between them."""
    return b"".join(block + END + (b"\r\n" if rng.random() < 0.01 else b"") for block in blocks)


def chunks(rng: random.Random, data: bytes) -> list[bytes]:
    """Cut as a network may."""
    most = rng.choice((1, 3, 40, 1500, 65536, 10**9))
    if len(data) / most > 20_000:  # single bytes of a long stream take too long
        most = 1500
    out: list[bytes] = []
    at = 0
    while at < len(data):
        size = rng.randint(1, most)
        out.append(data[at : at + size])
        at += size
    return out


def _run(rng: random.Random) -> list[bytes]:
    session = rng.choice(blocks())
    length = min(len(session), rng.choice((3, 20, 60, 300)))
    start = rng.randint(0, len(session) - length)
    return list(session[start : start + length])


def _merged(rng: random.Random, one: list[bytes], other: list[bytes]) -> list[bytes]:
    """Both, each in its order."""
    out: list[bytes] = []
    one, other = one[::-1], other[::-1]
    while one or other:
        source = rng.choice([each for each in (one, other) if each])
        out.append(source.pop())
    return out


def _spoil(rng: random.Random, block: bytes) -> bytes:
    lines = block.split(b"\r\n")
    for _ in range(rng.randint(1, 3)):
        if not lines:
            break
        at = rng.randrange(len(lines))
        header, colon, _ = lines[at].partition(b": ")
        kind = rng.random()
        if kind < 0.2:
            del lines[at]
        elif kind < 0.3:
            lines.insert(rng.randint(0, len(lines)), lines[at])
        elif kind < 0.55 and header in _values():
            lines[at] = header + b": " + rng.choice(_values()[header])
        elif kind < 0.8:
            lines[at] = header + colon + rng.choice(_NONSENSE)
        elif kind < 0.9:
            added = rng.choice(tuple(_values()))
            lines.insert(rng.randint(0, len(lines)), added + b": " + rng.choice(_NONSENSE))
        else:
            lines[at] = _bytes_spoilt(rng, lines[at])
    return b"\r\n".join(lines)


def _bytes_spoilt(rng: random.Random, line: bytes) -> bytes:
    at = rng.randint(0, len(line))
    kept = line[at + rng.randint(0, 4) :]
    return line[:at] + (rng.choice(_BYTES) if rng.random() < 0.7 else rng.randbytes(3)) + kept
