from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import subjects
from shared.errors import MalformedSubjectError
from shared.subjects import Subject

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=79)


@given(NAMES)
def test_any_name_survives_a_token_and_cannot_be_a_wildcard_or_a_separator(name: str) -> None:
    token = subjects.encode_token(name)

    assert subjects.decode_token(token) == name
    assert re.fullmatch(r"[A-Za-z0-9=-]+", token)


def test_known_names_are_readable_and_awkward_ones_escaped() -> None:
    assert subjects.encode_token("vip-1") == "vip-1"
    assert subjects.encode_token("a.b *>_é") == "a=2Eb=20=2A=3E=5F=C3=A9"


def test_the_name_underscore_is_not_none() -> None:
    assert subjects.encode_token("_") != subjects.NONE


def test_an_empty_name_has_no_token() -> None:
    with pytest.raises(ValueError, match="empty"):
        subjects.encode_token("")


@pytest.mark.parametrize("token", ["", "a.b", "=2", "=zz", "=2e", "a b", "*", ">", "=FF", "é"])
def test_what_we_never_write_is_no_token(token: str) -> None:
    with pytest.raises(MalformedSubjectError):
        subjects.decode_token(token)


@given(st.sampled_from(["state", "event"]), NAMES, st.one_of(st.none(), NAMES), st.one_of(st.none(), NAMES))
def test_a_subject_is_read_back_as_it_was_built(
    family: subjects.Family, pbx: str, queue: str | None, agent: str | None
) -> None:
    subject = Subject(family, pbx, "queueMemberStatus", queue, agent)

    assert subjects.parse(subjects.build(subject)) == subject


@pytest.mark.parametrize(
    "subject",
    [
        "",
        "pbxis.v1.state.hq.queueCount.q",
        "pbxis.v2.state.hq.queueCount.q._",
        "other.v1.state.hq.queueCount.q._",
        "pbxis.v1.cmd.hq.queueCount.q._",
        "pbxis.v1.state.=.queueCount.q._",
    ],
)
def test_a_foreign_subject_is_refused(subject: str) -> None:
    with pytest.raises(MalformedSubjectError, match="not a pbxis subject"):
        subjects.parse(subject)


def test_the_filter_of_a_pbx_takes_its_states_only() -> None:
    assert subjects.states_of("h.q") == "pbxis.v1.state.h=2Eq.>"
    assert subjects.moments_of("h.q") == "pbxis.v1.event.h=2Eq.>"


def test_a_fence_is_told_from_all_else_in_the_log() -> None:
    assert subjects.fence("h.q", 7) == "pbxis.v1.fence.h=2Eq.7"
    assert subjects.fence("h.q") == "pbxis.v1.fence.h=2Eq.*"
    assert subjects.is_fence(subjects.fence("h.q", 7))
    assert not subjects.is_fence("pbxis.v1.state.fence.pbxStatus._._")
    with pytest.raises(MalformedSubjectError):
        subjects.parse(subjects.fence("h.q", 7))


def test_a_heartbeat_names_its_pbx() -> None:
    assert subjects.pbx_of_alive(subjects.alive("h q")) == "h q"
    with pytest.raises(MalformedSubjectError):
        subjects.pbx_of_alive("pbxis.v1.state.hq")


def test_a_command_has_a_subject_outside_the_log() -> None:
    assert subjects.command("h.q", "originate") == "pbxis.v1.cmd.h=2Eq.originate"


def test_commands_and_the_record_of_them_have_subjects_of_their_own() -> None:
    assert subjects.command("hq", "originate") == "pbxis.v1.cmd.hq.originate"
    assert subjects.audit("hq") == "pbxis.v1.audit.hq"
    assert subjects.audit(None) == "pbxis.v1.audit._"
