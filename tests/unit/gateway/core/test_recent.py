from __future__ import annotations

from services.gateway.core.recent import Recent


def test_drops_what_was_not_used_for_longest() -> None:
    kept: Recent[str, int] = Recent(number=2, size=100)
    kept.put("a", 1, 1)
    kept.put("b", 2, 1)
    assert kept.get("a") == 1
    kept.put("c", 3, 1)

    assert [kept.get(key) for key in ("a", "b", "c")] == [1, None, 3]
    assert len(kept) == 2


def test_keeps_no_more_than_its_size_but_at_least_the_newest() -> None:
    kept: Recent[str, int] = Recent(number=10, size=100)
    kept.put("a", 1, 60)
    kept.put("b", 2, 40)
    assert (len(kept), kept.size) == (2, 100)

    kept.put("c", 3, 1)
    assert (kept.get("a"), len(kept), kept.size) == (None, 2, 41)
    kept.put("d", 4, 1000)
    assert (kept.get("d"), len(kept), kept.size) == (4, 1, 1000)


def test_counts_what_was_replaced_no_more() -> None:
    kept: Recent[str, int] = Recent(number=10, size=100)
    kept.put("a", 1, 60)
    kept.put("a", 2, 70)

    assert (kept.get("a"), len(kept), kept.size) == (2, 1, 70)


def test_forgets_everything() -> None:
    kept: Recent[str, int] = Recent(number=10, size=100)
    kept.put("a", 1, 60)
    kept.clear()

    assert (kept.get("a"), len(kept), kept.size) == (None, 0, 0)
