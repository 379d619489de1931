"""The permissions, pinned: a change of them must be meant. What they do is in tests/integration."""

from __future__ import annotations

from services.jetstream.permissions import PERMISSIONS


def test_a_gateway_publishes_commands_and_the_audit_and_no_event() -> None:
    gateway = PERMISSIONS["gateway"]

    assert gateway.subscribe == ("pbxis.v1.alive.*", "_INBOX.gateway.>")
    assert not gateway.responses
    outside_the_api = [subject for subject in gateway.publish if not subject.startswith("$JS.API.")]
    assert outside_the_api == [
        "pbxis.v1.cmd.>",
        "$JS.FC.>",
        "$KV.PBXIS_TICKETS.>",
        "$KV.PBXIS_CURSORS.>",
        "$KV.PBXIS_ACTIONS.>",
        "pbxis.v1.audit.>",
    ]
    writes = ("STREAM.CREATE", "STREAM.UPDATE", "STREAM.DELETE", "STREAM.PURGE", "MSG.DELETE")
    written = {s.rpartition(".")[2] for s in gateway.publish if any(word in s for word in writes)}
    assert written == {"KV_PBXIS_TICKETS", "KV_PBXIS_CURSORS", "KV_PBXIS_ACTIONS", "PBXIS_AUDIT"}


def test_a_bridge_writes_events_and_keeps_the_two_streams() -> None:
    bridge = PERMISSIONS["bridge"]

    assert bridge.subscribe == ("pbxis.v1.cmd.>", "$KV.PBXIS_LEASE.>", "_INBOX.bridge.>")
    assert bridge.responses
    outside_the_api = [subject for subject in bridge.publish if not subject.startswith("$JS.API.")]
    assert outside_the_api == [
        "pbxis.v1.state.>",
        "pbxis.v1.event.>",
        "pbxis.v1.fence.>",
        "pbxis.v1.alive.*",
        "$JS.FC.>",
        "$KV.PBXIS_LEASE.>",
    ]
    removes = [s for s in bridge.publish if "STREAM.DELETE" in s or "STREAM.PURGE" in s]
    assert removes == ["$JS.API.STREAM.PURGE.PBXIS_STATE", "$JS.API.STREAM.DELETE.PBXIS_STATE"]


def test_nobody_has_a_wildcard_that_reaches_other_streams() -> None:
    for permissions in PERMISSIONS.values():
        for subject in permissions.publish:
            assert subject not in (">", "$JS.>", "$JS.API.>", "$KV.>")
            assert not subject.startswith("$JS.API.*")
