"""Which events the core reads; the link drops all others before it decodes them."""

from __future__ import annotations

WANTED_EVENTS: frozenset[str] = frozenset(
    {
        # queues and their members
        "QueueCallerJoin",
        "QueueCallerLeave",
        "QueueMemberAdded",
        "QueueMemberRemoved",
        "QueueMemberPause",
        "QueueMemberPenalty",
        "QueueMemberRinginuse",
        "QueueMemberStatus",
        "AgentCalled",
        "AgentConnect",
        "AgentComplete",
        # channels, and who talks to whom
        "NewConnectedLine",
        "DialBegin",
        "DialEnd",
        "BridgeEnter",
        "BridgeLeave",
        "Hangup",
        "Hold",
        "Unhold",
        "ExtensionStatus",
        "OriginateResponse",
        # parking
        "ParkedCall",
        "ParkedCallGiveUp",
        "ParkedCallTimeOut",
        "UnParkedCall",
        # Asterisk itself
        "FullyBooted",
        "Shutdown",
        "Reload",
    }
)

# Class dialplan is half of all bytes; of its `VarSet` only these variables are of use.
WANTED_VARIABLES: frozenset[str] = frozenset({"MIXMONITOR_FILENAME"})
