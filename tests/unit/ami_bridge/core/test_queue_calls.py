"""AgentComplete: whose, and which recording."""

from __future__ import annotations

from services.ami_bridge.core.call_centre import CallCentre
from shared.events import AgentComplete
from tests.unit.ami_bridge.core.messages import Message, hangup, member, message
from tests.unit.ami_bridge.core.replay import NOON, events_of, replay


def _connect(uniqueid: str, interface: str = "PJSIP/148") -> Message:
    return message("AgentConnect", Queue="sales", Interface=interface, Uniqueid=uniqueid)


def _complete(
    uniqueid: str = "", talk: int = 0, interface: str = "PJSIP/148", **headers: str | list[str]
) -> Message:
    told = message(
        "AgentComplete",
        Queue="sales",
        Interface=interface,
        HoldTime="4",
        TalkTime=str(talk),
        Reason="caller",
        **headers,
    )
    return {**told, "Uniqueid": uniqueid} if uniqueid else told


def _recorded(uniqueid: str, path: str, variable: str = "MIXMONITOR_FILENAME") -> Message:
    return message("VarSet", Variable=variable, Value=path, Uniqueid=uniqueid, Channel="PJSIP/trunk-00000001")


def _completed(
    *messages: Message, centre: CallCentre | None = None, since: int = NOON
) -> list[AgentComplete]:
    return [each for each in events_of(replay(messages, centre, since)) if isinstance(each, AgentComplete)]


def test_a_completed_call_is_told_in_full() -> None:
    assert _completed(_complete("10.0", talk=61)) == [
        AgentComplete(
            pbx="hq",
            agent="148",
            queue="sales",
            unique_id="10.0",
            talk_time=61,
            hold_time=4,
            recording=None,
            reason="caller",
        )
    ]


def test_the_recording_is_in_the_variables_of_the_message_if_asterisk_adds_them() -> None:
    of_caller = _complete("1", ChanVariable=["A=b", "MIXMONITOR_FILENAME=/a.wav"])
    of_agent = _complete(
        "2", ChanVariable="MIXMONITOR_FILENAME=", DestChanVariable="MIXMONITOR_FILENAME=/b.wav"
    )

    assert [each.recording for each in _completed(of_caller, of_agent)] == ["/a.wav", "/b.wav"]


def test_the_recording_may_have_been_told_before_of_the_caller_or_the_agents_leg() -> None:
    completed = _completed(
        _recorded("1", "/a.wav"),
        _complete("1"),
        _recorded("9", "/b.wav"),
        _complete("2", DestUniqueid="9"),
    )

    assert [each.recording for each in completed] == ["/a.wav", "/b.wav"]


def test_other_variables_and_empty_names_are_of_no_interest() -> None:
    completed = _completed(_recorded("1", "/a.wav", "MONITOR_FILENAME"), _recorded("1", ""), _complete("1"))

    assert [each.recording for each in completed] == [None]


def test_a_recording_that_is_told_after_the_hangup_is_not_kept() -> None:
    centre = CallCentre("hq")
    _completed(hangup("1"), _recorded("1", "/a.wav"), centre=centre)

    assert centre.in_progress == 0


def test_late_and_without_any_channel_the_caller_is_found_by_how_long_the_agent_talked() -> None:
    centre = CallCentre("hq")
    _completed(_connect("1"), _recorded("1", "/a.wav"), hangup("1"), centre=centre)
    _completed(_connect("2"), centre=centre, since=NOON + 20_000)
    completed = _completed(_complete(talk=60), _complete(talk=40), centre=centre, since=NOON + 60_000)

    assert [(each.unique_id, each.recording) for each in completed] == [("1", "/a.wav"), ("2", None)]
    assert centre.in_progress == 0


def test_a_caller_is_found_by_his_uniqueid_among_several() -> None:
    centre = CallCentre("hq")
    _completed(_connect("1"), _connect("2"), _recorded("2", "/b.wav"), hangup("2"), centre=centre)

    assert [each.recording for each in _completed(_complete("2"), _complete("1"), centre=centre)] == [
        "/b.wav",
        None,
    ]


def test_without_any_trace_the_caller_is_unknown() -> None:
    assert [each.unique_id for each in _completed(_complete())] == [""]


def test_the_agent_is_the_one_of_the_interface_even_after_he_logged_off() -> None:
    interface = "Local/5551@out/n"
    here = member(interface=interface, state_interface="hint:148@hint", queue="sales")
    gone = {**here, "Event": "QueueMemberRemoved"}

    assert [each.agent for each in _completed(here, _complete("1", interface=interface))] == ["148"]
    late = _completed(here, _connect("1", interface), gone, _complete("1", interface=interface))
    assert [each.agent for each in late] == ["148"]


def test_callers_who_never_complete_do_not_pile_up() -> None:
    centre = CallCentre("hq")
    _completed(*(_connect(str(number)) for number in range(100)), centre=centre)

    completed = _completed(_complete("0"), _complete("99"), centre=centre)
    assert [each.unique_id for each in completed] == ["0", "99"]
    assert centre.in_progress == 1


def test_an_agent_who_serves_one_caller_twice_completes_twice() -> None:
    outputs = replay(
        [
            _connect("1"),
            _complete("1", DestUniqueid="11"),
            _connect("1"),
            _complete("1", DestUniqueid="12"),
        ]
    )

    assert len({output.moment_id for output in outputs}) == 2
