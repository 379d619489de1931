"""The configuration: one TOML file into frozen structs, with errors that name the key.

Pure: :func:`parse` takes the text and a function that reads the files which `*_file` keys name;
``services/configuration.py`` finds the file. Every key is described in ``docs/configuration.md``
(a test compares the two). To add a key: a field here, its rule in ``_check``, its line there.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from shared.errors import ConfigError

Port = Annotated[int, Meta(ge=1, le=65535)]
AnyPort = Annotated[int, Meta(ge=0, le=65535)]
Seconds = Annotated[int, Meta(ge=1, le=31_536_000)]

_PBX_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,31}")
_AT = re.compile(r" - at `\$(.*)`$")


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file."""


class NatsSection(_Section, frozen=True, kw_only=True):
    """Where the log is. No ``url``: `pbxis up` starts its own server."""

    url: str | None = None
    username: str | None = None
    password: str | None = None
    password_file: str | None = None
    tls_ca: str | None = None
    store_dir: str | None = None
    sync_interval_s: Annotated[int, Meta(ge=0, le=3600)] = 10
    replicas: Annotated[int, Meta(ge=1, le=5)] = 1
    log_max_age_s: Annotated[int, Meta(ge=60, le=31_536_000)] = 86400
    log_max_bytes: Annotated[int, Meta(ge=1_048_576)] = 1_073_741_824


class GatewaySection(_Section, frozen=True, kw_only=True):
    """The HTTP side."""

    host: str = "127.0.0.1"
    port: AnyPort = 58615
    poll_timeout_s: Annotated[int, Meta(ge=1, le=40)] = 30
    ticket_ttl_s: Annotated[int, Meta(ge=60, le=31_536_000)] = 86400
    action_timeout_s: Annotated[int, Meta(ge=1, le=60)] = 5
    audit_max_age_s: Annotated[int, Meta(ge=3600, le=315_360_000)] = 7_776_000
    origins: tuple[str, ...] = ()
    open: bool | None = None
    keys_file: str = "keys.toml"
    users_file: str = "users.toml"


class PbxSection(_Section, frozen=True, kw_only=True):
    """One Asterisk and how to log in to its Manager Interface."""

    name: str
    host: str
    username: str
    port: Port = 5038
    secret: str | None = None
    secret_file: str | None = None
    tls: bool = False
    tls_ca: str | None = None
    location_prefix: str = "PJSIP/"
    originate_context: str = "default"
    redirect_context: str = "default"
    hint_context: str = "hint"
    park_timeout_s: Seconds = 180
    summary_refresh_s: Annotated[int, Meta(ge=1, le=3600)] = 5


class Config(_Section, frozen=True, kw_only=True):
    """The whole file."""

    nats: NatsSection = NatsSection()
    gateway: GatewaySection = GatewaySection()
    pbx: tuple[PbxSection, ...] = ()
    agent_queues: dict[str, tuple[str, ...]] = {}

    def pbx_named(self, name: str) -> PbxSection:
        """The PBX of that name.

        Raises:
            ConfigError: there is none; the text lists those there are.
        """
        for pbx in self.pbx:
            if pbx.name == name:
                return pbx
        known = ", ".join(pbx.name for pbx in self.pbx) or "none"
        raise ConfigError("pbx", f"no PBX is named {name!r}; configured: {known}")


def parse(text: str, read_secret: Callable[[str], str], *, pbx_secrets: bool = True) -> Config:
    """Read a configuration.

    Args:
        text: the TOML text.
        pbx_secrets: whether the AMI secrets are wanted. A gateway wants none: there they may be
            missing, their files are not read, and the result holds none.
        read_secret: the content of a file named by a `*_file` key. It may raise ``OSError`` or
            ``UnicodeDecodeError``; surrounding white space is not part of the secret.

    Raises:
        ConfigError: what is wrong, with the key it is about.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError("", f"this is not valid TOML: {error}") from error
    try:
        config = msgspec.convert(raw, Config)
    except msgspec.ValidationError as error:
        raise _explain(str(error)) from error
    if not pbx_secrets:
        config = _without_pbx_secrets(config)
    _check(config)
    if pbx_secrets:
        for index, pbx in enumerate(config.pbx):
            if pbx.secret is None and pbx.secret_file is None:
                raise ConfigError(f"pbx[{index}].secret", "this key is required (or secret_file)")
    return _with_secrets(config, read_secret)


def _without_pbx_secrets(config: Config) -> Config:
    replace = msgspec.structs.replace
    return replace(config, pbx=tuple(replace(pbx, secret=None, secret_file=None) for pbx in config.pbx))


def _explain(text: str) -> ConfigError:
    """Turn msgspec's words (``Expected `int`, got `str` - at `$.pbx[0].port```) into ours."""
    at = _AT.search(text)
    key = at[1].lstrip(".") if at else ""
    problem = text[: at.start()] if at else text
    unknown = re.fullmatch(r"Object contains unknown field `(.*)`", problem)
    if unknown:
        return ConfigError(_join(key, unknown[1]), "there is no such key; see docs/configuration.md")
    missing = re.fullmatch(r"Object missing required field `(.*)`", problem)
    if missing:
        return ConfigError(_join(key, missing[1]), "this key is required")
    return ConfigError(key, problem[0].lower() + problem[1:])


