"""The five endpoints for todos."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Annotated, Literal, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic.json_schema import SkipJsonSchema, WithJsonSchema
from typing_extensions import TypeAliasType

from todocli import clock
from todocli.api.auth import UUID_PATTERN, require, require_read, require_write
from todocli.api.errors import BadRequest, PreconditionFailed
from todocli.api.openapi import responses
from todocli.domain.filters import parser
from todocli.domain.history import Origin
from todocli.domain.idempotency import ChangeKey, fingerprint
from todocli.domain.ids import new_id
from todocli.domain.references import References
from todocli.domain.sorting import parse_sort
from todocli.errors import Conflict, FieldError, NotFound, ValidationError
from todocli.schemas.todos import NoteCreate, TodoCreate, TodoList, TodoRead, TodoUpdate
from todocli.services.paging import Cursor
from todocli.services.queries import TodoQuery
from todocli.services.resolve import Result
from todocli.services.tokens import Principal
from todocli.services.workspace import Workspace

BASE = "/api/v1"
MAX_LIMIT = 1_000

IDEMPOTENCY_KEY = "Idempotency-Key"
_RENAMED_FIELDS = {"filter": "where"}
"""Fields of errors that have another name over HTTP."""

_NEVER = UUID(int=0)
"""A change that no todo is at."""

_Body = TypeVar("_Body", TodoList, TodoRead)

_REPEATED = parser.OPTIONS
_NOT_MODIFIED = {"description": "Nothing has changed since the response with that ETag."}
router = APIRouter(prefix=f"{BASE}/todos", tags=["Todos"])

Omitted = SkipJsonSchema[None]
"""The value of an omitted parameter or header, which cannot be null."""

_Text = {"type": "string"}
AnyOf = Annotated[list[str] | Omitted, WithJsonSchema({"anyOf": [_Text, {"type": "array", "items": _Text}]})]
"""The value of a filter parameter: repeated, any of them."""

TodoState = TypeAliasType("TodoState", Literal["open", "completed", "trash", "all"])
"""A list: all todos are the open and the completed ones, without those in the trash."""

Reader = Annotated[Principal, Depends(require_read)]
Writer = Annotated[Principal, Depends(require_write)]
Key = Annotated[
    Annotated[UUID, WithJsonSchema({"type": "string", "pattern": f"^{UUID_PATTERN}$"})] | Omitted,
    Header(alias=IDEMPOTENCY_KEY, description="A UUID. With the same key, a request takes effect once."),
]
IfNoneMatch = Annotated[
    str | Omitted, Header(alias="If-None-Match", description="An ETag: 304 if the response would be the same again.")
]
IfMatch = Annotated[
    str | Omitted, Header(alias="If-Match", description="An ETag: only if the todo is still at that version.")
]


@contextmanager
def _workspace(request: Request, principal: Principal) -> Iterator[Workspace]:
    """Open the client's workspace for one request."""
    _refuse_unknown(request)
    try:
        origin = Origin("api", principal.token_name)
        with Workspace(request.app.state.store, principal.owner, origin=origin) as workspace:
            yield workspace
    except NotFound as error:
        raise NotFound(error.detail, field_errors=(FieldError("todo_id", "was not found"),)) from None
    except Conflict as error:
        if any(field == "change" for field, _ in error.field_errors):
            detail = f"The {IDEMPOTENCY_KEY} was used before, for another request; nothing was changed."
            raise Conflict.of(IDEMPOTENCY_KEY, detail) from None
        raise


def _change_key(key: UUID | None, verb: str, **request: object) -> ChangeKey:
    return ChangeKey(key or new_id(clock.now()), fingerprint(verb, **request))


