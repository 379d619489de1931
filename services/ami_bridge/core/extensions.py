"""The hints of the agents' phones."""

from __future__ import annotations

from collections.abc import Iterator

from services.ami_bridge.core.ami_message import AmiMessage, integer, name, optional, text
from services.ami_bridge.core.device_states import extension_word
from shared.events import ExtensionStatus, ExtensionWord


def read_extension(message: AmiMessage, hint_context: str) -> tuple[str, ExtensionWord] | None:
    """The agent and the state of his phone.

    Args:
        message: AMI `ExtensionStatus`, the event or an item of ExtensionStateList.
        hint_context: where the agents' hints are. Other contexts have hints as well: each parking
            space sends the same event.

    Returns:
        ``None`` for a hint of another context, and for one that watches no phone: `Custom:DND148` and the
        like have no slash.

    Raises:
        MalformedMessageError: a header is missing or unreadable.
    """
    hint = optional(message, "Hint")
    if text(message, "Context") != hint_context or (hint and "/" not in hint):
        return None
    return name(message, "Exten"), extension_word(integer(message, "Status"))


class Extensions:
    """The newest state of each hint, by agent."""

    def __init__(self) -> None:
        self._words: dict[str, ExtensionWord] = {}

    def __contains__(self, agent: str) -> bool:
        return agent in self._words

    def __iter__(self) -> Iterator[str]:
        return iter(self._words)

    def put(self, agent: str, word: ExtensionWord) -> None:
        """Take over what a hint tells."""
        self._words[agent] = word

    def document(self, pbx: str, agent: str) -> ExtensionStatus | None:
        """The event; ``None`` when there is no such hint."""
        word = self._words.get(agent)
        return None if word is None else ExtensionStatus(pbx=pbx, agent=agent, status=word)
