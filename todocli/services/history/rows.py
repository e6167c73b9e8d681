"""What history says of a step that was made before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import SQLModel

from todocli.errors import Conflict, FieldError
from todocli.models import ClockTime, Names, UtcDateTime
from todocli.schemas.todos import TodoRead

_todos = SQLModel.metadata.tables["todos"]


class Made(NamedTuple):
    """What history says of one todo in one step; None where it was not there."""

    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


def as_made(todo: TodoRead, after: Mapping[str, Any]) -> TodoRead:
    """Return `todo` as history says a step left it."""
    was = typed(after)
    return todo.model_copy(update=was | {"is_completed": was.get("completed_at") is not None})


def typed(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of history with values of the columns' own types, and without what is no column any more."""
    return {name: _of_type(_todos.c[name].type, value) for name, value in row.items() if name in _todos.c}


def _of_type(kind: sa.types.TypeEngine[Any], value: Any) -> Any:
    """Return a value of history's JSON as the column has it in Python."""
    if isinstance(kind, Names):
        return value or []
    for known, parse in _PARSED:
        if value is not None and isinstance(kind, known):
            return parse(value)
    return value


_PARSED: tuple[tuple[type[Any], Callable[[str], Any]], ...] = (
    (UtcDateTime, datetime.fromisoformat),
    (sa.Date, date.fromisoformat),
    (ClockTime, time.fromisoformat),
)


def another_step(step: UUID) -> Conflict:
    """Return the error for a name that belongs to another step."""
    detail = f"--change {step} was used before, for another step; nothing was changed."
    return Conflict(
        detail, hint="Leave --change out, or give a new UUID.", field_errors=(FieldError("change", detail),)
    )
