"""Which events a connection gets: its classes (`Events`), then its filters (`Filter`).

Source: Asterisk `main/manager.c`, match_filter() and the documentation of action Filter.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from services.demo_pbx.core.events import AmiEvent

ALL_CLASSES = frozenset({"system", "call", "agent", "user", "dialplan", "reporting", "cdr", "security"})
CRITERION = re.compile(r"^(name|header|method|action)\(([^()]*)\)$")

Matches = Callable[[AmiEvent], bool]

METHODS: dict[str, Callable[[str, str], bool]] = {
    "exact": lambda value, wanted: value == wanted,
    "starts_with": lambda value, wanted: value.startswith(wanted),
    "ends_with": lambda value, wanted: value.endswith(wanted),
    "contains": lambda value, wanted: wanted in value,
    "regex": lambda value, wanted: re.search(wanted, value) is not None,
    "none": lambda value, wanted: True,
}


def read_mask(text: str) -> frozenset[str]:
    """Classes of `EventMask`. Only unknown names mean none at all, without an error."""
    wanted = {part.strip().lower() for part in text.split(",")}
    if wanted & {"on", "all", "yes", "true", "1"}:
        return ALL_CLASSES
    return ALL_CLASSES & wanted


@dataclass(frozen=True, slots=True)
class EventFilter:
    exclude: bool
    matches: Matches


def read_filter(criteria: str | None, pattern: str) -> EventFilter | None:
    """A filter of action Filter, or None if it is formed wrongly.

    Args:
        criteria: `MatchCriteria`, such as `name(VarSet),header(Variable),method(exact)`; None for
            the old form, where `pattern` is a regular expression over the whole event and a `!`
            in front excludes.
        pattern: what the method compares with.
    """
    if criteria is None:
        exclude = pattern.startswith("!")
        return _compiled(EventFilter(exclude, _text_matches(pattern.removeprefix("!"))), pattern)
    parts: dict[str, str] = {}
    for text in criteria.split(",") if criteria else []:
        match = CRITERION.match(text.strip())
        if match is None or match[1] in parts:
            return None
        parts[match[1]] = match[2]
    method = parts.get("method", "regex" if pattern else "none")
    action = parts.get("action", "include")
    if method not in METHODS or action not in ("include", "exclude"):
        return None
    event_filter = EventFilter(action == "exclude", _criteria_match(parts, METHODS[method], pattern))
    return _compiled(event_filter, pattern) if method == "regex" else event_filter


def passes(filters: list[EventFilter], event: AmiEvent) -> bool:
    """Not excluded, and included if there is any filter that includes."""
    including = [f for f in filters if not f.exclude]
    if any(f.matches(event) for f in filters if f.exclude):
        return False
    return not including or any(f.matches(event) for f in including)


def _compiled(event_filter: EventFilter, pattern: str) -> EventFilter | None:
    try:
        re.compile(pattern.removeprefix("!"))
    except re.error:
        return None
    return event_filter


def _text_matches(pattern: str) -> Matches:
    return lambda event: re.search(pattern, _text(event)) is not None


def _criteria_match(parts: dict[str, str], compare: Callable[[str, str], bool], wanted: str) -> Matches:
    name, header = parts.get("name"), parts.get("header")

    def matches(event: AmiEvent) -> bool:
        if name is not None and event.name != name:
            return False
        value = event.get(header) if header is not None else _text(event)
        return value is not None and compare(value, wanted)

    return matches


def _text(event: AmiEvent) -> str:
    return event.encoded.decode()
