"""Originate: checked before any phone rings; the rest is told by OriginateResponse."""

from services.demo_pbx.core.actions.queues import is_true
from services.demo_pbx.core.actions.request import Reply, Request
from services.demo_pbx.core.originating import OriginatedCall, OriginateOrder
from services.demo_pbx.core.pbx import Pbx

QUEUED = "Originate successfully queued"
DEFAULT_TIMEOUT_MS = 30_000
LONGEST_ID = 149
AFTER_RESPONSE_S = 0.001


def originate(pbx: Pbx, request: Request, reply: Reply) -> None:
    """With `Async` the answer says nothing about the phone; without, it waits for the phone."""
    refusal = _refusal(pbx, request)
    if refusal:
        reply.error(refusal)
        return
    in_background = is_true(request.get("Async"))

    def ended(answered: bool) -> None:
        if in_background:
            return
        if answered:
            reply.success(QUEUED)
        else:
            reply.error("Originate failed")

    call = OriginatedCall(pbx, _order(request, in_background), ended)
    if in_background:
        reply.success(QUEUED)
    # OriginateResponse never comes before the Response.
    pbx.schedule.after(AFTER_RESPONSE_S, call.start)


def _refusal(pbx: Pbx, request: Request) -> str:
    """Why the action is refused at once, or ""."""
    dial_string, exten = request.get("Channel"), request.get("Exten")
    context, priority, timeout = request.get("Context"), request.get("Priority"), request.get("Timeout")
    channel_id = request.get("ChannelId")
    if not dial_string:
        return "Channel not specified"
    if priority and not priority.isdecimal():
        return "Invalid priority"
    if timeout and not timeout.isdecimal():
        return "Invalid timeout"
    if "/" not in dial_string:
        return "Invalid channel"
    if not exten or not context or not priority:
        return "Originate with 'Exten' requires 'Context' and 'Priority'"
    if pbx.find(context, exten) is None:
        return "Extension does not exist."
    if len(channel_id) > LONGEST_ID:
        return f"Uniqueid length exceeds maximum of {LONGEST_ID}"
    return ""


def _order(request: Request, in_background: bool) -> OriginateOrder:
    timeout_ms = int(request.get("Timeout") or DEFAULT_TIMEOUT_MS)
    variables: list[tuple[str, str]] = []
    for line in request.all("Variable"):
        # A comma splits even inside its own line, as in Asterisk.
        for assignment in line.split(","):
            name, _, value = assignment.partition("=")
            variables.append((name.strip().lstrip("_"), value))
    return OriginateOrder(
        dial_string=request.get("Channel"),
        context=request.get("Context"),
        exten=request.get("Exten"),
        timeout_s=timeout_ms / 1000,
        caller_id=request.get("CallerID"),
        channel_id=request.get("ChannelId"),
        action_id=request.action_id if in_background and request.action_id else None,
        variables=tuple(variables),
    )
