"""What the OpenAPI document says beside the schemas: what each answer means, an example of it, and where it leads."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

from fastapi import FastAPI

from todocli.schemas.errors import ErrorBody, FieldErrorRead
from todocli.schemas.todos import TodoPage, TodoRead

_ADDED = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)

_TODO = TodoRead(
    id=UUID("019a1b2c-3d4e-7f50-8a6b-7c8d9e0f1a2b"),
    number=12,
    title="Pay rent",
    description=None,
    is_completed=False,
    completed_at=None,
    created_at=_ADDED,
    updated_at=_ADDED,
    deleted_at=None,
    version=1,
    change_id=UUID("019a1b2c-3d4e-7f50-8a6b-7c8d9e0f1a2c"),
    user_id=UUID("019a1b2c-0000-7000-8000-000000000001"),
    due_on=date(2026, 11, 27),
    due_time=time(17),
    starts_on=None,
    priority="high",
    project="home",
    tags=["bills"],
)

_PAGE = TodoPage(items=[_TODO], count=1, total=1, next_cursor=None)

_TO_ADD = {
    "title": {"summary": "A title", "value": {"title": "Pay rent"}},
    "plan": {
        "summary": "When, what first, and where",
        "value": {
            "title": "Pay rent",
            "description": "Room 4",
            "due_on": "2026-11-27",
            "due_time": "17:00",
            "priority": "high",
            "project": "home",
            "tags": ["bills"],
        },
    },
}

_TO_CHANGE = {
    "complete": {"summary": "Complete it", "value": {"is_completed": True}},
    "reopen": {"summary": "Open it again", "value": {"is_completed": False}},
    "later": {"summary": "Give it another day, and a tag", "value": {"due_on": "2026-12-01", "add_tags": ["bank"]}},
    "clear": {"summary": "Clear the day and the priority", "value": {"due_on": None, "priority": None}},
}

_BODIES = {"create_todo": _TO_ADD, "update_todo": _TO_CHANGE}
_FOUND = {"create_todo": _TODO, "list_todos": _PAGE, "read_todo": _TODO, "update_todo": _TODO}

_HEADERS = {
    "ETag": "Names the todo as it is now; good for `If-Match`.",
    "Location": "Where the todo is.",
    "Retry-After": "After how many seconds to ask again.",
    "WWW-Authenticate": "How to say who is asking.",
}

_TOO_LONG = FieldErrorRead(field="title", message="has 300 characters; at most 255 are allowed")
_NO_UUID = FieldErrorRead(field="todo_id", message="should be a valid UUID")


def _error(detail: str, code: str, *faults: FieldErrorRead) -> ErrorBody:
    return ErrorBody(detail=detail, error_code=code, field_errors=list(faults))


_ERRORS: dict[int, tuple[str, ErrorBody]] = {
    400: (
        "Something beside the body is malformed, or it is not said who is asking.",
        _error(f"The todo_id {_NO_UUID.message}.", "VALIDATION_ERROR", _NO_UUID),
    ),
    401: (
        "The token is missing, not valid or expired.",
        _error("The token is not valid.", "ACCESS_DENIED"),
    ),
    403: (
        "The token may only read; or the request is for another host, or from another origin.",
        _error("The token may change nothing.", "ACCESS_DENIED"),
    ),
    404: (
        "There is no such todo; also if it is another user's, or in the trash.",
        _error("There is no such todo.", "NOT_FOUND"),
    ),
    409: (
        "It was changed meanwhile, or the `Idempotency-Key` belongs to another step.",
        _error("The key belongs to another step.", "CONFLICT"),
    ),
    412: (
        "It is not as `If-Match` says.",
        _error("The todo was changed meanwhile; nothing was changed now.", "CONFLICT"),
    ),
    413: (
        "The body is too large.",
        _error("A body has at most 65,536 bytes.", "LIMIT_EXCEEDED"),
    ),
    422: (
        "The body does not validate.",
        _error(f"The title {_TOO_LONG.message}.", "VALIDATION_ERROR", _TOO_LONG),
    ),
    500: (
        "A fault of the server.",
        _error("The server met a fault of its own.", "SERVER_ERROR"),
    ),
    503: (
        "The database is away, or not ready; or it was lost, and nobody knows whether the step was made.",
        _error("The database is away, or not ready.", "SERVICE_UNAVAILABLE"),
    ),
}

_EVERYWHERE = (400, 401, 403, 413, 500, 503)
_ERROR_HEADERS = {401: ("WWW-Authenticate",), 503: ("Retry-After",)}


def answers(
    status: int, meaning: str, *errors: int, headers: tuple[str, ...] = (), item: str | None = ""
) -> dict[int | str, dict[str, Any]]:
    """Return the description of every answer: of success, of `errors`, and of the errors that there are everywhere.

    `item` says where in the body a todo is, as a JSON pointer, to link what can be done with it; None: nowhere.
    """
    success: dict[str, Any] = {"description": meaning, **_described(headers)}
    if item is not None:
        success["links"] = _links(item, tagged="ETag" in headers)
    found: dict[int | str, dict[str, Any]] = {status: success}
    for each in sorted({*errors, *_EVERYWHERE}):
        meant, body = _ERRORS[each]
        found[each] = {
            "model": ErrorBody,
            "description": meant,
            **_described(_ERROR_HEADERS.get(each, ())),
            "content": {"application/json": {"example": body.model_dump(mode="json", exclude={"hint"})}},
        }
    return found


def completed(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document of an app: with examples, and without the answers that only FastAPI would give."""
    document = FastAPI.openapi(app)
    for path in document["paths"].values():
        for operation in path.values():
            said = operation["responses"].get("422", {}).get("content", {}).get("application/json", {})
            if said.get("schema", {}).get("$ref", "").endswith("/HTTPValidationError"):
                del operation["responses"]["422"]
            if "HTTPBearer" not in document["components"]["securitySchemes"]:
                del operation["responses"]["401"]
            _exemplify(operation)
    for name in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(name, None)
    return document


def _exemplify(operation: dict[str, Any]) -> None:
    """Give an operation its examples, null and all: what FastAPI is given, it relieves of each null."""
    if bodies := _BODIES.get(operation["operationId"]):
        operation["requestBody"]["content"]["application/json"]["examples"] = bodies
    if found := _FOUND.get(operation["operationId"]):
        success = min(operation["responses"])
        operation["responses"][success]["content"]["application/json"]["example"] = found.model_dump(mode="json")


def _described(headers: tuple[str, ...]) -> dict[str, Any]:
    said = {name: {"description": _HEADERS[name], "schema": {"type": "string"}} for name in headers}
    return {"headers": said} if said else {}


def _links(item: str, *, tagged: bool) -> dict[str, Any]:
    """Return what can be done with the todo at `item` of the body; if its ETag is known, only if nobody changed it."""
    where = {"todo_id": f"$response.body#{item}/id"}
    seen = {**where, "header.If-Match": "$response.header.ETag"} if tagged else where
    return {
        "read": {"operationId": "read_todo", "parameters": where},
        "update": {"operationId": "update_todo", "parameters": seen},
        "delete": {"operationId": "delete_todo", "parameters": seen},
    }
