"""Changes several todos, each in its own way, in one change: all of them or none.

One transaction locks the user and the todos, and checks all of them before the first is written. Todos that change in
the same way are one statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col

from todocli import clock
from todocli.clock import now
from todocli.domain.dates import Shift
from todocli.domain.history import Origin
from todocli.domain.idempotency import ChangeKey
from todocli.domain.references import References
from todocli.errors import Conflict, FieldError, NotFound, ValidationError
from todocli.models import Todo
from todocli.schemas.todos import TodoRead, TodoUpdate
from todocli.services import repetition, resolve, subtasks
from todocli.services.edit_specs import edit_spec, list_limits
from todocli.services.idempotency import recorded_todos
from todocli.services.links import NO_LINKS, Links, refuse_circles
from todocli.services.owner import Owner
from todocli.services.resolve import COLUMNS, Followed, Result, read
from todocli.services.todos import Todos
from todocli.services.updates import Updates, UpdateSpec


@dataclass(frozen=True)
class Edit:
    """A change of one todo, by its id or number; with `expected`, only if that change was the last to touch it.

    If the todo repeats, only this occurrence changes, unless it is the `series`.
    """

    todo: UUID | int
    update: TodoUpdate
    expected: UUID | None = None
    series: bool = False


class Edits:
    """Several edits for one user. The session's statements are one transaction."""

    def __init__(self, session: Session, owner: Owner, origin: Origin) -> None:
        self._session = session
        self._owner = owner
        self._updates = Updates(session, owner, origin)

    def apply(self, edits: Sequence[Edit], key: ChangeKey) -> Result:
        """Make all `edits`, and return their todos in the same order.

        Repeated under the same key, nothing is changed. Raises `NotFound`, `Conflict` for todos at another version, and
        `ValidationError` for a todo that is named twice; their field errors name the places: `items.3.todo`.
        """
        self._owner.require(self._session, lock=True)
        if recorded_todos(self._session, self._owner, key) is not None:
            return Result(self._todos(edits, is_repeat=True), frozenset(), is_repeat=True)
        todos = self._todos(edits, lock=True)
        _refuse([_is_repeated(todo, todos[:i]) for i, todo in enumerate(todos)], ValidationError, "is there twice")
        _refuse_stale(edits, todos)
        moment, today = now(), clock.here().date()
        alike: dict[str, tuple[UpdateSpec, list[UUID]]] = {}
        for edit, todo in zip(edits, todos, strict=True):
            if edit.update.parent == todo.number:
                raise subtasks.cycle_error([todo.number, todo.number])
            more = repetition.of_update(todo, edit.update, today) if edit.update.repeats_otherwise else {}
            same = f"{edit.update.model_dump_json(exclude_unset=True)} {more} {edit.series}"
            spec = edit_spec(edit.update, moment, more=more, series=edit.series)
            alike.setdefault(same, (spec, []))[1].append(todo.id)
        links = Links.of(edit.update for edit in edits)
        links.require(self._session, self._owner)
        with list_limits():
            for spec, ids in alike.values():
                spec = replace(spec, shape=replace(spec.shape, is_part=True, links=NO_LINKS))
                self._updates.write(References(tuple(ids)), spec, key)
        before = {todo.id: todo.change_id for todo in todos}
        after = self._todos(edits)
        if links:
            refuse_circles(self._session, self._owner, [todo.number for todo in after])
        return Result(after, frozenset(todo.number for todo in after if todo.change_id != before[todo.id]))

    def skip(
        self, references: References, key: ChangeKey, *, expected: UUID | None = None, dry_run: bool = False
    ) -> Result:
        """Move open todos that repeat on to their next date; with `dry_run`, only check them and return them.

        With `expected`, only if that change was the last to touch them. Repeated under the same key, nothing is
        changed. Raises `NotFound`, `Conflict`, and `ValidationError` for a todo that does not repeat, is not open, or
        is the last.
        """
        self._owner.require(self._session, lock=True)
        found = Todos(self._session, self._owner).get(references).items
        edits = [Edit(todo.id, TodoUpdate(), expected) for todo in found]
        if recorded_todos(self._session, self._owner, key) is not None:
            return Result(self._todos(edits, is_repeat=True), frozenset(), is_repeat=True)
        if gone := [todo.number for todo in found if todo.deleted_at is not None]:
            raise resolve.not_found(gone, found)
        moment, today = now(), clock.here().date()
        todos = self._todos(edits, lock=True)
        _refuse_stale(edits, todos)
        moved = [repetition.of_skip(todo, today) for todo in todos]
        if dry_run:
            then = [todo.model_copy(update=columns) for todo, columns in zip(todos, moved, strict=True)]
            return Result(todos, frozenset(), followed=tuple(Followed(todo, todo.number, 0) for todo in then))
        for todo, columns in zip(todos, moved, strict=True):
            spec = edit_spec(TodoUpdate(), moment, more=columns)
            self._updates.write(References((todo.id,)), replace(spec, shape=replace(spec.shape, is_part=True)), key)
            self._move_subtasks(todo, columns["repeat_on"], moment, key)
        return Result(self._todos(edits), frozenset(todo.number for todo in todos))

    def _move_subtasks(self, todo: TodoRead, planned: date, moment: datetime, key: ChangeKey) -> None:
        """Move the dates of subtasks as far as the planned date of the todo, but of those that repeat by themselves."""
        below = self._updates.subtasks_of([todo])
        dated = [each.id for each in below if each.rrule is None and (each.due_on or each.starts_on)]
        if dated and todo.repeat_on:
            distance = Shift(days=(planned - todo.repeat_on).days)
            spec = edit_spec(TodoUpdate(), moment, shifts={"due_on": distance, "starts_on": distance})
            self._updates.write(References(tuple(dated)), replace(spec, shape=replace(spec.shape, is_part=True)), key)

    def _todos(self, edits: Sequence[Edit], *, lock: bool = False, is_repeat: bool = False) -> list[TodoRead]:
        """Return the todo of each edit. Raises `NotFound`; to `lock` them, also for those in the trash."""
        references = References(tuple(dict.fromkeys(edit.todo for edit in edits)))
        query = sa.select(*COLUMNS).where(self._owner.scope(Todo), resolve.where_referenced(references))
        if lock:
            query = query.where(col(Todo.deleted_at).is_(None)).order_by(col(Todo.id)).with_for_update()
        found: dict[UUID | int, TodoRead] = {}
        for todo in map(read, self._session.execute(query).mappings()):
            found[todo.id] = found[todo.number] = todo
        missing = [edit.todo not in found for edit in edits]
        if is_repeat and any(missing):
            raise NotFound("Already applied; some of the todos have since been purged.")
        _refuse(missing, NotFound, "was not found")
        return [found[edit.todo] for edit in edits]


def _is_repeated(todo: TodoRead, before: Sequence[TodoRead]) -> bool:
    return any(other.id == todo.id for other in before)


def _refuse_stale(edits: Sequence[Edit], todos: Sequence[TodoRead]) -> None:
    """Raise `Conflict` if a todo is not at the version that its edit expects."""
    stale = [edit.expected not in (None, todo.change_id) for edit, todo in zip(edits, todos, strict=True)]
    _refuse(stale, Conflict, "was changed in the meantime")


def _refuse(faults: Sequence[bool], kind: type[ValidationError | Conflict | NotFound], message: str) -> None:
    """Raise an error if any of the items has a fault."""
    if fields := tuple(FieldError(f"items.{i}.todo", message) for i, is_fault in enumerate(faults) if is_fault):
        first = " ".join(fault.sentence for fault in fields[:10]) + (" There are more." if len(fields) > 10 else "")
        raise kind(f"{first} Nothing was changed.", field_errors=fields)
