"""The errors that become an answer, and how.

    CallCentreError
    └── GatewayError                 becomes application/problem+json (RFC 9457)
        ├── BadParameterError        400  names the parameter
        ├── BadJsonError             400
        ├── BadRequestError          400  no HTTP
        ├── NoKeyError               401
        ├── OriginRefusedError       403  WebSocket: close code 1008
        ├── RoleMissingError         403
        ├── PbxForbiddenError        403
        ├── NoTicketError            404  SSE: closed, close; WebSocket: close code 4504
        ├── NotFoundError            404
        ├── MethodNotAllowedError    405
        ├── RequestTimeoutError      408
        ├── AmbiguousPbxError        409
        ├── TooLargeError            413
        ├── KeyReusedError           422
        ├── UpgradeRequiredError     426
        ├── TooManyRequestsError     429
        ├── HeadTooLargeError        431
        ├── InternalError            500
        ├── BusAwayError             503  nothing was done; WebSocket: close code 1013, so come back
        ├── NotReadyError            503
        ├── PagesMissingError        503
        └── ActionError                   what became of an action: ``action_errors.py``

``code`` is stable: programs may rely on it. To add an error: a class here or there, its line in
``docs/http-api.md`` (a test compares the two).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import msgspec

from shared.errors import CallCentreError

PROBLEM_JSON = "application/problem+json"

CLOSE_POLICY = 1008
CLOSE_TRY_AGAIN = 1013
CLOSE_MOVE = 4001
CLOSE_TOO_SLOW = 4008
CLOSE_NO_TICKET = 4504


class GatewayError(CallCentreError):
    """An error with an answer. The text is the problem's ``detail``."""

    status: ClassVar[int]
    code: ClassVar[str]
    title: ClassVar[str]

    def headers(self) -> dict[str, str]:
        """Headers that belong to the answer."""
        return {}

    def properties(self) -> dict[str, object]:
        """Further properties of the problem."""
        return {}


class BadParameterError(GatewayError):
    """A parameter that is missing, malformed or unknown."""

    status = 400
    code = "bad_parameter"
    title = "A parameter is missing, malformed or unknown"

    def __init__(self, parameter: str, problem: str) -> None:
        self.parameter = parameter
        self.problem = problem
        super().__init__(f"{parameter}: {problem}")

    def properties(self) -> dict[str, object]:
        """The parameter, as it was spelled."""
        return {"parameter": self.parameter}


class BadJsonError(GatewayError):
    """A body that is no JSON object."""

    status = 400
    code = "bad_json"
    title = "The body is not a JSON object"


class BadRequestError(GatewayError):
    """What was sent is no HTTP request, or one of too many at once; the connection ends."""

    status = 400
    code = "bad_request"
    title = "This is not an HTTP request"

    def __init__(self) -> None:
        super().__init__("What was sent cannot be read as an HTTP/1.1 request.")


class NoKeyError(GatewayError):
    """The request may not do this without an API key."""

    status = 401
    code = "no_key"
    title = "This needs an API key"

    def headers(self) -> dict[str, str]:
        """How to authenticate, which RFC 9110 demands of a 401."""
        return {"WWW-Authenticate": "Bearer"}


class OriginRefusedError(GatewayError):
    """A page of another origin, which is not configured."""

    status = 403
    code = "origin_refused"
    title = "Pages of this origin may not use this gateway"

    def __init__(self, origin: str) -> None:
        self.origin = origin
        super().__init__(
            f"The origin {origin[:200]!r} is neither the gateway's own nor listed in gateway.origins."
        )


class RoleMissingError(GatewayError):
    """The key is good, but not for this."""

    status = 403
    code = "role_missing"
    title = "This key may not do this"

    def __init__(self, key: str, role: str) -> None:
        self.key = key
        self.role = role
        super().__init__(f"The key {key!r} has not the role {role!r}.")


class PbxForbiddenError(GatewayError):
    """The key is good, but for other PBXs."""

    status = 403
    code = "pbx_forbidden"
    title = "This key is not for this PBX"

    def __init__(self, key: str, pbx: str) -> None:
        self.key = key
        self.pbx = pbx
        super().__init__(f"The key {key!r} is not for the PBX {pbx!r}.")


class NoTicketError(GatewayError):
    """No such ticket: never issued, expired or revoked. Which of these is not told."""

    status = 404
    code = "no_ticket"
    title = "There is no such ticket"

    def __init__(self) -> None:
        super().__init__("The ticket was never issued, has expired or was revoked. Ask for a new one.")


class NotFoundError(GatewayError):
    """Nothing lies under this path."""

    status = 404
    code = "not_found"
    title = "There is nothing here"

    def __init__(self) -> None:
        super().__init__("Nothing lies under this path; /schema lists what there is.")


