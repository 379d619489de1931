from __future__ import annotations

import pytest

from shared import audit


def test_a_record_is_read_back_as_it_was() -> None:
    record = audit.AuditRecord(
        id="a", at=1, phase="ended", caller="crm", caller_id="k1", action="queue-add", result="done"
    )

    assert audit.decode(audit.encode(record)) == record
    assert b'"callerId":"k1"' in audit.encode(record)


@pytest.mark.parametrize("payload", [b"{", b"\xff", b"{}", b'{"id":"a","at":1,"phase":"later"}'])
def test_what_is_no_record_is_said_to_be_none(payload: bytes) -> None:
    with pytest.raises(audit.MalformedRecordError):
        audit.decode(payload)
