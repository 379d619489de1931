"""Which agent a queue member, a channel or a hint belongs to.

The agent is the number that pages and tickets use: 148 is `PJSIP/148`. It is read from names of
interfaces and channels, never from a CallerIDNum: Originate and the dialplan rewrite that one.

    queue member   `hint:148@ext-local` or a device in StateInterface, else Interface; an interface of
                   a technology without agents (`DAHDI/1`) is itself the agent's name
    channel        `PJSIP/148-0000001a`: cut at the last dash, which every channel name has; the `;1`
                   half of a Local channel (`;2` is the half that runs the dialplan); no zombies

Not every endpoint is an agent: `PJSIP/trunk-0000001b` is a trunk. A channel counts as an agent's when the
number is a queue member, has a hint in the hint context, or, of a device, is 1 to 7 digits long
(trunks are named by words or by full telephone numbers). The first two are known to the model.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_CHANNEL = re.compile(r"([A-Za-z0-9_]+/.+)-[0-9a-f]+(;1)?")
_LOCAL = re.compile(r"(Local/[^/]+)/[A-Za-z]*")
_EXTENSION = re.compile(r"[0-9]{1,7}")


@dataclass(frozen=True)
class Identity:
    """How this PBX names its phones.

    ``location_prefix`` stands before the agent's number in a dial string; ``technologies`` are the
    channel technologies whose endpoints may be agents besides.
    """

    location_prefix: str = "PJSIP/"
    hint_context: str = "hint"
    technologies: tuple[str, ...] = ("PJSIP", "SIP", "SCCP", "IAX2")


class Identifier:
    """The rules, with what they gave before: the same few names come again and again."""

    def __init__(self, rules: Identity) -> None:
        self.rules = rules
        self.agent_of_interface = lru_cache(maxsize=16384)(self._agent_of_interface)
        self.agent_of_member = lru_cache(maxsize=16384)(self._agent_of_member)

    def _agent_of_interface(self, interface: str) -> str | None:
        """The number in a dial string, interface or hint; ``None`` when it is none of an agent's."""
        prefix = self.rules.location_prefix
        if interface.startswith(prefix):
            rest = interface[len(prefix) :]
        else:
            technology, _, rest = interface.partition("/")
            if technology != "Local" and technology not in self.rules.technologies:
                return None
        # `PJSIP/0991234567@trunk` and `PJSIP/148/sip:148@host` are dial strings too.
        return re.split("[@/]", rest, maxsplit=1)[0] or None

    def _agent_of_member(self, interface: str, state_interface: str) -> str:
        """The agent that a queue member is."""
        if state_interface.startswith("hint:"):
            number = state_interface[len("hint:") :].partition("@")[0]
            if number:
                return number
        return self.agent_of_interface(state_interface) or self.agent_of_interface(interface) or interface


def interface_of_channel(channel: str) -> str | None:
    """`PJSIP/148` of `PJSIP/148-0000001a`; ``None`` for a half or a leftover that is nobody's phone."""
    match = _CHANNEL.fullmatch(channel)
    return match[1] if match else None


def plain_interface(interface: str) -> str:
    """`Local/148@agents` of `Local/148@agents/n`: without the options, as in channel names."""
    match = _LOCAL.fullmatch(interface)
    return match[1] if match else interface


def is_local(channel: str) -> bool:
    """Whether a channel only leads to another one."""
    return channel.startswith("Local/")


def looks_like_extension(number: str) -> bool:
    """Whether a number is an agent's though neither a queue nor a hint tells of it."""
    return _EXTENSION.fullmatch(number) is not None
