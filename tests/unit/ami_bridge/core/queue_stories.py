"""What must come out of the recorded sessions about queues, in order, in the words of replay.py."""

from __future__ import annotations

STORIES: dict[str, str] = {
    "queue_caller_completes": """
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
        148 completes in support by caller, 2 s, recorded
        148 phone not_inuse
        148 has no call
        148 in support not_inuse
    """,
    "queue_agent_completes": """
        148 phone not_inuse
        148 is called Agent 148
        148 in vip.es-en not_inuse
        vip.es-en: 1 waiting
        vip.es-en: 0991234567
        148 ringing inbound 0991234567 by vip.es-en
        148 in vip.es-en ringing
        148 phone ringing
        148 phone inuse
        vip.es-en: 0 waiting
        vip.es-en: nobody
        148 in vip.es-en inuse
        148 connected inbound 0991234567 by vip.es-en
        148 completes in vip.es-en by agent, 2 s
        148 has no call
        148 phone not_inuse
        148 in vip.es-en not_inuse
    """,
    "queue_announce_to_agent": """
        148 phone not_inuse
        148 is called Agent 148
        148 in announce not_inuse
        announce: 1 waiting
        announce: 0991234567
        148 ringing inbound 0991234567 by announce
        148 phone ringing
        148 in announce ringing
        148 phone inuse
        148 in announce inuse
        announce: 0 waiting
        announce: nobody
        148 connected inbound 0991234567 by announce
        148 completes in announce by caller, 2 s
        148 has no call
        148 phone not_inuse
        148 in announce not_inuse
    """,
    "queue_call_with_media": """
        148 phone not_inuse
        148 is called Agent 148
        148 in support not_inuse
        support: 1 waiting
        support: 0991234567
        148 ringing inbound 0991234567 by support
        148 phone ringing
        148 in support ringing
        148 phone inuse
        support: 0 waiting
        support: nobody
        148 connected inbound 0991234567 by support
        148 in support inuse
        148 completes in support by caller, 12 s, recorded
        148 has no call
        148 in support not_inuse
        148 phone not_inuse
    """,
    "queue_recording_dialplan": """
        148 phone not_inuse
        148 is called Agent 148
        148 in ringall not_inuse
        148 phone ringing
        ringall: 1 waiting
        ringall: 0991234567
        148 ringing inbound 0991234567 by ringall
        148 in ringall ringing
        148 phone inuse
        ringall: 0 waiting
        ringall: nobody
        148 in ringall inuse
        148 connected inbound 0991234567 by ringall
        148 completes in ringall by caller, 2 s, recorded
        148 phone not_inuse
        148 has no call
        148 in ringall not_inuse
    """,
    "queue_abandon_no_agents": """
        support: 1 waiting
        support: 0991234567
        support: 0 waiting
        support: nobody
    """,
    "queue_abandon_while_ringing": """
        148 phone not_inuse
        148 is called Agent 148
        148 in support not_inuse
        support: 1 waiting
        support: 0991234567
        148 ringing inbound 0991234567 by support
        148 phone ringing
        148 in support ringing
        148 phone not_inuse
        support: 0 waiting
        support: nobody
        148 has no call
        148 in support not_inuse
    """,
    "queue_ring_no_answer_next": """
        148 phone not_inuse
        149 phone not_inuse
        148 is called Agent 148
        148 in support not_inuse
        149 is called Agent 149
        149 in support paused, not_inuse behind
        support: 1 waiting
        support: 0991234567
        148 ringing inbound 0991234567 by support
        148 phone ringing
        148 in support ringing
        149 in support not_inuse
        148 has no call
        148 phone not_inuse
        148 in support not_inuse
        149 ringing inbound 0991234567 by support
        149 phone ringing
        149 in support ringing
        149 phone inuse
        149 in support inuse
        support: 0 waiting
        support: nobody
        149 connected inbound 0991234567 by support
        149 phone not_inuse
        149 completes in support by agent, 1 s, recorded
        149 has no call
        149 in support not_inuse
    """,
    "queue_autopause": """
        148 phone not_inuse
        148 is called Agent 148
        148 in autopause not_inuse
        autopause: 1 waiting
        autopause: 0991234567
        148 ringing inbound 0991234567 by autopause
        148 phone ringing
        148 in autopause ringing
        148 in autopause paused (Auto-Pause), ringing behind
        148 phone not_inuse
        148 has no call
        148 in autopause paused (Auto-Pause), not_inuse behind
        autopause: 0 waiting
        autopause: nobody
    """,
    "queue_full_and_timeout": """
        max1: 1 waiting
        max1: 0991111111
        max1: 0 waiting
        max1: nobody
    """,
    "queue_strict_empty": """

    """,
    "queue_local_member": """
        147 phone not_inuse
        147 is called Local Agent 147
        147 in linear not_inuse
        146 is called Static Agent 146
        146 in linear paused (away), unavailable behind
        linear: 1 waiting
        linear: 0991234567
        147 ringing inbound 0991234567 by linear
        147 phone ringing
        147 in linear ringing
        147 phone inuse
        147 in linear inuse
        147 connected inbound 0991234567 by linear
        linear: 0 waiting
        linear: nobody
        147 completes in linear by caller, 1 s
        147 has no call
        147 phone not_inuse
        147 in linear not_inuse
    """,
    "agent_in_two_queues": """
        148 is called Agent 148
        148 in support unavailable
        148 phone not_inuse
        148 in support not_inuse
        148 in vip.es-en not_inuse
        vip.es-en: 1 waiting
        vip.es-en: 0991234567
        148 ringing inbound 0991234567 by vip.es-en
        148 phone ringing
        148 in support ringing
        148 in vip.es-en ringing
        148 phone inuse
        vip.es-en: 0 waiting
        vip.es-en: nobody
        148 in support inuse
        148 in vip.es-en inuse
        148 connected inbound 0991234567 by vip.es-en
        148 completes in vip.es-en by caller, 1 s
        148 has no call
        148 phone not_inuse
        148 in support not_inuse
        148 in vip.es-en not_inuse
    """,
    "member_lifecycle": """
        140 phone not_inuse
        140 is called Agent 140
        140 in support not_inuse
        140 in vip.es-en not_inuse
        140 in support paused (Lunch, back at 2), not_inuse behind
        140 in support paused (Again), not_inuse behind
        140 in support not_inuse
        140 in support paused (all queues), not_inuse behind
        140 in vip.es-en paused (all queues), not_inuse behind
        140 in support not_inuse
        140 in vip.es-en not_inuse
        140 in support not_inuse
        140 in support loggedoff
        140 in vip.es-en loggedoff
        999 is called No such endpoint
        999 in support unavailable
        999 in support loggedoff
        140 is called Upper case
        140 in support not_inuse
        140 in support loggedoff
        140 is called Žarko Ćosić, "Ž"
        140 in support paused, not_inuse behind
        140 in support loggedoff
    """,
    "member_feature_code": """
        142 phone not_inuse
        142 phone inuse
        142 is called Agent 142
        142 in support inuse
        142 phone not_inuse
        142 in support not_inuse
        142 phone inuse
        142 in support inuse
        142 in support loggedoff
        142 phone not_inuse
    """,
    "header_injection": """
        140 is called Eve
        140 in support unavailable
        140 in support paused (x), unavailable behind
        140 in support paused (x\rQueue: sales), unavailable behind
        140 in support paused (a,b;c|d "q" 'x' é 漢字), unavailable behind
    """,
    "module_reload": """
        140 phone not_inuse
        140 is called Agent 140
        140 in support not_inuse
        141 phone unavailable
        142 phone unavailable
        143 phone unavailable
        144 phone unavailable
        145 phone unavailable
        146 phone unavailable
        147 phone unavailable
        148 phone unavailable
        149 phone unavailable
    """,
    "core_restart": """
        148 is called Agent 148
        148 in support unavailable
        148 phone not_inuse
        148 in support not_inuse
        support: 1 waiting
        support: 0991234567
        148 ringing inbound 0991234567 by support
        148 phone ringing
        148 in support ringing
        148 phone inuse
        support: 0 waiting
        support: nobody
        148 in support inuse
        148 connected inbound 0991234567 by support
        148 completes in support by caller, 1 s, recorded
        148 has no call
        148 phone not_inuse
        148 in support not_inuse
    """,
    "core_restart_after": """
        140 phone unavailable
        141 phone unavailable
        142 phone unavailable
        143 phone unavailable
        144 phone unavailable
        145 phone unavailable
        146 phone unavailable
        147 phone unavailable
        148 phone not_inuse
        149 phone unavailable
    """,
    "queue_reset": """
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
        148 in support inuse
        148 phone inuse
        148 completes in support by caller, 1 s, recorded
        148 phone not_inuse
        148 has no call
        148 in support not_inuse
    """,
}
