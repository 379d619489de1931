"""Several PBXs behind one gateway: each action reaches the one that is meant, and no other.

hq      queues support, sales      agents 148, 149
branch  queues support, repairs    agents 148, 150
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.floor_processes import Floor, FloorPbx, GatewayService, Reply, running_floor
from tests.support.keys import Keys
from tests.support.scripted_ami import Action, ScriptedAmi, scripted_ami
from tests.support.scripted_pbx import channel_of, play
from tests.support.streams import StreamClient

QUEUES = {"hq": ("support", "sales"), "branch": ("support", "repairs")}
AGENTS = {"hq": ("148", "149"), "branch": ("148", "150")}
BACKGROUND = {"login", "logoff", "coresettings", "ping", "getvar"}
LISTS = {"queuestatus", "queuesummary", "extensionstatelist", "status", "bridgelist"}
READ_WITHIN_S = 3.0
LOOK_EVERY_S = 0.05


@dataclass
class Place:
    """Two scripted PBXs, a bridge each, one gateway, and API keys."""

    amis: Mapping[str, ScriptedAmi]
    floor: Floor
    keys: Keys
    admin: str

    @property
    def gateway(self) -> GatewayService:
        return self.floor.gateways[0]

    async def post(
        self, path: str, *, bearer: str | None = None, key: str | None = None, **body: Any
    ) -> Reply:
        """Ask for an action, as the admin unless told otherwise."""
        return await self.gateway.post(path, bearer=bearer or self.admin, key=key, **body)

    def acted(self) -> list[tuple[str, Action]]:
        """What was done, and on which PBX; forgotten then."""
        found = [
            (name, action)
            for name, ami in self.amis.items()
            for action in ami.actions
            if action.name not in BACKGROUND | LISTS
        ]
        for ami in self.amis.values():
            ami.actions.clear()
        return found

    def reached(self) -> list[str]:
        """The PBXs on which something was done since it was last asked."""
        return [name for name, _ in self.acted()]


@pytest.fixture
async def place(tmp_path: Path) -> AsyncGenerator[Place]:
    keys = Keys(tmp_path)
    admin = keys.add("boss", "admin")
    async with AsyncExitStack() as stack:
        amis = {name: await stack.enter_async_context(scripted_ami()) for name in QUEUES}
        for name, ami in amis.items():
            members = {QUEUES[name][1]: AGENTS[name]}
            play(ami, queues=QUEUES[name], agents=AGENTS[name], members=members, talking=["148"])
        pbxs = [FloorPbx(ami.port, "scripted", name) for name, ami in amis.items()]
        settings = f'keys_file = "{keys.file}"'
        floor = await stack.enter_async_context(running_floor(tmp_path, pbxs, gateway=settings, gateways=1))
        await floor.until_acting(bearer=admin)
        place = Place(amis, floor, keys, admin)
        await until_known(place)
        place.acted()
        yield place


async def until_known(place: Place) -> None:
    """Wait until the gateway's own state has every agent and queue."""
    wanted = {(pbx, agent) for pbx, agents in AGENTS.items() for agent in agents}
    ticket = (await place.post("/ticket", agents=["*"], queues=["*"])).body
    async with StreamClient(place.gateway.url, ticket, "websocket") as client:
        await client.until(
            lambda: (
                wanted
                <= {
                    (event.get("pbx"), event.get("agent"))
                    for event in client.matching(type="extensionStatus")
                }
                and len(client.matching(type="queueCount")) >= 4
            ),
            "both PBXs",
        )


RESET, ADD, HANGUP = "/queue/reset", "/queue/add", "/hangup"
BOTH = ["branch", "hq"]
CHANNEL = channel_of("148")

MEANT: list[tuple[str, str, dict[str, Any], list[str]]] = [
    ("said", RESET, {"queue": "support", "pbx": "hq"}, ["hq"]),
    ("said, all queues", RESET, {"pbx": "branch"}, ["branch"]),
    ("behind the queue", RESET, {"queue": "support@branch"}, ["branch"]),
    ("said twice alike", RESET, {"queue": "support@hq", "pbx": "hq"}, ["hq"]),
    ("behind the agent", "/originate/148@branch/600", {}, ["branch"]),
    ("behind the destination", "/originate/148/600@hq", {}, ["hq"]),
    ("behind a channel", HANGUP, {"agent-or-channel": f"{CHANNEL}@hq"}, ["hq"]),
    ("knows the queue", RESET, {"queue": "sales"}, ["hq"]),
    ("knows the other queue", RESET, {"queue": "repairs"}, ["branch"]),
    ("knows the agent", "/originate/149/600", {}, ["hq"]),
    ("knows the agent, both have the queue", ADD, {"queue": "support", "agent": "150"}, ["branch"]),
    ("knows the queue, both have the agent", ADD, {"queue": "sales", "agent": "148"}, ["hq"]),
]
REFUSED: list[tuple[str, str, dict[str, Any], tuple[int, str]]] = [
    ("both have the queue", RESET, {"queue": "support"}, (409, "ambiguous_pbx")),
    ("all queues", RESET, {}, (409, "ambiguous_pbx")),
    ("both have the agent", "/originate/148/600", {}, (409, "ambiguous_pbx")),
    ("nobody has the agent", "/originate/999/600", {}, (409, "ambiguous_pbx")),
    ("a channel tells no PBX", HANGUP, {"agent-or-channel": CHANNEL}, (409, "ambiguous_pbx")),
    ("queue here, agent there", ADD, {"queue": "sales", "agent": "150"}, (409, "ambiguous_pbx")),
    ("what follows @ is no PBX", RESET, {"queue": "support@nowhere"}, (409, "ambiguous_pbx")),
    ("two are said", RESET, {"queue": "support@hq", "pbx": "branch"}, (400, "bad_parameter")),
    ("two names say two", ADD, {"queue": "sales@hq", "agent": "148@branch"}, (400, "bad_parameter")),
    ("no such PBX", RESET, {"queue": "support", "pbx": "nowhere"}, (400, "bad_parameter")),
    ("not on that PBX", RESET, {"queue": "sales", "pbx": "branch"}, (404, "no_queue")),
]