def _refuse_unknown(request: Request) -> None:
    """Raise `BadRequest` for unknown or repeated query parameters."""
    known = {parameter.alias for parameter in request.scope["route"].dependant.query_params}
    given = [name for name, _ in request.query_params.multi_items()]
    for name in given:
        if name not in known or (given.count(name) > 1 and name not in _REPEATED):
            detail = "is not a known parameter" if name not in known else "must not be repeated"
            raise BadRequest(f"The {name[:40]} {detail}.", field_errors=(FieldError(name[:40], detail),))


@router.post(
    "",
    operation_id="createTodo",
    summary="Add a todo",
    status_code=201,
    responses=responses(201, "The todo that was added.", 404, 409, 422, headers=("ETag", "Location")),
)
def create(
    request: Request,
    response: Response,
    principal: Writer,
    todo: TodoCreate,
    idempotency_key: Key = None,
) -> TodoRead:
    """Add a todo. It gets the user's next number."""
    key = _change_key(idempotency_key, "add", body=todo.model_dump(mode="json", exclude_unset=True))
    with _workspace(request, principal) as workspace:
        added = _only(workspace.todos.add([todo], key))
    response.headers["Location"] = str(request.url_for("read", todo_id=added.id).path)
    return _with_etag(response, added)


@router.get(
    "",
    operation_id="listTodos",
    summary="List todos",
    response_model=TodoList,
    responses={
        304: _NOT_MODIFIED,
        **responses(200, "A page of the todos that match.", item="/items/0", headers=("ETag",)),
    },
)
def find(
    request: Request,
    response: Response,
    principal: Reader,
    state: Annotated[TodoState, Query(description="Which todos to list; `all` leaves out the trash.")] = "all",
    tag: Annotated[list[str] | Omitted, Query(description="With this tag; or `any`, `none`.")] = None,
    no_tag: Annotated[list[str] | Omitted, Query(description="Without this tag.")] = None,
    project: Annotated[AnyOf, Query(description="In this project or a sub-project; or `any`, `none`.")] = None,
    priority: Annotated[AnyOf, Query(description="`high`, `medium`, `low`, `any` or `none`.")] = None,
    due: Annotated[
        AnyOf, Query(description="`overdue`, `today`, `week`, a day, a span `mon..fri`, `any`, `none`.")
    ] = None,
    start: Annotated[AnyOf, Query(description="A day or a span; `later` for hidden todos.")] = None,
    done: Annotated[AnyOf, Query(description="When it was completed: a day, a span, `week`, `any` …")] = None,
    added: Annotated[AnyOf, Query(description="When it was added.")] = None,
    changed: Annotated[AnyOf, Query(description="When it was last changed.")] = None,
    before: Annotated[AnyOf, Query(description="Due before this day.")] = None,
    after: Annotated[AnyOf, Query(description="Due after this day.")] = None,
    search: Annotated[AnyOf, Query(description="With this text in the title, description or notes.")] = None,
    where: Annotated[
        AnyOf, Query(description="An expression: `+home and not (due:none or pri:low)`. Repeated: all of them.")
    ] = None,
    sort: Annotated[str, Query(description="Sort keys, `-` for descending: `due,-priority`.")] = "",
    reverse: Annotated[bool, Query(description="Reverse the order.")] = False,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="The maximum number of todos on a page.")] = 50,
    cursor: Annotated[str | Omitted, Query(description="`next_cursor` of the previous page.")] = None,
    tz: Annotated[
        str | Omitted, Query(description="The user's time zone, such as `Europe/Berlin`; the server's by default.")
    ] = None,
    if_none_match: IfNoneMatch = None,
) -> TodoList | Response:
    """List todos page by page: open ones most urgent first, completed ones newest first, others by number."""
    options = {
        "tag": tag,
        "no_tag": no_tag,
        "project": project,
        "priority": priority,
        "due": due,
        "start": start,
        "done": done,
        "added": added,
        "changed": changed,
        "before": before,
        "after": after,
        "search": search,
        "where": where,
    }
    with _query_errors_as_400():
        after_todo = Cursor.parse(cursor) if cursor is not None else None
        here = _local_time(tz)
        if after_todo:
            here = after_todo.here.astimezone(here.tzinfo)
        condition = parser.parse_options(options, today=here.date())
        query = TodoQuery(state, condition, parse_sort(sort), reverse, limit, here)
        with _workspace(request, principal) as workspace:
            page = workspace.todos.page(query, after_todo)
    return _unless_known(page, _etag_of_page(page), response, if_none_match)


