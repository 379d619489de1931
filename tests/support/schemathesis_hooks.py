"""What Schemathesis cannot read in the OpenAPI document, told to it.

The document fits every site: it says what a PBX may be called and not which ones there are. Generated names
of PBXs become that of the gateway under test. And the document's text allows more than its schemas: that a
request is taken which it allows (``lenient_requests.py``) is no failure. Every other check sees it too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import quote, unquote

import schemathesis
from schemathesis import Case, HookContext
from schemathesis.core import NotSet
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.core.transport import Response

from tests.support.lenient_requests import Sent, is_allowed

SITE = "hq"
_PBX = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,31}")
_WITH_PBX = re.compile(rf"([^/]*)@{_PBX.pattern}")
_MAY_HAVE_PBX = frozenset({"agent", "agent-or-channel", "extension", "src", "dest"})


@schemathesis.hook
def map_case(context: HookContext, case: Case[Any]) -> Case[Any]:
    """Let a request name no PBX but the one there is."""
    _change(case.query, _here)
    _change(case.path_parameters, _here_in_path)
    if isinstance(case.body, dict):
        _change(case.body, _here)
    return case


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: Case[Any], response: Response) -> bool:
    """Let pass what the document's text allows."""
    if not isinstance(failure, AcceptedNegativeData) or not isinstance(case.body, dict | NotSet):
        return True
    sent = Sent(
        path={name: unquote(str(value)) for name, value in case.path_parameters.items()},
        query=case.query,
        header=dict(case.headers),
        body=case.body if isinstance(case.body, dict) else None,
    )
    return not is_allowed(case.operation.schema.raw_schema, case.method, case.path, sent)


def _change(values: dict[str, Any], change: Callable[[str, object], object]) -> None:
    for name, value in values.items():
        values[name] = change(name, value)


def _here_in_path(name: str, value: object) -> object:
    """The same of a value that is percent-encoded already."""
    found = _WITH_PBX.fullmatch(unquote(value)) if isinstance(value, str) and name in _MAY_HAVE_PBX else None
    return f"{quote(found[1], safe='')}@{SITE}" if found else value


def _here(name: str, value: object) -> object:
    if name == "pbx" and isinstance(value, list):
        return [_here(name, item) for item in cast("list[object]", value)]
    if not isinstance(value, str):
        return value
    if name == "pbx":
        return SITE if _PBX.fullmatch(value) else value
    found = _WITH_PBX.fullmatch(value) if name in _MAY_HAVE_PBX else None
    return f"{found[1]}@{SITE}" if found else value
