"""Actions as they go to Asterisk, and how each knows that its answer is whole.

panoramisk keeps the table of awaited actions and a future for each. Its own rules for "answered" guess
(any event that ends in `Complete`, any `Response` header; an error never ends a list); these know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from panoramisk.actions import Action

from services.ami_bridge.core.ami_message import AmiMessage
from services.ami_bridge.errors import UnsafeActionError

# Asterisk's own limits (manager.c); above them it answers without an ActionID, or takes the rest of the
# action for another one.
_LONGEST_LINE = 1021
_MOST_LINES = 128

# Sent with the ActionID of the action that caused them, yet never part of a list.
NEVER_ITEMS = frozenset({"UserEvent", "OriginateResponse"})


class ActionMessage:
    """A message on its way through panoramisk's ``handle_message``, which asks for its ids only."""

    def __init__(self, headers: AmiMessage, action_id: str) -> None:
        self.headers = headers
        self.id = action_id
        self.action_id = action_id


class SingleAction(Action):
    """Is answered by one response; the future's result is its headers."""

    def takes(self, headers: AmiMessage) -> bool:
        """Whether this message belongs to the answer."""
        return "Event" not in headers

    def add_message(self, message: ActionMessage) -> bool:
        """Take a message of the answer; true when it is whole. Called by panoramisk."""
        if not self.future.done():
            self.future.set_result(message.headers)
        return True


class ListAction(Action):
    """Is answered by a response and the items of a list.

    The future's result is `(last, items)`: ``last`` is the response when it is an error or announces no
    list, else the event that ends the list.
    """

    def __init__(self, headers: Mapping[str, str | Sequence[str]]) -> None:
        super().__init__(headers)
        self._items: list[AmiMessage] = []

    def takes(self, headers: AmiMessage) -> bool:
        """Whether this message belongs to the answer."""
        return headers.get("Event") not in NEVER_ITEMS

    def add_message(self, message: ActionMessage) -> bool:
        """Take a message of the answer; true when it is whole. Called by panoramisk."""
        headers = message.headers
        position = str(headers.get("EventList", "")).lower()
        if "Event" in headers and not position:
            self._items.append(headers)
            return False
        if position == "start" and not is_error(headers):
            return False
        if not self.future.done():
            self.future.set_result((headers, self._items))
        return True


def is_error(headers: AmiMessage) -> bool:
    """Whether this ends an action without success (`EventList: cancelled` ends a list so)."""
    return headers.get("Response") == "Error" or str(headers.get("EventList", "")).lower() == "cancelled"


def id_of(action: Action) -> str:
    """The ActionID, given or made by panoramisk."""
    return cast("str", action["ActionID"])


def checked_headers(
    action: str, headers: Mapping[str, str | Sequence[str]]
) -> dict[str, str | Sequence[str]]:
    """The headers of an action, `Action` included, when they can be sent safely.

    Asterisk ends a header at CR, LF or NUL, so a value that holds one is a header of its own, or
    a whole action. Such a value is refused, never mended: who sends it does not mean well.

    Raises:
        UnsafeActionError: says which header and why.
    """
    _check_line(action, "Action", action)
    checked: dict[str, str | Sequence[str]] = {"Action": action}
    names = {"action"}
    header = "Action"
    lines = 2  # `Action` and `ActionID`
    for header, value in headers.items():
        _check_name(action, header)
        if header.lower() in names:
            raise UnsafeActionError(action, header, "is given twice")
        names.add(header.lower())
        values = [value] if isinstance(value, str) else list(value)
        for one in values:
            _check_line(action, header, one)
        lines += len(values)
        checked[header] = value if isinstance(value, str) else values
    if lines > _MOST_LINES:
        raise UnsafeActionError(action, header, f"is past the {_MOST_LINES} lines that Asterisk reads")
    return _with_async(checked) if action.lower() == "originate" else checked


def _with_async(headers: dict[str, str | Sequence[str]]) -> dict[str, str | Sequence[str]]:
    """Without `Async` the connection answers nothing until the phone does."""
    others = {header: value for header, value in headers.items() if header.lower() != "async"}
    return {**others, "Async": "true"}


def _check_name(action: str, header: str) -> None:
    if not header or ":" in header or header != header.strip() or not header.isprintable():
        raise UnsafeActionError(action, header, "is no header name")


def _check_line(action: str, header: str, value: str) -> None:
    if any(bad in value for bad in "\r\n\0"):
        raise UnsafeActionError(action, header, "holds a line end or NUL")
    try:
        line = f"{header}: {value}".encode()
    except UnicodeEncodeError as error:
        raise UnsafeActionError(action, header, "is not valid text") from error
    if len(line) > _LONGEST_LINE:
        raise UnsafeActionError(action, header, f"is longer than {_LONGEST_LINE} bytes")
