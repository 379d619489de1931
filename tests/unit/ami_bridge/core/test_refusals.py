"""What Asterisk's refusals mean."""

from __future__ import annotations

import pytest

from services.ami_bridge.core.refusals import outcome_of
from shared.commands import Code


@pytest.mark.parametrize(
    ("action", "message", "code"),
    [
        ("QueueAdd", "Unable to add interface: Already there", "already_member"),
        ("QueueAdd", "Unable to add interface to queue: No such queue", "no_queue"),
        ("QueueRemove", "Unable to remove interface: Not there", "not_a_member"),
        ("QueueRemove", "Unable to remove interface from queue: No such queue", "no_queue"),
        ("QueueRemove", "Member not dynamic", "refused"),
        ("QueuePause", "Interface not found", "not_a_member"),
        ("QueuePause", "Need 'Interface' and 'Paused' parameters.", "refused"),
        ("QueuePenalty", "Invalid interface, queuename or penalty", "not_a_member"),
        ("Redirect", "Channel does not exist: PJSIP/148-00000001", "no_channel"),
        ("BlindTransfer", "Channel specified does not exist", "no_channel"),
        ("BlindTransfer", "Transfer invalid", "no_call"),
        ("Park", "Channel does not exist: PJSIP/148-00000001\n", "no_channel"),
        ("Park", "Park action failed\n", "refused"),
        ("Hangup", "No such channel", "no_channel"),
        ("Originate", "Extension does not exist.", "no_extension"),
        ("Getvar", "Permission denied", "permission"),
    ],
)
def test_each_text_has_its_code_and_keeps_asterisks_words(action: str, message: str, code: Code) -> None:
    outcome = outcome_of(action, message)

    assert (outcome.result, outcome.code) == ("refused", code)
    assert outcome.message.startswith(message.strip())


@pytest.mark.parametrize(
    ("action", "hint"),
    [
        ("QueueAdd", "Permission denied: the AMI user lacks `write = agent` in manager.conf"),
        (
            "Hangup",
            "Permission denied: the AMI user lacks `write = call` or `write = system` in manager.conf",
        ),
        ("QueueReset", "Permission denied: the AMI user may not use QueueReset"),
    ],
)
def test_a_lacking_permission_says_what_the_user_needs(action: str, hint: str) -> None:
    assert outcome_of(action, "Permission denied").message.startswith(hint)


def test_a_refusal_without_a_word_says_so() -> None:
    assert outcome_of("Park", " ").message == "Asterisk gave no reason"
