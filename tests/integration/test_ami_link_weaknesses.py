"""What panoramisk does wrong when it is left alone, each weakness held down by a test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from services.ami_bridge.adapters.panoramisk_link import LinkSettings
from services.ami_bridge.errors import ActionNotSentError, ActionOutcomeUnknownError, UnsafeActionError
from services.ami_bridge.ports import AmiSession
from tests.support.link_user import QUICK, LinkUser, Pauses, link_to, running
from tests.support.scripted_ami import END, ScriptedAmi, response, scripted_ami
from tests.support.waiting import until


@dataclass
class Site:
    """A link that is up, and both its ends."""

    ami: ScriptedAmi
    user: LinkUser
    session: AmiSession
    run: asyncio.Task[None]
    pauses: Pauses


@pytest.fixture
async def site() -> AsyncGenerator[Site]:
    pauses = Pauses()
    async with scripted_ami() as ami:
        user = LinkUser()
        async with running(link_to(ami, pauses=pauses), user) as run:
            yield Site(ami, user, await user.up(), run, pauses)


HOSTILE = [
    "x\r\n\r\nAction: Originate\r\nChannel: PJSIP/evil",
    "x\r\nAction: Command",
    "x\nChannel: PJSIP/evil",
    "x\rQueue: sales",
    "x\0",
]


@pytest.mark.parametrize("value", HOSTILE)
async def test_1_a_line_end_or_nul_in_a_value_is_refused_and_injects_nothing(site: Site, value: str) -> None:
    attempts = [
        ("Setvar", {"Variable": "X", "Value": value}),
        ("Setvar", {"Variable": ["A=1", value]}),
        ("Setvar", {value: "1"}),
        (value, {}),
        ("QueueStatus", {"Queue": value}),
    ]
    before = len([each for each in site.ami.actions if each.name != "ping"])

    for action, headers in attempts:
        with pytest.raises(UnsafeActionError):
            await site.session.request(action, headers, 1)
    with pytest.raises(UnsafeActionError):
        await site.session.request_list("QueueStatus", Queue=value)
    await site.session.request("Ping", {"ActionID": "after"}, 5)

    assert len([each for each in site.ami.actions if each.name != "ping"]) == before


async def test_2_an_unanswered_action_is_not_sent_again_after_a_reconnect(site: Site) -> None:
    site.ami.silent_to.add("originate")
    order = asyncio.create_task(site.session.request("Originate", {"Channel": "PJSIP/148"}, 30))
    await until(lambda: site.ami.count("originate"))

    site.ami.hang_up()

    with pytest.raises(ActionOutcomeUnknownError):
        await order
    for sessions in (2, 3):
        session = await site.user.up(sessions)
        await session.request("QueuePause", {"Paused": "true"}, 5)
        site.ami.hang_up()
    assert site.ami.count("originate") == 1
    assert site.ami.count("queuepause") == 2


async def test_3_an_action_while_disconnected_is_refused_and_never_sent_later(site: Site) -> None:
    site.ami.hang_up()
    await site.user.up(2)

    with pytest.raises(ActionNotSentError):
        await site.session.request("Originate", {"Channel": "PJSIP/148"}, 5)

    await site.user.session.request("Ping", {}, 5)
    assert site.ami.count("originate") == 0


async def test_4_a_half_open_connection_is_noticed_and_replaced(site: Site) -> None:
    site.ami.frozen = True

    assert "did not answer a Ping" in await site.user.down()

    site.ami.frozen = False
    session = await site.user.up(2)
    await session.request("Ping", {}, 5)


def test_4_a_hung_asterisk_is_found_within_ten_seconds() -> None:
    defaults = LinkSettings(host="", username="", secret="")

    assert defaults.ping_interval_s + defaults.pong_deadline_s + defaults.handler_grace_s < 10


@pytest.mark.parametrize("headers", [{}, {"async": "false"}, {"Async": "no"}])
async def test_5_originate_is_always_async(site: Site, headers: dict[str, str]) -> None:
    answer = await site.session.request("Originate", {"Channel": "PJSIP/148", **headers}, 5)

    assert answer["Response"] == "Success"
    (originate,) = [each for each in site.ami.actions if each.name == "originate"]
    assert originate.all("Async") == ["true"]
    assert site.user.downs == []


async def test_6_a_handler_that_takes_its_time_holds_up_neither_reading_nor_pings() -> None:
    go = asyncio.Event()

    class Slow(LinkUser):
        async def on_session(self, session: AmiSession) -> None:
            self.sessions.append(session)
            await go.wait()
            await super().on_session(session)

    async with scripted_ami() as ami:
        user = Slow()
        async with running(link_to(ami), user):
            session = await user.up()
            for number in range(2000):
                ami.event("Hangup", Uniqueid=str(number))
            await session.request("Ping", {}, 5)
            pings = ami.count("ping")
            await until(lambda: ami.count("ping") > pings + 10)
            assert user.downs == []
            go.set()
            await until(lambda: len(user.named("Hangup")) == 2000)

    assert [message["Uniqueid"] for message in user.named("Hangup")] == [str(each) for each in range(2000)]


async def test_6_an_error_in_the_handler_ends_the_link_with_that_error() -> None:
    class Broken(LinkUser):
        async def on_session(self, session: AmiSession) -> None:
            raise ZeroDivisionError("a bug")

    async with scripted_ami() as ami:
        async with running(link_to(ami), Broken()) as run:
            await asyncio.wait({run}, timeout=10)
            with pytest.raises(ZeroDivisionError, match="a bug"):
                await run
        assert ami.count("logoff") == 1


async def test_7_a_second_event_header_is_harmless(site: Site) -> None:
    site.ami.say(b"Event: UserEvent\r\nEvent: Hangup\r\nUserEvent: x" + END)
    site.ami.say(b"Event: Hangup\r\nEvent: UserEvent\r\nUniqueid: 1" + END)

    await until(lambda: site.user.named("Hangup"))

    assert site.user.named("Hangup") == [{"Event": "Hangup", "Uniqueid": "1"}]
    assert site.user.downs == []


async def test_8_characters_cut_between_chunks_and_bytes_that_are_no_utf8_survive(site: Site) -> None:
    stream = "Event: Hangup\r\nName: Čačić ".encode() + b"M\xfcller" + END
    for byte in stream:
        site.ami.say(bytes([byte]))
        await asyncio.sleep(0)

    await until(lambda: site.user.named("Hangup"))

    assert site.user.named("Hangup")[0]["Name"] == "Čačić M\ufffdller"


async def test_9_a_refused_login_is_told_and_tried_again_at_most_once_a_minute() -> None:
    pauses = Pauses(most=3)
    async with scripted_ami() as ami:
        ami.login = "refuse"
        user = LinkUser()
        async with running(link_to(ami, pauses=pauses), user):
            await until(lambda: len(pauses.asked_s) == 4)

        assert ami.count("login") == 4
    assert {auth_failed for _, auth_failed in user.downs} == {True}
    assert user.downs[0][0] == "Asterisk refused the login of 'pbxis': Authentication failed"
    assert all(pause >= least for pause, least in zip(pauses.asked_s, (60, 120, 240, 300), strict=True))
    assert max(pauses.asked_s) <= 330


async def test_10_close_is_final_also_while_waiting_to_reconnect() -> None:
    pauses = Pauses(most=0)
    async with scripted_ami() as ami:
        user = LinkUser()
        async with running(link_to(ami, pauses=pauses), user) as run:
            await user.up()
            ami.hang_up()
            await until(lambda: pauses.asked_s)
            run.cancel()
            await asyncio.wait({run}, timeout=10)
            assert run.cancelled()
        await until(lambda: ami.open == 0)
        assert ami.connections == 1
        assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_11_repeated_and_empty_headers_and_names_that_differ_in_case_are_kept(site: Site) -> None:
    site.ami.answers["command"] = lambda action: (
        response(action)[:-2] + b"Output: a\r\nOutput: \r\nX: 1\r\nx: " + END
    )

    answer = await site.session.request("Command", {"Command": "core show help"}, 5)

    assert (answer["Output"], answer["X"], answer["x"]) == (["a", ""], "1", "")


async def test_12_everything_that_is_awaited_fails_when_the_link_is_lost(site: Site) -> None:
    site.ami.silent_to.add("queuepause")
    site.ami.answers["queuestatus"] = lambda action: response(action, EventList="start")
    awaited: list[asyncio.Future[Any]] = [
        asyncio.ensure_future(site.session.request("QueuePause", {}, 60)),
        asyncio.ensure_future(site.session.request_list("QueueStatus")),
    ]
    await until(lambda: site.ami.count("queuestatus"))

    site.ami.hang_up()

    for result in await asyncio.gather(*awaited, return_exceptions=True):
        assert isinstance(result, ActionOutcomeUnknownError)


async def test_12_a_login_that_is_never_answered_fails_in_time() -> None:
    async with scripted_ami() as ami:
        ami.login = "ignore"
        user = LinkUser()
        async with running(link_to(ami, replace(QUICK, login_timeout_s=0.05)), user):
            assert "Login is unknown: no answer within 0.05 s" in await user.down()
            assert user.downs[0][1] is False
            ami.login = "accept"
            await user.up()
