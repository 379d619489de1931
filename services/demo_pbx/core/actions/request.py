"""An action as it came, and the way its answers go back."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from services.demo_pbx.core.channels import Headers
from services.demo_pbx.core.events import encode


class Request:
    """The headers of one action. Names match without case; of duplicates the first wins."""

    def __init__(self, headers: Headers) -> None:
        self._headers = headers

    def get(self, name: str) -> str:
        """The value, or "" where the header is absent or empty: Asterisk makes no difference."""
        return next((value for key, value in self._headers if key.lower() == name.lower()), "")

    def all(self, name: str) -> list[str]:
        """Every value of a header that may repeat (`Variable`)."""
        return [value for key, value in self._headers if key.lower() == name.lower()]

    @property
    def action(self) -> str:
        return self.get("Action")

    @property
    def action_id(self) -> str:
        return self.get("ActionID")


class Item(NamedTuple):
    """One event of a list. Some lists have the ActionID first, others last."""

    name: str
    headers: Headers
    id_first: bool = False


class Reply:
    """Writes the answers to one action; the ActionID is echoed only if there was one."""

    def __init__(self, action_id: str, send: Callable[[bytes], None]) -> None:
        self._id: Headers = [("ActionID", action_id)] if action_id else []
        self._send = send

    def respond(self, response: str, headers: Headers) -> None:
        self._send(encode([("Response", response), *self._id, *headers]))

    def success(self, message: str) -> None:
        self.respond("Success", [("Message", message)])

    def error(self, message: str) -> None:
        self.respond("Error", [("Message", message)])

    def listing(
        self,
        message: str,
        items: Iterable[Item],
        complete: str,
        extra: Callable[[int], Headers] | None = None,
    ) -> None:
        """A whole list: the response, its items, and the event that ends it with their number."""
        self.respond("Success", [("EventList", "start"), ("Message", message)])
        count = 0
        for item in items:
            count += 1
            headers = [*self._id, *item.headers] if item.id_first else [*item.headers, *self._id]
            self._send(encode([("Event", item.name), *headers]))
        end = [("EventList", "Complete"), ("ListItems", str(count))]
        more = extra(count) if extra else []
        self._send(encode([("Event", complete), *self._id, *end, *more]))
