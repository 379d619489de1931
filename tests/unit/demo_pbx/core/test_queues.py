from services.demo_pbx.core.devices import DeviceState
from services.demo_pbx.core.queues import Member, Queue


def params(queue: Queue) -> dict[str, str]:
    return dict(queue.params_headers())


def queue_with(*members: Member, strategy: str = "rrmemory") -> Queue:
    queue = Queue("support", "600", strategy)
    queue.members = {member.interface: member for member in members}
    return queue


def test_averages_move_by_a_quarter_and_are_cut_off() -> None:
    queue = Queue("support", "600")
    for waited in (10, 10, 3):
        queue.record_answer(waited)

    assert queue.hold_time == (3 * ((3 * (10 >> 2) + 10) >> 2) + 3) >> 2 == 3


def test_service_level_counts_ended_calls_by_their_wait() -> None:
    queue = Queue("support", "600", service_level_s=20)
    queue.record_completion(20, 60)
    queue.record_completion(21, 60)
    queue.record_abandon(5)
    queue.record_abandon(50)

    assert params(queue)["ServicelevelPerf"] == "50.0"
    assert params(queue)["ServicelevelPerf2"] == "50.0"
    assert (params(queue)["Completed"], params(queue)["Abandoned"]) == ("2", "2")


def test_a_queue_without_calls_has_a_service_level_of_zero() -> None:
    assert params(Queue("support", "600"))["ServicelevelPerf"] == "0.0"


def test_reset_begins_all_figures_again() -> None:
    member = Member("support", "A", "PJSIP/101", calls_taken=3, last_call=99)
    queue = queue_with(member)
    queue.record_answer(40)
    queue.record_completion(40, 40)
    queue.record_abandon(1)

    queue.reset()

    assert params(queue) == params(Queue("support", "600"))
    assert (member.calls_taken, member.last_call) == (0, 0)


def test_summary_leaves_out_phones_that_cannot_be_reached() -> None:
    queue = queue_with(
        Member("support", "A", "PJSIP/101"),
        Member("support", "B", "PJSIP/102", paused=True),
        Member("support", "C", "PJSIP/103", status=DeviceState.INUSE),
        Member("support", "D", "PJSIP/104", status=DeviceState.UNAVAILABLE),
        Member("support", "E", "PJSIP/105", status=DeviceState.INVALID),
    )

    summary = dict(queue.summary_headers(0))

    assert (summary["LoggedIn"], summary["Available"], summary["LongestHoldTime"]) == ("3", "1", "0")


def test_only_free_members_who_are_not_paused_are_rung() -> None:
    queue = queue_with(
        Member("support", "A", "PJSIP/101", paused=True),
        Member("support", "B", "PJSIP/102", status=DeviceState.RINGING),
    )

    assert queue.next_member() is None


def test_penalty_goes_before_strategy() -> None:
    queue = queue_with(
        Member("support", "A", "PJSIP/101", penalty=2), Member("support", "B", "PJSIP/102", turn=9)
    )

    chosen = queue.next_member()

    assert chosen is not None
    assert chosen.name == "B"


def test_rrmemory_goes_round() -> None:
    queue = queue_with(*(Member("support", name, f"PJSIP/{name}") for name in "ABC"))

    chosen = [queue.next_member() for _ in range(4)]

    assert [member.name for member in chosen if member] == ["A", "B", "C", "A"]


def test_leastrecent_and_fewestcalls_look_at_the_members_own_calls() -> None:
    old, new = (
        Member("support", "old", "PJSIP/101", last_call=10, calls_taken=9),
        Member("support", "new", "PJSIP/102", last_call=20, calls_taken=1),
    )

    assert queue_with(new, old, strategy="leastrecent").next_member() is old
    assert queue_with(new, old, strategy="fewestcalls").next_member() is new
