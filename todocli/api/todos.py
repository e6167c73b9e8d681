"""The five endpoints of todos."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Annotated, Literal
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic.json_schema import SkipJsonSchema

from todocli import clock
from todocli.api.auth import reader, writer
from todocli.api.errors import BadRequest, PreconditionFailed
from todocli.api.openapi import answers
from todocli.domain.filters import parser
from todocli.domain.filters.ast import Filter, Not, all_of
from todocli.domain.references import References
from todocli.domain.sorting import parse_sort
from todocli.errors import Conflict, FieldError, NotFound, ValidationError
from todocli.schemas.todos import TodoCreate, TodoPage, TodoRead, TodoUpdate
from todocli.services.paging import Cursor
from todocli.services.queries import TodoQuery
from todocli.services.todos import Todos
from todocli.services.tokens import Principal

MAX_LIMIT = 200

_KEY = "Idempotency-Key"
_PARAMETERS = {"filter": "where"}
"""Fields of filters that have other names here."""

_REPEATED = ("tag", "no_tag")
_SINGLE = ("project", "priority", "due", "start", "before", "after", "search")
router = APIRouter(prefix="/todos", tags=["todos"])

Absent = SkipJsonSchema[None]
"""What is not given beside a body: there is no null there."""

Reader = Annotated[Principal, Depends(reader)]
Writer = Annotated[Principal, Depends(writer)]
Key = Annotated[UUID | Absent, Header(alias=_KEY, description="Names the step: sent again, it is not made again.")]
IfMatch = Annotated[
    str | Absent, Header(alias="If-Match", description="An ETag: only if the todo is still as it was seen.")
]


@contextmanager
def _todos(request: Request, bearer: Principal) -> Iterator[Todos]:
    _refuse_unknown(request)
    try:
        with request.app.state.store.session() as session:
            yield Todos(session, bearer.owner, source="api")
    except Conflict as error:
        if any(field == "change" for field, _ in error.field_errors):
            detail = "The Idempotency-Key was used before, for another step; nothing was changed."
            raise Conflict(detail, field_errors=(FieldError(_KEY, detail),)) from None
        raise


def _refuse_unknown(request: Request) -> None:
    """Raise `BadRequest` for query parameters that there are not, or more than once: what they ask is not clear."""
    known = {parameter.alias for parameter in request.scope["route"].dependant.query_params}
    given = [name for name, _ in request.query_params.multi_items()]
    for name in given:
        if name not in known or (given.count(name) > 1 and name not in _REPEATED):
            detail = "is not a known parameter" if name not in known else "may be given only once"
            raise BadRequest(f"The {name[:40]} {detail}.", field_errors=(FieldError(name[:40], detail),))


@router.post(
    "",
    operation_id="create_todo",
    summary="Add a todo",
    status_code=201,
    responses=answers(201, "The todo that was added.", 409, 422, headers=("ETag", "Location")),
)
def create(
    request: Request,
    response: Response,
    bearer: Writer,
    todo: TodoCreate,
    idempotency_key: Key = None,
) -> TodoRead:
    """Add a todo; it takes the user's next number."""
    with _todos(request, bearer) as todos:
        added = todos.add([todo], change=idempotency_key).items[0]
    response.headers["Location"] = str(request.url_for("read", todo_id=added.id).path)
    return _tagged(response, added)


@router.get(
    "",
    operation_id="list_todos",
    summary="List todos",
    responses=answers(200, "A page of the todos that match.", item="/items/0"),
)
def find(
    request: Request,
    bearer: Reader,
    state: Annotated[Literal["open", "completed", "all"], Query(description="Which of them.")] = "open",
    tag: Annotated[list[str] | Absent, Query(description="With this tag; or `any`, `none`.")] = None,
    no_tag: Annotated[list[str] | Absent, Query(description="Without this tag.")] = None,
    project: Annotated[str | Absent, Query(description="In this project and its parts; or `any`, `none`.")] = None,
    priority: Annotated[str | Absent, Query(description="`high`, `medium`, `low`, `any` or `none`.")] = None,
    due: Annotated[
        str | Absent, Query(description="`overdue`, `today`, `week`, a day, a span `mon..fri`, `any`, `none`.")
    ] = None,
    start: Annotated[str | Absent, Query(description="A day or a span; `later` for what is still hidden.")] = None,
    before: Annotated[str | Absent, Query(description="Due before this day.")] = None,
    after: Annotated[str | Absent, Query(description="Due after this day.")] = None,
    search: Annotated[str | Absent, Query(description="With this text in title or description.")] = None,
    where: Annotated[str | Absent, Query(description="An expression: `+home and not (due:none or pri:low)`.")] = None,
    sort: Annotated[str, Query(description="Keys with commas, `-` turns one round: `due,-priority`.")] = "",
    reverse: Annotated[bool, Query(description="Turn the order round.")] = False,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many at most.")] = 50,
    cursor: Annotated[str | Absent, Query(description="`next_cursor` of the page before.")] = None,
    tz: Annotated[
        str | Absent, Query(description="Where the user is, as `Europe/Berlin`: there days begin. Else as the server.")
    ] = None,
) -> TodoPage:
    """List todos page by page, first what is to be done first."""
    given = locals()
    with _beside_the_body():
        place = Cursor.parse(cursor) if cursor is not None else None
        here = _here(tz)
        here = place.here if place else here
        today = here.date()

        def option(name: str, value: str) -> Filter:
            return parser.parse_option(name, value, today=today)

        condition = all_of(
            *(option("tag", name) for name in tag or ()),
            *(Not(option("tag", name)) for name in no_tag or ()),
            *(option(name, given[name]) for name in _SINGLE if given[name] is not None),
            *([parser.parse_where(where, today=today)] if where is not None else []),
        )
        parser.bounded(condition)
        listing = TodoQuery(state, condition, parse_sort(sort), reverse, limit, here)
        with _todos(request, bearer) as todos:
            return todos.page(listing, place)


