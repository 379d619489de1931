"""What must come out of the recorded sessions about actions, in order, in the words of replay.py."""

from __future__ import annotations

STORIES: dict[str, str] = {
    "actions/originate_channel_id": """
        148 phone not_inuse
        149 phone not_inuse
        148 ringing outbound 149
        148 phone ringing
        148 phone inuse
        148 dialing outbound 149
        149 ringing inbound 148
        148 dialing outbound 149
        149 phone ringing
        149 phone inuse
        149 connected inbound 148
        148 connected outbound 149
        149 phone not_inuse
        149 has no call
        148 has no call
        148 phone not_inuse
    """,
    "actions/originate_agent_rejects_busy": """
        148 phone not_inuse
        148 ringing outbound 149
        148 phone ringing
        148 phone not_inuse
        148 originate failed: busy
        148 has no call
    """,
    "actions/originate_agent_declined": """
        148 phone not_inuse
        148 ringing outbound 149
        148 phone ringing
        148 originate failed: declined
        148 has no call
        148 phone not_inuse
    """,
    "actions/originate_agent_rings_out": """
        148 phone not_inuse
        148 ringing outbound 149
        148 phone ringing
        148 originate failed: no_answer
        148 has no call
        148 phone not_inuse
    """,
    "actions/originate_hung_up": """
        148 phone not_inuse
        148 ringing outbound 149
        148 phone ringing
        148 originate failed: cancelled
        148 has no call
        148 phone not_inuse
    """,
    "actions/hangup_ringing_direct": """
        148 phone not_inuse
        148 ringing inbound 0991234567
        148 phone ringing
        148 has no call
        148 phone not_inuse
    """,
    "actions/hangup_ringing_queue": """
        148 phone not_inuse
        148 is called Agent 148
        148 in support not_inuse
        support: 1 waiting
        support: 0991234567
        148 ringing inbound 0991234567 by support
        148 phone ringing
        148 in support ringing
        148 has no call
        148 phone not_inuse
        148 in support not_inuse
        support: 0 waiting
        support: nobody
    """,
    "actions/originate_agent_not_there": """
        148 originate failed: unavailable
    """,
    "actions/originate_agent_hangs_up": """
        148 phone not_inuse
        149 phone not_inuse
        148 ringing outbound 149
        148 phone ringing
        148 dialing outbound 149
        148 phone inuse
        149 ringing inbound 148
        148 dialing outbound 149
        149 phone ringing
        149 has no call
        149 phone not_inuse
        148 phone not_inuse
        148 originate failed: cancelled
        148 has no call
    """,
    "actions/originate_destination_busy": """
        148 phone not_inuse
        149 phone not_inuse
        148 ringing outbound 149
        148 phone ringing
        148 dialing outbound 149
        148 phone inuse
        149 ringing inbound 148
        148 dialing outbound 149
        149 has no call
        148 phone not_inuse
        148 originate failed: destination_busy
        148 has no call
    """,
    "actions/originate_destination_declined": """
        148 phone not_inuse
        149 phone not_inuse
        148 ringing outbound 149
        148 phone ringing
        148 dialing outbound 149
        148 phone inuse
        149 ringing inbound 148
        148 dialing outbound 149
        149 phone ringing
        149 has no call
        148 originate failed: destination_declined
        148 has no call
        149 phone not_inuse
        148 phone not_inuse
    """,
    "actions/originate_destination_no_answer": """
        148 phone not_inuse
        149 phone not_inuse
        148 ringing outbound 149
        148 phone ringing
        148 phone inuse
        148 dialing outbound 149
        149 ringing inbound 148
        148 dialing outbound 149
        149 phone ringing
        148 originate failed: destination_no_answer
        148 has no call
        149 has no call
        148 phone not_inuse
        149 phone not_inuse
    """,
    "actions/originate_destination_unregistered": """
        148 phone not_inuse
        148 ringing outbound 149
        148 phone ringing
        148 dialing outbound 149
        148 phone inuse
        148 originate failed: destination_unavailable
        148 has no call
        148 phone not_inuse
    """,
    "actions/originate_destination_busy_tone": """
        148 phone not_inuse
        148 ringing outbound 503
        148 phone ringing
        148 phone inuse
        148 dialing outbound 503
        148 has no call
        148 phone not_inuse
    """,
    "actions/originate_destination_congestion": """
        148 phone not_inuse
        148 ringing outbound 504
        148 phone ringing
        148 phone inuse
        148 dialing outbound 504
        148 has no call
        148 phone not_inuse
    """,
    "actions/transfer_blind_unknown_extension": """
        148 phone not_inuse
        148 is called Agent 148
        148 in support not_inuse
        support: 1 waiting
        support: 0991234567
        148 ringing inbound 0991234567 by support
        148 in support ringing
        148 phone ringing
        support: 0 waiting
        support: nobody
        148 phone inuse
        148 in support inuse
        148 connected inbound 0991234567 by support
        148 completes in support by transfer, 0 s, recorded
        148 has no call
        148 in support not_inuse
        148 phone not_inuse
    """,
    "actions/transfer_blind_local_member": """
        149 phone not_inuse
        147 phone not_inuse
        147 is called Agent 147
        147 in 400 not_inuse
        400: 1 waiting
        400: 0991234567
        147 ringing inbound 0991234567 by 400
        147 phone ringing
        147 in 400 ringing
        147 phone inuse
        400: 0 waiting
        400: nobody
        147 connected inbound 0991234567 by 400
        147 in 400 inuse
        147 phone not_inuse
        147 has no call
        147 in 400 not_inuse
        149 ringing inbound 0991234567
        149 phone ringing
        149 phone inuse
        149 connected inbound 0991234567
        147 completes in 400 by caller, 2 s
        149 has no call
        149 phone not_inuse
    """,
    "actions/park_local_member": """
        147 is called Agent 147
        147 in 400 not_inuse
        147 phone not_inuse
        400: 1 waiting
        400: 0991234567
        147 ringing inbound 0991234567 by 400
        147 phone inuse
        147 connected inbound 0991234567 by 400
        400: 0 waiting
        400: nobody
        147 in 400 inuse
        parkedCall 0991234567 on 701 by 147
        147 phone not_inuse
        147 has no call
        147 in 400 not_inuse
        parkedCallTimeOut 0991234567 on 701 by 147
        147 ringing inbound 0991234567
        147 phone ringing
        147 in 400 ringing
        147 phone inuse
        147 in 400 inuse
        147 connected inbound 0991234567
        147 completes in 400 by caller, 5 s
        147 has no call
        147 phone not_inuse
        147 in 400 not_inuse
    """,
    "actions/redirect_waiting_caller": """
        support: 1 waiting
        support: 0991234567
        support: 0 waiting
        support: nobody
    """,
}
