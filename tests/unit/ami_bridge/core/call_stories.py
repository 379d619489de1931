"""What must come out of the recorded sessions about calls, in order, in the words of replay.py."""

from __future__ import annotations

STORIES: dict[str, str] = {
    "direct_call": """
        140 phone not_inuse
        141 phone not_inuse
        141 ringing inbound 140
        140 dialing outbound 141
        141 phone ringing
        140 phone inuse
        141 connected inbound 140
        141 phone inuse
        140 connected outbound 141
        141 phone not_inuse
        140 phone not_inuse
        141 has no call
        140 has no call
    """,
    "inbound_direct": """
        148 phone not_inuse
        148 ringing inbound 0991234567
        148 phone ringing
        148 phone inuse
        148 connected inbound 0991234567
        148 has no call
        148 phone not_inuse
    """,
    "outbound_by_agent": """
        148 phone not_inuse
        148 dialing outbound 0995551234
        148 phone inuse
        148 connected outbound 0995551234
        148 phone not_inuse
        148 has no call
    """,
    "hold_unhold": """
        140 phone not_inuse
        141 phone not_inuse
        141 ringing inbound 140
        140 dialing outbound 141
        140 phone inuse
        141 phone ringing
        141 phone inuse
        141 connected inbound 140
        140 connected outbound 141
        140 held outbound 141
        141 phone onhold
        140 connected outbound 141
        141 phone inuse
        141 held inbound 140
        140 phone onhold
        141 connected inbound 140
        140 phone inuse
        141 phone not_inuse
        140 phone not_inuse
        141 has no call
        140 has no call
    """,
    "originate_ok": """
        148 phone not_inuse
        141 phone not_inuse
        148 ringing outbound 141
        148 phone ringing
        148 dialing outbound 141
        148 phone inuse
        141 ringing inbound 148
        148 dialing outbound 141
        141 phone ringing
        141 connected inbound 148
        141 phone inuse
        148 connected outbound 141
        141 has no call
        141 phone not_inuse
        148 phone not_inuse
        148 has no call
    """,
    "originate_outside": """
        148 phone not_inuse
        148 ringing outbound anonymous
        148 phone ringing
        148 dialing outbound anonymous
        148 dialing outbound 0995551234
        148 phone inuse
        148 connected outbound 0995551234
        148 has no call
        148 phone not_inuse
    """,
    "originate_agent_busy": """
        148 phone not_inuse
        148 ringing outbound anonymous
        148 originate failed: busy
        148 has no call
    """,
    "originate_agent_no_answer": """
        148 phone not_inuse
        148 ringing outbound anonymous
        148 phone ringing
        148 originate failed: no_answer
        148 has no call
        148 phone not_inuse
    """,
    "originate_agent_unregistered": """
        148 originate failed: unavailable
        999 originate failed: unavailable
        148 originate failed: unavailable
    """,
    "originate_bad_requests": """
        148 phone not_inuse
        148 ringing outbound anonymous
        148 phone ringing
        148 phone inuse
        148 dialing outbound anonymous
        148 dialing outbound anonymous + ringing outbound anonymous
        148 phone ringinuse
        148 ringing outbound anonymous
        148 phone ringing
        148 phone inuse
        148 dialing outbound anonymous
        148 dialing outbound anonymous + ringing outbound anonymous
        148 phone ringinuse
        148 phone inuse
        148 dialing outbound anonymous + dialing outbound anonymous
        148 dialing outbound anonymous + dialing outbound 502
        148 dialing outbound 502
        148 has no call
        148 phone not_inuse
    """,
    "originate_unknown_destination": """
        148 phone not_inuse
    """,
    "redirect_direct_call": """
        140 phone not_inuse
        141 phone not_inuse
        144 phone not_inuse
        141 ringing inbound 140
        140 dialing outbound 141
        140 phone inuse
        141 phone ringing
        141 phone inuse
        141 connected inbound 140
        140 connected outbound 141
        141 has no call
        144 ringing inbound 140
        140 dialing outbound 144
        141 phone not_inuse
        144 phone ringing
        144 phone inuse
        144 connected inbound 140
        140 connected outbound 144
        140 phone not_inuse
        140 has no call
        144 phone not_inuse
        144 has no call
    """,
    "redirect_errors": """
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
        148 connected inbound 0991234567 by support
        148 in support inuse
        148 completes in support by caller, 1 s, recorded
        148 phone not_inuse
        148 has no call
        148 in support not_inuse
    """,
    "redirect_no_answer": """
        148 phone not_inuse
        148 is called Agent 148
        148 in support not_inuse
        support: 1 waiting
        support: 0991234567
        148 ringing inbound 0991234567 by support
        148 phone ringing
        148 in support ringing
        148 phone inuse
        148 in support inuse
        support: 0 waiting
        support: nobody
        148 connected inbound 0991234567 by support
        148 completes in support by caller, 1 s, recorded
        148 phone not_inuse
        148 has no call
        148 in support not_inuse
    """,
    "transfer_blind_action": """
        144 phone not_inuse
        148 phone not_inuse
        148 is called Agent 148
        148 in support not_inuse
        support: 1 waiting
        support: 0991234567
        148 phone ringing
        148 in support ringing
        148 ringing inbound 0991234567 by support
        148 phone inuse
        support: 0 waiting
        support: nobody
        148 in support inuse
        148 connected inbound 0991234567 by support
        148 completes in support by transfer, 1 s, recorded
        148 has no call
        148 phone not_inuse
        148 in support not_inuse
        144 ringing inbound 0991234567
        144 phone ringing
        144 connected inbound 0991234567
        144 phone inuse
        144 phone not_inuse
        144 has no call
    """,
    "transfer_blind_sip": """
        144 phone not_inuse
        148 phone not_inuse
        148 is called Agent 148
        148 in support not_inuse
        support: 1 waiting
        support: 0991234567
        148 ringing inbound 0991234567 by support
        148 phone ringing
        148 in support ringing
        support: 0 waiting
        support: nobody
        148 connected inbound 0991234567 by support
        148 phone inuse
        148 in support inuse
        148 held inbound 0991234567 by support
        148 connected inbound 0991234567 by support
        148 completes in support by transfer, 1 s, recorded
        148 phone not_inuse
        148 has no call
        148 in support not_inuse
        144 ringing inbound 0991234567
        144 phone ringing
        144 phone inuse
        144 connected inbound 0991234567
        144 phone not_inuse
        144 has no call
    """,
    "park_giveup": """
        148 phone not_inuse
        148 is called Agent 148
        148 in support not_inuse
        support: 1 waiting
        support: 0991234567
        148 phone ringing
        148 in support ringing
        148 ringing inbound 0991234567 by support
        support: 0 waiting
        support: nobody
        148 connected inbound 0991234567 by support
        148 phone inuse
        148 in support inuse
        parkedCall 0991234567 on 703 by 148
        148 completes in support by caller, 3 s, recorded
        parkedCallGiveUp 0991234567 on 703 by 148
        148 has no call
        148 phone not_inuse
        148 in support not_inuse
    """,
    "park_retrieve": """
        144 phone not_inuse
        148 phone not_inuse
        148 is called Agent 148
        148 in support not_inuse
        support: 1 waiting
        support: 0991234567
        148 phone ringing
        148 in support ringing
        148 ringing inbound 0991234567 by support
        support: 0 waiting
        support: nobody
        148 connected inbound 0991234567 by support
        148 phone inuse
        148 in support inuse
        parkedCall 0991234567 on 701 by 148
        144 phone inuse
        148 has no call
        148 phone not_inuse
        148 in support not_inuse
        unParkedCall 0991234567 on 701 for 144
        144 connected outbound 0991234567
        148 completes in support by caller, 5 s, recorded
        144 has no call
        144 phone not_inuse
    """,
    "park_variants": """
        144 phone not_inuse
        148 phone not_inuse
        148 is called Agent 148
        148 in support not_inuse
        support: 1 waiting
        support: 0991234567
        148 ringing inbound 0991234567 by support
        148 phone ringing
        148 in support ringing
        support: 0 waiting
        support: nobody
        148 connected inbound 0991234567 by support
        148 phone inuse
        148 in support inuse
        parkedCall 0991234567 on 704 by 148
        144 phone inuse
        unParkedCall 0991234567 on 704 for 144
        parkedCall 0991234567 on 731 by None
        144 phone not_inuse
        148 has no call
        148 phone not_inuse
        148 in support not_inuse
        144 phone inuse
        parkedCallTimeOut 0991234567 on 731 by None
        148 completes in support by caller, 8 s, recorded
        144 phone not_inuse
    """,
    "park_dtmf_app": """
        144 phone not_inuse
        148 phone not_inuse
        148 is called Agent 148
        148 in support not_inuse
        support: 1 waiting
        support: 0991234567
        148 ringing inbound 0991234567 by support
        148 phone ringing
        148 in support ringing
        148 phone inuse
        148 in support inuse
        support: 0 waiting
        support: nobody
        148 connected inbound 0991234567 by support
        parkedCall 0991234567 on 701 by None
        148 has no call
        148 phone not_inuse
        148 in support not_inuse
        parkedCallGiveUp 0991234567 on 701 by None
        parkedCall 0991234567 on 702 by None
        144 phone ringing
        144 phone inuse
        144 phone not_inuse
        parkedCallGiveUp 0991234567 on 702 by None
        148 completes in support by caller, 5 s, recorded
    """,
}
