"""What the OpenAPI document says of each error: its meaning, and an example."""

from __future__ import annotations

from todocli.api.errors import TooManyRequests, UnsupportedMediaType
from todocli.schemas.errors import ErrorResponse, FieldErrorRead

TOO_LONG = FieldErrorRead(field="title", message="has 300 characters; at most 255 are allowed")
_NO_UUID = FieldErrorRead(field="todo_id", message="must be a UUID or a number")


def _error(detail: str, code: str, *faults: FieldErrorRead) -> ErrorResponse:
    return ErrorResponse(detail=detail, error_code=code, field_errors=list(faults))


ERRORS: dict[int, tuple[str, ErrorResponse]] = {
    400: (
        "A parameter or header is malformed, or the gateway names no user.",
        _error(f"The todo_id {_NO_UUID.message}.", "VALIDATION_ERROR", _NO_UUID),
    ),
    401: (
        "The token is missing, invalid or expired.",
        _error("The token is not valid.", "ACCESS_DENIED"),
    ),
    403: (
        "The scope of the token does not allow it, or the request is for another host or from another origin.",
        _error("The token has the scope read; this needs write.", "ACCESS_DENIED"),
    ),
    404: (
        "There is no such todo, it belongs to another user, or it is in the trash;"
        " or a repeated request is about a todo that has since been purged.",
        _error("There is no such todo.", "NOT_FOUND"),
    ),
    409: (
        "The `Idempotency-Key` was used before, for another request; or todos were changed in the meantime.",
        _error("The Idempotency-Key was used before, for another request; nothing was changed.", "CONFLICT"),
    ),
    410: (
        "The log does not go back to the cursor, or is another one: begin again without it.",
        _error("The cursor cannot be continued: the log was compacted since.", "CURSOR_EXPIRED"),
    ),
    412: (
        "The todo is not at the version that `If-Match` names.",
        _error("The todo was changed in the meantime; this request changed nothing.", "CONFLICT"),
    ),
    413: (
        "The body is too large.",
        _error("A body can have at most 65,536 bytes.", "LIMIT_EXCEEDED"),
    ),
    415: (
        "The body is not declared as JSON.",
        _error(UnsupportedMediaType().detail, "UNSUPPORTED_MEDIA_TYPE"),
    ),
    422: (
        "The body is not valid, or the todo cannot be changed that way.",
        _error(f"The title {TOO_LONG.message}.", "VALIDATION_ERROR", TOO_LONG),
    ),
    429: (
        "Too many tokens from the client's address were refused within a minute.",
        _error(TooManyRequests(42).detail, "TOO_MANY_REQUESTS"),
    ),
    500: (
        "An internal error.",
        _error("Internal server error.", "SERVER_ERROR"),
    ),
    503: (
        "The database is unavailable or not ready; or its connection was lost, and the outcome is unknown.",
        _error("The database is unavailable, or not ready.", "SERVICE_UNAVAILABLE"),
    ),
}

EVERYWHERE = (400, 401, 403, 413, 415, 429, 500, 503)
ERROR_HEADERS = {401: ("WWW-Authenticate",), 429: ("Retry-After",), 503: ("Retry-After",)}
"""The statuses that any operation may answer with, and the headers of some."""
