"""What Asterisk's refusals mean.

Its texts are not promised, so an answer is first known to be a refusal by its `Response`; only then is its
text looked at, and one that is unknown here stays what it is: refused, in Asterisk's own words.
"""

from __future__ import annotations

from collections.abc import Mapping

from shared.commands import Code, Outcome

_PERMISSION_DENIED = "permission denied"

# In lower case. The first that stands in the text counts, so the longer ones come first.
_MEANINGS: tuple[tuple[str, Code], ...] = (
    ("no such queue", "no_queue"),
    ("already there", "already_member"),
    ("not there", "not_a_member"),
    ("interface not found", "not_a_member"),
    ("invalid interface, queuename or penalty", "not_a_member"),
    ("channel does not exist", "no_channel"),
    ("channel specified does not exist", "no_channel"),
    ("no such channel", "no_channel"),
    ("extension does not exist", "no_extension"),
    ("transfer invalid", "no_call"),
)

# Write classes of manager.conf of which one suffices; QueueReset needs none.
_WRITE: Mapping[str, tuple[str, ...]] = {
    "QueueAdd": ("agent",),
    "QueueRemove": ("agent",),
    "QueuePause": ("agent",),
    "QueuePenalty": ("agent",),
    "Originate": ("originate",),
    "Redirect": ("call",),
    "BlindTransfer": ("call",),
    "Park": ("call",),
    "Hangup": ("call", "system"),
    "Getvar": ("call", "reporting"),
}


def outcome_of(action: str, message: str) -> Outcome:
    """The outcome when Asterisk answers an action with an error.

    Args:
        action: its AMI name.
        message: the `Message` of the answer.

    Returns:
        always ``refused``; ``permission`` names the right that the AMI user lacks.
    """
    told = message.strip()
    lower = told.lower()
    if lower.startswith(_PERMISSION_DENIED):
        return Outcome(result="refused", code="permission", message=_permission(action, told))
    for words, code in _MEANINGS:
        if words in lower:
            return Outcome(result="refused", code=code, message=told)
    return Outcome(result="refused", code="refused", message=told or "Asterisk gave no reason")


def _permission(action: str, told: str) -> str:
    classes = _WRITE.get(action)
    if classes is None:
        return f"{told}: the AMI user may not use {action}"
    wanted = " or ".join(f"`write = {each}`" for each in classes)
    return f"{told}: the AMI user lacks {wanted} in manager.conf, which {action} needs"
