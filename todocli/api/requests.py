"""What every endpoint has: who asks, what may be repeated, at which version, and how an answer is cached."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Annotated, Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import Depends, Header, Path, Query, Request, Response
from pydantic import BaseModel
from pydantic.json_schema import SkipJsonSchema, WithJsonSchema

from todocli import clock
from todocli.api.auth import UUID_PATTERN, require_read, require_write
from todocli.api.errors import BadRequest, PreconditionFailed
from todocli.domain.filters import parser
from todocli.domain.history import Origin
from todocli.domain.idempotency import ChangeKey, fingerprint
from todocli.domain.ids import new_id
from todocli.domain.references import References
from todocli.errors import Conflict, FieldError, NotFound, ValidationError
from todocli.schemas.http import TodoName
from todocli.schemas.todos import TodoRead
from todocli.services.resolve import Result
from todocli.services.tokens import Principal
from todocli.services.workspace import Workspace

BASE = "/api/v1"

MAX_LIMIT = 1_000
"""The most items of one answer."""

IDEMPOTENCY_KEY = "Idempotency-Key"
NOT_MODIFIED: dict[str, Any] = {"description": "Nothing has changed since the response with that ETag."}

_RENAMED_FIELDS = {"filter": "where"}
"""Fields of errors that have another name over HTTP."""

_NEVER = UUID(int=0)
"""A change that no todo is at."""

_Body = TypeVar("_Body", bound=BaseModel | Response)

Omitted = SkipJsonSchema[None]
"""The value of an omitted parameter or header, which cannot be null."""


TodoPath = Annotated[TodoName, Path(description="The todo's id, or its number.")]

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
_Text = {"type": "string"}
AnyOf = Annotated[list[str] | Omitted, WithJsonSchema({"anyOf": [_Text, {"type": "array", "items": _Text}]})]
"""The value of a filter parameter: repeated, any of them."""

TimeZone = Annotated[
    str | Omitted, Query(description="The user's time zone, such as `Europe/Berlin`; the server's by default.")
]


@contextmanager
def open_workspace(request: Request, principal: Principal, *, missing: str | None = None) -> Iterator[Workspace]:
    """Open the client's workspace for one request. What is wrong with its todo is an error of the field `missing`.

    One that another would need, or be a subtask of, is an error of what refers to it.
    """
    refuse_unknown(request)
    try:
        origin = Origin("api", principal.token_name)
        with Workspace(request.app.state.store, principal.owner, origin=origin) as workspace:
            yield workspace
    except NotFound as error:
        if missing is None or error.numbers:
            raise
        raise NotFound(error.detail, field_errors=(FieldError(missing, "was not found"),)) from None
    except ValidationError as error:
        names = {"reference": missing} if missing else {}
        error.field_errors = tuple(FieldError(names.get(name, name), text) for name, text in error.field_errors)
        raise
    except Conflict as error:
        if any(field == "change" for field, _ in error.field_errors):
            detail = f"The {IDEMPOTENCY_KEY} was used before, for another request; nothing was changed."
            raise Conflict.of(IDEMPOTENCY_KEY, detail) from None
        raise


def change_key(key: UUID | None, verb: str, **request: object) -> ChangeKey:
    """Return the key of a change: the client's or a new one, with the fingerprint of the request."""
    return ChangeKey(key or new_id(clock.now()), fingerprint(verb, **request))


def refuse_unknown(request: Request) -> None:
    """Raise `BadRequest` for unknown or repeated query parameters."""
    known = {parameter.alias for parameter in request.scope["route"].dependant.query_params}
    given = [name for name, _ in request.query_params.multi_items()]
    for name in given:
        if name not in known or (given.count(name) > 1 and name not in parser.OPTIONS):
            fault = FieldError(name[:40], "is not a known parameter" if name not in known else "must not be repeated")
            raise BadRequest(f"{fault.field!r} {fault.message}.", field_errors=(fault,))


def find_one(request: Request, principal: Principal, todo_id: TodoPath, *, in_trash: bool = False) -> TodoRead:
    """Return a todo. Raises `NotFound` for one in the trash, unless that is `in_trash`."""
    with open_workspace(request, principal, missing="todo_id") as workspace:
        [found] = workspace.todos.with_notes(workspace.todos.get(referenced(todo_id)).items)
    if found.deleted_at is not None and not in_trash:
        raise NotFound(f"{todo_id} is in the trash.", field_errors=(FieldError("todo_id", "was not found"),))
    return found