async def test_an_action_reaches_the_pbx_that_is_meant(place: Place) -> None:
    for case, path, body, wanted in MEANT:
        reply = await place.post(path, **body)
        assert (case, reply.status, place.reached()) == (case, 200, wanted)


async def test_nothing_is_sent_when_it_cannot_be_told_which_is_meant(place: Place) -> None:
    for case, path, body, wanted in REFUSED:
        reply = await place.post(path, **body)
        assert (case, reply.status, reply.code, place.reached()) == (case, *wanted, [])
        if reply.status == 409:
            assert sorted(reply.body["pbxs"]) == BOTH


async def test_names_lose_their_pbx_on_the_way_to_asterisk(place: Place) -> None:
    assert (await place.post(ADD, queue="support@branch", agent="150@branch")).status == 200

    ((pbx, action),) = place.acted()
    assert (pbx, action.get("Queue"), action.get("Interface")) == ("branch", "support", "PJSIP/150")


async def test_the_queues_of_all_pbxs_or_an_error(place: Place) -> None:
    async def queues() -> Reply:
        return await place.gateway.request("GET", "/queue/status", bearer=place.admin)

    found = await queues()
    assert sorted((each["pbx"], each["queue"]) for each in found.body) == sorted(
        (pbx, queue) for pbx, queues in QUEUES.items() for queue in queues
    )
    await place.floor.bridges["branch"].kill()
    assert (await queues()).code == "not_sent"
    assert (await place.post(RESET, queue="repairs")).code == "not_sent"
    assert (await place.post(RESET, queue="sales")).status == 200
    assert place.reached() == ["hq"]


async def test_a_key_for_one_pbx_reaches_no_other(place: Place) -> None:
    bearer = place.keys.add("front-desk", "queue", "call", pbxs=["hq"])
    mine = {"bearer": bearer}
    await until_good(place, bearer)

    for body in ({"queue": "support"}, {}, {"queue": "support@hq"}, {"queue": "sales"}):
        assert (await place.post(RESET, **mine, **body)).status == 200
    assert place.reached() == ["hq"] * 4
    for path, body in (
        (RESET, {"queue": "support", "pbx": "branch"}),
        (RESET, {"queue": "repairs@branch"}),
        ("/originate/148@branch/600", {}),
        (HANGUP, {"agent-or-channel": f"{CHANNEL}@branch"}),
    ):
        reply = await place.post(path, **mine, **body)
        assert (reply.status, reply.code) == (403, "pbx_forbidden")
    assert (await place.post(RESET, **mine, queue="repairs")).code == "no_queue"
    seen = await place.gateway.request("GET", "/queue/status", bearer=bearer)
    assert {each["pbx"] for each in seen.body} == {"hq"}
    assert place.reached() == []


async def test_a_key_without_the_role_and_a_revoked_key_do_nothing(place: Place) -> None:
    bearer = place.keys.add("supervisor", "queue")
    await until_good(place, bearer)
    refused = await place.post("/originate/149/600", bearer=bearer)
    assert (refused.status, refused.code) == (403, "role_missing")
    assert (await place.post(RESET, bearer=bearer, queue="sales")).status == 200
    place.acted()

    place.keys.revoke("supervisor")
    await until_good(place, bearer, good=False)
    replies = [
        await place.post(RESET, bearer=bearer, key=key, queue=queue)
        for key in (None, "order-1")
        for queue in ("sales", "support@branch")
    ]
    replies.append(await place.gateway.post(RESET, queue="sales"))
    assert [(reply.status, reply.code) for reply in replies] == [(401, "no_key")] * 5
    assert place.reached() == []


async def test_an_idempotency_key_belongs_to_its_api_key_and_its_pbx(place: Place) -> None:
    other = place.keys.add("crm", "queue")
    await until_good(place, other)

    replies = [
        await place.post(RESET, key="order-1", queue="support@hq"),
        await place.post(RESET, key="order-1", queue="support", pbx="hq"),
        await place.post(RESET, key="order-1", queue="support", pbx="branch"),
        await place.post(RESET, key="order-1", queue="support", pbx="branch", bearer=other),
    ]

    assert [reply.status for reply in replies] == [200, 200, 422, 200]
    assert replies[0].command_id == replies[1].command_id != replies[3].command_id
    assert sorted(place.reached()) == BOTH


async def until_good(place: Place, bearer: str, *, good: bool = True) -> None:
    """Wait until the gateway has read the keys file anew, and knows the key; or, not ``good``, no longer."""
    before = 401 if good else 400  # until then
    async with asyncio.timeout(READ_WITHIN_S):
        # A gateway tells nobody that it has read the file.
        while (await place.post(RESET, bearer=bearer, pbx="nowhere")).status == before:  # noqa: ASYNC110
            await asyncio.sleep(LOOK_EVERY_S)
