"""Errors as HTTP answers: one body, and for each error code one status."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.routing import Match

from todocli.errors import FieldError, OutcomeUnknown, ServiceUnavailable, TodoError, ValidationError
from todocli.render.documents import error_body
from todocli.schemas.base import field_error
from todocli.schemas.errors import ErrorBody

STATUSES = {
    "VALIDATION_ERROR": 422,
    "USAGE": 400,
    "MISSING_USER_CONTEXT": 400,
    "NOT_FOUND": 404,
    "CONFLICT": 409,
    "ACCESS_DENIED": 403,
    "LIMIT_EXCEEDED": 413,
    "SERVICE_UNAVAILABLE": 503,
    "SCHEMA_OUTDATED": 503,
    "SCHEMA_TOO_NEW": 503,
}
"""What each error code is answered with; whatever is not here is 500."""

RETRY_SECONDS = 2
"""After how many seconds a client may ask again, if the database is away."""

_AWAY = "The database is away, or not ready."
_IN_DOUBT = (
    "The connection to the database was lost, and it is not known whether the step was made."
    " Look first, or send it again with the same Idempotency-Key."
)

log = logging.getLogger("todo.api")


class LimitExceeded(TodoError):
    """A request is larger than it may be."""

    code = "LIMIT_EXCEEDED"


class Unauthorized(TodoError):
    """Nobody said who is asking, or the token is not valid."""

    code = "ACCESS_DENIED"


class PreconditionFailed(TodoError):
    """The todo is not as `If-Match` says that it was seen."""

    code = "CONFLICT"


class BadRequest(ValidationError):
    """Something beside the body does not validate."""


def status_of(error: TodoError) -> int:
    """Return the HTTP status of an error."""
    special = {Unauthorized: 401, PreconditionFailed: 412, BadRequest: 400}
    return special.get(type(error)) or STATUSES.get(error.code, 500)


def answer(error: TodoError) -> Response:
    """Return the answer that says what an error says. Of a fault of the program nothing internal is in it."""
    status = status_of(error)
    if status == 500:
        error = TodoError("The server met a fault of its own.")
    headers = {}
    if status == 401:
        headers["WWW-Authenticate"] = "Principal"
    if status == 503:
        headers["Retry-After"] = str(RETRY_SECONDS)
        error = ServiceUnavailable(_IN_DOUBT if isinstance(error, OutcomeUnknown) else _AWAY)
    if isinstance(error, LimitExceeded):
        headers["Connection"] = "close"  # what is left of the body is not read
    body = error_body(error)  # without its hint, which is for somebody at a terminal
    said = body.model_copy(update={"hint": None, "field_errors": body.field_errors or []})
    return Response(said.model_dump_json(exclude_none=True), status, headers, "application/json")


def fault(error: Exception) -> Response:
    """Log what no one expected, and return the answer to it."""
    log.error("A fault of the program: %s", type(error).__name__, exc_info=error)
    return answer(TodoError(""))


def install(app: FastAPI) -> None:
    """Have every error of the app answered in our form."""
    app.add_exception_handler(TodoError, _known)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)


async def _known(_request: Request, error: Any) -> Response:
    if status_of(error) >= 500:
        log.error("%s: %s", type(error).__name__, error.detail)
    return answer(error)


async def _invalid(_request: Request, error: Any) -> Response:
    """Answer what FastAPI found wrong with a request: 422 in its body, 400 elsewhere."""
    found: list[FieldError] = []
    in_body = all(each["loc"][0] == "body" for each in error.errors())
    for each in error.errors():
        if each["type"] == "json_invalid":  # whose place is an offset, and no field
            return answer(no_json())
        is_of_several = each["type"] == "value_error" and len(each["loc"]) == 1
        place = each["loc"] if len(each["loc"]) == 1 and not is_of_several else each["loc"][1:]
        found.append(field_error({**each, "loc": place}))
    detail = " ".join(f"The {field} {message}." for field, message in found)
    kind = ValidationError if in_body else BadRequest
    return answer(kind(detail, field_errors=tuple(found)))


def no_json() -> ValidationError:
    """Return the error for a body that cannot be read."""
    detail = "The body is not valid JSON."
    return ValidationError(detail, field_errors=(FieldError("body", detail),))


def _methods(request: Request) -> list[str]:
    """Return the methods that there are for the path of a request."""

    def is_served(method: str) -> bool:
        scope = {**request.scope, "method": method}
        return any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)

    return [method for method in ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT") if is_served(method)]


async def _refused(request: Request, error: Any) -> Response:
    """Answer what the framework refuses: no such path, no such method, a body that cannot be read."""
    if error.status_code == 400:
        return answer(no_json())
    code = "NOT_FOUND" if error.status_code == 404 else "USAGE"
    said = ErrorBody(detail=f"{error.detail}.", error_code=code, field_errors=[])
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(_methods(request))
    return Response(said.model_dump_json(exclude_none=True), error.status_code, headers, "application/json")
