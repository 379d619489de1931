"""The actions over HTTP: what a request becomes on the bus, and what its outcome becomes for the client."""

from __future__ import annotations

from typing import Any

import pytest

from shared.commands import (
    AddMember,
    Candidate,
    Code,
    Command,
    FindCalls,
    Hangup,
    Originate,
    Outcome,
    ParkAndAnnounce,
    PauseMember,
    QueueMember,
    QueueStatus,
    ReadQueues,
    Redirect,
    RemoveMember,
    ResetQueue,
    Result,
    SetPenalty,
)
from tests.support.action_fakes import FakeBus
from tests.support.gateway_rig import Rig, problem, running

CALL = Candidate(agent_channel="PJSIP/148-1", bridged_channel="PJSIP/trunk-2", caller_id="555")
CALL_JSON = {"agentChannel": "PJSIP/148-1", "bridgedChannel": "PJSIP/trunk-2", "callerId": "555"}
MEMBER = QueueMember(
    agent="148",
    location="PJSIP/148",
    member_name="Viktor",
    status="paused",
    device_status="inuse",
    paused=True,
    paused_reason="lunch",
    penalty=1,
    calls_taken=3,
    last_call=1_790_000_000_000,
)
QUEUE = QueueStatus(queue="q1", members=(MEMBER,), calls=2, hold_time=8)

REQUESTS: list[tuple[str, dict[str, Any], Command]] = [
    ("/queue/add", {"queue": "q1", "agent": "148"}, AddMember(queue="q1", agent="148")),
    (
        "/queue/add",
        {"queue": "q1", "agent": "148", "memberName": "Ana", "paused": True, "penalty": 2, "reason": "x"},
        AddMember(queue="q1", agent="148", member_name="Ana", paused=True, penalty=2),
    ),
    (
        "/queue/remove",
        {"queue": "q1", "agent": "148", "memberName": "Ana", "paused": True},
        RemoveMember(queue="q1", agent="148"),
    ),
    ("/queue/pause", {"agent": "148", "paused": "true"}, PauseMember(agent="148", paused=True)),
    (
        "/queue/pause",
        {"agent": "148", "paused": "false", "queue": "q1", "reason": "lunch", "memberName": ""},
        PauseMember(agent="148", paused=False, queue="q1", reason="lunch"),
    ),
    (
        "/queue/penalty",
        {"queue": "q1", "agent": "148", "penalty": "3"},
        SetPenalty(queue="q1", agent="148", penalty=3),
    ),
    ("/queue/reset", {}, ResetQueue()),
    ("/queue/reset", {"queue": "q1"}, ResetQueue(queue="q1")),
    ("/redirect-to/600", {"agent-or-channel": "148"}, Redirect(agent_or_channel="148", destination="600")),
    ("/redirect-to/sse", {"agent-or-channel": "148"}, Redirect(agent_or_channel="148", destination="sse")),
    (
        "/redirect-to/%2A97",
        {"agent-or-channel": "PJSIP/148-1"},
        Redirect(agent_or_channel="PJSIP/148-1", destination="*97"),
    ),
    ("/park-and-announce", {"agent-or-channel": "148"}, ParkAndAnnounce(agent_or_channel="148")),
    ("/hangup", {"agent-or-channel": "148@hq"}, Hangup(agent_or_channel="148")),
]


def only(rig: Rig) -> Command:
    assert len(rig.bus.asked) == 1
    return rig.bus.asked[0].command


@pytest.mark.parametrize(("path", "parameters", "command"), REQUESTS)
async def test_body_becomes_a_command(path: str, parameters: dict[str, Any], command: Command) -> None:
    async with running() as rig:
        answer = await rig.http.post(path, json=parameters)

    assert answer.status_code == 200, answer.text
    assert answer.json() == {"response": "Success", "message": "Added interface to queue"}
    assert only(rig) == command
    assert rig.bus.asked[0].pbx == "hq"


