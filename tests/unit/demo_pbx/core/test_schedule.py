from services.demo_pbx.core.schedule import Schedule


def test_steps_run_in_the_order_of_their_times_and_then_of_their_asking() -> None:
    schedule, done = Schedule(100.0), list[str]()
    schedule.after(2, lambda: done.append("late"))
    schedule.after(1, lambda: done.append("first"))
    schedule.after(1, lambda: done.append("second"))

    schedule.run_until(102.0)

    assert done == ["first", "second", "late"]


def test_a_step_sees_its_own_time_and_the_clock_ends_where_it_was_told() -> None:
    schedule, seen = Schedule(100.0), list[float]()
    schedule.after(1, lambda: seen.append(schedule.now))

    schedule.run_until(105.0)

    assert (seen, schedule.now) == ([101.0], 105.0)


def test_a_step_may_ask_for_another_within_the_same_run() -> None:
    schedule, done = Schedule(0.0), list[float]()

    def again() -> None:
        schedule.after(1, lambda: done.append(schedule.now))

    schedule.after(1, again)

    schedule.run_until(5)

    assert done == [2.0]


def test_a_cancelled_step_neither_runs_nor_is_due() -> None:
    schedule, done = Schedule(0.0), list[str]()
    schedule.after(1, lambda: done.append("no")).cancel()

    assert schedule.next_due() is None
    schedule.run_until(2)
    assert done == []


def test_the_clock_never_goes_back() -> None:
    schedule = Schedule(10.0)
    schedule.after(-5, lambda: None)

    assert schedule.next_due() == 10.0
    schedule.run_until(3.0)
    assert schedule.now == 10.0
