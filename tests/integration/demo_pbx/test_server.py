"""The AMI port of the demo PBX, over real sockets."""

import asyncio
import hashlib
from collections.abc import AsyncIterator

import pytest

from services.demo_pbx.server import DemoPbx
from services.demo_pbx.settings import DemoPbxSettings
from tests.support.demo_ami_client import AmiClient
from tests.support.waiting import until

QUIET = {"Events": "off"}


@pytest.fixture
async def demo() -> AsyncIterator[DemoPbx]:
    demo = DemoPbx(DemoPbxSettings(secret="s3cret", seed=1))
    yield demo
    await demo.close()


@pytest.fixture
async def client(demo: DemoPbx) -> AsyncIterator[AmiClient]:
    async with await AmiClient.connect(await demo.start()) as client:
        yield client


async def test_login_is_answered_and_fully_booted_follows(client: AmiClient) -> None:
    assert client.banner == b"Asterisk Call Manager/11.0.0\r\n"
    assert (await client.log_in())["Message"] == "Authentication accepted"
    booted = await client.message()
    assert (booted.event, booted["Status"]) == ("FullyBooted", "Fully Booted")
    assert (await client.log_in())["Message"] == "Already authenticated"


async def test_md5_login_needs_the_challenge_of_its_connection(client: AmiClient) -> None:
    assert (await client.ask(Action="Challenge", AuthType="X"))["Message"] == "Must specify AuthType"
    challenge = (await client.ask(Action="Challenge", AuthType="MD5"))["Challenge"]
    key = hashlib.md5((challenge + "s3cret").encode(), usedforsecurity=False).hexdigest()

    answer = await client.ask(Action="Login", AuthType="MD5", Username="demo", Key=key)
    assert answer["Message"] == "Authentication accepted"


async def test_a_wrong_login_is_refused_and_the_connection_closed(demo: DemoPbx) -> None:
    port = await demo.start()

    async def refused(**login: str) -> tuple[str, bytes]:
        async with await AmiClient.connect(port) as client:
            answer = await client.ask(Action="Login", **login)
            return answer["Message"], await client.closed()

    key_without_challenge = hashlib.md5(b"s3cret", usedforsecurity=False).hexdigest()
    results = await asyncio.gather(
        refused(Username="demo", Secret="wrong"),
        refused(Username="nobody", Secret="s3cret"),
        refused(Username="demo"),
        refused(Username="demo", AuthType="MD5", Key=key_without_challenge),
    )

    assert results == [("Authentication failed", b"")] * 4


async def test_nothing_is_allowed_or_told_before_login(client: AmiClient) -> None:
    for action in ("Ping", "QueueStatus", "Events"):
        assert (await client.ask(Action=action))["Message"] == "Permission denied"
    assert (await client.ask())["Message"] == "Missing action in request"


async def test_who_does_not_log_in_in_time_is_disconnected() -> None:
    demo = DemoPbx(DemoPbxSettings(auth_timeout_s=0.05))
    try:
        async with await AmiClient.connect(await demo.start()) as client:
            assert await client.closed() == b""
    finally:
        await demo.close()


async def test_who_logged_in_in_time_stays() -> None:
    demo = DemoPbx(DemoPbxSettings(auth_timeout_s=0.5, speed=100))
    try:
        async with await AmiClient.connect(await demo.start()) as client:
            await client.log_in(secret=demo.secret)
            start = float((await client.ask(Action="Ping"))["Timestamp"])
            while float((await client.ask(Action="Ping"))["Timestamp"]) < start + 100:
                await client.message()
    finally:
        await demo.close()


async def test_logoff_says_goodbye_and_closes(client: AmiClient) -> None:
    await client.log_in(**QUIET)
    goodbye = await client.ask(Action="Logoff")
    assert (goodbye["Response"], goodbye["Message"]) == ("Goodbye", "Thanks for all the fish.")
    assert await client.closed() == b""


async def test_an_unknown_action_is_named_in_the_refusal(client: AmiClient) -> None:
    await client.log_in(**QUIET)
    answer = await client.ask(Action="NoSuchAction")
    assert answer["Message"] == (
        "Invalid/unknown command: NoSuchAction. Use Action: ListCommands to show available commands."
    )
    assert (await client.ask(Action="ListCommands"))["Ping"].startswith("Keepalive")


