"""`pbxis check`: what would not work, and what to change, in plain words.

Reads the configuration, logs in to each PBX, asks for every list that the bridge reads and for the
actions that its user may do, reads the API keys, and connects to NATS. Nothing is changed anywhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass, field
from pathlib import Path

import nats.errors
from rich.console import Console
from rich.text import Text

from services import configuration
from services.ami_bridge.adapters.panoramisk_link import PanoramiskLink
from services.ami_bridge.core.ami_message import optional
from services.ami_bridge.core.snapshot import LISTS
from services.ami_bridge.errors import AmiActionError, AmiActionRefusedError
from services.ami_bridge.ports import AmiSession
from services.ami_bridge.settings import WANTED, link_settings
from services.gateway.core.keys import KeyBook
from services.gateway.key_file import KeysFileError, read_bytes, understand
from services.gateway.settings import from_config
from services.jetstream.connection import connect
from services.terminal.given_key import given_key
from services.terminal.printable import cell
from shared.config import Config, PbxSection
from shared.errors import CallCentreError

_PBX_WITHIN_S = 20.0
_ANSWER_WITHIN_S = 5.0
_ACTIONS = {
    "QueueAdd": "agent",
    "QueueRemove": "agent",
    "QueuePause": "agent",
    "Originate": "originate",
    "Redirect": "call",
    "Park": "call",
    "Hangup": "call",
}


@dataclass
class Report:
    """What was found; ``failed`` when something needs a change."""

    lines: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    failed: bool = False

    def good(self, text: str) -> None:
        """It works."""
        self.lines.append(("✓", text))

    def note(self, text: str) -> None:
        """To know."""
        self.lines.append(("·", text))

    def poor(self, text: str) -> None:
        """It works, with something missing."""
        self.lines.append(("!", text))

    def bad(self, text: str) -> None:
        """It does not work."""
        self.lines.append(("✗", text))
        self.failed = True


def check(config_file: str | None, key_given_in: str | None = None) -> int:
    """Check everything and print what was found; exit code 1 when something does not work.

    An API key that is given, in that file or in the environment, is looked up in the keys file.

    Raises:
        ConfigError: the configuration is wrong.
        GivenKeyError: what was given as a key is none.
    """
    key = given_key(key_given_in)
    config = configuration.load(config_file)
    report = Report()
    report.good("the configuration is valid")
    _check_keys(config, key, report)
    logging.getLogger("pbxis").setLevel(logging.ERROR)  # what it would say is in the report
    asyncio.run(_check(config, report))
    console = Console(highlight=False)
    styles = {"✓": "green", "·": "dim", "!": "yellow", "✗": "bold red"}
    for mark, text in report.lines:
        console.print(Text(f"{mark} ", style=styles[mark]) + cell(text), soft_wrap=True)
    return 1 if report.failed else 0


def _check_keys(config: Config, key: str | None, report: Report) -> None:
    file = Path(config.gateway.keys_file)
    try:
        content = read_bytes(file)
        book = KeyBook() if content is None else understand(file, content.data)
    except KeysFileError as error:
        report.bad(f"API keys: no key is good: {error}; change gateway.keys_file")
        return
    if from_config(config, demo=not config.pbx).keyless:
        report.note("API keys: programs of this machine need none (gateway.open)")
    elif content is None:
        report.note(f"API keys: there is no {file}; a gateway that needs keys makes it, with an admin key")
    if content is not None:
        report.good(f"API keys: {len(book.entries)} in {file}")
    if content is not None and content.too_open:
        report.poor(f"API keys: others may read or change {file}: chmod 600 {file}")
    pbxs = [pbx.name for pbx in config.pbx] or ["demo"]
    for entry in book.entries:
        for pbx in entry.pbxs or ():
            if pbx not in pbxs:
                report.poor(f"API keys: {entry.name} is for {pbx!r}, which is not configured")
    if key is not None:
        _check_given(key, book, report)


def _check_given(key: str, book: KeyBook, report: Report) -> None:
    principal = book.find(key)
    if principal is None:
        report.bad("API keys: the key that was given is not good here: revoked, or of another gateway")
        return
    pbxs = ", ".join(sorted(principal.pbxs)) if principal.pbxs else "all"
    roles = ", ".join(sorted(principal.roles))
    report.good(f"API keys: the one that was given is {principal.name} (roles: {roles}; PBXs: {pbxs})")


async def _check(config: Config, report: Report) -> None:
    if config.nats.url is None:
        report.good("NATS: none configured, `pbxis up` starts its own")
        if config.pbx and config.nats.store_dir is None:
            report.poor("NATS: without nats.store_dir events, tickets and the audit end with `pbxis up`")
    else:
        await _check_nats(config, report)
    if not config.pbx:
        report.good("PBX: none configured, `pbxis up` starts the demo PBX")
    for pbx in config.pbx:
        await _check_pbx(pbx, report)


async def _check_nats(config: Config, report: Report) -> None:
    try:
        connection = await connect(config.nats, "gateway", name="pbxis check", within_s=_ANSWER_WITHIN_S)
    except CallCentreError as error:
        report.bad(f"NATS: {error}")
        return
    try:
        info = await connection.jetstream.account_info()
        report.good(f"NATS: connected to {connection.url}, JetStream is on, {info.streams} streams")
    except (nats.errors.Error, TimeoutError) as error:
        report.bad(f"NATS: connected, but JetStream does not answer ({error}); start nats-server with -js")
    finally:
        await connection.close()


async def _check_pbx(pbx: PbxSection, report: Report) -> None:
    probe = _Probe(pbx.name, report)
    link = asyncio.create_task(PanoramiskLink(link_settings(pbx), WANTED).run(probe))
    try:
        await asyncio.wait_for(probe.done.wait(), _PBX_WITHIN_S)
    except TimeoutError:
        report.bad(f"{pbx.name}: {pbx.host}:{pbx.port} gave no answer in {_PBX_WITHIN_S:.0f} s")
    finally:
        link.cancel()
        with contextlib.suppress(asyncio.CancelledError, CallCentreError):
            await link


class _Probe:
    """Handles one session, asks everything once."""

    def __init__(self, pbx: str, report: Report) -> None:
        self._pbx = pbx
        self._report = report
        self.done = asyncio.Event()
        self._dated: bool | None = None

    async def on_session(self, session: AmiSession) -> None:
        if self.done.is_set():
            return
        self._report.good(f"{self._pbx}: logged in, {session.asterisk or 'version not told'}")
        listening = asyncio.create_task(self._listen(session))
        try:
            for action in LISTS:
                await self._try_list(
                    session, action.name, action.needs, action.suffers, required=action.required
                )
            await self._try_actions(session)
        finally:
            listening.cancel()
        self._tell_dated()
        self._report.note(
            f"{self._pbx}: AMI does not tell which events a user may read: see that "
            "`read = agent,call,system` is in manager.conf; a bridge says when events of a class never come"
        )
        self.done.set()

    def on_down(self, reason: str, auth_failed: bool) -> None:
        if self.done.is_set():
            return
        what = (
            "check username, secret, and permit/deny in manager.conf"
            if auth_failed
            else "check host and port"
        )
        self._report.bad(f"{self._pbx}: {reason}; {what}")
        self.done.set()

    async def _listen(self, session: AmiSession) -> None:
        """Whether events say when they happened; only events tell, and it may be that none comes."""
        with contextlib.suppress(CallCentreError):
            async for batch in session.batches():
                for message in batch:
                    if (
                        optional(message, "Event") != "FullyBooted"
                    ):  # an answer to the login, which never does
                        self._dated = "Timestamp" in message

    def _tell_dated(self) -> None:
        if self._dated is False:
            self._report.poor(
                f"{self._pbx}: events carry no Timestamp: where two bridges share this PBX, a parked call "
                "may be told twice; set `timestampevents = yes` in manager.conf"
            )
        elif self._dated is None:
            self._report.note(
                f"{self._pbx}: no event came meanwhile, so it is not known whether they carry a Timestamp: "
                "two bridges of one PBX need `timestampevents = yes` in manager.conf"
            )

    async def _try_list(
        self, session: AmiSession, name: str, needs: tuple[str, ...], suffers: str, *, required: bool
    ) -> None:
        try:
            items = await session.request_list(name)
        except AmiActionRefusedError as error:
            right = " or ".join(needs)
            change = (
                f"add one of `write = {right}` to the user in manager.conf" if right else "see Asterisk's log"
            )
            say = self._report.bad if required else self._report.poor
            say(f"{self._pbx}: {error}: {suffers}; {change}")
        else:
            self._report.good(f"{self._pbx}: {name}: {len(items)} items")

    async def _try_actions(self, session: AmiSession) -> None:
        """ListCommands lists only what this user may do (Asterisk main/manager.c, action_listcommands)."""
        try:
            allowed = await session.request("ListCommands", {}, _ANSWER_WITHIN_S)
        except AmiActionError as error:
            self._report.poor(f"{self._pbx}: which actions are allowed is not known: {error}")
            return
        for name, right in _ACTIONS.items():
            if name not in allowed:
                self._report.poor(
                    f"{self._pbx}: {name} is not allowed: add `write = {right}` in manager.conf"
                )