def _join(parent: str, key: str) -> str:
    return f"{parent}.{key}" if parent else key


def _check(config: Config) -> None:
    """The rules that types cannot say."""
    seen: set[str] = set()
    for index, pbx in enumerate(config.pbx):
        at = f"pbx[{index}]"
        if not _PBX_NAME.fullmatch(pbx.name):
            raise ConfigError(
                f"{at}.name", f"{pbx.name!r} is not 1 to 32 letters, digits and dashes, a dash not first"
            )
        if pbx.name in seen:
            raise ConfigError(f"{at}.name", f"two PBXs are named {pbx.name!r}")
        seen.add(pbx.name)
        _one_of(f"{at}.secret", pbx.secret, pbx.secret_file)
        if pbx.tls_ca is not None and not pbx.tls:
            raise ConfigError(f"{at}.tls_ca", "is only used with tls = true")
        for key in ("host", "username", "secret", "location_prefix", "hint_context"):
            _plain(f"{at}.{key}", getattr(pbx, key))
    _one_of("nats.password", config.nats.password, config.nats.password_file)
    _check_nats(config.nats)
    for index, origin in enumerate(config.gateway.origins):
        if not re.fullmatch(r"https?://[^/\s]+", origin):
            raise ConfigError(
                f"gateway.origins[{index}]", f"{origin!r} is not scheme://host[:port], without a path"
            )


def _check_nats(nats: NatsSection) -> None:
    if nats.url is not None and not re.match(r"(nats|tls|ws|wss)://[^\s]+", nats.url):
        raise ConfigError("nats.url", f"{nats.url!r} does not begin with nats:// or tls://")
    if nats.url is not None and nats.store_dir is not None:
        raise ConfigError("nats.store_dir", "is for the embedded server; remove it or nats.url")
    if nats.replicas > 1 and nats.url is None:
        raise ConfigError("nats.replicas", "the embedded server is one node: set nats.url to a cluster")


def _one_of(key: str, value: str | None, file: str | None) -> None:
    if value is not None and file is not None:
        raise ConfigError(f"{key}_file", f"give either {key} or {key}_file, not both")


def _plain(key: str, value: str | None) -> None:
    """AMI headers are lines: a value with a line end in it would be another header."""
    if value is not None and (not value or any(character in value for character in "\r\n\0")):
        raise ConfigError(key, "must not be empty or hold CR, LF or NUL")


def _with_secrets(config: Config, read_secret: Callable[[str], str]) -> Config:
    pbxs: list[PbxSection] = []
    for index, pbx in enumerate(config.pbx):
        if pbx.secret_file is None:
            pbxs.append(pbx)
            continue
        secret = _read(f"pbx[{index}].secret_file", pbx.secret_file, read_secret)
        pbxs.append(msgspec.structs.replace(pbx, secret=secret, secret_file=None))
    nats = config.nats
    if nats.password_file is not None:
        password = _read("nats.password_file", nats.password_file, read_secret)
        nats = msgspec.structs.replace(nats, password=password, password_file=None)
    return msgspec.structs.replace(config, pbx=tuple(pbxs), nats=nats)


def _read(key: str, path: str, read_secret: Callable[[str], str]) -> str:
    try:
        secret = read_secret(path).strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ConfigError(key, f"cannot read {path}: {reason}") from error
    _plain(key, secret)
    return secret


def keys() -> Sequence[str]:
    """Every key there is, dotted, as the reference lists them: ``nats.url``, ``pbx.name``, …"""
    found: list[str] = []
    for section in msgspec.structs.fields(Config):
        kind = _section_type(section.type)
        if kind is None:
            found.append(section.name)
        else:
            found.extend(f"{section.name}.{field.name}" for field in msgspec.structs.fields(kind))
    return found


def _section_type(annotation: Any) -> type[_Section] | None:
    candidates = [annotation, *getattr(annotation, "__args__", ())]
    for candidate in candidates:
        if isinstance(candidate, type) and issubclass(candidate, _Section):
            return candidate
    return None
