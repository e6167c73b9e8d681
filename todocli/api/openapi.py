"""The OpenAPI document beyond the schemas: descriptions, examples and links of every response."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from pydantic import BaseModel

from todocli.api.auth import UUID_PATTERN
from todocli.api.error_examples import ERROR_HEADERS, ERRORS, EVERYWHERE, TOO_LONG
from todocli.schemas.changes import ChangeItem, ChangeList, ChangeRead, FieldChange, SyncPage
from todocli.schemas.errors import ErrorResponse
from todocli.schemas.http import MeRead
from todocli.schemas.occurrences import OccurrenceList, OccurrenceRead
from todocli.schemas.summaries import SummaryList, SummaryRead
from todocli.schemas.todos import NoteRead, TodoItems, TodoList, TodoRead
from todocli.schemas.views import QueryList, QueryRead

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
    is_someday=False,
    note_count=1,
    claimed_by=None,
    claimed_until=None,
    needs=[],
    blocked_by=[],
    parent=None,
    subtasks=[],
    open_subtasks=[],
    every="month on 27",
    again=None,
    rrule="FREQ=MONTHLY;BYMONTHDAY=27",
    repeat_from="due",
    repeat_on=date(2026, 11, 27),
    ends_on=None,
    times=None,
    series_id=UUID("019a1b2c-3d4e-7f50-8a6b-7c8d9e0f1a2b"),
    series_place=1,
    series_values=None,
    notes=[NoteRead(at=_ADDED, text="The landlord has a new account.")],
)

_LISTED = _TODO.model_copy(update={"notes": None})

_PAGE = TodoList(items=[_LISTED], count=1, total=1, next_cursor=None)

_PRIORITY = FieldChange(before=None, after="high")

_CHANGED = ChangeRead(
    id=_TODO.change_id,
    made_at=_ADDED,
    source="api",
    actor="phone",
    kind="change",
    undoes=None,
    is_undone=False,
    count=1,
    items=[
        ChangeItem(
            todo_id=_TODO.id,
            number=12,
            title="Pay rent",
            action="changed",
            changes={"priority": _PRIORITY},
        )
    ],
)

_CHANGES = SyncPage(
    items=[_CHANGED],
    todos=[_TODO],
    deleted=[],
    cursor="AAAAAAAAACoBmhssPU5_UIprfI2eDxosAAAAAAAAAAAAAAAAAAAAAA",
    has_more=False,
)

_ME = MeRead(
    user_id=_TODO.user_id,
    name="ada",
    scope="write",
    token="phone",  # noqa: S106 - its name
    open=3,
    completed=1,
    trash=0,
    last_number=12,
)

_TAGS = SummaryList.of([SummaryRead(name="bills", open=3, completed=1, done_share=0.25)])

_PROJECTS = SummaryList.of([SummaryRead(name="home", open=3, completed=1, done_share=0.25)])

_UPCOMING = OccurrenceList.of(
    [
        OccurrenceRead(number=12, title="Pay rent", on=date(2026, month, 27), at=time(17), place=place)
        for place, month in ((1, 11), (2, 12))
    ]
)

_VIEWS = QueryList.of([QueryRead(name="week", line="due:week", query="state=open&where=due%3A2026-11-23..2026-11-29")])

_CREATE_EXAMPLES = {
    "title": {"summary": "A title", "value": {"title": "Pay rent"}},
    "text": {
        "summary": "A line, with words that set fields",
        "value": {"text": "Call the bank due:fri +bills"},
    },
    "fields": {
        "summary": "With dates, priority, project and tags",
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

_UPDATE_EXAMPLES = {
    "complete": {"summary": "Complete it", "value": {"is_completed": True}},
    "reopen": {"summary": "Reopen it", "value": {"is_completed": False}},
    "later": {"summary": "Postpone it, and add a tag", "value": {"due_on": "2026-12-01", "add_tags": ["bank"]}},
    "clear": {"summary": "Clear the date and the priority", "value": {"due_on": None, "priority": None}},
}

_NOTE_EXAMPLES = {"note": {"summary": "A note", "value": {"text": "The landlord has a new account."}}}

_CREATE_SEVERAL_EXAMPLES = {
    "two": {"summary": "Two todos", "value": {"items": [{"title": "Pay rent"}, {"text": "Call the bank due:fri"}]}}
}

_UPDATE_SEVERAL_EXAMPLES: dict[str, Any] = {
    "two": {
        "summary": "Complete one, and postpone another",
        "value": {
            "items": [
                {"todo": 12, "changes": {"is_completed": True}},
                {"todo": 13, "changes": {"due_on": "2026-12-01"}},
            ]
        },
    }
}

_UNDO_EXAMPLES = {
    "last": {"summary": "The last change", "value": {}},
    "three": {"summary": "The last three", "value": {"count": 3}},
}

_CLAIM_EXAMPLES = {
    "any": {"summary": "The most urgent todo, for two hours", "value": {}},
    "some": {"summary": "One with a tag", "value": {"where": "+bills", "claimant": "agent-1", "seconds": 1_800}},
}

_SKIPPED = _TODO.model_copy(update={"due_on": date(2026, 12, 27), "repeat_on": date(2026, 12, 27), "version": 2})

_CLAIMED = _TODO.model_copy(update={"claimed_by": "agent-1", "claimed_until": _ADDED.replace(hour=11)})

_BODY_EXAMPLES = {
    "claimTodo": _CLAIM_EXAMPLES,
    "createTodo": _CREATE_EXAMPLES,
    "createTodos": _CREATE_SEVERAL_EXAMPLES,
    "updateTodo": _UPDATE_EXAMPLES,
    "updateTodos": _UPDATE_SEVERAL_EXAMPLES,
    "addNote": _NOTE_EXAMPLES,
    "undo": _UNDO_EXAMPLES,
    "redo": _UNDO_EXAMPLES,
}
_RESPONSE_EXAMPLES = {
    "createTodo": _TODO.model_copy(update={"note_count": 0, "notes": []}),
    "createTodos": TodoItems.of([_TODO]),
    "listTodos": _PAGE,
    "getTodo": _TODO,
    "updateTodo": _TODO,
    "updateTodos": TodoItems.of([_TODO]),
    "restoreTodo": _TODO,
    "claimTodo": _CLAIMED,
    "releaseTodo": _TODO,
    "skipTodo": _SKIPPED,
    "listUpcoming": _UPCOMING,
    "addNote": _TODO,
    "listChanges": _CHANGES,
    "undo": ChangeList.of([_CHANGED]),
    "redo": ChangeList.of([_CHANGED]),
    "getMe": _ME,
    "listTags": _TAGS,
    "listProjects": _PROJECTS,
    "listViews": _VIEWS,
}

_GATEWAY_USER = {
    "in": "header",
    "required": True,
    "description": "The user that the gateway has authenticated, by UUID.",
    "schema": {"type": "string", "pattern": f"^{UUID_PATTERN}$"},
}

_HEADERS = {
    "ETag": "The version of what was read, for `If-None-Match`; that of a todo also for `If-Match`.",
    "Location": "The path of the todo.",
    "Retry-After": "How many seconds to wait before retrying.",
    "WWW-Authenticate": "How to authenticate.",
}


def _dumped(*models: BaseModel) -> list[Any]:
    return [model.model_dump(mode="json") for model in models]


def _values(examples: dict[str, Any]) -> list[Any]:
    return [example["value"] for example in examples.values()]


_SCHEMA_EXAMPLES: dict[str, list[Any]] = {
    "ChangeItem": _dumped(*_CHANGED.items),
    "ChangeList": _dumped(ChangeList.of([_CHANGED])),
    "ChangeRead": _dumped(_CHANGED),
    "Claiming": _values(_CLAIM_EXAMPLES),
    "ErrorResponse": [ERRORS[422][1].model_dump(mode="json", exclude_none=True)],
    "FieldChange": _dumped(_PRIORITY),
    "FieldErrorRead": _dumped(TOO_LONG),
    "MeRead": _dumped(_ME),
    "NoteCreate": _values(_NOTE_EXAMPLES),
    "NoteRead": _dumped(*(_TODO.notes or ())),
    "OccurrenceList": _dumped(_UPCOMING),
    "OccurrenceRead": _dumped(*_UPCOMING.items),
    "Priority": ["high"],
    "QueryList": _dumped(_VIEWS),
    "QueryRead": _dumped(*_VIEWS.items),
    "Reversal": _values(_UNDO_EXAMPLES),
    "Scope": ["write"],
    "SummaryList": _dumped(_TAGS),
    "SummaryRead": _dumped(*_TAGS.items),
    "SyncPage": _dumped(_CHANGES),
    "TodoAdd": _values(_CREATE_EXAMPLES),
    "TodoEdit": [_UPDATE_SEVERAL_EXAMPLES["two"]["value"]["items"][0]],
    "TodoItems": _dumped(TodoItems.of([_TODO])),
    "TodoList": _dumped(_PAGE),
    "TodoRead": _dumped(_TODO),
    "TodoState": ["open"],
    "TodoUpdate": _values(_UPDATE_EXAMPLES),
    "TodosAdd": _values(_CREATE_SEVERAL_EXAMPLES),
    "TodosEdit": _values(_UPDATE_SEVERAL_EXAMPLES),
    "Undoing": _values(_UNDO_EXAMPLES),
}


def responses(
    status: int, meaning: str, *errors: int, headers: tuple[str, ...] = (), item: str | None = ""
) -> dict[int | str, dict[str, Any]]:
    """Return the descriptions of an operation's responses: success, `errors`, and the errors of every operation.

    `item` is the JSON pointer of a todo in the body, which links to the operations on it; None: there is none.
    """
    success: dict[str, Any] = {"description": meaning, **_described(headers)}
    if item is not None:
        success["links"] = _links(item)
    found: dict[int | str, dict[str, Any]] = {status: success}
    for each in sorted({*errors, *EVERYWHERE}):
        description, body = ERRORS[each]
        found[each] = {
            "model": ErrorResponse,
            "description": description,
            **_described(ERROR_HEADERS.get(each, ())),
            "content": {"application/json": {"example": body.model_dump(mode="json", exclude={"hint", "command"})}},
        }
    return found


def openapi_document(app: FastAPI, trusted_header: str | None) -> dict[str, Any]:
    """Return the OpenAPI document of an app: with examples, and without responses that only FastAPI would give.

    Behind a gateway, each operation has its `trusted_header` as a parameter.
    """
    document = FastAPI.openapi(app)
    for path in document["paths"].values():
        for operation in path.values():
            described = operation["responses"].get("422", {}).get("content", {}).get("application/json", {})
            if described.get("schema", {}).get("$ref", "").endswith("/HTTPValidationError"):
                del operation["responses"]["422"]
            if trusted_header:
                del operation["responses"]["401"], operation["responses"]["429"]
                operation.setdefault("parameters", []).append(_GATEWAY_USER | {"name": trusted_header})
            _exemplify(operation)
    schemas = document["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for name, schema in schemas.items():
        schema["examples"] = _SCHEMA_EXAMPLES[name]
    return document


def _exemplify(operation: dict[str, Any]) -> None:
    """Add the examples of an operation. Given to FastAPI, they would lose their nulls."""
    if bodies := _BODY_EXAMPLES.get(operation["operationId"]):
        operation["requestBody"]["content"]["application/json"]["examples"] = bodies
    if found := _RESPONSE_EXAMPLES.get(operation["operationId"]):
        success = min(operation["responses"])
        operation["responses"][success]["content"]["application/json"]["example"] = found.model_dump(mode="json")


def _described(headers: tuple[str, ...]) -> dict[str, Any]:
    described = {name: {"description": _HEADERS[name], "schema": {"type": "string"}} for name in headers}
    return {"headers": described} if described else {}


def _links(item: str) -> dict[str, Any]:
    """Return links to the operations on the todo at `item`: if it is the whole body, only at that version."""
    where = {"todo_id": f"$response.body#{item}/id"}
    seen = where if item else {**where, "header.If-Match": "$response.header.ETag"}
    return {
        "read": {"operationId": "getTodo", "parameters": where},
        "update": {"operationId": "updateTodo", "parameters": seen},
        "delete": {"operationId": "deleteTodo", "parameters": seen},
    }
