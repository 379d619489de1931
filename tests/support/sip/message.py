"""SIP requests and responses as text (RFC 3261 §7)."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

Headers = list[tuple[str, str]]

_TAG = re.compile(r";\s*tag=([^;\s>]+)", re.IGNORECASE)
_ANGLED = re.compile(r"<([^>]*)>")


@dataclass(frozen=True)
class SipMessage:
    """A received message. Header names are compared without case; a header may occur more than once."""

    start: str
    headers: tuple[tuple[str, str], ...]
    body: str

    @classmethod
    def parse(cls, datagram: bytes) -> SipMessage:
        """Read one datagram. Asterisk neither folds headers nor uses their short names towards phones."""
        head, _, body = datagram.decode("utf-8", "replace").partition("\r\n\r\n")
        start, *lines = head.split("\r\n")
        pairs = (line.partition(":") for line in lines)
        return cls(start, tuple((name.strip(), value.strip()) for name, _, value in pairs), body)

    def all(self, name: str) -> list[str]:
        return [value for known, value in self.headers if known.lower() == name.lower()]

    def get(self, name: str) -> str:
        """The first header of that name; ``""`` when there is none."""
        return next(iter(self.all(name)), "")

    @property
    def status(self) -> int | None:
        """The status code of a response; ``None`` for a request."""
        return int(self.start.split(" ", 2)[1]) if self.start.startswith("SIP/2.0 ") else None

    @property
    def method(self) -> str:
        """The method of a request, or the one that a response belongs to."""
        return self.get("CSeq").split()[1]

    @property
    def cseq(self) -> int:
        return int(self.get("CSeq").split()[0])

    @property
    def call_id(self) -> str:
        return self.get("Call-ID")

    @property
    def branch(self) -> str:
        """Names the transaction: a repeated request has the same."""
        return self.get("Via").partition("branch=")[2].partition(";")[0]


def build(start: str, headers: Headers, body: str = "") -> bytes:
    """A message as it goes on the wire; ``Content-Length`` is added."""
    payload = body.encode()
    lines = [start, *(f"{name}: {value}" for name, value in headers), f"Content-Length: {len(payload)}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + payload


def tag_of(address: str) -> str | None:
    """The tag of a From or To value."""
    found = _TAG.search(address)
    return found[1] if found else None


def uri_of(address: str) -> str:
    """The URI of a From, To or Contact value."""
    found = _ANGLED.search(address)
    return found[1] if found else address.partition(";")[0].strip()


def token() -> str:
    """A fresh tag, Call-ID or cnonce."""
    return secrets.token_hex(8)


def new_branch() -> str:
    """A fresh transaction id; the prefix is RFC 3261's magic cookie."""
    return "z9hG4bK" + token()
