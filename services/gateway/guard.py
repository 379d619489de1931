"""Who may do what, with a key and without one. :func:`admit` is asked before anything else is read.

With a key (``Authorization: Bearer pbxis_…``): it must be good, also at a gateway that would ask for none,
and have the role. Where the request comes from does not matter, but for a page of another origin, which
must be configured. Whatever is wrong with a key has one and the same answer.

Without one: a gateway that is *open* (``gateway.open = true``, or the demo unless it says false) lets
programs and pages of its own machine do everything. "Of its own machine" must hold in every way that a
request can tell, since a browser on this machine also runs pages of strangers, and a proxy on this
machine passes on requests of others:

* the gateway listens on a loopback address, and the peer's address is one;
* ``Host`` is a loopback name or the host of a configured origin. A page of a stranger whose name was made to
  resolve to 127.0.0.1 (DNS rebinding) still sends its own name here;
* ``Origin``, which a browser sends with every POST, is the gateway's own or configured;
* no header says that somebody forwarded the request.

Streams need a ticket and no key; for them :func:`origin_allowed` alone decides which pages may use one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from services.gateway.core.principal import OPEN, Principal, Role
from services.gateway.errors import NoKeyError, OriginRefusedError, RoleMissingError
from services.gateway.key_ring import KeyRing
from services.gateway.settings import Settings, is_loopback

_FORWARDED = frozenset(
    {
        "forwarded",
        "via",
        "x-real-ip",
        "x-client-ip",
        "x-cluster-client-ip",
        "x-original-host",
        "x-original-url",
        "x-rewrite-url",
        "x-proxyuser-ip",
        "true-client-ip",
        "client-ip",
        "fastly-client-ip",
        "fly-client-ip",
        "wl-proxy-client-ip",
    }
)
_FORWARDED_PREFIXES = ("x-forwarded", "cf-", "x-envoy-", "x-appengine-", "x-amzn-", "x-azure-")
_DEFAULT_PORTS = {"http": 80, "https": 443}

_BEARER = re.compile(r"bearer +([^ ]+)", re.IGNORECASE)
_SEND_ONE = "Send an API key, once, as `Authorization: Bearer pbxis_…`; `pbxis key add` makes one."
_NOT_GOOD = f"The API key is not good: not written as it was given, revoked, or never made. {_SEND_ONE}"
_CLOSED = (
    f"This gateway is not open to programs without a key. {_SEND_ONE} For use on this machine alone, set "
    "gateway.open = true and let gateway.host be a loopback address."
)
_NOT_LOCAL = (
    "Without a key this gateway serves only programs and pages of its own machine, and this request is "
    f"not shown to come from there: {{reason}}. {_SEND_ONE}"
)


@dataclass(frozen=True, kw_only=True)
class Caller:
    """What a request tells about who sent it. ``headers`` have lower-case names and may repeat."""

    headers: Sequence[tuple[str, str]]
    peer: str | None

    def values(self, name: str) -> list[str]:
        """All values of a header."""
        return [value for header, value in self.headers if header == name]


def caller_of(headers: Iterable[tuple[bytes, bytes]], peer: Sequence[object] | None) -> Caller:
    """The caller of an ASGI scope, from its ``headers`` and ``client``."""
    decoded = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in headers]
    return Caller(headers=decoded, peer=str(peer[0]) if peer else None)


def admit(settings: Settings, ring: KeyRing, caller: Caller, role: Role | tuple[Role, ...]) -> Principal:
    """Who asks, if he may do what needs this role, or one of these.

    Raises:
        NoKeyError: no key, and not without one; or one that is not good. The text says what to do, and
            not what is wrong with the key.
        OriginRefusedError: a good key, from a page of another origin that is not configured.
        RoleMissingError: a good key that has none of the roles.
    """
    credentials = caller.values("authorization")
    if not credentials:
        _without_key(settings, caller)
        return OPEN
    # Two of them may be one for us and another for a proxy on the way.
    bearer = _BEARER.fullmatch(credentials[0]) if len(credentials) == 1 else None
    principal = ring.find(bearer[1]) if bearer else None
    if principal is None:
        raise NoKeyError(_NOT_GOOD)
    check_origin(settings, caller)
    roles = (role,) if isinstance(role, str) else role
    if not any(principal.has(one) for one in roles):
        raise RoleMissingError(principal.name, " or ".join(roles))
    return principal


def _without_key(settings: Settings, caller: Caller) -> None:
    if not settings.keyless:
        raise NoKeyError(_CLOSED)
    reason = _not_local(settings, caller)
    if reason is not None:
        raise NoKeyError(_NOT_LOCAL.format(reason=reason))


def _not_local(settings: Settings, caller: Caller) -> str | None:
    if caller.peer is None or not is_loopback(caller.peer):
        return "its address is not a loopback address"
    if any(name in _FORWARDED or name.startswith(_FORWARDED_PREFIXES) for name, _ in caller.headers):
        return "a proxy forwarded it"
    hosts = caller.values("host")
    if len(hosts) != 1 or not _own_host(settings, hosts[0]):
        return "its Host is neither a loopback name nor that of a configured origin"
    if not origin_allowed(settings, caller):
        return "its Origin is neither the gateway's own nor configured"
    return None


def check_origin(settings: Settings, caller: Caller) -> None:
    """Refuse pages of other origins that are not configured.

    Raises:
        OriginRefusedError: this is one.
    """
    if not origin_allowed(settings, caller):
        raise OriginRefusedError(", ".join(caller.values("origin")))


def origin_allowed(settings: Settings, caller: Caller) -> bool:
    """Whether there is no Origin, or the gateway's own, or a configured one.

    Own is what has the request's Host: behind a proxy that ends TLS the schemes differ, and the proxy
    passes Host on.
    """
    origins, hosts = caller.values("origin"), caller.values("host")
    if not origins:
        return True
    if len(origins) != 1 or len(hosts) != 1:
        return False
    if origins[0] in settings.origins:
        return True
    parts = urlsplit(origins[0])
    default = _DEFAULT_PORTS.get(parts.scheme)
    own = _split(hosts[0], default)
    return default is not None and own is not None and own == _split(parts.netloc, default)


def configured_origin(settings: Settings, caller: Caller) -> str | None:
    """The caller's Origin if it is a configured one: it gets CORS headers."""
    origins = caller.values("origin")
    return origins[0] if len(origins) == 1 and origins[0] in settings.origins else None


def _own_host(settings: Settings, host: str) -> bool:
    found = _split(host, None)
    if found is None:
        return False
    if is_loopback(found[0]):
        return True
    return any(found[0] == urlsplit(origin).hostname for origin in settings.origins)


def _split(host: str, default_port: int | None) -> tuple[str, int | None] | None:
    """Host name and port; ``None`` when it is not just that."""
    if not host or any(character in host for character in "/@?#\\ \t,"):
        return None
    parts = urlsplit(f"//{host}")
    try:
        port = parts.port
    except ValueError:
        return None
    return (parts.hostname, port or default_port) if parts.hostname else None
