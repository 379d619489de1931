"""Who may do what on which PBX, how an action is refused to others, and `POST /stop`."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.gateway.core.forms import FORMS
from services.gateway.core.principal import ROLES
from services.gateway.routes.problems import MAX_BODY
from shared.commands import Outcome, QueueStatus
from shared.events import subject_of
from shared.subjects import build
from shared.wire import encode
from tests.support.action_fakes import FakeBus
from tests.support.gateway_fakes import count, hint, online
from tests.support.gateway_rig import problem, running
from tests.support.keys import Keys, bearer
from tests.support.waiting import until

QUEUE = QueueStatus(queue="q1", members=(), calls=0)


async def test_pbx_is_the_one_that_is_named_or_knows_whom_it_is_about() -> None:
    async with running(pbxs=("hq", "branch"), started=False) as rig:
        rig.log.start(online("hq"), online("branch"), hint("148", "hq"), hint("149", "branch"), count(0))
        known = await rig.http.post("/hangup?agent-or-channel=149")
        named = await rig.http.post("/hangup?agent-or-channel=149@hq")
        unknown = await rig.http.post("/hangup?agent-or-channel=999")
        two = await rig.http.post("/hangup?agent-or-channel=149@hq&pbx=branch")
        channel = await rig.http.post("/hangup?agent-or-channel=PJSIP/149-1@branch")

    assert [known.status_code, named.status_code, channel.status_code] == [200] * 3
    assert [asked.pbx for asked in rig.bus.asked] == ["branch", "hq", "branch"]
    assert problem(unknown, 409, "ambiguous_pbx")["pbxs"] == ["hq", "branch"]
    assert problem(two, 400, "bad_parameter")["parameter"] == "pbx"


async def test_which_pbx_is_not_guessed_while_the_state_is_being_read() -> None:
    async with running(pbxs=("hq", "branch"), started=False) as rig:
        early = await rig.http.post("/hangup?agent-or-channel=148")
        rig.gateway.hub.begin("g1")
        known = hint("148", "hq")
        rig.gateway.hub.restore(build(subject_of(known)), encode(known), 1)
        half = await rig.http.post("/hangup?agent-or-channel=148")
        looked_up = await rig.http.get("/bridged-channels?extension=148")
        named = await rig.http.post("/hangup?agent-or-channel=148@branch")
        channel = await rig.http.post("/hangup?agent-or-channel=PJSIP/148-1")

    for answer in (early, half, looked_up):
        assert "not been read" in problem(answer, 503, "not_ready")["reasons"][0]
        assert answer.headers["retry-after"] == "1"
    assert named.status_code == 200
    problem(channel, 409, "ambiguous_pbx")
    assert [asked.pbx for asked in rig.bus.asked] == ["branch"]


async def test_roles(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    of = {role: keys.add(role, role) for role in ROLES}
    requests = {
        "/queue/reset": ("POST", {"queue", "admin"}),
        "/queue/status?queue=q1": ("GET", {"queue", "stream", "admin"}),
        "/originate/148/600": ("POST", {"call", "admin"}),
        "/hangup?agent-or-channel=148": ("POST", {"call", "admin"}),
        "/bridged-channels?extension=148": ("GET", {"call", "admin"}),
    }
    bus = FakeBus(Outcome(result="done", queues=(QUEUE,)))
    async with running(bus=bus, open=False, keys_file=keys.file) as rig:
        await until(lambda: not rig.gateway.ring.not_ready)
        for path, (method, allowed) in requests.items():
            nobody = await rig.http.request(method, path)
            problem(nobody, 401, "no_key")
            for role, key in of.items():
                answer = await rig.http.request(method, path, headers=bearer(key))
                assert answer.status_code == (200 if role in allowed else 403), (path, role)
        refused = [record for record in rig.audit.records if record.code == "role_missing"]

    assert {record.action for record in refused} == {"queue-reset", "originate", "hangup"}
    assert refused[0].caller == "stream"


@pytest.mark.parametrize(
    ("path", "body", "parameters"),
    [
        ("/hangup?agent-or-channel=148", b"", {"agent-or-channel": "148"}),
        ("/hangup", b'{"agent-or-channel": "148", "pbx": "hq"}', {"agent-or-channel": "148", "pbx": "hq"}),
        (
            "/originate/148/600",
            b'{"variables": {"PIN": "4711"}, "timeout": "soon"}',
            {"src": "148", "dest": "600", "variables": ["PIN"], "timeout": "soon"},
        ),
        ("/hangup?agent-or-channel=148", b"{no JSON", {"agent-or-channel": "148"}),
        ("/hangup?agent-or-channel=148", b" " * (MAX_BODY + 1), {"agent-or-channel": "148"}),
    ],
)
async def test_what_a_key_without_the_role_attempted_is_in_the_audit(
    tmp_path: Path, path: str, body: bytes, parameters: dict[str, object]
) -> None:
    keys = Keys(tmp_path)
    headers = bearer(keys.add("wallboard", "stream"))
    async with running(open=False, keys_file=keys.file) as rig:
        await until(lambda: not rig.gateway.ring.not_ready)
        problem(await rig.http.post(path, content=body, headers=headers), 403, "role_missing")
        (record,) = rig.audit.records

    assert (record.caller, record.result, record.code) == ("wallboard", "refused", "role_missing")
    assert record.parameters == parameters


async def test_key_for_one_pbx_sees_no_other(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    headers = bearer(keys.add("crm", "queue", pbxs=["hq"]))
    bus = FakeBus(Outcome(result="done", queues=(QUEUE,)))
    async with running(bus=bus, open=False, keys_file=keys.file, pbxs=("hq", "branch")) as rig:
        await until(lambda: not rig.gateway.ring.not_ready)
        unnamed = await rig.http.post("/queue/reset", headers=headers)
        named = await rig.http.post("/queue/reset?queue=q1@branch", headers=headers)
        everything = await rig.http.get("/queue/status", headers=headers)

    assert unnamed.status_code == 200
    problem(named, 403, "pbx_forbidden")
    assert [queue["pbx"] for queue in everything.json()] == ["hq"]
    assert {asked.pbx for asked in rig.bus.asked} == {"hq"}


async def test_wrong_method_names_the_right_ones() -> None:
    async with running() as rig:
        for form in FORMS:
            path = form.path.format(src="148", dest="600")
            wrong = "POST" if form.method == "GET" else "GET"
            answer = await rig.http.request(wrong, path)
            problem(answer, 405, "method_not_allowed")
            assert form.method in answer.headers["allow"].split(", ")
            options = await rig.http.options(path)
            assert (options.status_code, options.content) == (204, b"")

    assert rig.bus.asked == []


async def test_configured_origin_may_read_the_name_of_the_attempt() -> None:
    origin = {"Origin": "https://board.example", "Host": "localhost"}
    async with running(origins=("https://board.example",)) as rig:
        answer = await rig.http.post("/queue/reset", headers=origin)
        foreign = await rig.http.post("/queue/reset", headers={"Origin": "https://evil.example"})

    assert "Pbxis-Cmd-Id" in answer.headers["access-control-expose-headers"]
    problem(foreign, 401, "no_key")
    assert len(rig.bus.asked) == 1


async def test_stop_answers_and_then_asks_for_the_end(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    admin, other = keys.add("boss", "admin"), keys.add("crm", "call", "queue", "stream")
    async with running(open=False, keys_file=keys.file) as rig:
        await until(lambda: not rig.gateway.ring.not_ready)
        problem(await rig.http.post("/stop"), 401, "no_key")
        problem(await rig.http.post("/stop", headers=bearer(other)), 403, "role_missing")
        problem(await rig.http.post("/stop?now=1", headers=bearer(admin)), 400, "bad_parameter")
        assert not rig.gateway.stop_asked.is_set()
        answer = await rig.http.post("/stop", headers=bearer(admin))
        await until(rig.gateway.stop_asked.is_set)

    assert answer.json() == "The gateway stops."
    records = [(record.caller, record.result) for record in rig.audit.records]
    assert records == [("crm", "refused"), ("boss", "refused"), ("boss", "done")]
