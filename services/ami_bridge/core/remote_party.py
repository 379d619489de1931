"""With whom an agent talks, channel by channel: what the actions on his calls act on.

    148 ── bridge ── trunk                          direct, or a queue call
    147 ── bridge ── Local;2 ═ Local;1 ── bridge ── trunk     a member behind a Local channel

The halves of a Local channel are one thing in two bridges, so they are followed to the channel at the far
end. There is a party where the agent's leg is in a bridge of two that does not hold: nobody in a parking lot
talks with anybody, and of three in one bridge no one is *the* other.
"""

from __future__ import annotations

from typing import NamedTuple

from services.ami_bridge.core.bridges import Bridges
from services.ami_bridge.core.calls import Leg
from services.ami_bridge.core.identity import is_local
from services.ami_bridge.core.model import Model
from shared.commands import Candidate
from shared.events import Call

# A member that is reached through more Local channels than this is a loop of the dialplan.
_MOST_HOPS = 8

_OTHER_HALF = {";1": ";2", ";2": ";1"}


class RemoteParty(NamedTuple):
    """The other end of a call.

    Attributes:
        channel: the remote party's own; the Local half when nobody stands behind it.
        beside: what is in one bridge with ``channel``: the agent's own, or half of a Local channel.
        adjacent: what is in one bridge with the agent's channel: ``channel``, or half of a Local channel.
    """

    channel: str
    beside: str
    adjacent: str


class AgentCall(NamedTuple):
    """A call of an agent; ``leg`` is his own end of it."""

    leg: Leg
    call: Call
    remote: RemoteParty | None

    @property
    def candidate(self) -> Candidate:
        """The call as a choice."""
        return Candidate(
            agent_channel=self.leg.channel,
            bridged_channel=self.remote.channel if self.remote else None,
            caller_id=self.call.number if self.remote else None,
        )


def calls_of(model: Model, agent: str) -> list[AgentCall]:
    """All calls of an agent, those too that only ring."""
    return [
        AgentCall(leg, call, remote_party(model.bridges, leg.uniqueid, leg.channel))
        for leg, call in model.calls.fronts(agent)
    ]


def leg_of(model: Model, channel: str) -> Leg | None:
    """The agent's leg of that name."""
    return next((leg for leg in model.calls if leg.channel == channel), None)


def agent_beside(model: Model, channel: str) -> Leg | None:
    """The agent's leg that is alone in a bridge with a channel."""
    party = model.bridges.named(channel)
    partner = model.bridges.partner(party.uniqueid) if party else None
    return model.calls.get(partner.uniqueid) if partner else None


def remote_party(bridges: Bridges, uniqueid: str, channel: str) -> RemoteParty | None:
    """Who is at the other end of a channel; ``None`` when there is nobody, or not just one."""
    partner = bridges.partner(uniqueid)
    if partner is None:
        return None
    adjacent, beside = partner.channel, channel
    for _ in range(_MOST_HOPS):
        half = _other_half(partner.channel)
        other = bridges.named(half) if half else None
        if other is None:
            return RemoteParty(partner.channel, beside, adjacent)
        behind = bridges.partner(other.uniqueid)
        if behind is None:
            return None
        partner, beside = behind, other.channel
    return None


def _other_half(channel: str) -> str | None:
    return (
        channel[:-2] + _OTHER_HALF[channel[-2:]]
        if is_local(channel) and channel[-2:] in _OTHER_HALF
        else None
    )
