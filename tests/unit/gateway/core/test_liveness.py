from __future__ import annotations

from services.gateway.core.liveness import SILENCE_S, SILENT, WAITING, Liveness


def test_says_that_it_does_not_know_until_the_bridge_is_heard() -> None:
    liveness = Liveness(["hq"], now=100)
    assert liveness.doubt("hq", 101) == WAITING

    liveness.heard("hq", 101)
    assert liveness.doubt("hq", 102) is None


def test_bridge_that_is_never_heard_is_silent() -> None:
    assert Liveness(["hq"], now=100).doubt("hq", 100 + SILENCE_S) == SILENT


def test_bridge_that_falls_silent_is_noticed_after_five_seconds() -> None:
    liveness = Liveness(["hq"], now=100)
    liveness.heard("hq", 110)

    assert liveness.doubt("hq", 114.9) is None
    assert liveness.doubt("hq", 115) == SILENT


def test_lost_log_is_a_doubt_about_every_pbx() -> None:
    liveness = Liveness(["hq", "branch"], now=100)
    liveness.heard("hq", 100)
    liveness.log_lost("silent for 2.5 s")

    doubt = liveness.doubt("hq", 100)
    assert doubt is not None
    assert doubt.status == "offline"
    assert "silent for 2.5 s" in doubt.reason
    assert liveness.lost == "silent for 2.5 s"


def test_regained_log_leaves_a_bridge_time_to_be_heard() -> None:
    liveness = Liveness(["hq", "branch", "east"], now=100)
    liveness.heard("hq", 100)
    liveness.heard("branch", 108)
    liveness.log_lost("away")
    liveness.log_regained(110)

    assert liveness.lost is None
    assert liveness.doubt("hq", 110) == WAITING
    assert liveness.doubt("east", 110) == WAITING
    assert liveness.doubt("branch", 110) is None
    assert liveness.doubt("hq", 115) == SILENT


def test_log_that_was_not_lost_cannot_be_regained() -> None:
    liveness = Liveness(["hq"], now=100)
    liveness.log_regained(200)

    assert liveness.doubt("hq", 200) == SILENT