def change_one(
    request: Request,
    response: Response,
    principal: Principal,
    todo_id: UUID | int,
    if_match: str | None,
    change: Callable[[Workspace, UUID | None], Result],
    *,
    in_trash: bool = False,
) -> TodoRead:
    """Return a todo after a change, with its notes, and its ETag in the response.

    `change` is given the version that the todo must be at. Raises as `versioned` and `find_one`.
    """
    load = partial(find_one, request, principal, todo_id, in_trash=in_trash)
    with versioned(if_match, load) as expected, open_workspace(request, principal, missing="todo_id") as workspace:
        changed = only(change(workspace, expected))  # it may end the session, so the next line asks for another
        [todo] = workspace.todos.with_notes([changed])
    return with_etag(response, todo)


def referenced(todo_id: UUID | int) -> References:
    """Return the reference to one todo."""
    return References((todo_id,), single=True)


def only(result: Result) -> TodoRead:
    """Return the todo of a result. Raises `NotFound` if a repeated request is about a todo purged since."""
    if not result.items:
        raise NotFound("Already applied; the todo has since been purged.")
    return result.items[0]


def unless_known(body: _Body, etag: str, response: Response, if_none_match: str | None) -> _Body | Response:
    """Return the body, with its ETag; or 304 if the client has one that is equivalent."""
    if is_known(etag, if_none_match):
        return Response(status_code=304, headers={"ETag": etag})
    response.headers["ETag"] = etag
    return body


def is_known(etag: str, if_none_match: str | None) -> bool:
    """Whether a client has what an ETag names (RFC 9110, 13.1.2: weak ones are equivalent)."""
    known = {_opaque(tag.strip()) for tag in (if_none_match or "").split(",")}
    return not known.isdisjoint((_opaque(etag), "*"))


def _opaque(etag: str) -> str:
    return etag.removeprefix("W/")


def with_etag(response: Response, todo: TodoRead) -> TodoRead:
    """Return a todo, with its ETag in the response."""
    response.headers["ETag"] = etag_of(todo)
    return todo


def etag_of(todo: TodoRead) -> str:
    """Return the ETag of a todo: the change that it is at, and of what other changes decide.

    That is what it waits for, and its subtasks.
    """
    parts = [str(todo.change_id), ".".join(map(str, todo.blocked_by)), _digest(todo.subtasks, todo.open_subtasks)]
    return f'"{":".join(parts).rstrip(":")}"'


def _digest(*numbers: list[int]) -> str:
    return hashlib.sha256(repr(numbers).encode()).hexdigest()[:16] if any(numbers) else ""


def weak_etag(content: object) -> str:
    """Return the weak ETag of an answer, from what it depends on."""
    return f'W/"{hashlib.sha256(repr(content).encode()).hexdigest()[:32]}"'


def _change_of(etag: str) -> str:
    """Return the change that the ETag of a todo names."""
    return etag.strip().strip('"').partition(":")[0]


@contextmanager
def versioned(if_match: str | None, load: Callable[[], TodoRead]) -> Iterator[UUID | None]:
    """Yield the change that an ETag names. Raises `PreconditionFailed` if the todo is at another version."""
    if if_match is None or if_match.strip() == "*":
        yield None
        return
    try:
        expected = UUID(_change_of(if_match))
    except ValueError:  # a list: which of them is meant, only the todo can tell
        try:
            current = load().change_id
        except NotFound:  # or it was there when the request was first sent
            current = _NEVER
        expected = current if str(current) in map(_change_of, if_match.split(",")) else _NEVER
    try:
        yield expected
    except Conflict as error:
        if any(field == IDEMPOTENCY_KEY for field, _ in error.field_errors):
            raise
        raise PreconditionFailed("The todo was changed in the meantime; this request changed nothing.") from None


@contextmanager
def query_errors_as_400() -> Iterator[None]:
    """Answer invalid parameters with 400."""
    try:
        yield
    except ValidationError as error:
        faults = (FieldError(_RENAMED_FIELDS.get(name, name), _bare(message)) for name, message in error.field_errors)
        raise BadRequest(_bare(error.detail), field_errors=tuple(faults)) from None


def _bare(message: str) -> str:
    """Return a message without the name of a command line option."""
    return re.sub(r"^--[a-z-]+: ", "", message)


def local_time(tz: str | None) -> datetime:
    """Return the time where the client is. Raises `ValidationError` for what is no time zone."""
    if tz is None:
        return clock.here()
    try:
        return clock.now().astimezone(ZoneInfo(tz))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        detail = f"{tz[:40]!r} is not a time zone."
        raise ValidationError.of("tz", detail, hint="Write it like Europe/Berlin.") from None
