"""What can be done with todos. Everything here is bound to one user, and every statement says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col

from todocli.clock import now
from todocli.database.engine import WRITES
from todocli.domain.ids import derived_id, new_id
from todocli.domain.references import MAX_NUMBER, References
from todocli.errors import Conflict, ValidationError
from todocli.models import Change, History, Todo, User
from todocli.schemas.todos import TodoCreate, TodoList, TodoRead, TodoUpdate
from todocli.services import picking
from todocli.services.listing import Listing
from todocli.services.owner import Owner
from todocli.services.picking import COLUMNS, Outcome, read
from todocli.services.steps import Made, another_step, as_made

MAX_ADDED = 5_000
"""How many todos one step adds: they go in one statement, whose parameters are limited (SQLite: 32,766)."""

_table = sa.inspect(Todo).local_table
_live = col(Todo.deleted_at).is_(None)


@dataclass(frozen=True)
class _Goal:
    """What a step is to reach: the columns it sets, the rows that still need it, and how to tell that it is reached."""

    moment: datetime
    values: Mapping[str, object]
    needed: sa.ColumnElement[bool]
    reached: Callable[[TodoRead], bool]
    from_trash: bool = False


class Todos:
    """The todos of one user.

    `source` is what history shows as the door that a change came through: `cli` or `api`.
    """

    def __init__(self, session: Session, owner: Owner, *, source: str = "cli") -> None:
        self._session = session
        self._owner = owner
        self._source = source

    def find(self, listing: Listing) -> TodoList:
        """Return the todos that `listing` asks for.

        Raises `MissingUserContext` if the database does not know the user.
        """
        # Joined to the user: one row without a todo says that the user is there, and no other statement has to.
        is_mine = sa.and_(self._owner.owns(Todo), *listing.conditions())
        query = sa.select(*COLUMNS).select_from(sa.outerjoin(User, Todo, is_mine)).where(self._owner.is_user())
        if listing.limit is not None and listing.limit <= MAX_NUMBER:
            query = query.add_columns(sa.func.count(col(Todo.id)).over().label("total")).limit(listing.limit)
        rows = self._session.execute(query.order_by(*listing.order(self._dialect))).mappings().all()
        if not rows:
            raise self._owner.unknown()
        rows = [row for row in rows if row["id"] is not None]
        total = rows[0]["total"] if rows and "total" in rows[0] else len(rows)
        return TodoList(items=[read(row) for row in rows], count=len(rows), total=total)

    def get(self, references: References) -> Outcome:
        """Return the todos named by `references`, those in the trash too, in the order they are named.

        Raises `NotFound` naming every reference that found none.
        """
        found = self._named(references)
        if lost := picking.missing(references, found):
            self._owner.require(self._session)
            raise picking.not_found(lost, [])
        return Outcome(picking.in_order(references, found), frozenset())

    def add(self, drafts: Sequence[TodoCreate], *, change: UUID | None = None) -> Outcome:
        """Add todos, as one step, and return them in the same order.

        With a `change` that was carried out before, nothing is added and what it added then is returned.
        Raises `ValidationError` for more than `MAX_ADDED`, and `Conflict` if `change` was another step.
        """
        if len(drafts) > MAX_ADDED:
            detail = f"{len(drafts)} todos are more than one step adds ({MAX_ADDED})."
            raise ValidationError(detail, hint="Add them in several parts.")
        moment = now()
        step = change or new_id(moment)
        owner = (
            sa.select(col(User.id), col(User.last_number))
            .where(self._owner.is_user())
            .with_for_update(key_share=True)
            .cte("owner")
        )
        new = self._new_rows(drafts, step)
        stamp = self._stamp(moment, step) | {"created_at": moment, "version": 1}
        values: dict[str, Any] = {
            "id": new.c.id,
            "user_id": owner.c.id,
            "number": owner.c.last_number + new.c.position,
            "title": new.c.title,
            "description": new.c.description,
        } | {name: sa.literal(value, _table.c[name].type) for name, value in stamp.items()}
        rows = sa.select(*values.values()).select_from(owner.join(new, sa.true())).where(self._not_made(step))
        added = self._session.execute(self._insert(list(values), rows)).mappings().all()
        if not added:
            return self._added_before(drafts, step)
        items = sorted(map(read, added), key=lambda todo: todo.number)
        return Outcome(items, frozenset(todo.number for todo in items))

    def edit(
        self, references: References, update: TodoUpdate, *, version: int | None = None, change: UUID | None = None
    ) -> Outcome:
        """Change the fields that are set in `update`.

        With `version`, only if the todo is still at that version. Raises `NotFound`, or `Conflict`.
        """
        fields = update.changes()
        needed = sa.or_(sa.false(), *(_table.c[name].is_distinct_from(value) for name, value in fields.items()))
        if version is not None:
            needed = sa.and_(needed, col(Todo.version) == version)

        def reached(todo: TodoRead) -> bool:
            return all(getattr(todo, name) == value for name, value in fields.items())

        return self._change(references, _Goal(now(), fields, needed, reached), change)

    def complete(self, references: References, *, change: UUID | None = None) -> Outcome:
        """Complete todos; what is completed stays as it is. Raises `NotFound`."""
        moment = now()
        needed = col(Todo.completed_at).is_(None)
        goal = _Goal(moment, {"completed_at": moment}, needed, lambda todo: todo.is_completed)
        return self._change(references, goal, change)

    def reopen(self, references: References, *, change: UUID | None = None) -> Outcome:
        """Make completed todos open again; what is open stays as it is. Raises `NotFound`."""
        needed = col(Todo.completed_at).is_not(None)
        goal = _Goal(now(), {"completed_at": None}, needed, lambda todo: not todo.is_completed)
        return self._change(references, goal, change)

    def remove(self, references: References, *, change: UUID | None = None) -> Outcome:
        """Move todos to the trash. Raises `NotFound`, also for what is in the trash already."""
        moment = now()
        goal = _Goal(moment, {"deleted_at": moment}, _live, lambda todo: todo.deleted_at is not None)
        return self._change(references, goal, change)

    def restore(self, references: References, *, change: UUID | None = None) -> Outcome:
        """Take todos out of the trash; what is not in it stays as it is. Raises `NotFound`."""
        needed = col(Todo.deleted_at).is_not(None)
        goal = _Goal(now(), {"deleted_at": None}, needed, lambda todo: todo.deleted_at is None, from_trash=True)
        return self._change(references, goal, change)

    # How a step is made: one statement, all or none, and once only however often it is sent.

    def _change(self, references: References, goal: _Goal, change: UUID | None) -> Outcome:
        step = change or new_id(goal.moment)
        # Locking in one fixed order makes the step all or none beside other writers, and free of deadlocks. What is
        # needed is judged on the rows as they are when they are locked, not as they were when the statement began.
        picked = (
            sa.select(*COLUMNS, goal.needed.label("needs_it"))
            .where(self._owner.owns(Todo), picking.named(references), col(Todo.change_id) != step)
            .where(sa.true() if goal.from_trash else _live)
            .order_by(col(Todo.id))
            .with_for_update()
            .cte("picked")
        )
        statement = (
            sa.update(Todo)
            .where(self._owner.owns(Todo), col(Todo.id).in_(sa.select(picked.c.id).where(picked.c.needs_it)))
            .where(*picking.all_found(picked, references), self._not_made(step))
            .values(**goal.values, **self._stamp(goal.moment, step), version=col(Todo.version) + 1)
            .returning(*COLUMNS)
            .execution_options(synchronize_session=False)
        )
        changed, unchanged = self._sent(statement, picked, step)
        if all(map(goal.reached, unchanged)) and not picking.missing(references, [*changed, *unchanged]):
            return picking.outcome(references, [*changed, *unchanged], {todo.id for todo in changed})
        return self._settled(references, goal, step, changed)

    def _sent(self, statement: Any, picked: sa.CTE, step: UUID) -> tuple[list[TodoRead], list[TodoRead]]:
        """Return what a step changed; and on Postgres, where asking again costs a round trip, what it left alone."""
        if self._dialect == "sqlite":
            return [read(row) for row in self._session.execute(statement).mappings()], []
        done = statement.cte("changed")
        same = [picked.c[column.name] for column in COLUMNS]
        left = sa.select(*same, sa.false().label("is_changed")).where(~picked.c.needs_it, self._not_made(step))
        both = sa.select(*done.c, sa.true().label("is_changed")).union_all(left).execution_options(**WRITES)
        rows = self._session.execute(both).mappings().all()
        changed = [read(row) for row in rows if row["is_changed"]]
        return changed, [read(row) for row in rows if not row["is_changed"]]

    def _settled(self, references: References, goal: _Goal, step: UUID, changed: Sequence[TodoRead]) -> Outcome:
        """Find out why a step changed less than was named: what it names is not there, or it is so already."""
        found = self._named(references)
        if changed:  # then the step was made, whatever happened to the other todos since
            todos = {todo.id: todo for todo in (*found, *changed)}
            return picking.outcome(references, list(todos.values()), {todo.id for todo in changed})
        if made := self._made(step):
            return self._repeated(references, goal, step, found, made)
        there = [todo for todo in found if goal.from_trash or todo.deleted_at is None]
        if lost := picking.missing(references, there):
            self._owner.require(self._session)
            raise picking.not_found(lost, found)
        if unlike := [todo for todo in there if not goal.reached(todo)]:
            numbers = ", ".join(str(todo.number) for todo in unlike)
            detail = f"Todo {numbers} was changed meanwhile; nothing was changed now."
            raise Conflict(detail, hint=f"Look at it, then repeat: todo show {unlike[0].number}")
        return picking.outcome(references, there, set())

    def _repeated(
        self, references: References, goal: _Goal, step: UUID, found: Sequence[TodoRead], made: Mapping[UUID, Made]
    ) -> Outcome:
        """Answer as `step` did when it was made. What it left alone was so already, and has no history of it.

        Raises `NotFound`, and `Conflict` if it was another step: one that did something else, or to other todos.
        """
        there = [todo for todo in found if todo.id in made or goal.from_trash or todo.deleted_at is None]
        if lost := picking.missing(references, there):
            raise picking.not_found(lost, found)

        def fits(todo: TodoRead) -> bool:
            if (change := made.get(todo.id)) is None:
                return goal.reached(todo) or not picking.is_named(references, todo)
            before, after = (row and goal.reached(as_made(todo, row)) for row in change)
            return before is False and after is True

        if not made.keys() <= {todo.id for todo in there} or not all(map(fits, there)):
            raise another_step(step)
        return picking.outcome(references, there, made.keys())

    def _added_before(self, drafts: Sequence[TodoCreate], step: UUID) -> Outcome:
        """Return what `step` added when it was made before; without it, the user is not there."""
        made = self._made(step)
        if not made:
            self._owner.require(self._session)
            raise another_step(step)
        query = sa.select(*COLUMNS).where(self._owner.owns(Todo), col(Todo.id).in_(made)).order_by(col(Todo.number))
        items = [read(row) for row in self._session.execute(query).mappings()]
        then = [as_made(todo, made[todo.id].after or {}) for todo in items if made[todo.id].before is None]
        if [(todo.title, todo.description) for todo in then] != [(d.title, d.description) for d in drafts]:
            raise another_step(step)
        return Outcome(items, frozenset(todo.number for todo in items))

    def _made(self, step: UUID) -> dict[UUID, Made]:
        """Return what `step` made of each todo that it touched, by id; nothing if the step was never made."""
        query = sa.select(col(History.todo_id), col(History.before), col(History.after)).where(
            self._owner.owns(History), col(History.change_id) == step
        )
        return {todo_id: Made(before, after) for todo_id, before, after in self._session.execute(query)}

    def _not_made(self, step: UUID) -> sa.ColumnElement[bool]:
        return ~sa.exists(sa.select(col(Change.id)).where(self._owner.owns(Change), col(Change.id) == step))

    def _stamp(self, moment: datetime, step: UUID) -> dict[str, object]:
        return {"updated_at": moment, "change_id": step, "change_source": self._source}

    def _new_rows(self, drafts: Sequence[TodoCreate], step: UUID) -> sa.CTE:
        owner = self._owner.name  # and not the id, which not every client knows
        names = ("position", "id", "title", "description")
        types = (sa.BigInteger(), *(_table.c[name].type for name in names[1:]))
        columns = [sa.column(name, kind) for name, kind in zip(names, types, strict=True)]
        rows = [(i, derived_id(step, owner, i), draft.title, draft.description) for i, draft in enumerate(drafts, 1)]
        return sa.values(*columns).data(rows).cte("new")

    def _insert(self, names: list[str], rows: sa.Select[Any]) -> Any:
        if self._dialect == "sqlite":
            from sqlalchemy.dialects.sqlite import insert
        else:
            from sqlalchemy.dialects.postgresql import insert  # type: ignore[assignment]
        statement = insert(Todo).from_select(names, rows)
        return statement.on_conflict_do_nothing(index_elements=["id"]).returning(*COLUMNS)

    def _named(self, references: References) -> list[TodoRead]:
        query = sa.select(*COLUMNS).where(self._owner.owns(Todo), picking.named(references))
        return [read(row) for row in self._session.execute(query).mappings()]

    @property
    def _dialect(self) -> str:
        return self._session.get_bind().dialect.name
