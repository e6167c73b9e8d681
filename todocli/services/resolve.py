"""From references to rows: which todos are named, which names found nothing, and in what order the answer stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col

from todocli.domain.references import NumberRange, Reference, References
from todocli.errors import FieldError, NotFound
from todocli.models import Todo
from todocli.schemas.todos import TodoRead

COLUMNS = tuple(column for column in sa.inspect(Todo).local_table.c if column.name != "change_source")
"""What is read of a todo."""


def read(row: sa.RowMapping) -> TodoRead:
    """Return a row of `COLUMNS` as part of the contract."""
    fields = {name: row[name] for name in TodoRead.model_fields if name != "is_completed"}
    return TodoRead(is_completed=row["completed_at"] is not None, **fields)


@dataclass(frozen=True)
class Result:
    """The todos that a step was about, in the order they were named, and the numbers of those it changed.

    Of a range these are the todos that it changed; of other references all, also what was so already.
    """

    items: list[TodoRead]
    changed: frozenset[int]


def where_referenced(references: References) -> sa.ColumnElement[bool]:
    """Return the condition that a todo is named by `references`. It says nothing of whose it is."""
    conditions: list[sa.ColumnElement[bool]] = []
    if references.numbers:
        conditions.append(col(Todo.number).in_(references.numbers))
    if references.ids:
        conditions.append(col(Todo.id).in_(references.ids))
    conditions += [col(Todo.number).between(span.first, span.last) for span in references.ranges]
    return sa.or_(sa.false(), *conditions)


def all_resolved(picked: sa.CTE, references: References) -> list[sa.ColumnElement[bool]]:
    """Return the conditions that every reference found something among the rows of `picked`."""
    count = sa.select(sa.func.count()).select_from(picked)
    conditions: list[sa.ColumnElement[bool]] = []
    if references.numbers:
        found = count.where(picked.c.number.in_(references.numbers)).scalar_subquery()
        conditions.append(found == len(references.numbers))
    if references.ids:
        found = count.where(picked.c.id.in_(references.ids)).scalar_subquery()
        conditions.append(found == len(references.ids))
    for span in references.ranges:
        inside = picked.c.number.between(span.first, span.last)
        conditions.append(sa.exists(sa.select(picked.c.id).where(inside)))
    return conditions


def matching(references: References, number: int, todo_id: UUID) -> list[Reference]:
    """Return those of `references` that name the todo with this number and id."""
    return [
        reference
        for reference in references.items
        if (
            reference.first <= number <= reference.last
            if isinstance(reference, NumberRange)
            else reference in (number, todo_id)
        )
    ]


def matches(reference: Reference, todo: TodoRead) -> bool:
    """Return whether `reference` names `todo`."""
    return bool(matching(References((reference,)), todo.number, todo.id))


def missing(references: References, todos: Iterable[TodoRead]) -> list[Reference]:
    """Return the references that name none of `todos`."""
    todos = list(todos)
    known: set[Reference] = {name for todo in todos for name in (todo.number, todo.id)}
    return [
        reference
        for reference in references.items
        if reference not in known
        and not (isinstance(reference, NumberRange) and any(matches(reference, todo) for todo in todos))
    ]


def in_order(references: References, todos: Sequence[TodoRead]) -> list[TodoRead]:
    """Return `todos` in the order in which they are named, each once; those of a range by number."""
    by_number = sorted(todos, key=lambda todo: todo.number)
    by_name: dict[Reference, TodoRead] = {name: todo for todo in todos for name in (todo.number, todo.id)}
    ordered: dict[int, TodoRead] = {}
    for reference in references.items:
        if isinstance(reference, NumberRange):
            chosen = [todo for todo in by_number if matches(reference, todo)]
        else:
            chosen = [by_name[reference]] if reference in by_name else []
        for todo in chosen:
            ordered.setdefault(todo.number, todo)
    return list(ordered.values())


def is_named(references: References, todo: TodoRead) -> bool:
    """Return whether `todo` is named by its number or its id, and not only by a range."""
    return todo.number in references.items or todo.id in references.items


def result_for(references: References, todos: Sequence[TodoRead], changed: Set[UUID]) -> Result:
    """Return the answer about `todos`: of a range, those that it changed; of other references, all."""
    items = [todo for todo in todos if todo.id in changed or is_named(references, todo)]
    return Result(in_order(references, items), frozenset(todo.number for todo in todos if todo.id in changed))


def not_found(lost: Sequence[Reference], trashed: Sequence[TodoRead]) -> NotFound:
    """Return the error that names every reference that found nothing; `trashed` are those found in the trash."""
    in_trash = [reference for reference in lost if any(matches(reference, todo) for todo in trashed)]
    unknown = [reference for reference in lost if reference not in in_trash]
    sentences = []
    if unknown:
        one = len(unknown) == 1 and not isinstance(unknown[0], NumberRange)
        sentences.append(f"There {'is no todo' if one else 'are no todos'} {_listed(unknown)}.")
    if in_trash:
        sentences.append(f"{_listed(in_trash)} {'is' if len(in_trash) == 1 else 'are'} in the trash.")
        hint = f"todo restore {' '.join(map(str, in_trash[:10]))}"
    else:
        hint = "todo list --all shows every number."
    return NotFound(
        " ".join(sentences),
        hint=hint,
        field_errors=tuple(FieldError("reference", f"{reference} was not found") for reference in lost),
    )


def _listed(references: Sequence[Reference]) -> str:
    shown = [str(reference) for reference in references[:10]]
    more = len(references) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
