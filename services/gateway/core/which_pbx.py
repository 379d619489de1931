"""On which PBX an action takes place.

1. The one that the request names, as ``pbx`` or behind a name as ``@pbx``; two different ones are an error.
2. Else the only one there is, of those that the key is for.
3. Else the one whose live state knows the agent and the queue that the action is about. A name that no PBX
   knows says nothing: a queue may be new, and Asterisk is asked in any case. While the state is still being
   read it knows some names of one PBX and not yet those of another, so it is not asked at all.
4. Else nobody can tell, and the error names those that it may be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from services.gateway.core.form import Filled
from services.gateway.core.principal import Principal
from services.gateway.errors import AmbiguousPbxError, BadParameterError, NotReadyError, PbxForbiddenError

_ANY = "*"
_UNREAD = "the state, which would tell the PBX, has not been read from NATS yet; wait, or name the PBX"


class Knowledge(Protocol):
    """What the live state knows."""

    @property
    def complete(self) -> bool:
        """Whether all of it has been read."""
        ...

    def knows_agent(self, pbx: str, agent: str) -> bool:
        """Whether a PBX knows an agent."""
        ...

    def knows_queue(self, pbx: str, queue: str) -> bool:
        """Whether a PBX knows a queue."""
        ...


def named(filled: Filled, principal: Principal) -> str | None:
    """The PBX that a request names; ``None`` when it names none.

    Raises:
        BadParameterError: it names two.
        PbxForbiddenError: the key is not for it.
    """
    if not filled.said:
        return None
    pbx = filled.said[0].pbx
    for parameter, other in filled.said:
        if other != pbx:
            raise BadParameterError(parameter, f"the request names two PBXs: {pbx} and {other}")
    if not principal.may_see(pbx):
        raise PbxForbiddenError(principal.name, pbx)
    return pbx


def visible(principal: Principal, pbxs: Sequence[str]) -> tuple[str, ...]:
    """Those of the configured PBXs that the key is for, at least one.

    Raises:
        PbxForbiddenError: the key is for none of them.
        BadParameterError: none is configured.
    """
    found = principal.visible(pbxs)
    if not found and pbxs:
        raise PbxForbiddenError(principal.name, pbxs[0] if len(pbxs) == 1 else _ANY)
    if not found:
        raise BadParameterError("pbx", "no PBX is configured at this gateway")
    return found


def choose(filled: Filled, principal: Principal, pbxs: Sequence[str], knowledge: Knowledge) -> str:
    """The PBX of a request; ``pbxs`` are the configured ones.

    Raises:
        BadParameterError, PbxForbiddenError: see :func:`named` and :func:`visible`.
        NotReadyError: the state would tell, and has not been read yet.
        AmbiguousPbxError: it may be several.
    """
    said = named(filled, principal)
    if said is not None:
        return said
    candidates = visible(principal, pbxs)
    if len(candidates) == 1:
        return candidates[0]
    about_somebody = filled.agent is not None or filled.queue is not None
    if about_somebody and not knowledge.complete:
        raise NotReadyError([_UNREAD])
    of_agent = _knowing(candidates, filled.agent, knowledge.knows_agent)
    of_queue = _knowing(candidates, filled.queue, knowledge.knows_queue)
    both = tuple(pbx for pbx in candidates if pbx in of_agent and pbx in of_queue)
    either = tuple(pbx for pbx in candidates if pbx in of_agent or pbx in of_queue)
    # when one of the two is known nowhere, or they are known to different PBXs
    found = both or either
    if len(found) == 1:
        return found[0]
    raise AmbiguousPbxError(found or candidates)


def _knowing(pbxs: Sequence[str], name: str | None, knows: Callable[[str, str], bool]) -> frozenset[str]:
    return frozenset() if name is None else frozenset(pbx for pbx in pbxs if knows(pbx, name))