@router.get(
    "/{todo_id}",
    operation_id="getTodo",
    summary="Read a todo",
    response_model=TodoRead,
    responses={304: _NOT_MODIFIED, **responses(200, "The todo.", 404, headers=("ETag",))},
)
def read(
    request: Request, response: Response, principal: Reader, todo_id: UUID, if_none_match: IfNoneMatch = None
) -> TodoRead | Response:
    """Read a todo. Its ETag can be used in `If-Match`, and in `If-None-Match`."""
    found = _find(request, principal, todo_id)
    return _unless_known(found, _etag(found), response, if_none_match)


def _unless_known(body: _Body, etag: str, response: Response, if_none_match: str | None) -> _Body | Response:
    """Return the body, with its ETag; or 304 if the client has one that is equivalent."""
    known = {_opaque(tag.strip()) for tag in (if_none_match or "").split(",")}
    if known & {_opaque(etag), "*"}:
        return Response(status_code=304, headers={"ETag": etag})
    response.headers["ETag"] = etag
    return body


def _opaque(etag: str) -> str:
    return etag.removeprefix("W/")


def _find(request: Request, principal: Principal, todo_id: UUID, *, in_trash: bool = False) -> TodoRead:
    """Return a todo. Raises `NotFound` for one in the trash, unless that is `in_trash`."""
    with _workspace(request, principal) as workspace:
        [found] = workspace.todos.with_notes(workspace.todos.get(_one(todo_id)).items)
    if found.deleted_at is not None and not in_trash:
        raise NotFound(f"{todo_id} is in the trash.", field_errors=(FieldError("todo_id", "was not found"),))
    return found


@router.patch(
    "/{todo_id}",
    operation_id="updateTodo",
    summary="Change a todo",
    responses=responses(200, "The changed todo.", 404, 409, 412, 422, headers=("ETag",)),
)
def update(
    request: Request,
    response: Response,
    principal: Writer,
    todo_id: UUID,
    changes: TodoUpdate,
    if_match: IfMatch = None,
    idempotency_key: Key = None,
) -> TodoRead:
    """Change the given fields; null clears. `is_completed` completes or reopens the todo."""
    body = changes.model_dump(mode="json", exclude_unset=True)
    key = _change_key(idempotency_key, "edit", references=[str(todo_id)], body=body)
    load = partial(_find, request, principal, todo_id)
    with _if_match(if_match, load) as expected, _workspace(request, principal) as workspace:
        updated = _only(workspace.todos.edit(_one(todo_id), changes, key, expected=expected))
        [todo] = workspace.todos.with_notes([updated])
    return _with_etag(response, todo)


@router.post(
    "/{todo_id}/notes",
    operation_id="addNote",
    summary="Add a note",
    status_code=201,
    responses=responses(201, "The todo, with all its notes.", 404, 409, 412, 422, headers=("ETag",)),
)
def add_note(
    request: Request,
    response: Response,
    principal: Writer,
    todo_id: UUID,
    note: NoteCreate,
    if_match: IfMatch = None,
    idempotency_key: Key = None,
) -> TodoRead:
    """Add a note to a todo. Notes are never overwritten."""
    key = _change_key(idempotency_key, "note", references=[str(todo_id)], text=note.text)
    load = partial(_find, request, principal, todo_id)
    with _if_match(if_match, load) as expected, _workspace(request, principal) as workspace:
        noted = workspace.note(_one(todo_id), note.text, key, expected=expected)
        [todo] = workspace.todos.with_notes([_only(noted)])
    return _with_etag(response, todo)


