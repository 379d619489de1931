from __future__ import annotations

import msgspec

from services.gateway.core.state_cache import StateCache
from shared import wire
from shared.events import State, subject_of
from tests.support.gateway_fakes import count, member, name, online, phone


def cache_of(*events: State) -> StateCache:
    cache = StateCache()
    for event in events:
        cache.put(subject_of(event), wire.encode(event))
    return cache


def gone(event: State) -> State:
    return msgspec.structs.replace(event, gone=True)


def test_keeps_the_newest_value() -> None:
    cache = cache_of(count(1), count(2), phone(number="1"), online())

    assert cache.of_queue("hq", "q1", "queueCount") == wire.encode(count(2))
    assert cache.of_agent("hq", "148", "phoneNumber") == wire.encode(phone(number="1"))


def test_what_was_never_told_is_absent() -> None:
    cache = StateCache()

    assert cache.of_queue("hq", "q1", "queueCount") is None
    assert cache.of_agent("hq", "148", "phoneNumber") is None
    assert list(cache.members("hq", "q1")) == []
    assert not cache.knows_agent("hq", "148")
    assert not cache.knows_queue("hq", "q1")
    assert list(cache.agents("hq")) == []
    assert list(cache.queues("hq")) == []


def test_pbx_knows_the_names_of_its_states() -> None:
    cache = cache_of(member("148", "q1"), count(1, "q2", "branch"))

    assert list(cache.agents("hq")) == ["148"]
    assert list(cache.queues("hq")) == ["q1"]
    assert cache.knows_queue("branch", "q2")
    assert not cache.knows_queue("hq", "q2")
    assert list(cache.members("hq", "q1")) == [("148", wire.encode(member("148", "q1")))]


def test_tombstone_counts_as_absent() -> None:
    cache = cache_of(count(1), gone(count(0)), gone(count(0)))

    assert cache.of_queue("hq", "q1", "queueCount") is None
    assert not cache.knows_queue("hq", "q1")


def test_name_is_known_as_long_as_one_state_is_left() -> None:
    cache = cache_of(name(), phone(), gone(phone()))
    assert cache.knows_agent("hq", "148")

    left = gone(name())
    cache.put(subject_of(left), wire.encode(left))
    assert not cache.knows_agent("hq", "148")


def test_queue_state_is_no_member() -> None:
    assert list(cache_of(count(1)).members("hq", "q1")) == []


def test_name_that_looks_like_a_tombstone_is_none() -> None:
    assert cache_of(name(text='"gone":true')).knows_agent("hq", "148")


def test_clear_forgets_everything() -> None:
    cache = cache_of(count(1), phone(), online())
    cache.clear()

    assert not cache.knows_agent("hq", "148")
    assert not cache.knows_queue("hq", "q1")