@pytest.mark.parametrize(("path", "parameters", "command"), REQUESTS)
async def test_query_becomes_the_same_command(
    path: str, parameters: dict[str, Any], command: Command
) -> None:
    async with running() as rig:
        answer = await rig.http.post(path, params=parameters)

    assert answer.status_code == 200, answer.text
    assert only(rig) == command


@pytest.mark.parametrize("by_query", [True, False])
async def test_originate_answers_the_action_id(by_query: bool) -> None:
    body = {"callerId": '"Ana" <555>', "variables": {"__TICKET": "4711"}, "timeout": 20}
    query: dict[str, str | int] = {
        "callerId": '"Ana" <555>',
        "variables": '{"__TICKET": "4711"}',
        "timeout": 20,
    }
    async with running() as rig:
        answer = (
            await rig.http.post("/originate/148@hq/%2B385911", params=query)
            if by_query
            else await rig.http.post("/originate/148@hq/%2B385911", json=body)
        )

    action_id = answer.json()
    assert only(rig) == Originate(
        action_id=action_id,
        agent="148",
        destination="+385911",
        caller_id='"Ana" <555>',
        variables={"__TICKET": "4711"},
        timeout_s=20,
    )
    assert answer.headers["pbxis-cmd-id"] == action_id == rig.bus.asked[0].command_id
    assert answer.headers["cache-control"] == "no-store"
    assert rig.audit.of("ended")[0].id == action_id


async def test_several_calls_are_told_and_nothing_is_done() -> None:
    bus = FakeBus(Outcome(result="done", candidates=(CALL, CALL)))
    async with running(bus=bus) as rig:
        answer = await rig.http.post("/hangup", json={"agent-or-channel": "148"})

    assert answer.status_code == 200
    assert answer.json() == {"candidates": [CALL_JSON, CALL_JSON]}
    (ended,) = rig.audit.of("ended")
    assert (ended.result, ended.code) == ("refused", "several_calls")


async def test_bridged_channels_are_a_list() -> None:
    async with running(bus=FakeBus(Outcome(result="done", candidates=(CALL,)))) as rig:
        answer = await rig.http.get("/bridged-channels?extension=148")

    assert answer.json() == [CALL_JSON]
    assert only(rig) == FindCalls(agent="148")
    assert rig.audit.records == []


async def test_an_agent_who_talks_with_nobody_has_no_bridged_channels_and_an_unknown_one_is_not_found() -> (
    None
):
    async with running(bus=FakeBus(Outcome(result="done"))) as rig:
        none = await rig.http.get("/bridged-channels?extension=148")
        rig.bus.outcome = Outcome(result="refused", code="no_agent", message="hq knows no agent 'viktor'")
        unknown = await rig.http.get("/bridged-channels?extension=viktor")
        schema = (await rig.http.get("/schema")).json()

    assert (none.status_code, none.json()) == (200, [])
    problem(unknown, 404, "no_agent")
    told = schema["paths"]["/bridged-channels"]["get"]["responses"]["404"]
    assert told["content"]["application/problem+json"]["examples"].keys() == {"no_agent"}


async def test_queue_status_of_one_and_of_all() -> None:
    async with running(bus=FakeBus(Outcome(result="done", queues=(QUEUE,)))) as rig:
        one = await rig.http.get("/queue/status?queue=q1&memberName=x&paused=")
        everything = await rig.http.get("/queue/status")
        empty = await rig.http.head("/queue/status")

    assert one.json() == {
        "queue": "q1",
        "pbx": "hq",
        "members": [
            {
                "location": "PJSIP/148",
                "agent": "148",
                "memberName": "Viktor",
                "status": "paused",
                "deviceStatus": "inuse",
                "paused": True,
                "pausedReason": "lunch",
                "penalty": 1,
                "callsTaken": 3,
                "lastCall": 1_790_000_000_000,
            }
        ],
        "calls": 2,
        "completed": None,
        "abandoned": None,
        "holdTime": 8,
        "talkTime": None,
        "serviceLevel": None,
        "serviceLevelPerf": None,
    }
    assert everything.json() == [one.json()]
    assert [asked.command for asked in rig.bus.asked[:2]] == [ReadQueues(queue="q1"), ReadQueues()]
    assert (empty.status_code, empty.content) == (200, b"")


