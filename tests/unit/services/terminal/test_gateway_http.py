"""Requests of a terminal to a gateway."""

from __future__ import annotations

import argparse
import socket
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from services.terminal.gateway_http import GatewayRefusedError, address, on_this_machine, request


class _Recording(BaseHTTPRequestHandler):
    """Answers 400 with a problem; ``server.asked`` has what it was asked for, and with which key."""

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers["Authorization"]))  # type: ignore[attr-defined]
        body = rb'{"detail": "no \u001b[31m"}'
        self.send_response(400)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class Recording(HTTPServer):
    """A server that only writes down."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Recording)
        self.asked: list[tuple[str, str | None]] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def server() -> Generator[Recording]:
    with Recording() as found:
        thread = Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01})  # how long its end takes
        thread.start()
        try:
            yield found
        finally:
            found.shutdown()
            thread.join()


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch, server: Recording) -> Recording:
    """All requests of this environment go to a proxy."""
    for name in ("no_proxy", "NO_PROXY", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", server.url)
    return server


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
def test_key_for_a_gateway_of_this_machine_goes_to_no_proxy(proxied: Recording, host: str) -> None:
    with socket.socket() as nobody:  # bound, and nobody listens: it is refused
        nobody.bind(("127.0.0.1", 0))
        with pytest.raises(OSError, match="refused"):
            request(f"http://{host}:{nobody.getsockname()[1]}", "/audit", "pbxis_key")

    assert proxied.asked == []


def test_another_machine_is_reached_as_the_environment_says(proxied: Recording) -> None:
    with pytest.raises(GatewayRefusedError):
        request("http://gateway.example", "/audit", "pbxis_key")

    assert proxied.asked == [("http://gateway.example/audit", "Bearer pbxis_key")]


def test_words_of_a_gateway_cannot_steer_the_terminal(server: Recording) -> None:
    with pytest.raises(GatewayRefusedError) as refused:
        request(server.url, "/audit", None)

    assert "no ␛[31m" in str(refused.value)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:58615", True),
        ("http://LOCALHOST:58615", True),
        ("http://[::1]:58615", True),
        ("http://[::]:58615", True),
        ("https://localhost", True),
        ("http://localhost.example:58615", False),
        ("http://127.0.0.1@gateway.example", False),
        ("http://192.0.2.1", False),
        ("nonsense", False),
    ],
)
def test_what_is_a_gateway_of_this_machine(url: str, here: bool) -> None:
    assert on_this_machine(url) is here


@pytest.mark.parametrize(
    ("host", "url", "expected"),
    [
        ("127.0.0.1", None, "http://127.0.0.1:1234"),
        ("::1", None, "http://[::1]:1234"),
        ("127.0.0.1", "https://board.example/", "https://board.example"),
    ],
)
def test_the_gateway_is_that_of_the_option_or_of_the_configuration(
    tmp_path: Path, host: str, url: str | None, expected: str
) -> None:
    file = tmp_path / "pbxis.toml"
    file.write_text(f'[gateway]\nhost = "{host}"\nport = 1234\n')

    assert address(argparse.Namespace(config=str(file), url=url)) == expected
