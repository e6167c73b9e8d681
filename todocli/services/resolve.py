"""From references to rows: which todos are meant, which references match nothing, and the order of the result."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

import sqlalchemy as sa

from todocli.domain.references import NumberRange, Reference, ReferenceKinds, References
from todocli.errors import FieldError, NotFound
from todocli.models import Todo
from todocli.schemas.todos import TodoLine, TodoRead, state_of
from todocli.services.dependency_sql import OpenNeeds
from todocli.services.subtask_sql import Subtasks

Item = TypeVar("Item")

_todo = sa.inspect(Todo).local_table.c

COLUMNS: tuple[sa.ColumnElement[Any], ...] = (
    *(column for column in _todo if column.name not in ("change_source", "change_actor", "change_request")),
    OpenNeeds(_todo.user_id, _todo.needs).label("blocked_by"),
    Subtasks(_todo.user_id, _todo.number).label("subtasks"),
)
"""What is read of a todo: its columns, what it waits for, and its subtasks."""

_LINE = ("number", "title", "completed_at", "deleted_at", "due_on", "due_time", "priority", "project", "tags")

_NAMES = tuple(str(column.key) for column in COLUMNS)


def read(row: sa.RowMapping) -> TodoRead:
    """Return a row that begins with `COLUMNS` as part of the contract."""
    fields: dict[str, Any] = dict(
        zip(_NAMES, row.values(), strict=False)
    )  # others may follow; ten times as fast as by name
    fields |= {"is_completed": fields["completed_at"] is not None, "notes": None if fields["note_count"] else []}
    fields |= _repeating(fields) if fields["rrule"] else _NOT_REPEATING
    marked = fields["subtasks"]
    fields |= {"subtasks": [abs(number) for number in marked], "open_subtasks": [each for each in marked if each > 0]}
    return TodoRead.model_validate(fields)


_NOT_REPEATING = {"every": None, "again": None}


def _repeating(fields: Mapping[str, Any]) -> dict[str, str | None]:
    """Return how a todo repeats, in words."""
    from todocli.domain.recurrence import Repetition
    from todocli.domain.recurrence_phrases import short

    words = short(Repetition(fields["rrule"], fields["repeat_from"]))
    return {**_NOT_REPEATING, "every" if fields["repeat_from"] == "due" else "again": words}


def read_line(row: sa.RowMapping) -> TodoLine:
    """Return a row that begins with the columns of a line."""
    values: Iterable[Any] = islice(row.values(), len(_LINE))
    number, title, completed_at, deleted_at, *others = values
    return TodoLine(number, title, state_of(completed_at, deleted_at), *others)


@dataclass(frozen=True)
class Shape(Generic[Item]):
    """What a list reads of each todo: the columns, and what becomes of a row that begins with them."""

    columns: tuple[sa.ColumnElement[Any], ...]
    read: Callable[[sa.RowMapping], Item]


WHOLE = Shape(COLUMNS, read)
LINE = Shape(tuple(_todo[name] for name in _LINE), read_line)


class Followed(NamedTuple):
    """A todo that comes next in a series, the number of the one that it follows, and how many dates were skipped."""

    todo: TodoRead
    after: int
    skipped: int


@dataclass(frozen=True)
class Result:
    """The todos that a command was about, in the order of its references, and the numbers of those it changed.

    Of a range these are only the changed todos; of other references all, unchanged ones too. With `is_repeat` the
    change had been made before, under the same key. `freed` are the numbers of the todos that no longer wait, and
    `followed` what comes next in the series of those that repeat. `along` are the subtasks that changed with them.
    """

    items: list[TodoRead]
    changed: frozenset[int]
    is_repeat: bool = False
    freed: tuple[int, ...] = ()
    followed: tuple[Followed, ...] = ()
    along: tuple[TodoRead, ...] = ()


def values_of(references: References) -> dict[str, object]:
    """Return the parameters of `is_referenced` and `all_resolved`."""
    numbers, ids = references.numbers, references.ids
    values: dict[str, object] = {"references": numbers, "reference_ids": ids}
    values |= {"reference_count": len(numbers), "reference_id_count": len(ids)}
    for i, span in enumerate(references.ranges):
        values |= {f"first_{i}": span.first, f"last_{i}": span.last}
    return values


def _among(column: sa.ColumnElement[Any], name: str, values: Mapping[str, Any]) -> sa.ColumnElement[bool]:
    value = {"value": values[name]} if values else {}
    return column.in_(sa.bindparam(name, expanding=True, type_=column.type, **value))


def _within(column: sa.ColumnElement[int], i: int, values: Mapping[str, Any]) -> sa.ColumnElement[bool]:
    if values:
        return column.between(values[f"first_{i}"], values[f"last_{i}"])
    return column.between(sa.bindparam(f"first_{i}"), sa.bindparam(f"last_{i}"))


def is_referenced(kinds: ReferenceKinds, values: Mapping[str, Any] = MappingProxyType({})) -> sa.ColumnElement[bool]:
    """Return the condition that references of these kinds, which `values_of` has, refer to a todo of some user.

    It has the `values`, or they are parameters of the statement that it is in.
    """
    conditions = [_within(_todo["number"], i, values) for i in range(kinds.ranges)]
    if kinds.has_numbers:
        conditions.append(_among(_todo["number"], "references", values))
    if kinds.has_ids:
        conditions.append(_among(_todo["id"], "reference_ids", values))
    return sa.or_(sa.false(), *conditions)


def where_referenced(references: References) -> sa.ColumnElement[bool]:
    """Return the same condition with the values of `references`."""
    return is_referenced(references.kinds, values_of(references))


def all_resolved(rows: sa.CTE, kinds: ReferenceKinds) -> list[sa.ColumnElement[bool]]:
    """Return the conditions that each reference matches at least one of `rows`; `values_of` has their parameters."""
    conditions: list[sa.ColumnElement[bool]] = [
        sa.exists(sa.select(rows.c.id).where(_within(rows.c.number, i, {}))) for i in range(kinds.ranges)
    ]
    count = sa.select(sa.func.count()).select_from(rows)
    for is_there, column, name in (
        (kinds.has_numbers, rows.c.number, "reference"),
        (kinds.has_ids, rows.c.id, "reference_id"),
    ):
        if is_there:
            found = count.where(_among(column, f"{name}s", {})).scalar_subquery()
            conditions.append(found == sa.bindparam(f"{name}_count", type_=sa.BigInteger()))
    return conditions


def matches(reference: Reference, todo: TodoRead) -> bool:
    """Whether `reference` refers to `todo`."""
    if isinstance(reference, NumberRange):
        return reference.first <= todo.number <= reference.last
    return reference in (todo.number, todo.id)


def missing(references: References, todos: Iterable[TodoRead]) -> list[Reference]:
    """Return the references that match none of `todos`."""
    todos = list(todos)
    known: set[Reference] = {name for todo in todos for name in (todo.number, todo.id)}
    return [
        reference
        for reference in references.items
        if reference not in known
        and not (isinstance(reference, NumberRange) and any(matches(reference, todo) for todo in todos))
    ]


def in_order(references: References, todos: Sequence[TodoRead]) -> list[TodoRead]:
    """Return `todos` in the order of their references, each once; those of a range by number."""
    by_number = sorted(todos, key=lambda todo: todo.number)
    by_name: dict[Reference, TodoRead] = {name: todo for todo in todos for name in (todo.number, todo.id)}
    ordered: dict[int, TodoRead] = {}
    for reference in references.items:
        if isinstance(reference, NumberRange):
            found = [todo for todo in by_number if matches(reference, todo)]
        else:
            found = [by_name[reference]] if reference in by_name else []
        for todo in found:
            ordered.setdefault(todo.number, todo)
    return list(ordered.values())


def result_for(
    references: References,
    todos: Sequence[TodoRead],
    changed: Set[UUID],
    *,
    is_repeat: bool = False,
    freed: Sequence[int] = (),
    followed: Sequence[Followed] = (),
    is_preview: bool = False,
) -> Result:
    """Return the result for `todos`, without those that only a range references and that did not change.

    A preview has those that would change, and has changed none.
    """
    named = {*references.numbers, *references.ids}
    items = [todo for todo in todos if todo.id in changed or todo.number in named or todo.id in named]
    numbers = frozenset(todo.number for todo in todos if todo.id in changed and not is_preview)
    found = in_order(references, items)
    there = {todo.id for todo in found}
    along = sorted((todo for todo in items if todo.id not in there), key=lambda todo: todo.number)
    return Result(found, numbers, is_repeat, tuple(freed), tuple(followed), tuple(along))


def not_found(missing: Sequence[Reference], found: Sequence[TodoRead]) -> NotFound:
    """Return the error that names every missing reference; those that match one of `found` are in the trash."""
    in_trash = [reference for reference in missing if any(matches(reference, todo) for todo in found)]
    unknown = [reference for reference in missing if reference not in in_trash]
    sentences = []
    hint, command = "See all todos", ["list", "--all"]
    if unknown:
        sentences.append(f"There {'is no todo' if _is_one(unknown) else 'are no todos'} {_listed(unknown)}.")
    if in_trash:
        sentences.append(f"{_listed(in_trash)} {'is' if _is_one(in_trash) else 'are'} in the trash.")
        hint, command = "To restore", ["restore", *map(str, in_trash[:10])]
    return NotFound(
        " ".join(sentences),
        hint=hint,
        command=("todo", *command),
        field_errors=tuple(FieldError("reference", f"{reference} was not found") for reference in missing),
    )


def _is_one(references: Sequence[Reference]) -> bool:
    return len(references) == 1 and not isinstance(references[0], NumberRange)


def _listed(references: Sequence[Reference]) -> str:
    shown = [str(reference) for reference in references[:10]]
    more = len(references) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
