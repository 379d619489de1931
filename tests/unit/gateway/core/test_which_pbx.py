from __future__ import annotations

import pytest

from services.gateway.core.form import Filled, Said
from services.gateway.core.principal import OPEN, Principal
from services.gateway.core.which_pbx import choose, named, visible
from services.gateway.errors import AmbiguousPbxError, BadParameterError, NotReadyError, PbxForbiddenError
from shared.commands import ResetQueue

PBXS = ("hq", "branch", "lab")
CRM = Principal(id="1", name="crm", roles=frozenset({"call"}), pbxs=frozenset({"hq", "branch"}))
ONE = Principal(id="2", name="one", roles=frozenset({"call"}), pbxs=frozenset({"branch"}))
GONE = Principal(id="3", name="gone", roles=frozenset({"call"}), pbxs=frozenset({"sold"}))


class Knows:
    """Knows those names: ``148@hq``."""

    def __init__(self, *names: str, complete: bool = True) -> None:
        self._names = names
        self.complete = complete

    def knows_agent(self, pbx: str, agent: str) -> bool:
        return f"{agent}@{pbx}" in self._names

    def knows_queue(self, pbx: str, queue: str) -> bool:
        return f"{queue}@{pbx}" in self._names


NOTHING = Knows()


def filled(*said: str, agent: str | None = None, queue: str | None = None) -> Filled:
    return Filled(
        command=ResetQueue(), said=tuple(Said("pbx", pbx) for pbx in said), agent=agent, queue=queue
    )


def ambiguous(request: Filled, principal: Principal, knows: Knows) -> tuple[str, ...]:
    with pytest.raises(AmbiguousPbxError) as caught:
        choose(request, principal, PBXS, knows)
    return tuple(caught.value.pbxs)


def test_the_one_that_is_named() -> None:
    assert choose(filled("lab", "lab", agent="148"), OPEN, PBXS, Knows("148@hq")) == "lab"


def test_two_named_are_refused() -> None:
    with pytest.raises(BadParameterError, match="hq and lab"):
        named(filled("hq", "lab"), OPEN)


def test_a_pbx_that_the_key_is_not_for_is_refused_if_named_and_else_left_out() -> None:
    with pytest.raises(PbxForbiddenError, match="'lab'"):
        choose(filled("lab"), CRM, PBXS, NOTHING)
    assert ambiguous(filled(agent="148"), CRM, Knows("148@lab")) == ("hq", "branch")


def test_the_only_one() -> None:
    assert choose(filled(), OPEN, ("hq",), NOTHING) == "hq"
    assert choose(filled(agent="148"), ONE, PBXS, Knows("148@hq")) == "branch"


def test_the_one_that_knows_the_agent_or_the_queue() -> None:
    assert choose(filled(agent="148"), OPEN, PBXS, Knows("148@lab")) == "lab"
    assert choose(filled(queue="q1"), OPEN, PBXS, Knows("q1@lab")) == "lab"


def test_the_one_that_knows_both() -> None:
    knows = Knows("148@hq", "148@lab", "q1@lab", "q1@branch")

    assert choose(filled(agent="148", queue="q1"), OPEN, PBXS, knows) == "lab"


def test_a_name_that_nobody_knows_says_nothing() -> None:
    assert choose(filled(agent="999", queue="q1"), OPEN, PBXS, Knows("q1@lab")) == "lab"


def test_those_that_it_may_be_are_told() -> None:
    assert ambiguous(filled(), OPEN, NOTHING) == PBXS
    assert ambiguous(filled(agent="148"), OPEN, Knows("148@hq", "148@lab")) == ("hq", "lab")
    assert ambiguous(filled(agent="148", queue="q1"), OPEN, Knows("148@hq", "q1@lab")) == ("hq", "lab")


def test_a_state_that_is_still_being_read_tells_nothing() -> None:
    reading = Knows("148@hq", "q1@hq", complete=False)
    for request in (filled(agent="148"), filled(queue="q1"), filled(agent="148", queue="q1")):
        with pytest.raises(NotReadyError, match="name the PBX"):
            choose(request, OPEN, PBXS, reading)
    assert choose(filled("lab", agent="148"), OPEN, PBXS, reading) == "lab"
    assert choose(filled(agent="148"), ONE, PBXS, reading) == "branch"
    assert ambiguous(filled(), OPEN, reading) == PBXS


def test_a_key_for_none_of_them_is_refused_without_naming_others() -> None:
    with pytest.raises(PbxForbiddenError) as caught:
        visible(GONE, PBXS)
    assert "hq" not in str(caught.value)
    with pytest.raises(PbxForbiddenError, match="hq"):
        visible(GONE, ("hq",))


def test_a_gateway_without_a_pbx_says_so() -> None:
    with pytest.raises(BadParameterError, match="no PBX is configured"):
        visible(OPEN, ())