async def test_queue_status_of_all_pbxs_is_complete_or_an_error() -> None:
    class HalfAway(FakeBus):
        async def ask(self, pbx: str, *arguments: Any, **more: Any) -> Outcome:
            done = await super().ask(pbx, *arguments, **more)
            return done if pbx == "hq" else Outcome(result="not_sent", code="offline", message="It is away.")

    bus = HalfAway(Outcome(result="done", queues=(QUEUE,)))
    async with running(bus=bus, pbxs=("hq", "branch")) as rig:
        everything = await rig.http.get("/queue/status")
        one = await rig.http.get("/queue/status?pbx=hq")

    problem(everything, 503, "not_sent")
    assert [queue["pbx"] for queue in one.json()] == ["hq"]


@pytest.mark.parametrize(
    ("result", "code", "status", "problem_code"),
    [
        ("refused", "permission", 502, "asterisk_refused"),
        ("refused", "no_queue", 404, "no_queue"),
        ("refused", "already_member", 409, "already_member"),
        ("refused", "partly_done", 502, "partly_done"),
        ("not_sent", "offline", 503, "not_sent"),
        ("not_sent", "clock", 503, "not_sent"),
        ("unknown", "no_answer", 504, "outcome_unknown"),
    ],
)
async def test_what_is_not_done_is_a_problem_with_the_name_of_the_attempt(
    result: Result, code: Code, status: int, problem_code: str
) -> None:
    async with running(bus=FakeBus(Outcome(result=result, code=code, message="Its own words."))) as rig:
        answer = await rig.http.post("/queue/add?queue=q1&agent=148")

    assert problem(answer, status, problem_code)["detail"] == "Its own words."
    assert answer.headers["pbxis-cmd-id"] == rig.bus.asked[0].command_id
    assert ("retry-after" in answer.headers) == (status == 503)


@pytest.mark.parametrize(
    ("path", "parameters", "parameter"),
    [
        ("/queue/add", {"agent": "148"}, "queue"),
        ("/queue/add", {"queue": "q1", "agent": ""}, "agent"),
        ("/queue/add", {"queue": "q1", "agent": 148}, "agent"),
        ("/queue/add", {"queue": "q1", "agent": "148&149"}, "agent"),
        ("/queue/add", {"queue": "q1", "agent": "148@nowhere"}, "agent"),
        ("/queue/add", {"queue": "q1", "agent": "148", "penalty": -1}, "penalty"),
        ("/queue/add", {"queue": "q1", "agent": "148", "penalty": 10_000}, "penalty"),
        ("/queue/add", {"queue": "q1", "agent": "148", "paused": "yes"}, "paused"),
        ("/queue/add", {"queue": "q1", "agent": "148", "member_name": "x"}, "member_name"),
        ("/queue/add", {"queue": "q1", "agent": "148", "memberName": "x" * 80}, "memberName"),
        ("/queue/add", {"queue": "q1", "agent": "148", "timeout": 5}, "timeout"),
        ("/queue/pause", {"agent": "148"}, "paused"),
        ("/queue/penalty", {"queue": "q1", "agent": "148"}, "penalty"),
        ("/queue/reset", {"pbx": "nowhere"}, "pbx"),
        ("/hangup", {}, "agent-or-channel"),
        ("/hangup", {"agent-or-channel": "148", "queue": "q1"}, "queue"),
        ("/hangup", {"agent-or-channel": "PJSIP/1&PJSIP/2"}, "agent-or-channel"),
        ("/originate/148/6,1", {}, "dest"),
        ("/originate/1:8/600", {}, "src"),
        ("/originate/148/600", {"timeout": 0}, "timeout"),
        ("/originate/148/600", {"timeout": 301}, "timeout"),
        ("/originate/148/600", {"callerId": "Ana"}, "callerId"),
        ("/originate/148/600", {"variables": {"A": "b,c"}}, "variables"),
        ("/originate/148/600", {"variables": {"CALLERID(num)": "1"}}, "variables"),
        ("/originate/148/600", {"variables": {"A": 1}}, "variables"),
        ("/originate/148/600", {"variables": "{}x"}, "variables"),
    ],
)
async def test_refusal_names_the_parameter_and_is_written_down(
    path: str, parameters: dict[str, Any], parameter: str
) -> None:
    async with running() as rig:
        answer = await rig.http.post(path, json=parameters)

    assert problem(answer, 400, "bad_parameter")["parameter"] == parameter
    assert rig.bus.asked == []
    (record,) = rig.audit.records
    assert (record.phase, record.result, record.code) == ("ended", "refused", "bad_parameter")
    assert record.caller == "local"


