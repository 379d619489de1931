"""Actions that act on nothing, each asked of Asterisk and of the demo PBX: the same words must come back.

Recorded in tests/fixtures/ami/actions/answers.ami, in this order; the ActionID is the name here.
"""

from collections.abc import Mapping

from services.demo_pbx.core.actions import HANDLERS, Reply, Request
from services.demo_pbx.core.pbx import Pbx
from tests.contract.ami_sequences.transcript import FIXTURES, Message, parse

NO_CHANNEL = "PJSIP/148-00000fff"
PLACE = {"Context": "default", "Exten": "600", "Priority": "1"}
MEMBER = {"Queue": "support", "Interface": "PJSIP/148"}


def _dialplan(*arguments: str) -> dict[str, str]:
    return {"Action": "Getvar", "Variable": f"DIALPLAN_EXISTS({','.join(arguments)})"}


ASKED: Mapping[str, dict[str, str]] = {
    "queue extension": _dialplan("default", "600", "1"),
    "outside number": _dialplan("default", "01632960111", "1"),
    "parking extension": _dialplan("default", "700", "1"),
    "parking space": _dialplan("default", "705", "1"),
    "part of a number": _dialplan("default", "60", "1"),
    "no such extension": _dialplan("default", "999", "1"),
    "no such context": _dialplan("nosuch", "600", "1"),
    "context alone": _dialplan("default"),
    "no such function": {"Action": "Getvar", "Variable": "NOSUCHFUNCTION(default)"},
    "no variable": {"Action": "Getvar"},
    "variable of no channel": {"Action": "Getvar", "Variable": "X", "Channel": NO_CHANNEL},
    "add to no queue": {"Action": "QueueAdd", **MEMBER, "Queue": "nosuch"},
    "add to nothing": {"Action": "QueueAdd", "Interface": "PJSIP/148"},
    "add nobody": {"Action": "QueueAdd", "Queue": "support"},
    "add": {"Action": "QueueAdd", **MEMBER, "MemberName": "Agent 148", "Penalty": "3"},
    "add again": {"Action": "QueueAdd", **MEMBER},
    "pause": {"Action": "QueuePause", **MEMBER, "Paused": "true", "Reason": "lunch"},
    "pause everywhere": {"Action": "QueuePause", "Interface": "PJSIP/148", "Paused": "true"},
    "end the pause": {"Action": "QueuePause", "Interface": "PJSIP/148", "Paused": "false"},
    "pause in no queue": {"Action": "QueuePause", **MEMBER, "Queue": "nosuch", "Paused": "true"},
    "pause in another queue": {"Action": "QueuePause", **MEMBER, "Queue": "sales", "Paused": "true"},
    "pause a stranger": {"Action": "QueuePause", "Interface": "PJSIP/144", "Paused": "true"},
    "pause or not": {"Action": "QueuePause", **MEMBER},
    "penalty": {"Action": "QueuePenalty", **MEMBER, "Penalty": "7"},
    "penalty everywhere": {"Action": "QueuePenalty", "Interface": "PJSIP/148", "Penalty": "7"},
    "penalty of a stranger": {"Action": "QueuePenalty", **MEMBER, "Interface": "PJSIP/144", "Penalty": "7"},
    "penalty in no queue": {"Action": "QueuePenalty", **MEMBER, "Queue": "nosuch", "Penalty": "7"},
    "penalty below zero": {"Action": "QueuePenalty", **MEMBER, "Penalty": "-1"},
    "penalty that is no number": {"Action": "QueuePenalty", **MEMBER, "Penalty": "x"},
    "no penalty": {"Action": "QueuePenalty", **MEMBER},
    "reset": {"Action": "QueueReset", "Queue": "support"},
    "reset all": {"Action": "QueueReset"},
    "reset no queue": {"Action": "QueueReset", "Queue": "nosuch"},
    "remove": {"Action": "QueueRemove", **MEMBER},
    "remove again": {"Action": "QueueRemove", **MEMBER},
    "remove from no queue": {"Action": "QueueRemove", **MEMBER, "Queue": "nosuch"},
    "redirect no channel": {"Action": "Redirect", "Channel": NO_CHANNEL, **PLACE},
    "redirect nothing": {"Action": "Redirect", **PLACE},
    "redirect to no context": {"Action": "Redirect", "Channel": NO_CHANNEL, "Exten": "600", "Priority": "1"},
    "redirect to no extension": {"Action": "Redirect", "Channel": NO_CHANNEL, **PLACE, "Exten": ""},
    "redirect to no priority": {"Action": "Redirect", "Channel": NO_CHANNEL, **PLACE, "Priority": ""},
    "redirect to a bad priority": {"Action": "Redirect", "Channel": NO_CHANNEL, **PLACE, "Priority": "x"},
    "transfer no channel": {"Action": "BlindTransfer", "Channel": NO_CHANNEL, **PLACE},
    "transfer nothing": {"Action": "BlindTransfer", **PLACE},
    "transfer nowhere": {"Action": "BlindTransfer", "Channel": NO_CHANNEL},
    "park no channel": {"Action": "Park", "Channel": NO_CHANNEL},
    "park nothing": {"Action": "Park"},
    "park for no time": {"Action": "Park", "Channel": NO_CHANNEL, "Timeout": "x"},
    "hang up no channel": {"Action": "Hangup", "Channel": NO_CHANNEL},
    "hang up nothing": {"Action": "Hangup"},
    "hang up a bad pattern": {"Action": "Hangup", "Channel": "/(/"},
    "hang up what matches nothing": {"Action": "Hangup", "Channel": "/nosuch/"},
    "status of no channel": {"Action": "Status", "Channel": NO_CHANNEL},
    "call nobody": {"Action": "Originate", "Async": "true", **PLACE},
    "call what is no channel": {"Action": "Originate", "Channel": "148", "Async": "true", **PLACE},
    "call no extension": {"Action": "Originate", "Channel": "PJSIP/148", **PLACE, "Exten": "999"},
    "call in no context": {"Action": "Originate", "Channel": "PJSIP/148", **PLACE, "Context": "nosuch"},
    "call with a bad priority": {"Action": "Originate", "Channel": "PJSIP/148", **PLACE, "Priority": "x"},
    "call for a bad time": {"Action": "Originate", "Channel": "PJSIP/148", **PLACE, "Timeout": "x"},
    "call with too long an id": {
        "Action": "Originate",
        "Channel": "PJSIP/148",
        **PLACE,
        "ChannelId": "x" * 150,
    },
}


def recorded_answers() -> dict[str, Message]:
    """What Asterisk answered, by the name of what it was asked."""
    messages = parse((FIXTURES / "actions" / "answers.ami").read_bytes())
    return {message["ActionID"]: message for message in messages if message["Response"]}


def simulated_answers(pbx: Pbx) -> dict[str, Message]:
    """What the demo PBX answers to the same, in the same order."""
    answers: dict[str, Message] = {}
    for name, headers in ASKED.items():
        data = bytearray()
        HANDLERS[headers["Action"].lower()](pbx, Request(list(headers.items())), Reply(name, data.extend))
        answers[name] = parse(bytes(data))[0]  # a list has more: its items, and its end
    return answers
