"""What an edit does to each todo, and the limits that only the database can see."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from todocli.domain.dates import Shift
from todocli.domain.fields import MAX_NEEDS, MAX_TAGS
from todocli.errors import Hint, ValidationError
from todocli.schemas.todos import TodoUpdate
from todocli.services import dependencies, subtasks
from todocli.services.links import Links
from todocli.services.series import bookkeeping
from todocli.services.update_sql import Assignment, ChangeMembers, Clear, Mark, Move, UpdateShape
from todocli.services.updates import UpdateSpec

COMPLETE, REOPEN = Mark("completed_at"), Clear("completed_at")


def edit_spec(
    update: TodoUpdate,
    at: datetime,
    *,
    expected: UUID | None = None,
    shifts: Mapping[str, Shift] | None = None,
    strict: bool = False,
    more: Mapping[str, object] | None = None,
    series: bool = False,
) -> UpdateSpec:
    """Return what an update does to each todo, with `more` columns to set; see `Todos.edit`."""
    values = update.columns() | dict(more or {})
    assignments = [Assignment(column) for column in values]
    assignments += [Move(column, shift) for column, shift in (shifts or {}).items()]
    if update.add_tags or update.remove_tags:
        assignments.append(ChangeMembers("tags", frozenset(update.add_tags), frozenset(update.remove_tags)))
    if update.add_needs or update.remove_needs:
        assignments.append(ChangeMembers("needs", frozenset(update.add_needs), frozenset(update.remove_needs)))
    assignments += bookkeeping(assignments, values, for_series=series)
    if "is_completed" in update.model_fields_set:
        assignments.append(COMPLETE if update.is_completed else REOPEN)
    shape = UpdateShape(
        tuple(assignments),
        is_versioned=expected is not None,
        links=Links.of([update]),
        frees=update.is_completed,
        continues=update.is_completed,
        is_strict=strict and update.is_completed,
    )
    return UpdateSpec(at, shape, values, expected)


@contextmanager
def list_limits() -> Iterator[None]:
    """Raise `ValidationError` for too many tags, needs or levels, or a cycle: only the database can tell."""
    try:
        yield
    except sa.exc.IntegrityError as error:
        text = str(error.orig)
        if "ck_todos_tags" in text:
            detail = f"A todo has at most {MAX_TAGS} tags; nothing was changed."
            raise ValidationError.of(
                "tags", detail, hint=Hint("Remove some.", "Remove some with --untag NAME.")
            ) from None
        if "would be on level" in text:
            raise subtasks.level_error(*map(int, re.findall(r"todo (\d+) would be on level (\d+)", text)[0])) from None
        if "would wait for itself" in text:
            raise dependencies.cycle_error([int(text.split()[1])]) from None
        if "ck_todos_needs" in text:
            detail = f"A todo needs at most {MAX_NEEDS} others; nothing was changed."
            raise ValidationError.of("needs", detail, hint="Remove some, as in needs:-12.") from None
        raise
