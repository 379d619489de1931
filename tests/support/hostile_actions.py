"""Hostile texts for the parameters of actions, and what may come of them at Asterisk's end of AMI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from tests.support.ami_proxy import SentAction
from tests.support.scripted_pbx import channel_of, remote_of

AGENT = "148"
LINE_ENDS = "\r\n\0\x0b\x0c\x1c\x1d\x1e\x7f\x85\u2028\u2029"

# Queues that there are, so that a text like these gets through to Asterisk.
QUEUES = (
    "support",
    "Action: Logoff",
    "x: y",
    "50%0d%0aAction: Logoff",
    "back\\r\\nAction: Logoff",
    "${SHELL(id)}",
    'a "b" <c>; d|e&f=g/h?i#j',
    "Žalbe и 客服 \u560a\u560d\u010a\u010d",
)

# U+560A, U+010D and the like end in the byte of LF or CR when somebody cuts characters to bytes.
HOSTILE = (
    *LINE_ENDS,
    "\r\n",
    "\r\n\r\n",
    "\n\n",
    "\u560a\u560d",
    "\u010d\u010a",
    "%0d%0a",
    "\\r\\n",
    "\\n",
    "&#10;",
    "\ud800",
    ": ",
    "Action: Originate",
    "Action: Command",
    "Command: core stop now",
    "Application: System",
    "Data: id",
    "Channel: Local/1@default",
    "Variable: x=y",
    "ActionID: 1",
    "Async: true",
    "${SHELL(id)}",
    "Local/1@x/n",
    "PJSIP/149",
    "/.*/",
    "&",
    "|",
    ";",
    "@hq",
    "@default",
    '"',
    "\\",
    ",",
    "<1>",
    " ",
    "\t",
    "1",
    "客",
)
VALID: Mapping[str, tuple[str, ...]] = {
    "agent": (AGENT, "149"),
    "extension": ("600", "*98"),
    "party": (AGENT, channel_of(AGENT), "PJSIP/149-0000001a", "Local/149@x-0000001a;2"),
    "queue": QUEUES,
    "text": ("Viktor", *QUEUES),
    "caller_id": ("555", '"Ana" <555>', '"Action: Logoff" <555>', "Ana: 客 <555>"),
    "pbx": ("hq",),
    "flag": ("true", "false"),
    "number": ("2", "20"),
}
NAMES = ("TICKET", "__TICKET", "x_1")
VALUES = ("4711", "Action: Logoff", "a=b:c", "${SHELL(id)}", "客 %0d%0a")


def spoilt(valid: tuple[str, ...]) -> st.SearchStrategy[str]:
    """A text that may be right, with hostile ones anywhere in it."""
    parts = st.lists(st.sampled_from(HOSTILE) | st.text(max_size=3), min_size=1, max_size=3).map("".join)

    def put(text: str, part: str, share: float) -> str:
        at = round(len(text) * share)
        return text[:at] + part + text[at:]

    whole = st.sampled_from([0.0, 0.5, 1.0])
    return st.sampled_from(valid) | parts | st.builds(put, st.sampled_from(valid), parts, whole)


def expected(action: str, values: Mapping[str, Any]) -> list[tuple[tuple[str, str], ...]]:
    """What may go to Asterisk, in order; written down once more, apart from the bridge."""

    def of(name: str, default: str = "") -> str:
        value = values.get(name) or default
        return (
            value.removesuffix("@hq")
            if name in ("agent", "queue", "src", "dest", "agent-or-channel")
            else value
        )

    def some(**headers: tuple[str, str]) -> tuple[tuple[str, str], ...]:
        return tuple((name, of(*wanted)) for name, wanted in headers.items() if of(*wanted))

    queue = {"Queue": ("queue", "")}
    interface = ("Interface", f"PJSIP/{of('agent')}")
    party = of("agent-or-channel")
    own, remote = (channel_of(party), remote_of(party)) if party == AGENT else ("", "")
    target = (("Context", "default"), ("Exten", of("dest")))
    exists = (("Action", "Getvar"), ("Variable", f"DIALPLAN_EXISTS(default,{of('dest')},1)"))
    match action:
        case "queue-add":
            flags = some(MemberName=("memberName", ""), Penalty=("penalty", "0"), Paused=("paused", "false"))
            return [(("Action", "QueueAdd"), *some(**queue), interface, *flags)]
        case "queue-remove":
            return [(("Action", "QueueRemove"), *some(**queue), interface)]
        case "queue-pause":
            more = some(Paused=("paused", ""), Reason=("reason", ""), **queue)
            return [(("Action", "QueuePause"), interface, *more)]
        case "queue-penalty":
            return [(("Action", "QueuePenalty"), interface, *some(Penalty=("penalty", ""), **queue))]
        case "queue-reset":
            return [(("Action", "QueueReset"), *some(**queue))]
        case "originate":
            variables = [
                ("Variable", f"{name}={value}") for name, value in values.get("variables", {}).items()
            ]
            fixed = (("Priority", "1"), ("Async", "true"), ("Timeout", f"{of('timeout', '30')}000"))
            channel = ("Channel", f"PJSIP/{of('src')}")
            caller = some(CallerID=("callerId", ""))
            return [(("Action", "Originate"), channel, *target, *fixed, *caller, *variables)]
        case "redirect" if "/" in party:
            return [exists, (("Action", "Redirect"), ("Channel", party), *target, ("Priority", "1"))]
        case "redirect":
            return [exists, (("Action", "BlindTransfer"), ("Channel", own), *target)]
        case "park" if "/" not in party:
            back = (("TimeoutChannel", own), ("Timeout", "180000"))
            return [(("Action", "Park"), ("Channel", remote), *back)]
        case "park":
            back = (("TimeoutChannel", channel_of(AGENT)),) if party == remote_of(AGENT) else ()
            return [(("Action", "Park"), ("Channel", party), *back, ("Timeout", "180000"))]
        case "hangup":
            return [(("Action", "Hangup"), ("Channel", party if "/" in party else own))]
        case _:
            return []


def read(action: SentAction) -> list[tuple[str, str]]:
    """The headers of an action but its ids, sorted; each line must be one."""
    assert all(":" in line and not {"\r", "\0"} & {*line} for line in action.lines), action
    ids = [value for name, value in action.headers if name in ("ActionID", "ChannelId")]
    assert len(ids) == (2 if action.name == "Originate" else 1), action
    return sorted((name, value) for name, value in action.headers if name not in ("ActionID", "ChannelId"))


def check(came: Sequence[SentAction], action: str, values: Mapping[str, Any], *, done: bool) -> None:
    """What came of one order: all that is expected when it is done, else nothing."""
    found = [read(each) for each in came if each.name != "Ping"]
    wanted = [sorted(headers) for headers in expected(action, values)] if done else []
    assert found == wanted
