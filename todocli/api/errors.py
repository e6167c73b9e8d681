"""Errors as HTTP responses: one body, and one status per error code."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from todocli.errors import FieldError, OutcomeUnknown, ServiceUnavailable, TodoError, ValidationError
from todocli.render.documents import error_body
from todocli.schemas.base import field_error
from todocli.schemas.errors import ErrorResponse

STATUSES = {
    "SERVER_ERROR": 500,
    "VALIDATION_ERROR": 422,
    "USAGE": 400,
    "MISSING_USER_CONTEXT": 400,
    "NOT_FOUND": 404,
    "CONFLICT": 409,
    "CURSOR_EXPIRED": 410,
    "CONFIRMATION_REQUIRED": 409,
    "ACCESS_DENIED": 403,
    "LIMIT_EXCEEDED": 413,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "TOO_MANY_REQUESTS": 429,
    "SERVICE_UNAVAILABLE": 503,
    "OUTCOME_UNKNOWN": 503,
    "SCHEMA_OUTDATED": 503,
    "SCHEMA_TOO_NEW": 503,
}
"""The status of each error code."""

RETRY_SECONDS = 2
"""After how many seconds a client may retry if the database is unavailable."""

_UNAVAILABLE = "The database is unavailable, or not ready."
_OUTCOME_UNKNOWN = "Something failed on the way, and it is not known whether the change was made."
_REPEAT = " Look first, or send the request again with the same Idempotency-Key."

log = logging.getLogger("todo.api")


class LimitExceeded(TodoError):
    """A request is larger than it may be."""

    code = "LIMIT_EXCEEDED"


class UnsupportedMediaType(TodoError):
    """The body is not declared as JSON."""

    code = "UNSUPPORTED_MEDIA_TYPE"

    def __init__(self) -> None:
        super().__init__("The body must be JSON. Send the header Content-Type: application/json.")


class TooManyRequests(TodoError):
    """Too many tokens from the client's address were refused. `seconds` says how long it is blocked."""

    code = "TOO_MANY_REQUESTS"

    def __init__(self, seconds: int) -> None:
        wait = "1 second" if seconds == 1 else f"{seconds} seconds"
        super().__init__(f"Too many tokens from this address were refused. It may try again in {wait}.")
        self.seconds = seconds


class Unauthorized(TodoError):
    """The request has no token, or the token is not valid."""

    code = "ACCESS_DENIED"


class PreconditionFailed(TodoError):
    """The todo is not at the version that `If-Match` names."""

    code = "CONFLICT"


class BadRequest(ValidationError):
    """A parameter, a header or the path is not valid."""


