"""`pbxis tail`: live events in the terminal, as a table or one JSON object a line."""

from __future__ import annotations

import argparse
import sys
import time

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from services.terminal.floor import Floor, Row
from services.terminal.gateway_http import address
from services.terminal.given_key import given_key
from services.terminal.plain import print_lines
from services.terminal.printable import cell, printable
from services.terminal.stream import events

_STYLES = {
    "not_inuse": "green",
    "inuse": "cyan",
    "ringing": "yellow",
    "ringinuse": "yellow",
    "paused": "magenta",
    "unavailable": "dim",
}
_REFRESHES_A_SECOND = 8


def tail(options: argparse.Namespace) -> int:
    """Show events until interrupted; the exit code.

    Raises:
        GatewayRefusedError: there is no gateway, or it says no.
        GivenKeyError: what was given as a key is none.
        ConfigError: the configuration is wrong.
    """
    url = address(options)
    stream = events(url, _names(options.agents), _names(options.queues), given_key(options.key_file))
    if options.plain or not sys.stdout.isatty():
        print_lines(stream)
        return 0
    floor = Floor()
    with Live(console=Console(), auto_refresh=False, screen=True) as screen:
        drawn = 0.0
        for event in stream:
            floor.apply(event)
            if time.monotonic() - drawn > 1 / _REFRESHES_A_SECOND or event["type"] == "disconnected":
                screen.update(render(floor, url), refresh=True)
                drawn = time.monotonic()
    return 0


def _names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def render(floor: Floor, url: str) -> Group:
    """The floor as Rich tables; what is not live is dimmed and said to be."""
    return Group(_heading(floor, url), _queues(floor), _agents(floor))


def _heading(floor: Floor, url: str) -> Text:
    text = cell(f"{url}  ")
    if not floor.connected:
        return text.append("NOT CONNECTED – figures are not live", style="bold red")
    for name, status in sorted(floor.pbxs.items()):
        live = status["status"] == "online"
        reason = f" ({status['reason']})" if status.get("reason") else ""
        said = printable(f"{name}: {status['status']}{reason}  ")
        text.append(said, style="green" if live else "bold red")
    return text


def _queues(floor: Floor) -> Table:
    table = Table(title="Queues", title_justify="left")
    for column in ("PBX", "Queue", "Waiting", "First in line"):
        table.add_column(column, justify="right" if column == "Waiting" else "left")
    for (pbx, queue), row in sorted(floor.queues.items()):
        callers = row.get("queueCallers", {}).get("callers") or [{}]
        count = row.get("queueCount", {}).get("count", "")
        shown = (pbx, queue, count, callers[0].get("number") or "")
        table.add_row(*(cell(value) for value in shown), style=None if floor.live(pbx) else "dim")
    return table


def _agents(floor: Floor) -> Table:
    table = Table(title="Agents", title_justify="left")
    for column in ("PBX", "Agent", "Name", "Phone", "Queues", "Talks to"):
        table.add_column(column)
    for (pbx, agent), row in sorted(floor.agents.items()):
        phone = row.get("extensionStatus", {}).get("status", "")
        table.add_row(
            cell(pbx),
            cell(agent),
            cell(row.get("agentName", {}).get("name", "")),
            cell(phone, _STYLES.get(phone, "")),
            _memberships(row),
            _remote(row),
            style=None if floor.live(pbx) else "dim",
        )
    return table


def _memberships(row: Row) -> Text:
    text = Text()
    for queue, status in sorted(row.get("members", {}).items()):
        text.append(f"{printable(queue)} ", style=_STYLES.get(status, ""))
    return text


def _remote(row: Row) -> Text:
    call = row.get("phoneNumber", {})
    if call.get("number") is None:
        return Text()
    return cell(f"{call['number']} {call.get('name') or ''}".strip())
