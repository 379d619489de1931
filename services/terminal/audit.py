"""`pbxis tail --audit`: who does what, live, as a table or one JSON object a line."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from http.client import HTTPException
from typing import Any

import msgspec
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table

from services.terminal.audit_trail import Record, Trail, outcome_of, target_of
from services.terminal.gateway_http import GatewayRefusedError, address, request
from services.terminal.given_key import given_key
from services.terminal.plain import print_lines
from services.terminal.printable import cell

_STYLES = {"done": "green", "refused": "yellow", "not_sent": "red", "unknown": "bold red"}
_PAUSE_S = 1.0
_SILENCE_S = 40.0  # the gateway sends a comment every 15 s
_HEADING_ROWS = 6
_KEY_NOT_GOOD = (401, 403)


def audit(options: argparse.Namespace) -> int:
    """Show records until interrupted; the exit code.

    Raises:
        GatewayRefusedError: there is no gateway, or it says no.
        GivenKeyError: what was given as a key is none.
        ConfigError: the configuration is wrong.
    """
    url = address(options)
    found = records(url, given_key(options.key_file))
    if options.plain or not sys.stdout.isatty():
        print_lines(found)
        return 0
    trail = Trail()
    console = Console()
    with Live(console=console, auto_refresh=False, screen=True) as screen:
        screen.update(render(trail, url, console.height), refresh=True)
        for record in found:
            trail.apply(record)
            screen.update(render(trail, url, console.height), refresh=True)
    return 0


def records(url: str, key: str | None) -> Iterator[Record]:
    """The newest records of the audit, then every one as it comes, for ever; none twice, none left out.

    While there is no connection it yields ``{"type": "disconnected", "reason": …}``.

    Raises:
        GatewayRefusedError: the gateway cannot be reached at the start, or says no.
    """
    last: str | None = None
    reached = False
    while True:
        reason = "the gateway ended the stream"
        try:
            with request(
                url,
                "/audit",
                key,
                headers={} if last is None else {"Last-Event-ID": last},
                timeout_s=_SILENCE_S,
                role="admin",
            ) as answer:
                reached = True
                for position, record in _read(answer):
                    last = position
                    yield record
        except (OSError, HTTPException) as error:
            if not reached:
                raise GatewayRefusedError(url, f"cannot be reached: {error}") from error
            reason = str(error) or type(error).__name__
        except GatewayRefusedError as error:
            if not reached or error.status in _KEY_NOT_GOOD:
                raise
            reason = str(error)
        yield {"type": "disconnected", "reason": reason}
        time.sleep(_PAUSE_S)


def _read(lines: Any) -> Iterator[tuple[str, Record]]:
    fields: dict[str, str] = {}
    for raw in lines:
        line: str = raw.decode("utf-8").rstrip("\n")
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
            continue
        if "data" in fields and "id" in fields:
            yield fields["id"], msgspec.json.decode(fields["data"], type=dict[str, Any])
        fields = {}


def render(trail: Trail, url: str, height: int) -> Group:
    """The trail as a Rich table that fits the height."""
    heading = cell(f"{url}  audit")
    if not trail.connected:
        heading.append("  NOT CONNECTED – what happens now is not shown", style="bold red")
    table = Table()
    for column in ("When", "Who", "Action", "Target", "Outcome"):
        table.add_column(column)
    table.add_column("ms", justify="right")
    for record in trail.newest(height - _HEADING_ROWS):
        table.add_row(
            datetime.fromtimestamp(record["begunAt"] / 1000).astimezone().strftime("%d.%m. %H:%M:%S"),
            cell(record["caller"]),
            cell(record["action"]),
            cell(target_of(record)),
            cell(outcome_of(record), _STYLES.get(record.get("result", ""), "cyan")),
            cell(record.get("durationMs", "")),
        )
    return Group(heading, table)
