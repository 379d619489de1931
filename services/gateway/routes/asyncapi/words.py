"""Docstrings, as the document tells them to readers who never see Python.

``None`` is `null`, an attribute has its name on the wire, and an `Attributes:` section becomes the
descriptions of the properties.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Collection
from typing import NamedTuple

_LITERAL = re.compile(r"``(.+?)``")
_SECTION = "\n\nAttributes:\n"
_ATTRIBUTE = re.compile(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)
_SENTENCE_END = re.compile(r"\. |\.?$")


class Told(NamedTuple):
    """A docstring's text, and what it says of each property."""

    text: str
    properties: dict[str, str]


def told(docstring: str, names: Collection[str] = ()) -> Told:
    """The docstring of something whose properties have these ``names`` on the wire."""
    text, _, section = inspect.cleandoc(docstring).partition(_SECTION)
    attributes = {on_wire(name, names): _line(text, names) for name, text in _ATTRIBUTE.findall(section)}
    return Told("\n\n".join(_line(paragraph, names) for paragraph in text.split("\n\n")), attributes)


def title(docstring: str) -> str:
    """Its first sentence."""
    text = told(docstring).text.partition("\n")[0]
    return text[: next(_SENTENCE_END.finditer(text)).start()]


def on_wire(name: str, names: Collection[str]) -> str:
    """The name of an attribute; what is none of these ``names`` in camel case either stays as it is."""
    head, *tail = name.split("_")
    camel = head + "".join(part.capitalize() for part in tail)
    return camel if camel in names else name


def _line(text: str, names: Collection[str]) -> str:
    def literal(found: re.Match[str]) -> str:
        return "`null`" if found[1] == "None" else f"`{on_wire(found[1], names)}`"

    return _LITERAL.sub(literal, " ".join(text.split()))