@router.get(
    "/{todo_id}",
    operation_id="read_todo",
    summary="Read a todo",
    responses=answers(200, "The todo.", 404, headers=("ETag",)),
)
def read(request: Request, response: Response, bearer: Reader, todo_id: UUID) -> TodoRead:
    """Read a todo. Its ETag is good for `If-Match`."""
    with _todos(request, bearer) as todos:
        found = todos.get(_one(todo_id)).items[0]
    if found.deleted_at is not None:
        raise NotFound(f"{todo_id} is in the trash.", field_errors=(FieldError("reference", "was not found"),))
    return _tagged(response, found)


@router.patch(
    "/{todo_id}",
    operation_id="update_todo",
    summary="Change a todo",
    responses=answers(200, "The todo as it is now.", 404, 409, 412, 422, headers=("ETag",)),
)
def update(
    request: Request,
    response: Response,
    bearer: Writer,
    todo_id: UUID,
    changes: TodoUpdate,
    if_match: IfMatch = None,
    idempotency_key: Key = None,
) -> TodoRead:
    """Change what is given; null clears. `is_completed` completes it, or makes it open again."""
    look = partial(read, request, response, bearer, todo_id)
    with _if_it_matches(if_match, look) as expected, _todos(request, bearer) as todos:
        outcome = todos.edit(_one(todo_id), changes, expected=expected, change=idempotency_key)
    return _tagged(response, outcome.items[0])


@router.delete(
    "/{todo_id}",
    operation_id="delete_todo",
    summary="Remove a todo",
    status_code=204,
    response_class=Response,
    responses=answers(204, "It is in the trash.", 404, 409, 412, item=None),
)
def delete(
    request: Request,
    response: Response,
    bearer: Writer,
    todo_id: UUID,
    if_match: IfMatch = None,
    idempotency_key: Key = None,
) -> None:
    """Move a todo to the trash; `todo undo` or `todo restore` brings it back."""
    look = partial(read, request, response, bearer, todo_id)
    with _if_it_matches(if_match, look) as expected, _todos(request, bearer) as todos:
        todos.remove(_one(todo_id), expected=expected, change=idempotency_key)


def _one(todo_id: UUID) -> References:
    return References((todo_id,), single=True)


def _tagged(response: Response, todo: TodoRead) -> TodoRead:
    response.headers["ETag"] = f'"{todo.change_id}"'
    return todo


@contextmanager
def _if_it_matches(if_match: str | None, look: Callable[[], TodoRead]) -> Iterator[UUID | None]:
    """Give the step that an ETag stands for. Raises `PreconditionFailed` if the todo is not as it says."""
    if if_match is None or if_match.strip() == "*":
        yield None
        return
    try:
        expected = UUID(if_match.strip().strip('"'))
    except ValueError:
        expected = look().change_id  # what is not there is not found, whatever it should be like
        if f'"{expected}"' not in {tag.strip() for tag in if_match.split(",")}:
            raise PreconditionFailed("The todo is not as If-Match says.") from None
    try:
        yield expected
    except Conflict as error:
        if any(field == _KEY for field, _ in error.field_errors):
            raise
        raise PreconditionFailed("The todo was changed meanwhile; nothing was changed now.") from None


@contextmanager
def _beside_the_body() -> Iterator[None]:
    """Turn what does not validate into an answer of 400."""
    try:
        yield
    except ValidationError as error:
        faults = (FieldError(_PARAMETERS.get(name, name), _bare(message)) for name, message in error.field_errors)
        raise BadRequest(_bare(error.detail), field_errors=tuple(faults)) from None


def _bare(message: str) -> str:
    """Return a message without the name of the command line's option."""
    return re.sub(r"^--[a-z-]+: ", "", message)


def _here(tz: str | None) -> datetime:
    if tz is None:
        return clock.here()
    try:
        return clock.now().astimezone(ZoneInfo(tz))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        detail = f"{tz[:40]!r} is no time zone."
        raise ValidationError(
            detail, hint="Write it as Europe/Berlin.", field_errors=(FieldError("tz", detail),)
        ) from None
