"""A request to a gateway from a terminal, and what to say when it is refused."""

from __future__ import annotations

import argparse
import http
import http.client
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import IO, Any
from urllib.parse import urlsplit

import msgspec

from services import configuration
from services.gateway.settings import is_loopback
from services.terminal.given_key import HOW
from services.terminal.printable import printable
from shared.errors import CallCentreError

_TIMEOUT_S = 10.0
_ALL_ADDRESSES = ("0.0.0.0", "::")  # noqa: S104 - where a gateway may listen; to connect there is to stay here


class GatewayRefusedError(CallCentreError):
    """The gateway cannot be reached, says no, or ended a stream for good."""

    def __init__(self, url: str, reason: str, status: int = 0) -> None:
        """``status`` is that of its answer, 0 when there was none."""
        self.status = status
        super().__init__(f"{url}: {reason}")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A gateway redirects nobody, and whoever else does must not get the key."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> None:
        return None


def address(options: argparse.Namespace) -> str:
    """The gateway that a command is about: ``--url``, else that of the configuration; no slash at its end.

    Raises:
        ConfigError: the configuration is wrong.
    """
    gateway = configuration.load(options.config, pbx_secrets=False).gateway
    host = f"[{gateway.host}]" if ":" in gateway.host else gateway.host
    return (options.url or f"http://{host}:{gateway.port}").rstrip("/")


def request(
    url: str,
    path: str,
    key: str | None,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    timeout_s: float = _TIMEOUT_S,
    role: str = "stream",
) -> Any:
    """The answer, to be closed; POST when there is a ``body``. ``role`` is what the key needs.

    Raises:
        GatewayRefusedError: the gateway says no.
        OSError: it cannot be reached.
    """
    found = {**(headers or {}), **({} if key is None else {"Authorization": f"Bearer {key}"})}
    asked = urllib.request.Request(f"{url}{path}", data=body, headers=found)  # noqa: S310 - the operator's own
    try:
        return _opener(url).open(asked, timeout=timeout_s)
    except urllib.error.HTTPError as error:
        with error:
            reason = _detail(error) + _advice(error.code, key, role)
            raise GatewayRefusedError(url, reason, error.code) from error


def on_this_machine(url: str) -> bool:
    """Whether a gateway is one of this machine: no proxy may come in between, and none could reach it."""
    host = urlsplit(url).hostname or ""
    return is_loopback(host) or host in _ALL_ADDRESSES


def _opener(url: str) -> urllib.request.OpenerDirector:
    direct = [urllib.request.ProxyHandler({})] if on_this_machine(url) else []
    return urllib.request.build_opener(_NoRedirect, *direct)


def _detail(error: urllib.error.HTTPError) -> str:
    try:
        problem = msgspec.json.decode(error.read(), type=dict[str, Any])
    except msgspec.DecodeError:
        return f"answered {error.code}"
    return f"answered {error.code}: {printable(str(problem.get('detail') or problem.get('title')))}"


def _advice(status: int, key: str | None, role: str) -> str:
    """What to do here about an answer that was written for programs."""
    if status == http.HTTPStatus.UNAUTHORIZED:
        return (
            f"\n  {HOW.format(role=role)}"
            if key is None
            else "\n  the key that was given is not one of that gateway's, or revoked"
        )
    if status == http.HTTPStatus.FORBIDDEN:
        return "\n  `pbxis key list` shows what each key is for"
    return ""
