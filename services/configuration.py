"""Find and read the configuration file, and write one for a child process.

The rules of the file itself are in ``shared/config.py``; this is the part that touches the disk.
"""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import Any

import msgspec
import tomli_w

from shared.config import Config, parse
from shared.errors import ConfigError

ENVIRONMENT_KEY = "PBXIS_CONFIG"


def load(path: str | None, *, pbx_secrets: bool = True) -> Config:
    """Read the file of `--config`, else that of ``PBXIS_CONFIG``, else take the defaults.

    Without ``pbx_secrets`` no AMI secret is read or kept (a gateway has no use for one).
    Files named inside (`secret_file`, `tls_ca`, …) are relative to the folder of the configuration, those of
    the defaults to the working directory.

    Raises:
        ConfigError: the file cannot be read, or what is wrong in it.
    """
    chosen = path or os.environ.get(ENVIRONMENT_KEY)
    if not chosen:
        return _with_absolute_paths(Config(), Path.cwd())
    file = Path(chosen)
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError("", f"cannot read {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError("", f"{file} is not UTF-8 text") from error
    folder = file.resolve().parent
    config = parse(text, lambda name: (folder / name).read_text(encoding="utf-8"), pbx_secrets=pbx_secrets)
    config = _with_absolute_paths(config, folder)
    if pbx_secrets:
        _check_certificates(config)
    return config


def _check_certificates(config: Config) -> None:
    for index, pbx in enumerate(config.pbx):
        if pbx.tls_ca is None:
            continue
        try:
            ssl.create_default_context(cafile=pbx.tls_ca)
        except (OSError, ssl.SSLError) as error:
            problem = f"cannot use {pbx.tls_ca}: {error.strerror or error}"
            raise ConfigError(f"pbx[{index}].tls_ca", problem) from error


def _with_absolute_paths(config: Config, folder: Path) -> Config:
    def absolute(name: str | None) -> str | None:
        return None if name is None else str(folder / name)

    replace = msgspec.structs.replace
    return replace(
        config,
        nats=replace(
            config.nats,
            tls_ca=absolute(config.nats.tls_ca),
            store_dir=absolute(config.nats.store_dir),
        ),
        gateway=replace(
            config.gateway,
            keys_file=str(folder / config.gateway.keys_file),
            users_file=str(folder / config.gateway.users_file),
        ),
        pbx=tuple(replace(pbx, tls_ca=absolute(pbx.tls_ca)) for pbx in config.pbx),
    )


def write_private(config: Config, file: Path) -> None:
    """Write a configuration that only this user can read (it holds secrets)."""
    document = _without_none(msgspec.to_builtins(config))
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        tomli_w.dump(document, out)


def _without_none(value: Any) -> Any:
    """TOML has no null: a key that is ``None`` is left out."""
    if isinstance(value, dict):
        return {key: _without_none(inner) for key, inner in value.items() if inner is not None}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list | tuple):
        return [_without_none(inner) for inner in value]  # pyright: ignore[reportUnknownVariableType]
    return value
