"""The configuration of the embedded server."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.embedded_nats.server_config import server_config
from shared.config import NatsSection


def text(**settings: int) -> str:
    passwords = {"bridge": "one", "gateway": "two"}
    return server_config(NatsSection(**settings), Path('/x/a "b" č'), 4999, passwords)  # type: ignore[arg-type]


def test_it_listens_on_loopback_alone_and_opens_no_other_port() -> None:
    assert 'listen: "127.0.0.1:4999"' in text()
    assert not any(
        word in text() for word in ("http", "websocket", "cluster", "leafnodes", "mqtt", "no_auth")
    )


@pytest.mark.parametrize(("seconds", "written"), [(10, '"10s"'), (0, '"always"')])
def test_the_interval_of_flushing_is_the_configured(seconds: int, written: str) -> None:
    assert f"sync_interval: {written}" in text(sync_interval_s=seconds)


def test_there_is_room_for_the_configured_log_and_more() -> None:
    room = int(text(log_max_bytes=10**12).split("max_file: ")[1].split()[0])
    assert room > 10**12


def test_a_folder_with_quotes_is_written_so_that_it_is_read_back() -> None:
    assert 'store_dir: "/x/a \\"b\\" č"' in text()


def test_a_summary_of_a_thousand_members_and_the_longest_names_fit() -> None:
    assert "max_payload: 8388608" in text()
    assert "max_control_line: 16384" in text()