async def test_an_answer_comes_before_the_events_of_its_action(client: AmiClient) -> None:
    await client.log_in(Events="agent")
    client.send(Action="QueueAdd", Queue="support", Interface="PJSIP/999", ActionID="add")
    await client.until(ActionID="add", Response="Success")
    added = await client.until(Event="QueueMemberAdded", Interface="PJSIP/999")
    assert (added["Status"], added["MemberName"]) == ("4", "PJSIP/999")


async def test_masks_and_filters_are_of_one_connection(client: AmiClient) -> None:
    await client.log_in(**QUIET)
    assert (await client.ask(Action="Events", EventMask="nosuch"))["Events"] == "Off"
    assert (await client.ask(Action="Events", EventMask="agent"))["Events"] == "On"
    for name in ("QueueMemberAdded", "QueueMemberRemoved"):
        answer = await client.ask(Action="Filter", Operation="Add", MatchCriteria=f"name({name})")
        assert answer["Message"] == "Success"
    bad = await client.ask(Action="Filter", Operation="Add", MatchCriteria="name(")
    assert bad["Message"] == "Filter was formatted incorrectly.  Check the syntax of the filter given."
    assert (await client.ask(Action="Filter", Operation="Remove"))["Message"] == "Unknown operation"
    member = {"Queue": "support", "Interface": "PJSIP/999"}
    client.send(Action="QueueAdd", **member)
    client.send(Action="QueuePause", **member, Paused="yes")
    client.send(Action="QueueRemove", **member)

    events = [message.event for message in [await client.message() for _ in range(5)] if message.event]
    assert [e for e in events if e.startswith("QueueMember")] == ["QueueMemberAdded", "QueueMemberRemoved"]


async def test_bad_input_is_complained_about_and_the_connection_stays(client: AmiClient) -> None:
    await client.log_in(**QUIET)
    client.send(Action="Ping", X="x" * 2000)
    assert (await client.message())["Message"] == "Failed to parse message: line too long"
    assert (await client.ask(Action="Ping"))["Ping"] == "Pong"


async def test_originate_by_one_client_is_seen_by_another(demo: DemoPbx) -> None:
    port = await demo.start()
    async with await AmiClient.connect(port) as first, await AmiClient.connect(port) as second:
        await first.log_in()
        await second.log_in(**QUIET)
        answer = await second.ask(
            Action="Originate",
            Channel="PJSIP/140",
            Context="default",
            Exten="101",
            Priority="1",
            Async="true",
        )
        assert answer["Message"] == "Originate successfully queued"
        failed = await first.until(Event="OriginateResponse")
        assert (failed["Response"], failed["Channel"]) == ("Failure", "PJSIP/140")


async def test_a_client_that_does_not_read_is_cut_off_and_the_others_go_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    demo = DemoPbx(DemoPbxSettings(secret="s3cret", write_limit_bytes=1 << 16))
    try:
        port = await demo.start()
        async with await AmiClient.connect(port) as slow, await AmiClient.connect(port) as good:
            await slow.log_in(**QUIET)
            await good.log_in(**QUIET)
            slow.writer.transport.pause_reading()  # type: ignore[attr-defined]
            for _ in range(2000):
                slow.send(Action="DeviceStateList")
            await until(lambda: "does not read; cut off" in caplog.text)
            assert (await good.ask(Action="Ping"))["Ping"] == "Pong"
    finally:
        await demo.close()


async def test_stopping_tells_the_clients_and_can_be_done_twice(demo: DemoPbx, client: AmiClient) -> None:
    await client.log_in(Events="system")
    await client.until(Event="FullyBooted")
    await demo.close()

    assert (await client.message())["Shutdown"] == "Cleanly"
    assert await client.closed() == b""
    await demo.close()


async def test_a_taken_port_is_an_error_and_leaves_nothing_running(demo: DemoPbx) -> None:
    port = await demo.start()
    second = DemoPbx(DemoPbxSettings())
    with pytest.raises(OSError, match=str(port)):
        await second.start(port=port)
    await second.close()
    assert len(asyncio.all_tasks()) == 1


def test_a_secret_is_made_where_none_is_given() -> None:
    made = DemoPbx(DemoPbxSettings())

    assert len(made.secret) > 20
    assert made.secret != DemoPbx(DemoPbxSettings()).secret
    assert DemoPbx(DemoPbxSettings(secret="own")).secret == "own"
