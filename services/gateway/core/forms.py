"""Every action and query of the HTTP API: the one table from which requests are read and the OpenAPI
document is written.

To add one: its command in ``shared/commands.py`` and its form here.
"""

from __future__ import annotations

from dataclasses import replace

from services.gateway.core.fields import Field
from services.gateway.core.form import Form
from shared.commands import (
    AddMember,
    FindCalls,
    Hangup,
    Originate,
    ParkAndAnnounce,
    PauseMember,
    ReadQueues,
    Redirect,
    RemoveMember,
    ResetQueue,
    SetPenalty,
)

MAX_TIMEOUT_S = 300
MAX_PENALTY = 9999

_PBX = Field(
    name="pbx",
    kind="pbx",
    description="On which PBX; may instead follow a name as `@pbx`.",
    example="hq",
)
_QUEUE = Field(
    name="queue", kind="queue", description="The queue: `q1`, `q1@hq`.", example="q1", required=True
)
_AGENT = Field(
    name="agent", kind="agent", description="The agent: `148`, `148@hq`.", example="148", required=True
)
_PENALTY = Field(
    name="penalty",
    kind="number",
    description="A member is called only when all with a lower penalty cannot be.",
    example=2,
    high=MAX_PENALTY,
    digits="0|[1-9][0-9]{0,3}",
)
_PARTY = Field(
    name="agent-or-channel",
    kind="party",
    description="An agent (`148`, `148@hq`), or a channel: what has a `/` (`PJSIP/148-0000001a`).",
    example="148",
    required=True,
)


def _optional(field: Field, description: str) -> Field:
    return replace(field, description=description, required=False)


def _dest(description: str) -> Field:
    return Field(
        name="dest", kind="extension", description=description, example="600", required=True, in_path=True
    )


