"""No text in a request becomes anything to Asterisk but what it was given as.

Hostile texts go into every parameter of every action: over REST, and over NATS, as from a gateway that
checks nothing. A proxy before the AMI port reads lines as Asterisk does: there must be the action that was
asked for, with its own headers and with each text as it is in one line, or no action at all.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.gateway.core.fields import Field
from services.gateway.core.form import Form
from services.gateway.core.forms import FORMS
from services.jetstream.connection import connect
from services.jetstream.server_clock import ServerClock
from shared import commands, subjects
from shared.commands import ACTIONS, Outcome
from tests.support.ami_proxy import AmiProxy, ami_proxy
from tests.support.floor_processes import Floor, FloorPbx, running_floor
from tests.support.hostile_actions import AGENT, LINE_ENDS, NAMES, QUEUES, VALID, VALUES, check, spoilt
from tests.support.scripted_ami import scripted_ami
from tests.support.scripted_pbx import play
from tests.support.waiting import until

EXAMPLES = 30
IS_REFUSED = {400, 403, 404, 405, 409, 422}


def value_of(field: Field, *, hostile: bool) -> st.SearchStrategy[Any]:
    """A value of a parameter."""
    if field.kind == "variables":
        names, values = (spoilt(NAMES), spoilt(VALUES)) if hostile else map(st.sampled_from, (NAMES, VALUES))
        return st.dictionaries(names, values, min_size=1, max_size=2)
    return spoilt(VALID[field.kind]) if hostile else st.sampled_from(VALID[field.kind])


@dataclass(frozen=True)
class Request:
    """A request; ``spoilt`` is the parameter that holds the hostile text."""

    form: Form
    spoilt: str
    values: Mapping[str, Any]
    in_query: frozenset[str]

    @property
    def hostile(self) -> str:
        """The hostile text, or texts, as one."""
        return joined(self.values[self.spoilt])

    def sent(self, http: httpx.Client) -> httpx.Response:
        """Send it; the answer."""
        path = self.form.path
        body = dict(self.values)
        for field in self.form.fields:
            if field.in_path:
                path = path.replace(f"{{{field.name}}}", quoted(body.pop(field.name)))
        query = {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in body.items()
            if name in self.in_query
        }
        rest = {name: value for name, value in body.items() if name not in query}
        # By hand: the client's own encoding gives up at a lone surrogate, a stranger's does not.
        pairs = "&".join(f"{quoted(name)}={quoted(value)}" for name, value in query.items())
        return http.request(
            self.form.method,
            f"{path}?{pairs}",
            content=json.dumps(rest) if rest else b"",
            headers={"Content-Type": "application/json"},
        )


def joined(value: str | dict[str, str]) -> str:
    """A text, or all texts of an object, as one."""
    return value if isinstance(value, str) else "".join([*value, *value.values()])


def quoted(text: str) -> str:
    return quote(text, safe="", errors="surrogatepass")


def requests(form: Form, name: str) -> st.SearchStrategy[Request]:
    """Requests by a form that are right but, perhaps, for one parameter."""
    of_others = {name: field for other in FORMS for field in other.fields for name in (field.name,)}
    parameters = {field.name: field for field in form.fields}
    required = {field.name for field in form.fields if field.required}
    if name not in parameters:  # one that is ignored
        parameters = {**parameters, name: of_others[name]}

    def chosen(others: set[str]) -> st.SearchStrategy[Request]:
        values = {each: value_of(parameters[each], hostile=False) for each in others - {name}}
        values[name] = value_of(parameters[name], hostile=True)
        ways = st.frozensets(st.sampled_from(sorted(values)))
        return st.builds(Request, st.just(form), st.just(name), st.fixed_dictionaries(values), ways)

    optional = sorted(parameters.keys() - required)
    some = st.sets(st.sampled_from(optional)) if optional else st.just(set[str]())
    return some.flatmap(lambda others: chosen(required | others))


@dataclass
class Place:
    """One gateway and one bridge before a scripted Asterisk."""

    proxy: AmiProxy
    floor: Floor


@pytest.fixture
async def place(tmp_path: Path) -> AsyncGenerator[Place]:
    async with contextlib.AsyncExitStack() as stack:
        ami = await stack.enter_async_context(scripted_ami())
        play(ami, queues=QUEUES, agents=["148", "149"], members={"support": ["148"]}, talking=[AGENT])
        proxy = await stack.enter_async_context(ami_proxy(ami.port))
        pbx = FloorPbx(proxy.port, "scripted")
        floor = await stack.enter_async_context(running_floor(tmp_path, [pbx], gateways=1))
        await floor.until_acting()
        yield Place(proxy, floor)


def each_parameter() -> list[tuple[Form, str]]:
    return [
        (form, name) for form in FORMS for name in (*(field.name for field in form.fields), *form.ignored)
    ]


async def test_no_parameter_of_a_request_becomes_more_than_its_header(place: Place) -> None:
    url = place.floor.gateways[0].url

    def attack(http: httpx.Client, form: Form, name: str) -> tuple[int, int]:
        seen = [0, 0]

        @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(requests(form, name))
        def send(request: Request) -> None:
            before = len(place.proxy.actions)
            answer = request.sent(http)
            done = answer.status_code == 200
            seen[done] += 1
            assert done or answer.status_code in IS_REFUSED, answer.text
            assert answer.headers["content-type"].startswith("application/")
            if not done:
                assert answer.json()["status"] == answer.status_code
            assert not (done and {*request.hostile} & {*LINE_ENDS})
            check(place.proxy.actions[before:], form.action, request.values, done=done)

        send()
        return seen[0], seen[1]

    def attack_all() -> dict[str, tuple[int, int]]:
        with httpx.Client(base_url=url, trust_env=False) as http:
            return {f"{form.action} {name}": attack(http, form, name) for form, name in each_parameter()}

    # In a thread: the scripted Asterisk and the proxy answer in this one.
    seen = await asyncio.to_thread(attack_all)

    print(f"\nrefused and done, by parameter: {seen}")
    assert all(refused for refused, _ in seen.values())
    assert sum(done for _, done in seen.values()) > len(seen)


PROPERTIES: Mapping[str, Mapping[str, str]] = {
    "queue-add": {"queue": "queue", "agent": "agent", "member_name": "text"},
    "queue-remove": {"queue": "queue", "agent": "agent"},
    "queue-pause": {"queue": "queue", "agent": "agent", "reason": "text"},
    "queue-penalty": {"queue": "queue", "agent": "agent"},
    "queue-reset": {"queue": "queue"},
    "queue-status": {"queue": "queue"},
    "originate": {"action_id": "id", "agent": "agent", "destination": "extension", "caller_id": "caller_id"},
    "redirect": {"agent_or_channel": "party", "destination": "extension"},
    "park": {"agent_or_channel": "party"},
    "hangup": {"agent_or_channel": "party"},
    "bridged-channels": {"agent": "agent"},
}
"""The texts of each command, and of which kind they are."""

OTHERS: Mapping[str, Mapping[str, Any]] = {
    "queue-add": {"paused": False, "penalty": 2},
    "queue-pause": {"paused": True},
    "queue-penalty": {"penalty": 2},
    "originate": {"timeout_s": 20},
}
AS_PARAMETERS = {
    "member_name": "memberName",
    "agent_or_channel": "agent-or-channel",
    "destination": "dest",
    "caller_id": "callerId",
    "timeout_s": "timeout",
}


def commands_with(action: str, name: str) -> st.SearchStrategy[dict[str, Any]]:
    """Commands of an action that are right but, perhaps, for one text."""
    kinds = {"id": (f"pbxis-{32 * 'a'}", f"pbxis-{32 * 'b'}"), **VALID}
    valid = {each: kinds[kind] for each, kind in PROPERTIES[action].items()}
    texts = {each: spoilt(texts) if each == name else st.sampled_from(texts) for each, texts in valid.items()}
    others = {each: st.just(value) for each, value in OTHERS.get(action, {}).items()}
    if action == "originate":
        names, values = (
            (spoilt(NAMES), spoilt(VALUES)) if name == "variables" else (st.just("x"), st.just("y"))
        )
        others["variables"] = st.dictionaries(names, values, max_size=2)
    return st.fixed_dictionaries({**texts, **others})


def parameters_of(action: str, command: Mapping[str, Any]) -> dict[str, Any]:
    """The command as a request would say it."""
    spelt = {"agent": "src"} if action == "originate" else {}
    found = {spelt.get(name) or AS_PARAMETERS.get(name, name): value for name, value in command.items()}
    return {
        name: value if isinstance(value, str | dict) else json.dumps(value) for name, value in found.items()
    }


async def test_nor_does_a_command_of_a_gateway_that_checks_nothing(place: Place) -> None:
    connection = await connect(place.floor.nats.section("gateway"), "gateway")
    clock = ServerClock(connection)
    keeping = asyncio.create_task(clock.run())
    await until(lambda: clock.now_ms() is not None)
    loop = asyncio.get_running_loop()

    async def ask(action: str, payload: bytes) -> Outcome:
        headers = {
            commands.HEADER_ID: f"test-{next(numbers)}",
            commands.HEADER_DEADLINE: str((clock.now_ms() or 0) + 5000),
            commands.HEADER_CALLER: "test",
        }
        answer = await connection.client.request(
            subjects.command("hq", action), payload, timeout=10, headers=headers
        )
        return commands.decode_outcome(answer.data)

    def attack(action: str, name: str) -> tuple[int, int]:
        seen = [0, 0]

        @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(commands_with(action, name))
        def send(command: dict[str, Any]) -> None:
            before = len(place.proxy.actions)
            payload = json.dumps(command).encode()
            outcome = asyncio.run_coroutine_threadsafe(ask(action, payload), loop).result()
            done = outcome.result == "done"
            seen[done] += 1
            assert done or outcome.result == "refused", outcome
            assert not (done and {*joined(command[name])} & {*LINE_ENDS})
            check(place.proxy.actions[before:], action, parameters_of(action, command), done=done)

        send()
        return seen[0], seen[1]

    def attack_all() -> dict[str, tuple[int, int]]:
        texts = [(action, name) for action, kinds in PROPERTIES.items() for name in kinds]
        return {
            f"{action} {name}": attack(action, name) for action, name in [*texts, ("originate", "variables")]
        }

    numbers = itertools.count()
    try:
        seen = await asyncio.to_thread(attack_all)
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        await connection.close()

    print(f"\nrefused and done, by property: {seen}")
    assert PROPERTIES.keys() == ACTIONS.keys()
    assert all(refused for refused, _ in seen.values())
    assert sum(done for _, done in seen.values()) > len(seen)
