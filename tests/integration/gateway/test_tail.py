"""`pbxis tail` against a gateway that asks for a key."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, cast

import pytest

from services.terminal.stream import GatewayRefusedError, events
from tests.support.gateway_rig import running
from tests.support.keys import Keys


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path)


def first(stream: Iterator[dict[str, Any]], kind: str) -> dict[str, Any]:
    return next(event for event in stream if event["type"] == kind)


async def tailed(url: str, key: str | None) -> dict[str, Any]:
    """The first `ready`; the stream is closed where it was read, which blocks."""

    def ready() -> dict[str, Any]:
        stream = events(url.rstrip("/"), ["*"], ["*"], key)
        try:
            return first(stream, "ready")
        finally:
            cast("Generator[Any]", stream).close()

    return await asyncio.to_thread(ready)


async def test_tail_with_a_key_shows_events(keys: Keys) -> None:
    key = keys.add("desk", "stream")
    async with running(open=False, keys_file=keys.file) as rig:
        assert (await tailed(rig.url, key))["resumed"] is False


async def test_nothing_of_a_gateway_of_this_machine_goes_to_a_proxy(
    keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = keys.add("desk", "stream")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # where nobody is

    def begin(url: str) -> dict[str, Any]:
        stream = events(url.rstrip("/"), ["*"], ["*"], key)
        try:
            return next(stream)
        finally:
            cast("Generator[Any]", stream).close()

    async with running(open=False, keys_file=keys.file) as rig:
        assert (await asyncio.to_thread(begin, rig.url))["type"] != "disconnected"


async def test_tail_without_a_key_says_how_to_give_one(keys: Keys) -> None:
    async with running(open=False, keys_file=keys.file) as rig:
        with pytest.raises(
            GatewayRefusedError, match=r"answered 401: (?s:.)*--key-file FILE or in PBXIS_KEY"
        ):
            await tailed(rig.url, None)


async def test_tail_with_a_key_that_is_not_good_or_not_for_this_says_so(keys: Keys) -> None:
    other, gone = keys.add("crm", "call"), keys.add("gone", "stream")
    keys.revoke("gone")
    async with running(open=False, keys_file=keys.file) as rig:
        with pytest.raises(GatewayRefusedError, match="not one of that gateway's, or revoked") as refused:
            await tailed(rig.url, gone)
        assert gone not in str(refused.value)
        with pytest.raises(GatewayRefusedError, match=r"has not the role 'stream'(?s:.)*pbxis key list"):
            await tailed(rig.url, other)


async def test_tail_ends_when_its_key_is_revoked(keys: Keys) -> None:
    key = keys.add("desk", "stream")
    async with running(open=False, keys_file=keys.file) as rig:
        stream = events(rig.url.rstrip("/"), ["*"], ["*"], key)
        await asyncio.to_thread(first, stream, "ready")
        keys.revoke("desk")

        with pytest.raises(GatewayRefusedError, match="key that made it, was revoked"):
            await asyncio.to_thread(first, stream, "never")


async def test_tail_takes_its_key_nowhere_else(keys: Keys) -> None:
    """Whoever answers in the gateway's place and redirects must not get the key sent on."""
    seen: list[str | None] = []

    class Thief(BaseHTTPRequestHandler):
        def _take(self) -> None:
            seen.append(self.headers["Authorization"])
            self.send_response(302)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        do_GET = do_POST = _take  # noqa: N815 - the names that http.server looks for

        def log_message(self, format: str, *args: Any) -> None:
            pass

    key = keys.add("desk", "stream")
    with HTTPServer(("127.0.0.1", 0), Thief) as server:
        serving = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        try:
            with pytest.raises(GatewayRefusedError, match="answered 302"):
                await tailed(f"http://127.0.0.1:{server.server_port}", key)
        finally:
            server.shutdown()
            serving.join()

    assert seen == [f"Bearer {key}"]