class MethodNotAllowedError(GatewayError):
    """The path exists, the method does not."""

    status = 405
    code = "method_not_allowed"
    title = "This method is not allowed here"

    def __init__(self, allowed: str) -> None:
        self.allowed = allowed
        super().__init__(f"Allowed here: {allowed}." if allowed else "This method is not allowed here.")

    def headers(self) -> dict[str, str]:
        """The methods there are, which RFC 9110 demands of a 405."""
        return {"Allow": self.allowed} if self.allowed else {}


class RequestTimeoutError(GatewayError):
    """A request did not come in time; the connection ends."""

    status = 408
    code = "request_timeout"
    title = "The request took too long"

    def __init__(self, part: Literal["head", "body"]) -> None:
        self.part = part
        super().__init__(f"The {part} of the request did not come in time; nothing was done.")


class AmbiguousPbxError(GatewayError):
    """Which PBX is meant cannot be told."""

    status = 409
    code = "ambiguous_pbx"
    title = "Which PBX is meant?"

    def __init__(self, pbxs: Sequence[str]) -> None:
        self.pbxs = pbxs
        super().__init__(f"Name the PBX, as pbx=… or with name@pbx; it may be: {', '.join(pbxs)}.")

    def properties(self) -> dict[str, object]:
        """The PBXs that it may be."""
        return {"pbxs": list(self.pbxs)}


class TooLargeError(GatewayError):
    """A body beyond the limit."""

    status = 413
    code = "too_large"
    title = "The body is too large"

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"A body may have {limit} bytes.")


class KeyReusedError(GatewayError):
    """An idempotency key came again with another request."""

    status = 422
    code = "idempotency_key_reused"
    title = "This Idempotency-Key belongs to another request"

    def __init__(self) -> None:
        super().__init__("The same Idempotency-Key was used before with another request; nothing was done.")


class UpgradeRequiredError(GatewayError):
    """A WebSocket address was asked for by plain HTTP."""

    status = 426
    code = "upgrade_required"
    title = "This is a WebSocket"

    def __init__(self) -> None:
        super().__init__("Connect with a WebSocket client.")

    def headers(self) -> dict[str, str]:
        """What to upgrade to."""
        return {"Upgrade": "websocket"}


class TooManyRequestsError(GatewayError):
    """More at once than the gateway takes."""

    status = 429
    code = "too_many_requests"
    title = "Too many requests at once"

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"{what}; nothing was done. Try again in a moment.")

    def headers(self) -> dict[str, str]:
        """When to come back."""
        return {"Retry-After": "1"}


class HeadTooLargeError(GatewayError):
    """The head of a request beyond the limit; the connection ends."""

    status = 431
    code = "head_too_large"
    title = "The head of the request is too large"

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"The request line and the header fields together may have {limit} bytes.")


class InternalError(GatewayError):
    """A defect of the gateway; the log has the traceback."""

    status = 500
    code = "internal_error"
    title = "The gateway failed"

    def __init__(self) -> None:
        super().__init__("This is a defect; the gateway's log has the details.")


class HistoryGoneError(CallCentreError):
    """The log no longer has all that was asked for, or is another one; no client sees this."""

    def __init__(self) -> None:
        super().__init__("the log does not reach back to there any more")


class BusAwayError(GatewayError):
    """NATS cannot be reached or does not answer in time."""

    status = 503
    code = "bus_unavailable"
    title = "NATS is away"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__("The gateway cannot reach NATS; nothing was done. Try again.")

    def headers(self) -> dict[str, str]:
        """When to come back."""
        return {"Retry-After": "2"}


class NotReadyError(GatewayError):
    """Not ready to serve; ``reasons`` say why."""

    status = 503
    code = "not_ready"
    title = "The gateway is not ready"

    def __init__(self, reasons: list[str]) -> None:
        self.reasons = reasons
        super().__init__("; ".join(reasons))

    def headers(self) -> dict[str, str]:
        """When to ask again."""
        return {"Retry-After": "1"}

    def properties(self) -> dict[str, object]:
        """The reasons one by one."""
        return {"reasons": self.reasons}


class PagesMissingError(GatewayError):
    """The pages have not been built."""

    status = 503
    code = "pages_not_built"
    title = "The pages have not been built"

    def __init__(self) -> None:
        super().__init__("Run `make web`, which builds the pages, and load this page again.")


def problem(error: GatewayError) -> tuple[int, Mapping[str, str], bytes]:
    """Status, headers and body of the answer."""
    body: dict[str, object] = {
        "type": "about:blank",
        "title": error.title,
        "status": error.status,
        "code": error.code,
        "detail": str(error),
        **error.properties(),
    }
    headers = {"Content-Type": PROBLEM_JSON, "Cache-Control": "no-store", **error.headers()}
    return error.status, headers, msgspec.json.encode(body)