@pytest.mark.parametrize(
    "content",
    [b"\xff", b"[]", b'{"agent": NaN}', b'{"agent":"148","agent":"149"}', b"[" * 100_000, b'{"a":' * 50_000],
)
async def test_body_that_is_no_plain_json_object_is_refused(content: bytes) -> None:
    async with running() as rig:
        answer = await rig.http.post("/queue/reset", content=content)

    problem(answer, 400, "bad_json")
    assert rig.bus.asked == []


async def test_two_different_values_are_refused() -> None:
    async with running() as rig:
        both = await rig.http.post("/queue/reset?queue=q1", json={"queue": "q2"})
        twice = await rig.http.post("/queue/reset?queue=q1&queue=q2")
        same = await rig.http.post("/queue/reset?queue=q1", json={"queue": "q1"})

    assert problem(both, 400, "bad_parameter")["parameter"] == "queue"
    assert problem(twice, 400, "bad_parameter")["parameter"] == "queue"
    assert same.status_code == 200


async def test_body_said_to_be_something_else_is_refused() -> None:
    content = b'{"queue": "q1"}'
    async with running() as rig:
        text = await rig.http.post("/queue/reset", content=content, headers={"Content-Type": "text/plain"})
        unsaid = await rig.http.post("/queue/reset", content=content)
        form = await rig.http.post(
            "/queue/reset", content=content, headers={"Content-Type": "application/x-www-form-urlencoded"}
        )

    problem(text, 400, "bad_json")
    assert (unsaid.status_code, form.status_code) == (200, 200)


async def test_body_beyond_the_limit_is_refused() -> None:
    async with running() as rig:
        answer = await rig.http.post("/queue/reset", content=b" " * (1024 * 1024 + 1))

    problem(answer, 413, "too_large")
    assert rig.bus.asked == []


async def test_idempotency_key_acts_once() -> None:
    async with running() as rig:
        first = await rig.http.post("/originate/148/600", headers={"Idempotency-Key": "order-1"})
        again = await rig.http.post("/originate/148/600", headers={"Idempotency-Key": "order-1"})
        other = await rig.http.post("/originate/148/601", headers={"Idempotency-Key": "order-1"})

    assert first.json() == again.json()
    assert len(rig.bus.asked) == 1
    problem(other, 422, "idempotency_key_reused")


@pytest.mark.parametrize("key", [b"", b"a b", b"a\tb", "ž".encode(), b"x" * 256])
async def test_idempotency_key_that_is_none_is_refused(key: bytes) -> None:
    async with running() as rig:
        answer = await rig.http.post("/queue/reset", headers=[(b"Idempotency-Key", key)])

    assert problem(answer, 400, "bad_parameter")["parameter"] == "Idempotency-Key"
    assert rig.bus.asked == []


async def test_nats_that_is_away_means_nothing_was_done() -> None:
    async with running() as rig:
        rig.once.away = True
        answer = await rig.http.post("/queue/reset", headers={"Idempotency-Key": "order-1"})

    problem(answer, 503, "bus_unavailable")
    assert rig.bus.asked == []
