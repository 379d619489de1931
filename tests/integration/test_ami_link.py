"""How a link comes up, serves, goes down and comes back."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from services.ami_bridge.core.ami_message import AmiMessage
from services.ami_bridge.errors import (
    ActionNotSentError,
    AmiLinkLostError,
)
from services.ami_bridge.ports import AmiSession
from tests.support.link_user import QUICK, LinkUser, Pauses, link_to, running
from tests.support.scripted_ami import (
    Action,
    message,
    response,
    scripted_ami,
)
from tests.support.waiting import until


async def test_events_from_the_login_on_wait_for_the_session() -> None:
    async with scripted_ami() as ami:
        early = message({"Event": "Hangup", "Uniqueid": "1"})
        ami.answers["coresettings"] = lambda action: early + response(action)
        user = LinkUser()
        async with running(link_to(ami), user):
            await until(lambda: user.named("Hangup"))

    assert [each["Event"] for each in user.events] == ["FullyBooted", "Hangup"]


async def test_cancelling_logs_off_and_ends_the_connection() -> None:
    async with scripted_ami() as ami:
        user = LinkUser()
        async with running(link_to(ami), user):
            await user.up()
        await until(lambda: ami.open == 0)

        assert ami.count("logoff") == 1
        assert user.downs == []


async def test_cancelling_is_not_held_up_by_a_hung_asterisk() -> None:
    async with scripted_ami() as ami:
        user = LinkUser()
        settings = replace(QUICK, logoff_timeout_s=0.05, pong_deadline_s=60)
        async with running(link_to(ami, settings), user):
            await user.up()
            ami.frozen = True
        await until(lambda: ami.open == 0)


async def test_a_connection_that_ends_before_the_session_is_a_failed_attempt() -> None:
    async with scripted_ami() as ami:

        def hang_up(_: Action) -> bytes:
            ami.hang_up()
            return b""

        ami.answers["coresettings"] = hang_up
        user = LinkUser()
        async with running(link_to(ami), user):
            assert "Asterisk closed the connection" in await user.down()
            del ami.answers["coresettings"]
            await user.up()


async def test_a_killed_asterisk_is_told_of_and_found_again_when_its_port_answers() -> None:
    pauses = Pauses(most=10_000)
    async with scripted_ami() as ami:
        user = LinkUser()
        async with running(link_to(ami, pauses=pauses), user):
            await user.up()
            await ami.stop()
            assert await user.down() == "Asterisk closed the connection"
            assert "cannot connect" in await user.down(3)
            await ami.start()
            await user.up(2)

    assert max(pauses.asked_s) <= 1


async def test_an_asterisk_that_hung_is_found_again_when_it_goes_on() -> None:
    pauses = Pauses(most=10_000)
    async with scripted_ami() as ami:
        user = LinkUser()
        async with running(link_to(ami, replace(QUICK, connect_timeout_s=0.05), pauses), user):
            await user.up()
            ami.frozen = True
            assert "did not answer a Ping" in await user.down()
            assert "does not greet" in await user.down(3)
            ami.frozen = False
            await user.up(2)

    assert max(pauses.asked_s) <= 1


async def test_a_busy_stream_counts_as_life_while_no_pong_comes() -> None:
    async with scripted_ami() as ami:
        user = LinkUser()
        async with running(link_to(ami, replace(QUICK, ping_interval_s=0.02, pong_deadline_s=0.5)), user):
            await user.up()
            ami.silent_to.add("ping")
            sent = 0
            while ami.count("ping") < 50:
                ami.event("Newexten", Number=str(sent))
                sent += 1
                await asyncio.sleep(0)
            assert user.downs == []
            assert "did not answer a Ping" in await user.down()


async def test_events_before_the_end_are_handed_over_before_the_loss_is_told() -> None:
    told: list[int] = []

    class Strict(LinkUser):
        def on_down(self, reason: str, auth_failed: bool) -> None:
            told.append(len(self.named("Hangup")))
            super().on_down(reason, auth_failed)

    async with scripted_ami() as ami:
        user = Strict()
        async with running(link_to(ami), user):
            await user.up()
            for number in range(500):
                ami.event("Hangup", Uniqueid=str(number))
            ami.event("Shutdown", Shutdown="Cleanly", Restart="True")
            ami.end()
            await user.down()

    assert told[0] == 500
    assert len(user.named("Shutdown")) == 1


async def test_a_reader_that_falls_too_far_behind_ends_the_session_with_that_reason() -> None:
    class Stuck(LinkUser):
        async def on_session(self, session: AmiSession) -> None:
            self.sessions.append(session)
            if len(self.sessions) == 1:
                await asyncio.Event().wait()
            await super().on_session(session)

    async with scripted_ami() as ami:
        user = Stuck()
        settings = replace(QUICK, most_waiting_events=100, handler_grace_s=0.01)
        async with running(link_to(ami, settings), user):
            await user.up()
            for number in range(101):
                ami.event("Hangup", Uniqueid=str(number))
            assert await user.down() == "more events were waiting to be handled than can be held"
            await user.up(2)
            await until(lambda: user.events)

    assert user.named("Hangup") == []


async def test_what_was_read_until_a_reader_fell_too_far_behind_is_left_to_it() -> None:
    left: list[AmiMessage] = []

    class Late(LinkUser):
        async def on_session(self, session: AmiSession) -> None:
            self.sessions.append(session)
            try:
                await asyncio.Event().wait()
            finally:
                left.extend(session.rest())
                assert session.rest() == []

    async with scripted_ami() as ami:
        user = Late()
        settings = replace(QUICK, most_waiting_events=100, handler_grace_s=0.01)
        async with running(link_to(ami, settings, Pauses(most=0)), user):
            await user.up()
            for number in range(100):
                ami.event("Hangup", Uniqueid=str(number))
            assert await user.down() == "more events were waiting to be handled than can be held"

    assert [each["Event"] for each in left] == ["FullyBooted"] + ["Hangup"] * 100


async def test_batches_end_with_the_reason_and_actions_are_refused_from_then_on() -> None:
    ended: list[AmiLinkLostError] = []

    class Keeper(LinkUser):
        async def on_session(self, session: AmiSession) -> None:
            try:
                await super().on_session(session)
            except AmiLinkLostError as error:
                ended.append(error)
                with pytest.raises(ActionNotSentError, match="Asterisk closed the connection"):
                    await session.request("Ping", {}, 1)
                raise

    async with scripted_ami() as ami:
        user = Keeper()
        async with running(link_to(ami), user):
            await user.up()
            ami.hang_up()
            await user.down()

    assert ended[0].reason == "Asterisk closed the connection"


async def test_a_handler_that_ends_or_fails_as_expected_makes_the_link_begin_anew() -> None:
    class Picky(LinkUser):
        async def on_session(self, session: AmiSession) -> None:
            self.sessions.append(session)
            if len(self.sessions) == 2:
                await session.request_list("QueueStatus")

    async with scripted_ami() as ami:
        ami.answers["queuestatus"] = lambda action: response(action, "Error", Message="Permission denied\n")
        user = Picky()
        async with running(link_to(ami, pauses=Pauses(most=2)), user):
            await user.up(3)
            await user.down(3)

    assert [reason for reason, _ in user.downs] == [
        "the handler of the session ended",
        "Asterisk refused QueueStatus: Permission denied",
        "the handler of the session ended",
    ]
