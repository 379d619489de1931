"""The bridge of one PBX, with a session and a publisher written by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

import pytest

from services.ami_bridge.app import LATE_S, Bridge
from services.ami_bridge.core.ami_message import AmiMessage
from services.ami_bridge.core.call_centre import CallCentre
from services.ami_bridge.core.kept_moments import Instant
from services.ami_bridge.core.plans import CommandRules, Steps
from services.ami_bridge.errors import ActionOutcomeUnknownError, AmiActionRefusedError, AmiLinkLostError
from shared.commands import Originate
from shared.events import AgentComplete, Event, PbxStatus, QueueCount
from tests.support.waiting import until

EMPTY_QUEUE: AmiMessage = {
    "Event": "QueueParams",
    "Queue": "sales",
    "Calls": "0",
    "Holdtime": "0",
    "TalkTime": "0",
    "Completed": "0",
    "Abandoned": "0",
    "ServiceLevel": "10",
    "ServicelevelPerf": "0.0",
}


def joined(count: int) -> AmiMessage:
    return {
        "Event": "QueueCallerJoin",
        "Queue": "sales",
        "Count": str(count),
        "Position": str(count),
        "Uniqueid": f"1.{count}",
        "CallerIDNum": "0991",
        "CallerIDName": "<unknown>",
    }


def at(second: float) -> Instant:
    return Instant(second, round(second * 1000))


def completed(number: int) -> AmiMessage:
    return {
        "Event": "AgentComplete",
        "Queue": "sales",
        "Interface": "PJSIP/148",
        "Uniqueid": f"1.{number}",
        "HoldTime": "1",
        "TalkTime": "2",
        "Reason": "agent",
    }


RELOAD: AmiMessage = {"Event": "Reload", "Module": "app_queue.so", "Status": "0"}


class Publisher:
    def __init__(self) -> None:
        self.events: list[Event] = []
        self.on_put: Callable[[], None] = lambda: None

    def completed(self) -> list[str]:
        return [event.unique_id for event in self.events if isinstance(event, AgentComplete)]

    def put(self, event: Event, moment_id: str) -> None:
        self.on_put()
        self.events.append(event)

    def words(self) -> list[str]:
        return [event.status for event in self.events if isinstance(event, PbxStatus)]

    def reasons(self) -> list[str | None]:
        return [event.reason for event in self.events if isinstance(event, PbxStatus)]

    def counts(self) -> list[int]:
        return [event.count for event in self.events if isinstance(event, QueueCount)]


class Session:
    """Lists wait for ``let_lists``; events come when put into ``events``; an exception there is the end."""

    asterisk = "22"

    def __init__(self) -> None:
        self.events: asyncio.Queue[Sequence[AmiMessage] | AmiLinkLostError] = asyncio.Queue()
        self.let_lists = asyncio.Event()
        self.asked: list[str] = []
        self.refused: set[str] = set()
        self.queue: AmiMessage = EMPTY_QUEUE
        self.read_until = at(100)

    async def batches(self) -> AsyncIterator[Sequence[AmiMessage]]:
        while True:
            batch = await self.events.get()
            if isinstance(batch, AmiLinkLostError):
                raise batch
            yield batch

    def rest(self) -> Sequence[AmiMessage]:
        found: list[AmiMessage] = []
        while not self.events.empty():
            batch = self.events.get_nowait()
            if not isinstance(batch, AmiLinkLostError):
                found.extend(batch)
        return found

    async def request_list(self, action: str, **headers: str) -> list[AmiMessage]:
        self.asked.append(action)
        await self.let_lists.wait()
        if action in self.refused:
            raise AmiActionRefusedError(action, {"Response": "Error", "Message": "Permission denied"})
        return [self.queue] if action == "QueueStatus" else []

    async def request(
        self, action: str, headers: Mapping[str, str | Sequence[str]], timeout_s: float
    ) -> AmiMessage:
        raise AssertionError(f"nothing should be sent, not {action}")


class DeadSession(Session):
    """Its lists fail at once, and nothing of it was read."""

    async def request_list(self, action: str, **headers: str) -> list[AmiMessage]:
        raise ActionOutcomeUnknownError(action, "the connection broke")


class Rig:
    def __init__(self, refresh_every_s: float = 3600) -> None:
        self.publisher = Publisher()
        self.session = Session()
        self.bridge = Bridge(CallCentre("hq"), self.publisher, lambda: 1000, refresh_every_s=refresh_every_s)

    def serve(self) -> asyncio.Task[None]:
        return asyncio.create_task(self.bridge.on_session(self.session))


async def test_events_during_the_lists_are_applied_after_them_and_only_then_is_it_online() -> None:
    rig = Rig()
    serving = rig.serve()
    await until(lambda: rig.session.asked, what="the first list is asked")
    rig.session.events.put_nowait([joined(1), joined(2)])
    await until(lambda: rig.session.events.empty(), what="the events are taken")
    assert (rig.publisher.words(), rig.publisher.counts()) == (["syncing"], [])

    rig.session.let_lists.set()

    await until(lambda: "online" in rig.publisher.words(), what="online")
    assert rig.publisher.words() == ["syncing", "online"]
    assert rig.publisher.counts() == [2]
    serving.cancel()


async def test_a_live_event_is_published_at_once_and_one_that_cannot_be_read_harms_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig = Rig()
    rig.session.let_lists.set()
    serving = rig.serve()
    await until(lambda: "online" in rig.publisher.words(), what="online")

    rig.session.events.put_nowait([{"Event": "QueueCallerJoin", "Queue": "sales"}, joined(1)])

    await until(lambda: rig.publisher.counts() == [0, 1], what="the count")
    assert "malformed AMI message" in caplog.text
    serving.cancel()


async def test_the_session_ends_with_its_link_and_the_pbx_is_offline() -> None:
    rig = Rig()
    rig.session.let_lists.set()
    serving = rig.serve()
    await until(lambda: "online" in rig.publisher.words(), what="online")

    rig.session.events.put_nowait(AmiLinkLostError("no pong"))

    with pytest.raises(AmiLinkLostError):
        await serving
    rig.bridge.on_down("no pong", auth_failed=False)
    assert rig.publisher.words()[-1] == "offline"


@pytest.mark.parametrize("in_session", [True, False], ids=["again", "first"])
async def test_moments_kept_aside_for_lists_that_never_come_are_told_before_it_is_offline(
    in_session: bool, caplog: pytest.LogCaptureFixture
) -> None:
    rig = Rig()
    if in_session:
        rig.session.let_lists.set()
    serving = rig.serve()
    if in_session:
        await until(lambda: "online" in rig.publisher.words(), what="online")
        rig.session.let_lists.clear()
        rig.session.asked.clear()
        rig.session.events.put_nowait([RELOAD])
    await until(lambda: rig.session.asked, what="a list is asked, and not answered")
    states = len(rig.publisher.events)
    rig.session.events.put_nowait([completed(1), joined(1), {"Event": "QueueCallerJoin"}])
    rig.session.events.put_nowait([completed(2)])
    rig.session.events.put_nowait(AmiLinkLostError("no pong"))
    with pytest.raises(AmiLinkLostError):
        await serving

    rig.bridge.on_down("no pong", auth_failed=False)
    rig.bridge.on_down("connection refused", auth_failed=False)

    assert rig.publisher.completed() == ["1.1", "1.2"]
    assert [type(event) for event in rig.publisher.events[states:]] == [
        AgentComplete,
        AgentComplete,
        PbxStatus,
        PbxStatus,
    ]
    assert "malformed AMI message" in caplog.text


async def test_moments_that_came_and_were_not_read_when_a_list_failed_are_told() -> None:
    session, publisher = DeadSession(), Publisher()
    bridge = Bridge(CallCentre("hq"), publisher, lambda: 1000, refresh_every_s=3600)
    session.events.put_nowait([completed(1)])
    session.events.put_nowait([completed(2)])

    with pytest.raises(ActionOutcomeUnknownError):
        await bridge.on_session(session)
    bridge.on_down("the connection broke", auth_failed=False)

    assert publisher.completed() == ["1.1", "1.2"]
    assert publisher.words() == ["syncing", "offline"]


async def test_a_refused_login_is_told_as_such() -> None:
    rig = Rig()

    rig.bridge.on_down("Asterisk refused the login", auth_failed=True)

    assert rig.publisher.words() == ["auth_failed"]


async def test_a_refused_list_is_said_with_its_consequence_once_and_the_rest_works(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig = Rig()
    rig.session.refused = {"ExtensionStateList"}
    rig.session.let_lists.set()
    serving = rig.serve()

    await until(lambda: "online" in rig.publisher.words(), what="online")

    assert rig.publisher.counts() == [0]
    assert "the state of a phone is unknown until it changes" in caplog.text
    serving.cancel()


async def test_without_the_list_of_queues_there_is_no_session() -> None:
    rig = Rig()
    rig.session.refused = {"QueueStatus"}
    rig.session.let_lists.set()

    with pytest.raises(AmiActionRefusedError, match="Permission denied"):
        await rig.serve()

    assert rig.publisher.words() == ["syncing"]


async def test_an_asterisk_that_booted_meanwhile_is_asked_again() -> None:
    rig = Rig()
    serving = rig.serve()
    await until(lambda: rig.session.asked, what="the first list is asked")
    rig.session.events.put_nowait([{"Event": "FullyBooted", "Uptime": "0"}])
    await until(lambda: rig.session.events.empty(), what="the event is taken")

    rig.session.let_lists.set()

    await until(lambda: rig.session.asked.count("Status") == 2, what="all lists are read again")
    serving.cancel()


async def test_a_reload_makes_it_read_all_lists_again_and_it_stays_online() -> None:
    rig = Rig()
    rig.session.let_lists.set()
    serving = rig.serve()
    await until(lambda: "online" in rig.publisher.words(), what="online")

    rig.session.events.put_nowait([{"Event": "Reload", "Module": "app_queue.so", "Status": "0"}])

    await until(lambda: rig.session.asked.count("Status") == 2, what="all lists are read again")
    assert rig.publisher.words() == ["syncing", "online"]
    serving.cancel()


async def test_the_figures_are_read_again_and_again() -> None:
    rig = Rig(refresh_every_s=0.001)
    rig.session.let_lists.set()
    serving = rig.serve()

    await until(lambda: rig.session.asked.count("QueueSummary") > 3, what="refreshed")

    serving.cancel()


async def test_a_right_that_the_user_lacks_is_said_once_and_shown_until_it_is_disproved(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig = Rig(refresh_every_s=0.001)
    rig.session.let_lists.set()
    serving = rig.serve()
    await until(lambda: "online" in rig.publisher.words(), what="online")

    rig.session.queue = {**EMPTY_QUEUE, "Calls": "2"}
    await until(lambda: len(rig.publisher.reasons()) == 3, what="the reason is shown")
    asked = len(rig.session.asked)
    await until(lambda: len(rig.session.asked) > asked + 6, what="refreshed again")
    assert caplog.text.count("lacks `read = agent`") == 1

    rig.session.events.put_nowait([joined(2)])
    await until(lambda: len(rig.publisher.reasons()) == 4, what="the reason is withdrawn")

    assert rig.publisher.words() == ["syncing", "online", "online", "online"]
    shown = rig.publisher.reasons()
    assert (shown[:2], "read = agent" in str(shown[2]), shown[3:]) == ([None, None], True, [None])
    serving.cancel()


async def test_there_is_a_session_for_commands_only_while_it_is_online() -> None:
    rig = Rig()
    told = [(rig.bridge.session, rig.bridge.absence)]
    serving = rig.serve()
    await until(lambda: rig.session.asked, what="the first list is asked")
    told.append((rig.bridge.session, rig.bridge.absence))
    rig.session.let_lists.set()
    await until(lambda: "online" in rig.publisher.words(), what="online")
    assert rig.bridge.session is rig.session

    rig.session.events.put_nowait(AmiLinkLostError("no pong"))

    with pytest.raises(AmiLinkLostError):
        await serving
    told.append((rig.bridge.session, rig.bridge.absence))
    rig.bridge.on_down("no pong", auth_failed=False)
    told.append((rig.bridge.session, rig.bridge.absence))
    rig.bridge.on_down("wrong secret", auth_failed=True)
    told.append((rig.bridge.session, rig.bridge.absence))
    assert told == [
        (None, "offline: there was no connection yet"),
        (None, "syncing: its lists are being read"),
        (None, "offline: the link to Asterisk was lost"),
        (None, "offline: no pong"),
        (None, "auth_failed: wrong secret"),
    ]


async def test_it_is_late_when_what_asterisk_says_is_handled_long_after_it_is_said() -> None:
    rig = Rig()
    assert (rig.bridge.handled_until, rig.bridge.is_late(100)) == (None, False)
    rig.session.let_lists.set()
    serving = rig.serve()
    await until(lambda: "online" in rig.publisher.words(), what="online")

    assert rig.bridge.handled_until == at(100)
    assert not rig.bridge.is_late(100 + LATE_S)
    assert rig.bridge.is_late(100.1 + LATE_S)
    rig.session.read_until = at(107)
    assert not rig.bridge.is_late(108)

    rig.session.events.put_nowait(AmiLinkLostError("no pong"))
    with pytest.raises(AmiLinkLostError):
        await serving
    assert (rig.bridge.handled_until, rig.bridge.session) == (at(107), None)
    rig.bridge.on_down("no pong", auth_failed=False)
    assert rig.bridge.handled_until is None


async def test_what_is_kept_aside_has_not_been_handled() -> None:
    rig = Rig()
    told: list[Instant | None] = []
    rig.publisher.on_put = lambda: told.append(rig.bridge.handled_until)
    serving = rig.serve()
    await until(lambda: rig.session.asked, what="the first list is asked")
    rig.session.events.put_nowait([completed(1)])
    rig.session.read_until = at(110)
    assert rig.bridge.handled_until == at(100)

    rig.session.let_lists.set()
    await until(lambda: "online" in rig.publisher.words(), what="online")

    assert (set(told[:-1]), rig.bridge.handled_until) == ({at(100)}, at(110))
    serving.cancel()


async def test_a_command_is_planned_by_the_rules_of_this_pbx() -> None:
    rules = CommandRules(originate_context="from-internal")
    bridge = Bridge(CallCentre("hq"), Publisher(), lambda: 1000, refresh_every_s=3600, rules=rules)

    plan = bridge.plan(Originate(action_id=f"pbxis-{0:032x}", agent="148", destination="0991"))

    assert isinstance(plan, Steps)
    assert "from-internal" in plan.actions[-1].headers.values()
