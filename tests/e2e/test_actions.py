"""Actions on queues against a real Asterisk: what is answered, and what is then seen on the stream.

Agent 148 is a member of `support` and `sales`; 147 is one of `400` by configuration.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.e2e.acting import CALLER, Desk, channel_of, desk_at
from tests.e2e.conftest import configuration
from tests.support.asterisk_rig import AsteriskRig
from tests.support.site import running_site

SUPPORT = {"queue": "support", "agent": "148"}
OTHER = {"queue": "support", "agent": "149"}


class Row(NamedTuple):
    """One action. ``says``: the code of a problem, else Asterisk's words. ``shows``: members after it."""

    path: str
    asked: dict[str, Any]
    status: int
    says: str
    shows: tuple[dict[str, Any], ...] = ()


ADDED = "Added interface to queue"
REMOVED = "Removed interface from queue"
PAUSED = "Interface paused successfully"
UNPAUSED = "Interface unpaused successfully"
PENALTY = "Interface penalty set successfully"
RESET = "Queue stats reset successfully"

QUEUES: dict[str, Row] = {
    "add": Row(
        "/queue/add",
        {**OTHER, "memberName": "Ana Anić", "penalty": 3},
        200,
        ADDED,
        ({**OTHER, "status": "unavailable", "paused": False, "penalty": 3},),
    ),
    "add, paused": Row(
        "/queue/add", {**OTHER, "paused": "true"}, 200, ADDED, ({**OTHER, "status": "paused"},)
    ),
    "add again": Row("/queue/add", SUPPORT, 409, "already_member"),
    "add to no queue": Row("/queue/add", {**OTHER, "queue": "nosuch"}, 404, "no_queue"),
    "add nobody": Row("/queue/add", {**OTHER, "agent": "nobody"}, 404, "no_agent"),
    "add to nothing": Row("/queue/add", {"agent": "149"}, 400, "bad_parameter"),
    "add with a word for a penalty": Row("/queue/add", {**OTHER, "penalty": "x"}, 400, "bad_parameter"),
    "add with a line end": Row(
        "/queue/add", {**OTHER, "memberName": "a\r\n\r\nAction: Ping"}, 400, "bad_parameter"
    ),
    "add with an unknown parameter": Row("/queue/add", {**OTHER, "nosuch": "1"}, 400, "bad_parameter"),
    "remove": Row("/queue/remove", SUPPORT, 200, REMOVED, ({**SUPPORT, "status": "loggedoff"},)),
    "remove, with a parameter of add": Row(
        "/queue/remove", {**SUPPORT, "memberName": "A"}, 200, REMOVED, ({**SUPPORT, "status": "loggedoff"},)
    ),
    "remove who is not in it": Row("/queue/remove", OTHER, 404, "not_a_member"),
    "remove from no queue": Row("/queue/remove", {**SUPPORT, "queue": "nosuch"}, 404, "no_queue"),
    "remove who is configured": Row(
        "/queue/remove", {"queue": "400", "agent": "147"}, 502, "asterisk_refused"
    ),
    "pause in one queue": Row(
        "/queue/pause",
        {**SUPPORT, "paused": True, "reason": "lunch"},
        200,
        PAUSED,
        (
            {**SUPPORT, "status": "paused", "pausedReason": "lunch", "deviceStatus": "unavailable"},
            {**SUPPORT, "queue": "sales", "status": "unavailable", "paused": False},
        ),
    ),
    "pause in all queues": Row(
        "/queue/pause",
        {"agent": "148", "paused": "true", "reason": "Žalbe & 100%"},
        200,
        PAUSED,
        (
            {**SUPPORT, "status": "paused", "pausedReason": "Žalbe & 100%"},
            {**SUPPORT, "queue": "sales", "status": "paused", "pausedReason": "Žalbe & 100%"},
        ),
    ),
    "end a pause": Row(
        "/queue/pause",
        {"agent": "148", "paused": False},
        200,
        UNPAUSED,
        ({**SUPPORT, "status": "unavailable", "paused": False, "pausedReason": None},),
    ),
    "pause who is configured, behind a Local channel": Row(
        "/queue/pause",
        {"agent": "147", "paused": True},
        200,
        PAUSED,
        ({"queue": "400", "agent": "147", "status": "paused"},),
    ),
    "pause who is in no queue": Row("/queue/pause", {"agent": "149", "paused": True}, 404, "not_a_member"),
    "pause who is not in it": Row("/queue/pause", {**OTHER, "paused": True}, 404, "not_a_member"),
    "pause in no queue": Row("/queue/pause", {**SUPPORT, "queue": "nosuch", "paused": True}, 404, "no_queue"),
    "pause, or not": Row("/queue/pause", SUPPORT, 400, "bad_parameter"),
    "penalty": Row("/queue/penalty", {**SUPPORT, "penalty": "7"}, 200, PENALTY, ({**SUPPORT, "penalty": 7},)),
    "penalty of who is not in it": Row("/queue/penalty", {**OTHER, "penalty": 7}, 404, "not_a_member"),
    "penalty in no queue": Row(
        "/queue/penalty", {**SUPPORT, "queue": "nosuch", "penalty": 7}, 404, "no_queue"
    ),
    "penalty below zero": Row("/queue/penalty", {**SUPPORT, "penalty": -1}, 400, "bad_parameter"),
    "reset": Row("/queue/reset", {"queue": "support"}, 200, RESET),
    "reset all": Row("/queue/reset", {}, 200, RESET),
    "reset no queue": Row("/queue/reset", {"queue": "nosuch"}, 404, "no_queue"),
}


