from __future__ import annotations

from shared.errors import ConfigError, MalformedMessageError


def test_a_malformed_message_is_shown_in_full_when_short_and_cut_when_long() -> None:
    assert str(MalformedMessageError({"Event": "X"}, "Queue is missing")) == (
        "malformed AMI message (Queue is missing): {'Event': 'X'}"
    )
    assert len(str(MalformedMessageError({"Event": "X" * 5000}, KeyError("Queue")))) < 400


def test_a_configuration_error_names_its_key() -> None:
    assert str(ConfigError("pbx[0].port", "too large")) == "pbx[0].port: too large"
    assert str(ConfigError("", "not TOML")) == "not TOML"