_FORMS: tuple[Form, ...] = (
    Form(
        action="queue-add",
        operation="addMember",
        method="POST",
        path="/queue/add",
        tag="queues",
        roles=("queue",),
        summary="Put an agent into a queue",
        description="He gets calls from the queue until he is removed.",
        fields=(
            _QUEUE,
            _AGENT,
            Field(name="memberName", kind="text", description="His name in the queue.", example="Viktor"),
            Field(name="paused", kind="flag", description="Begin paused.", example=False, default=False),
            replace(_PENALTY, default=0),
            _PBX,
        ),
        answers="done",
        problems=("no_queue", "no_agent", "already_member"),
        build=lambda of: AddMember(
            queue=of["queue"],
            agent=of["agent"],
            member_name=of["memberName"],
            paused=of["paused"],
            penalty=of["penalty"],
        ),
    ),
    Form(
        action="queue-remove",
        operation="removeMember",
        method="POST",
        path="/queue/remove",
        tag="queues",
        roles=("queue",),
        summary="Take an agent out of a queue",
        description="A call that he has goes on.",
        fields=(_QUEUE, _AGENT, _PBX),
        answers="done",
        problems=("no_queue", "no_agent", "not_a_member", "partly_done"),
        build=lambda of: RemoveMember(queue=of["queue"], agent=of["agent"]),
    ),
    Form(
        action="queue-pause",
        operation="pauseMember",
        method="POST",
        path="/queue/pause",
        tag="queues",
        roles=("queue",),
        summary="Pause an agent, or end his pause",
        description="While paused he stays in his queues and gets no calls from them.",
        fields=(
            _AGENT,
            Field(
                name="paused",
                kind="flag",
                description="`true` begins the pause, `false` ends it.",
                example=True,
                required=True,
            ),
            _optional(_QUEUE, "The queue; all his queues when absent."),
            Field(name="reason", kind="text", description="Why; it is shown.", example="lunch"),
            _PBX,
        ),
        answers="done",
        problems=("no_queue", "no_agent", "not_a_member", "partly_done"),
        build=lambda of: PauseMember(
            agent=of["agent"], paused=of["paused"], queue=of["queue"], reason=of["reason"]
        ),
    ),
    Form(
        action="queue-penalty",
        operation="setPenalty",
        method="POST",
        path="/queue/penalty",
        tag="queues",
        roles=("queue",),
        summary="Set an agent's penalty in a queue",
        description="It holds until it is set again or he leaves the queue.",
        fields=(_QUEUE, _AGENT, replace(_PENALTY, required=True), _PBX),
        answers="done",
        problems=("no_queue", "no_agent", "not_a_member", "partly_done"),
        build=lambda of: SetPenalty(queue=of["queue"], agent=of["agent"], penalty=of["penalty"]),
    ),
    Form(
        action="queue-reset",
        operation="resetQueue",
        method="POST",
        path="/queue/reset",
        tag="queues",
        roles=("queue",),
        summary="Set the statistics of a queue to zero",
        description="Those of its members too. Calls and members stay.",
        fields=(_optional(_QUEUE, "The queue; all of the PBX when absent."), _PBX),
        answers="done",
        problems=("no_queue",),
        build=lambda of: ResetQueue(queue=of["queue"]),
    ),
    Form(
        action="queue-status",
        operation="queueStatus",
        method="GET",
        path="/queue/status",
        tag="queues",
        roles=("queue", "stream"),
        summary="A queue with its members, or all",
        description=(
            "With `queue` one object, else a list of all queues of all PBXs that the key is for; it is "
            "complete or an error."
        ),
        fields=(_optional(_QUEUE, "The queue; all when absent."), _PBX),
        answers="queues",
        problems=("no_queue",),
        build=lambda of: ReadQueues(queue=of["queue"]),
    ),
    Form(
        action="originate",
        operation="originate",
        method="POST",
        path="/originate/{src}/{dest}",
        tag="calls",
        roles=("call",),
        summary="Call an extension for an agent",
        description=(
            "Rings `src` first; when he answers, `dest` is called. The answer is the action id as soon as "
            "Asterisk has taken the order: events of the call have it as `uniqueId`, and if it comes to "
            "nothing, `originateFailed` has it as `actionId` and says why."
        ),
        fields=(
            Field(
                name="src",
                kind="agent",
                description="The agent whose phone rings first: `148`, `148@hq`.",
                example="148",
                required=True,
                in_path=True,
            ),
            _dest("The extension to call then."),
            Field(
                name="callerId",
                kind="caller_id",
                description='Whom the agent\'s phone shows: `555` or `"Ana" <555>`.',
                example='"Ana" <555>',
            ),
            Field(
                name="variables",
                kind="variables",
                description="Channel variables, without commas; with `__` in front for both legs.",
                example={"__TICKET": "4711"},
            ),
            Field(
                name="timeout",
                kind="number",
                description="For how many seconds the agent's phone rings.",
                example=20,
                default=30,
                low=1,
                high=MAX_TIMEOUT_S,
                digits="[1-9][0-9]?|[12][0-9]{2}|300",
            ),
            _PBX,
        ),
        answers="action id",
        problems=("no_agent", "no_extension"),
        build=lambda of: Originate(
            action_id="",  # the action desk names it
            agent=of["src"],
            destination=of["dest"],
            caller_id=of["callerId"],
            variables=dict(of["variables"]),
            timeout_s=of["timeout"],
        ),
    ),
    Form(
        action="redirect",
        operation="redirectTo",
        method="POST",
        path="/redirect-to/{dest}",
        tag="calls",
        roles=("call",),
        summary="Send a call to an extension",
        description=(
            "Of an agent: the party he talks to; a channel: that one. When several calls fit, nothing is "
            "done and the answer is `candidates`."
        ),
        fields=(_dest("The extension to send it to."), _PARTY, _PBX),
        answers="done or candidates",
        problems=("no_agent", "no_call", "no_channel", "no_extension"),
        build=lambda of: Redirect(agent_or_channel=of["agent-or-channel"], destination=of["dest"]),
    ),
    Form(
        action="park",
        operation="parkAndAnnounce",
        method="POST",
        path="/park-and-announce",
        tag="calls",
        roles=("call",),
        summary="Park a call",
        description=(
            "Parks the party that an agent talks to; he hears the space. When nobody fetches the call in "
            "time, it comes back to him. When several calls fit, nothing is done and the answer is "
            "`candidates`."
        ),
        fields=(_PARTY, _PBX),
        answers="done or candidates",
        problems=("no_agent", "no_call", "no_channel"),
        build=lambda of: ParkAndAnnounce(agent_or_channel=of["agent-or-channel"]),
    ),
    Form(
        action="hangup",
        operation="hangup",
        method="POST",
        path="/hangup",
        tag="calls",
        roles=("call",),
        summary="End a call",
        description=(
            "Of an agent: his own leg; a channel: that one. When several calls fit, nothing is done and the "
            "answer is `candidates`."
        ),
        fields=(_PARTY, _PBX),
        answers="done or candidates",
        problems=("no_agent", "no_call", "no_channel"),
        build=lambda of: Hangup(agent_or_channel=of["agent-or-channel"]),
    ),
    Form(
        action="bridged-channels",
        operation="bridgedChannels",
        method="GET",
        path="/bridged-channels",
        tag="calls",
        roles=("call",),
        summary="The calls of an extension",
        description=(
            "Those in which he talks with one other party, and that party. Empty when he talks with nobody."
        ),
        fields=(
            Field(
                name="extension",
                kind="agent",
                description="The agent's extension: `148`, `148@hq`.",
                example="148",
                required=True,
            ),
            _PBX,
        ),
        answers="candidates",
        problems=("no_agent",),
        build=lambda of: FindCalls(agent=of["extension"]),
    ),
)


def _with_ignored(form: Form) -> Form:
    if form.tag != "queues":
        return form
    used = {field.name for field in form.fields}
    others = (field.name for other in _FORMS if other.tag == form.tag for field in other.fields)
    return replace(form, ignored=tuple(name for name in dict.fromkeys(others) if name not in used))


FORMS: tuple[Form, ...] = tuple(_with_ignored(form) for form in _FORMS)
"""Whoever writes to one queue action what another takes has not made a mistake: pages send one set to all."""