@pytest.mark.parametrize("name", QUEUES)
async def test_actions_on_queues(pbx: AsteriskRig, desk: Desk, name: str) -> None:
    row = QUEUES[name]
    for queue in ("support", "sales"):
        await pbx.sign_in("148", queue)
        await desk.shows("queueMemberStatus", agent="148", queue=queue, status="unavailable")

    answer = await desk.do(row.path, **row.asked)

    assert (answer.status, answer.code or answer.text) == (row.status, row.says), answer.text
    if row.status == 200:
        assert answer.body == {"response": "Success", "message": row.says}
    for member in row.shows:
        await desk.shows("queueMemberStatus", **member)


async def test_what_asterisk_refuses_is_said_in_its_words(desk: Desk) -> None:
    answer = await desk.do("/queue/remove", queue="400", agent="147")

    assert (answer.status, answer.text) == (502, "Member not dynamic")


async def test_the_status_of_a_queue_is_what_asterisk_says(pbx: AsteriskRig, desk: Desk) -> None:
    phone = await pbx.phone("148")
    await pbx.sign_in("148", "support", Penalty="2")
    caller = await pbx.caller(CALLER)
    (await phone.incoming()).answer()
    await caller.up()
    await desk.call_shows("148", CALLER, "connected")
    await caller.hangup()
    await desk.happens("agentComplete", agent="148")
    await pbx.caller(CALLER)
    await desk.shows("queueCount", queue="support", count=1)
    await desk.shows("queueMemberStatus", **SUPPORT, status="ringing", callsTaken=1)

    one = await desk.look("/queue/status", queue="support")
    every = await desk.look("/queue/status")

    (member,) = one.body["members"]
    (told,) = await pbx.members("support")
    assert (member["location"], member["memberName"], member["agent"]) == (
        "PJSIP/148",
        "Agent 148",
        "148",
    )
    assert (member["status"], member["paused"], member["penalty"]) == ("ringing", False, 2)
    assert (member["callsTaken"], member["lastCall"]) == (1, int(told["LastCall"]) * 1000)
    assert (one.body["queue"], one.body["pbx"], one.body["calls"]) == ("support", "hq", 1)
    assert one.body in every.body
    assert {"support", "sales", "400", "smith, jones"} <= {queue["queue"] for queue in every.body}
    missing = await desk.look("/queue/status", queue="nosuch")
    assert (missing.status, missing.code) == (404, "no_queue")


async def test_a_reset_sets_the_statistics_to_zero(pbx: AsteriskRig, desk: Desk) -> None:
    caller = await pbx.caller(CALLER)
    await desk.shows("queueCount", queue="support", count=1)
    await caller.hangup()
    await desk.shows("queueCount", queue="support", count=0)

    async def abandoned() -> str:
        async with pbx.ami() as ami:
            items = await ami.list("QueueStatus", Queue="support")
        return items[0]["Abandoned"]

    assert await abandoned() == "1"
    assert (await desk.do("/queue/reset", queue="support")).status == 200
    assert await abandoned() == "0"


