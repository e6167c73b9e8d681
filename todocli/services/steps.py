"""What history says of a step that was made before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from todocli.errors import Conflict, FieldError
from todocli.schemas.todos import TodoRead


class Made(NamedTuple):
    """What history says of one todo in one step; None where it was not there."""

    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


def as_made(todo: TodoRead, after: Mapping[str, Any]) -> TodoRead:
    """Return `todo` as history says a step left it."""
    was = {name: after.get(name) for name in ("title", "description", "deleted_at")}
    return todo.model_copy(update=was | {"is_completed": after.get("completed_at") is not None})


def another_step(step: UUID) -> Conflict:
    """Return the error for a name that belongs to another step."""
    detail = f"--change {step} was used before, for another step; nothing was changed."
    return Conflict(
        detail, hint="Leave --change out, or give a new UUID.", field_errors=(FieldError("change", detail),)
    )
