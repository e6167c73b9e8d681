"""How a step on todos is made: in one statement, all or none, and once only however often it is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col

from todocli.database.store import WRITES
from todocli.domain.filters.ast import surely_not
from todocli.domain.ids import new_id
from todocli.domain.references import References
from todocli.errors import Conflict
from todocli.models import Change, History, Todo
from todocli.schemas.todos import TodoRead
from todocli.services import resolve
from todocli.services.history.rows import Made, another_step, as_made
from todocli.services.owner import Owner
from todocli.services.resolve import COLUMNS, Result, read
from todocli.services.selection import Chosen, ConfirmationNeeded, Selection

_live = col(Todo.deleted_at).is_(None)


@dataclass(frozen=True)
class Goal:
    """What a step is to reach: the columns it sets, the rows that still need it, and how to tell that it is reached.

    With `expected`, rows are only changed if that step was the last to change them.
    """

    moment: datetime
    values: Mapping[str, object]
    needed: sa.ColumnElement[bool]
    reached: Callable[[TodoRead], bool]
    from_trash: bool = False
    expected: UUID | None = None

    def holds(self, todo: TodoRead) -> bool:
        """Return whether a todo needs no change, and nobody else changed it who was not expected to."""
        return self.reached(todo) and self.expected in (None, todo.change_id)

    @property
    def changes(self) -> sa.ColumnElement[bool]:
        """The condition that a row is changed."""
        return self.needed if self.expected is None else sa.and_(self.needed, col(Todo.change_id) == self.expected)


class Changing:
    """Makes steps on the todos of one user; `source` is the door that they come through."""

    def __init__(self, session: Session, owner: Owner, source: str) -> None:
        self._session = session
        self._owner = owner
        self._source = source

    def change(self, chosen: Chosen, goal: Goal, change: UUID | None) -> Result:
        """Bring the todos that are named, or selected, to `goal`.

        Raises `NotFound` naming every reference that found none, `ConfirmationNeeded` for a selection of several that may
        not be, and `Conflict` if `change` was another step.
        """
        step = change or new_id(goal.moment)
        if isinstance(chosen, Selection):
            return self._change_selected(chosen, goal, step)
        return self._change_named(chosen, goal, step)

    def _change_named(self, references: References, goal: Goal, step: UUID) -> Result:
        picked = self._picked(goal, step, resolve.where_referenced(references))
        statement = self._update(picked, goal, step).where(*resolve.all_resolved(picked, references))
        changed, unchanged = self._sent(statement, picked, step)
        if all(map(goal.holds, unchanged)) and not resolve.missing(references, [*changed, *unchanged]):
            return resolve.result_for(references, [*changed, *unchanged], {todo.id for todo in changed})
        return self._settled(references, goal, step, changed)

    def _change_selected(self, selection: Selection, goal: Goal, step: UUID) -> Result:
        conditions = selection.listing.conditions(self._dialect)
        if selection.known is not None:
            conditions.append(col(Todo.id).in_(selection.known))
        if selection.dry_run:
            return Result(self._in_need(conditions, goal), frozenset())
        picked = self._picked(goal, step, sa.and_(*conditions))
        statement = self._update(picked, goal, step)
        if not selection.several:
            count = sa.select(sa.func.count()).select_from(picked).where(picked.c.needs_it)
            statement = statement.where(count.scalar_subquery() <= 1)
        changed = [read(row) for row in self._session.execute(statement).mappings()]
        if not changed and (made := self.made(step)):
            changed = self._repeated_selection(selection, goal, step, made)
        elif not changed:
            self._owner.require(self._session)
            if not selection.several and len(several := self._in_need(conditions, goal)) > 1:
                raise ConfirmationNeeded(several)
        changed.sort(key=lambda todo: todo.number)
        return Result(changed, frozenset(todo.number for todo in changed))

    def _in_need(self, conditions: Sequence[sa.ColumnElement[bool]], goal: Goal) -> list[TodoRead]:
        """Return what a step would change, by number."""
        query = sa.select(*COLUMNS).where(self._owner.scope(Todo), *conditions, goal.needed).order_by(col(Todo.number))
        return [read(row) for row in self._session.execute(query).mappings()]

    def _repeated_selection(
        self, selection: Selection, goal: Goal, step: UUID, made: Mapping[UUID, Made]
    ) -> list[TodoRead]:
        """Return what `step` changed when it was made; what was purged since is not there.

        Raises `Conflict` if it was another step: with another goal, or on todos that did not fit the filter.
        """
        query = sa.select(*COLUMNS).where(self._owner.scope(Todo), col(Todo.id).in_(made))
        found = [read(row) for row in self._session.execute(query).mappings()]
        for todo in found:
            change = made[todo.id]
            before = as_made(todo, change.before or {}).model_dump()
            if not _reached(goal, todo, change) or surely_not(selection.listing.filter, before):
                raise another_step(step)
        return found

    def stamp(self, moment: datetime, step: UUID) -> dict[str, object]:
        """Return the columns by which the triggers know the step that wrote a row."""
        return {"updated_at": moment, "change_id": step, "change_source": self._source}

    def not_made(self, step: UUID) -> sa.ColumnElement[bool]:
        """Return the condition that `step` was not made yet."""
        return ~sa.exists(sa.select(col(Change.id)).where(self._owner.scope(Change), col(Change.id) == step))

    def made(self, step: UUID) -> dict[UUID, Made]:
        """Return what `step` made of each todo that it touched, by id; nothing if the step was never made."""
        query = sa.select(col(History.todo_id), col(History.before), col(History.after)).where(
            self._owner.scope(History), col(History.change_id) == step
        )
        return {todo_id: Made(before, after) for todo_id, before, after in self._session.execute(query)}

    def _picked(self, goal: Goal, step: UUID, chosen: sa.ColumnElement[bool]) -> sa.CTE:
        """Select and lock the rows that are `chosen`.

        Locking in one fixed order makes the step all or none beside other writers, and free of deadlocks. What is
        needed is judged on the rows as they are when they are locked, not as they were when the statement began.
        """
        return (
            sa.select(*COLUMNS, goal.changes.label("needs_it"))
            .where(self._owner.scope(Todo), chosen, col(Todo.change_id) != step)
            .where(sa.true() if goal.from_trash else _live)
            .order_by(col(Todo.id))
            .with_for_update()
            .cte("picked")
        )

    def _update(self, picked: sa.CTE, goal: Goal, step: UUID) -> Any:
        return (
            sa.update(Todo)
            .where(self._owner.scope(Todo), col(Todo.id).in_(sa.select(picked.c.id).where(picked.c.needs_it)))
            .where(self.not_made(step))
            .values(**goal.values, **self.stamp(goal.moment, step), version=col(Todo.version) + 1)
            .returning(*COLUMNS)
            .execution_options(synchronize_session=False)
        )

    def _sent(self, statement: Any, picked: sa.CTE, step: UUID) -> tuple[list[TodoRead], list[TodoRead]]:
        """Return what a step changed; and on Postgres, where asking again costs a round trip, what it left alone."""
        if self._dialect == "sqlite":
            return [read(row) for row in self._session.execute(statement).mappings()], []
        done = statement.cte("changed")
        same = [picked.c[column.name] for column in COLUMNS]
        left = sa.select(*same, sa.false().label("is_changed")).where(~picked.c.needs_it, self.not_made(step))
        both = sa.select(*done.c, sa.true().label("is_changed")).union_all(left).execution_options(**WRITES)
        rows = self._session.execute(both).mappings().all()
        changed = [read(row) for row in rows if row["is_changed"]]
        return changed, [read(row) for row in rows if not row["is_changed"]]

    def _settled(self, references: References, goal: Goal, step: UUID, changed: Sequence[TodoRead]) -> Result:
        """Find out why a step changed less than was named: what it names is not there, or it is so already."""
        query = sa.select(*COLUMNS).where(self._owner.scope(Todo), resolve.where_referenced(references))
        found = [read(row) for row in self._session.execute(query).mappings()]
        if changed:  # then the step was made, whatever happened to the other todos since
            todos = {todo.id: todo for todo in (*found, *changed)}
            return resolve.result_for(references, list(todos.values()), {todo.id for todo in changed})
        if made := self.made(step):
            return self._repeated(references, goal, step, found, made)
        there = [todo for todo in found if goal.from_trash or todo.deleted_at is None]
        if lost := resolve.missing(references, there):
            self._owner.require(self._session)
            raise resolve.not_found(lost, found)
        if unlike := [todo for todo in there if not goal.holds(todo)]:
            numbers = ", ".join(str(todo.number) for todo in unlike)
            detail = f"Todo {numbers} was changed meanwhile; nothing was changed now."
            raise Conflict(detail, hint=f"Look at it, then repeat: todo show {unlike[0].number}")
        return resolve.result_for(references, there, set())

    def _repeated(
        self, references: References, goal: Goal, step: UUID, found: Sequence[TodoRead], made: Mapping[UUID, Made]
    ) -> Result:
        """Answer as `step` did when it was made. What it left alone was so already, and has no history of it.

        Raises `NotFound`, and `Conflict` if it was another step: one that did something else, or to other todos.
        """
        there = [todo for todo in found if todo.id in made or goal.from_trash or todo.deleted_at is None]
        if lost := resolve.missing(references, there):
            raise resolve.not_found(lost, found)

        def fits(todo: TodoRead) -> bool:
            if (change := made.get(todo.id)) is None:
                return goal.reached(todo) or not resolve.is_named(references, todo)
            return _reached(goal, todo, change)

        if not made.keys() <= {todo.id for todo in there} or not all(map(fits, there)):
            raise another_step(step)
        return resolve.result_for(references, there, made.keys())

    @property
    def _dialect(self) -> str:
        return self._session.get_bind().dialect.name


def _reached(goal: Goal, todo: TodoRead, change: Made) -> bool:
    """Return whether a step, of which history says `change`, brought `todo` to `goal`."""
    before, after = (row and goal.reached(as_made(todo, row)) for row in change)
    return before is False and after is True