async def test_a_second_request_with_the_same_key_is_not_carried_out_again(
    pbx: AsteriskRig, desk: Desk
) -> None:
    first = await desk.do("/queue/add", key="add-149", **OTHER)
    await desk.do("/queue/remove", **OTHER)
    again = await desk.do("/queue/add", key="add-149", **OTHER)
    other = await desk.do("/queue/add", key="add-149", **SUPPORT)

    assert (again.status, again.body) == (first.status, first.body) == (200, first.body)
    assert (other.status, other.code) == (422, "idempotency_key_reused")
    assert await pbx.members("support") == []


# -------------------------------------------------------------------- rights, and Asterisk away

FORBIDDEN: dict[str, tuple[str, dict[str, Any], str]] = {
    "add": ("/queue/add", OTHER, "`write = agent`"),
    "remove": ("/queue/remove", SUPPORT, "`write = agent`"),
    "pause": ("/queue/pause", {"agent": "148", "paused": True}, "`write = agent`"),
    "penalty": ("/queue/penalty", {**SUPPORT, "penalty": 1}, "`write = agent`"),
    "originate": ("/originate/148/600", {}, "`write = originate`"),
    "redirect": ("/redirect-to/501", {"agent_or_channel": "<channel>"}, "`write = call` or"),
    "park": ("/park-and-announce", {"agent_or_channel": "<channel>"}, "`write = call`"),
    "hang up": ("/hangup", {"agent_or_channel": "<channel>"}, "`write = call` or `write = system`"),
}


async def test_a_user_who_may_not_act_is_refused_with_the_right_that_he_lacks(
    pbx: AsteriskRig, tmp_path: Path
) -> None:
    async with (
        running_site(tmp_path, configuration(pbx, username="readonly")) as site,
        desk_at(site.url) as desk,
    ):
        await pbx.sign_in("148", "support")
        await desk.shows("queueMemberStatus", **SUPPORT, status="unavailable")
        caller = await (await pbx.caller(CALLER, extension="501")).up()
        channel = await channel_of(pbx, "trunk")

        refused: dict[str, tuple[int, str, bool]] = {}
        for name, (path, asked, _) in FORBIDDEN.items():
            answer = await desk.do(
                path, **{key: channel if value == "<channel>" else value for key, value in asked.items()}
            )
            says = answer.text.startswith("Permission denied") and FORBIDDEN[name][2] in answer.text
            refused[name] = answer.status, answer.code, says

        assert refused == dict.fromkeys(FORBIDDEN, (502, "asterisk_refused", True))
        assert [member["Paused"] for member in await pbx.members("support")] == ["0"]
        assert caller.state.value == "up"
        # Asterisk asks for no right here, so the gateway's own role is all that protects it.
        assert (await desk.do("/queue/reset", queue="support")).status == 200


async def test_nothing_is_sent_while_asterisk_is_down_and_again_when_it_is_back(
    pbx: AsteriskRig, desk: Desk
) -> None:
    await pbx.kill()
    await desk.shows("pbxStatus", status="offline")

    for path, asked in (
        ("/queue/add", OTHER),
        ("/originate/148/149", {}),
        ("/hangup", {"agent_or_channel": "148"}),
    ):
        answer = await desk.do(path, **asked)
        assert (answer.status, answer.code) == (503, "not_sent")
        assert int(answer.headers["Retry-After"]) > 0

    await pbx.start()
    await desk.shows("pbxStatus", status="online")
    assert "PJSIP/149" not in {member["Location"] for member in await pbx.members("support")}
    assert (await desk.do("/queue/add", **OTHER)).status == 200


async def test_an_action_that_a_hung_asterisk_does_not_answer_has_no_known_end(
    pbx: AsteriskRig, desk: Desk
) -> None:
    await pbx.sign_in("148", "support")
    await desk.shows("queueMemberStatus", **SUPPORT, paused=False)
    await pbx.stop_signal()

    answer = await desk.do("/queue/pause", **SUPPORT, paused=True)

    assert (answer.status, answer.code) == (504, "outcome_unknown")
    await pbx.cont()
    await desk.shows("pbxStatus", status="online")
    # It had been written, so Asterisk does it when it wakes up; the screens show it.
    await desk.shows("queueMemberStatus", **SUPPORT, paused=True)
