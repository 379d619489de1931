"""Line ends and other control characters in every parameter of every action, in every way to write it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.gateway.core.fields import Field
from services.gateway.core.form import Form
from services.gateway.core.forms import FORMS
from shared.audit import encode
from shared.patterns import is_line
from tests.support.gateway_rig import Rig, running

EXAMPLES = 300
CONTROLS = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)]

places = st.sampled_from([(form, field) for form in FORMS for field in form.fields])
around = st.text(st.sampled_from("148 :\r\n"), max_size=6)
poison = st.one_of(
    st.tuples(around, st.sampled_from(CONTROLS), around).map("".join),
    st.sampled_from(
        ["148\r\nAction: Originate\r\n", "q\n\nAction: Hangup\nChannel: x\n\n", "148\r", "148\0"]
    ),
)
ways = st.sampled_from(["query", "body", "name"])


class Site(NamedTuple):
    """A gateway that runs while something is awaited of it."""

    runner: asyncio.Runner
    rig: Rig


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        rig = runner.run(stack.enter_async_context(running()))
        yield Site(runner, rig)
        runner.run(stack.aclose())


async def send(rig: Rig, form: Form, spoilt: Field, bad: str, way: str) -> httpx.Response:
    """A request that is right but for one value; ``name``: but for the name of a variable."""
    values: dict[str, Any] = {
        field.name: _value(field, bad, way) if field is spoilt else field.example
        for field in form.fields
        if field.required or field is spoilt
    }
    path = form.path
    for field in form.fields:
        if field.in_path:
            path = path.replace(f"{{{field.name}}}", quote(values.pop(field.name), safe=""))
    if way == "query":
        texts = {
            name: value if isinstance(value, str) else msgspec.json.encode(value).decode()
            for name, value in values.items()
        }
        return await rig.http.request(form.method, path, params=texts)
    return await rig.http.request(form.method, path, json=values)


def _value(field: Field, bad: str, way: str) -> object:
    if field.kind != "variables":
        return bad
    return {bad: "x"} if way == "name" else {"NAME": bad}


@settings(max_examples=EXAMPLES, deadline=None, database=None, derandomize=True)
@given(place=places, bad=poison, way=ways)
def test_control_characters_never_reach_a_pbx(
    site: Site, place: tuple[Form, Field], bad: str, way: str
) -> None:
    form, field = place

    answer = site.runner.run(send(site.rig, form, field, bad, way))

    assert answer.status_code in ((400, 404, 405) if field.in_path else (400,)), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert site.rig.bus.asked == []


HOSTILE_NAMES = ["\ud800", "agent\udfff", "\x1b]0;x\x07", "q\r\nAction: Hangup", "\x85", "\u2028"]


@pytest.mark.parametrize("way", ["body", "query"])
@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=ascii)
@pytest.mark.parametrize(
    "form", [form for form in FORMS if form.method == "POST"], ids=lambda form: form.path
)
def test_hostile_names_of_parameters_are_refused_and_written_down_escaped(
    site: Site, form: Form, name: str, way: str
) -> None:
    before = len(site.rig.audit.records)
    path = form.path.replace("{", "").replace("}", "")
    # By hand: the client's own encoding gives up at a lone surrogate, a stranger's does not.
    body = json.dumps({name: name}).encode() if way == "body" else b""
    query = "" if way == "body" else f"?{quote(name, safe='', errors='surrogatepass')}=x"

    answer = site.runner.run(site.rig.http.request("POST", path + query, content=body))

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_parameter")
    (record,) = site.rig.audit.records[before:]
    assert (record.phase, record.result, record.code) == ("ended", "refused", "bad_parameter")
    assert is_line(encode(record).decode())
    assert site.rig.bus.asked == []


@pytest.mark.parametrize("form", [form for form in FORMS if form.ignored], ids=lambda form: form.operation)
def test_nor_do_those_of_parameters_that_are_ignored(site: Site, form: Form) -> None:
    fine = {field.name: str(field.example) for field in form.own if field.required}
    for name in form.ignored:
        answer = site.runner.run(
            site.rig.http.request(form.method, form.path, params={**fine, name: "x\r\nAction: Hangup"})
        )
        assert (answer.status_code, answer.json()["parameter"]) == (400, name)

    assert site.rig.bus.asked == []
