"""What a scripted AMI answers so that a bridge sees a call centre: queues, phones, members, one call.

async with scripted_ami() as ami:
    play(ami, queues=["support"], agents=["148"], members={"support": ["148"]}, talking=["148"])
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.support.scripted_ami import Action, ScriptedAmi, listing, response


def channel_of(agent: str) -> str:
    """The channel of an agent who talks."""
    return f"PJSIP/{agent}-0000000a"


def remote_of(agent: str) -> str:
    """The channel of the party that he talks with."""
    return f"PJSIP/trunk-0000{int(agent):04x}"


def play(
    ami: ScriptedAmi,
    *,
    queues: Sequence[str] = (),
    agents: Sequence[str] = (),
    members: Mapping[str, Sequence[str]] | None = None,
    talking: Sequence[str] = (),
) -> None:
    """Let it have these: ``agents`` have hints, ``talking`` are agents in a call with somebody outside.

    All actions succeed, and every extension is there.
    """
    signed_in = members or {}
    items = {
        "QueueStatus": [
            *map(_queue, queues),
            *(_member(queue, agent) for queue, found in signed_in.items() for agent in found),
        ],
        "QueueSummary": [],
        "ExtensionStateList": [_hint(agent) for agent in agents],
        "Status": [leg for agent in talking for leg in _call(agent)],
        "BridgeList": [],
    }

    def listed(action: Action) -> bytes:
        name = next(each for each in items if each.lower() == action.name)
        return listing(action, items[name], name)

    ami.answers = {name.lower(): listed for name in items}
    ami.answers["getvar"] = lambda action: response(action, Variable=action.get("Variable"), Value="1")


def _queue(name: str) -> dict[str, str]:
    return {"Event": "QueueParams", "Queue": name, "Max": "0", "Strategy": "rrmemory", "Calls": "0"}


def _member(queue: str, agent: str) -> dict[str, str]:
    return {
        "Event": "QueueMember",
        "Queue": queue,
        "Name": f"Agent {agent}",
        "Location": f"PJSIP/{agent}",
        "StateInterface": f"PJSIP/{agent}",
        "Membership": "dynamic",
        "Penalty": "0",
        "CallsTaken": "0",
        "LastCall": "0",
        "InCall": "0",
        "Status": "1",
        "Paused": "0",
    }


def _hint(agent: str) -> dict[str, str]:
    hint = {"Exten": agent, "Context": "hint", "Hint": f"PJSIP/{agent}", "Status": "0", "StatusText": "Idle"}
    return {"Event": "ExtensionStatus", **hint}


def _call(agent: str) -> list[dict[str, str]]:
    common = {"Event": "Status", "ChannelState": "6", "BridgeID": f"bridge-{agent}", "Seconds": "2"}
    remote, own = f"1795404373.{agent}0", f"1795404373.{agent}1"
    return [
        {
            **common,
            "Channel": remote_of(agent),
            "CallerIDNum": "0991234567",
            "ConnectedLineNum": agent,
            "Uniqueid": remote,
            "Linkedid": remote,
            "Application": "Dial",
            "Data": f"PJSIP/{agent},20,tT",
        },
        {
            **common,
            "Channel": channel_of(agent),
            "CallerIDNum": agent,
            "ConnectedLineNum": "0991234567",
            "Uniqueid": own,
            "Linkedid": remote,
            "Application": "AppDial",
            "Data": "(Outgoing Line)",
        },
    ]