class JSONErrorResponse(Response):
    """A response for an error. It leaves the error code in the state of the request, for the metrics."""

    def __init__(self, body: ErrorResponse, status: int, headers: dict[str, str]) -> None:
        super().__init__(body.model_dump_json(exclude_none=True), status, headers, "application/json")
        self._code = body.error_code

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response."""
        scope.setdefault("state", {})["error_code"] = self._code
        await super().__call__(scope, receive, send)


def status_of(error: TodoError) -> int:
    """Return the HTTP status of an error."""
    special = {Unauthorized: 401, PreconditionFailed: 412, BadRequest: 400}
    return special.get(type(error)) or STATUSES[error.code]


def public(error: TodoError) -> TodoError:
    """Return what a client may know of an error: nothing internal."""
    if status_of(error) == 500:
        return TodoError("Internal server error.")
    if status_of(error) == 503:
        unknown = isinstance(error, OutcomeUnknown)
        return OutcomeUnknown(_OUTCOME_UNKNOWN) if unknown else ServiceUnavailable(_UNAVAILABLE)
    return error


def response_for(error: TodoError) -> Response:
    """Return the response for an error. Nothing internal is in it."""
    status = status_of(error)
    error = public(error)
    headers = {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if status == 503:
        headers["Retry-After"] = str(RETRY_SECONDS)
    if isinstance(error, OutcomeUnknown):
        error.detail += _REPEAT
    if isinstance(error, TooManyRequests):
        headers["Retry-After"] = str(error.seconds)
    if isinstance(error, LimitExceeded):
        headers["Connection"] = "close"  # what is left of the body is not read
    body = error_body(error)  # without the hint, which is meant for a terminal
    body = body.model_copy(update={"hint": None, "command": None, "field_errors": body.field_errors or []})
    return JSONErrorResponse(body, status, headers)


def internal_error(error: Exception) -> Response:
    """Log an unexpected error, and return the response for it."""
    log.error("Internal error: %s", type(error).__name__, exc_info=error)
    return response_for(TodoError(""))


def install(app: FastAPI) -> None:
    """Make the app answer every error in our form."""
    app.add_exception_handler(TodoError, _known)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)


async def _known(_request: Request, error: Any) -> Response:
    if status_of(error) >= 500:
        log.error("%s: %s", type(error).__name__, error.detail)
    return response_for(error)


async def _invalid(_request: Request, error: Any) -> Response:
    """Answer a request that FastAPI refuses: 422 for its body, 400 for everything else."""
    found: list[FieldError] = []
    in_body = all(each["loc"][0] == "body" for each in error.errors())
    for each in error.errors():
        if each["type"] == "json_invalid":  # its location is an offset, not a field
            return response_for(invalid_json())
        is_of_model = each["type"] == "value_error" and len(each["loc"]) == 1
        place = each["loc"] if len(each["loc"]) == 1 and not is_of_model else each["loc"][1:]
        fault = _of_item(each, place) if place[:1] == ("items",) else field_error({**each, "loc": place})
        if fault.field not in [other.field for other in found]:  # each kind that a value may have says what is wrong
            found.append(fault)
    detail = " ".join(fault.sentence for fault in found)
    kind = ValidationError if in_body else BadRequest
    return response_for(kind(detail, field_errors=tuple(found)))


def _of_item(error: dict[str, Any], place: tuple[int | str, ...]) -> FieldError:
    """Return what is wrong with a field of one of several todos: its name has the place, `items.3.title`."""
    depth = 3 if place[2:3] == ("changes",) else 2
    item, below = place[:depth], place[depth:]
    if not below and len(place) > 1 and error["type"] == "value_error":  # a rule about several fields
        field, message = field_error({**error, "loc": ()})
    else:
        field, message = field_error({**error, "loc": below or ("items",)})
    name = ".".join(map(str, (*item, field) if len(place) > 1 and field != "items" else place))
    return FieldError(name, message)


def invalid_json() -> ValidationError:
    """Return the error for a body that cannot be parsed."""
    detail = "The body is not valid JSON."
    return ValidationError.of("body", detail)


def _methods(request: Request) -> list[str]:
    """Return the methods that the path of a request allows."""

    def is_served(method: str) -> bool:
        scope = {**request.scope, "method": method}
        return any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)

    served = [method for method in ("DELETE", "GET", "PATCH", "POST", "PUT") if is_served(method)]
    return sorted([*served, "HEAD"]) if "GET" in served else served


async def _refused(request: Request, error: Any) -> Response:
    """Answer what the framework refuses: an unknown path or method, or a body that cannot be parsed."""
    if error.status_code == 400:
        return response_for(invalid_json())
    code, detail, headers = "NOT_FOUND", "There is nothing at this path.", {}
    if error.status_code != 404:
        methods = _methods(request)
        allowed = " and ".join(filter(None, (", ".join(methods[:-1]), *methods[-1:])))
        detail = f"This path allows {allowed}." if methods else "It is not allowed here."
        code, headers = "USAGE", {"Allow": ", ".join(methods)}
    body = ErrorResponse(detail=detail, error_code=code, field_errors=[])
    return JSONErrorResponse(body, error.status_code, headers)
