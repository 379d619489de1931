"""The configuration file of the embedded nats-server, as text. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from services.jetstream.connection import Role
from services.jetstream.permissions import PERMISSIONS, Permissions
from shared.config import NatsSection

# Two names of 79 characters that are not ASCII make a subject of nearly 2 KB; with the reply subject
# and JetStream's own the default of 4 KB would be near.
_MAX_CONTROL_LINE = 16 * 1024
# MemberSummary of a queue with a thousand members is over the default of 1 MB.
_MAX_PAYLOAD = 8 * 1024 * 1024
_MAX_PENDING = 64 * 1024 * 1024
# Room for the mirror and the key-value buckets, which have no limit of their own.
_BESIDE_THE_LOG_BYTES = 4 * 1024 * 1024 * 1024
_MEMORY_BYTES = 64 * 1024 * 1024


def server_config(section: NatsSection, folder: Path, port: int, passwords: Mapping[Role, str]) -> str:
    """The text.

    Args:
        section: of pbxis' own configuration.
        folder: where JetStream keeps its files.
        port: on 127.0.0.1; -1 takes a free one.
        passwords: of each user; nobody else gets in.
    """
    sync = "always" if section.sync_interval_s == 0 else f"{section.sync_interval_s}s"
    users = ",\n    ".join(_user(role, password) for role, password in passwords.items())
    return f"""\
server_name: pbxis
listen: "127.0.0.1:{port}"
max_control_line: {_MAX_CONTROL_LINE}
max_payload: {_MAX_PAYLOAD}
max_pending: {_MAX_PENDING}
logtime: false
jetstream {{
  store_dir: {json.dumps(str(folder), ensure_ascii=False)}
  max_mem: {_MEMORY_BYTES}
  max_file: {section.log_max_bytes + _BESIDE_THE_LOG_BYTES}
  sync_interval: {json.dumps(sync)}
}}
authorization {{
  users = [
    {users}
  ]
}}
"""


def _user(role: Role, password: str) -> str:
    permissions = PERMISSIONS[role]
    return json.dumps({"user": role, "password": password, "permissions": _permissions(permissions)})


def _permissions(permissions: Permissions) -> dict[str, object]:
    found: dict[str, object] = {
        "publish": {"allow": list(permissions.publish)},
        "subscribe": {"allow": list(permissions.subscribe)},
    }
    if permissions.responses:
        found["allow_responses"] = {"max": 1, "expires": "2m"}
    return found