@router.delete(
    "/{todo_id}",
    operation_id="deleteTodo",
    summary="Remove a todo",
    status_code=204,
    response_class=Response,
    responses=responses(204, "The todo is in the trash, or deleted for good.", 404, 409, 412, item=None),
)
def delete(
    request: Request,
    response: Response,
    principal: Writer,
    todo_id: UUID,
    permanent: Annotated[
        bool, Query(description="Delete it for good, in the trash or not. The token needs the scope `destroy`.")
    ] = False,
    if_match: IfMatch = None,
    idempotency_key: Key = None,
) -> None:
    """Move a todo to the trash; `todo undo` or `todo restore` brings it back, unless it was deleted for good."""
    if permanent:
        require(principal, "destroy")
        key = _change_key(idempotency_key, "purge", references=[str(todo_id)])
        load = partial(_find, request, principal, todo_id, in_trash=True)
        with _if_match(if_match, load) as expected, _workspace(request, principal) as workspace:
            workspace.purge_one(todo_id, key, expected=expected)
        return
    key = _change_key(idempotency_key, "rm", references=[str(todo_id)])
    load = partial(_find, request, principal, todo_id)
    with _if_match(if_match, load) as expected, _workspace(request, principal) as workspace:
        workspace.todos.remove(_one(todo_id), key, expected=expected)


def _only(result: Result) -> TodoRead:
    """Return the todo of a result. Raises `NotFound` if a repeated request is about a todo purged since."""
    if not result.items:
        raise NotFound("Already applied; the todo has since been purged.")
    return result.items[0]


def _one(todo_id: UUID) -> References:
    return References((todo_id,), single=True)


def _with_etag(response: Response, todo: TodoRead) -> TodoRead:
    response.headers["ETag"] = _etag(todo)
    return todo


def _etag(todo: TodoRead) -> str:
    return f'"{todo.change_id}"'


def _etag_of_page(page: TodoList) -> str:
    """Return a weak ETag: the cursor contains the time of the request, and yet leads to the same todos."""
    versions = [(todo.id, todo.change_id) for todo in page.items]
    content = repr((versions, page.total, page.next_cursor is None))
    return f'W/"{hashlib.sha256(content.encode()).hexdigest()[:32]}"'


@contextmanager
def _if_match(if_match: str | None, load: Callable[[], TodoRead]) -> Iterator[UUID | None]:
    """Yield the change that an ETag names. Raises `PreconditionFailed` if the todo is at another version."""
    if if_match is None or if_match.strip() == "*":
        yield None
        return
    try:
        expected = UUID(if_match.strip().strip('"'))
    except ValueError:  # a list: which of them is meant, only the todo can tell
        try:
            current = load().change_id
        except NotFound:  # or it was there when the request was first sent
            current = _NEVER
        expected = current if f'"{current}"' in {tag.strip() for tag in if_match.split(",")} else _NEVER
    try:
        yield expected
    except Conflict as error:
        if any(field == IDEMPOTENCY_KEY for field, _ in error.field_errors):
            raise
        raise PreconditionFailed("The todo was changed in the meantime; this request changed nothing.") from None


@contextmanager
def _query_errors_as_400() -> Iterator[None]:
    """Answer invalid parameters with 400."""
    try:
        yield
    except ValidationError as error:
        faults = (FieldError(_RENAMED_FIELDS.get(name, name), _bare(message)) for name, message in error.field_errors)
        raise BadRequest(_bare(error.detail), field_errors=tuple(faults)) from None


def _bare(message: str) -> str:
    """Return a message without the name of a command line option."""
    return re.sub(r"^--[a-z-]+: ", "", message)


def _local_time(tz: str | None) -> datetime:
    if tz is None:
        return clock.here()
    try:
        return clock.now().astimezone(ZoneInfo(tz))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        detail = f"{tz[:40]!r} is not a time zone."
        raise ValidationError.of("tz", detail, hint="Write it like Europe/Berlin.") from None
