"""What can be done with todos. Everything here is bound to one user, and every statement says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col

from todocli.clock import now
from todocli.database.engine import insert_for
from todocli.domain.fields import MAX_TAGS
from todocli.domain.filters.ast import EVERYTHING
from todocli.domain.ids import derived_id, new_id
from todocli.domain.references import MAX_NUMBER, References
from todocli.errors import FieldError, ValidationError
from todocli.models import Todo, User, UtcDateTime
from todocli.schemas.todos import TodoCreate, TodoList, TodoPage, TodoRead, TodoUpdate
from todocli.services import resolve
from todocli.services.history.rows import another_step, as_made
from todocli.services.owner import Owner
from todocli.services.paging import Cursor
from todocli.services.queries import TodoQuery
from todocli.services.resolve import COLUMNS, Result, read
from todocli.services.selection import Chosen
from todocli.services.tag_sql import tags_after
from todocli.services.updates import Changing, Goal

MAX_ADDED = 5_000
"""How many todos one step adds, at most: they go in one statement, whose parameters are limited."""

_MAX_VALUES = 32_000
"""How many parameters there may be for them (SQLite takes 32,766)."""

_table = sa.inspect(Todo).local_table
_live = col(Todo.deleted_at).is_(None)


class Todos:
    """The todos of one user.

    `source` is what history shows as the door that a change came through: `cli` or `api`.
    """

    def __init__(self, session: Session, owner: Owner, *, source: str = "cli") -> None:
        self._session = session
        self._owner = owner
        self._changing = Changing(session, owner, source)

    def find(self, listing: TodoQuery) -> TodoList:
        """Return the todos that `listing` asks for.

        Raises `MissingUserContext` if the database does not know the user.
        """
        return self._found(listing)[0]

    def overview(self, listing: TodoQuery) -> tuple[TodoList, int]:
        """Return the todos that `listing` asks for, and among how many: so many it would show without its filter."""
        if listing.filter == EVERYTHING:
            found, _ = self._found(listing)
            return found, found.total
        unfiltered = replace(listing, filter=EVERYTHING).state_conditions()
        others = sa.select(sa.func.count()).where(self._owner.scope(Todo), *unfiltered)
        return self._found(listing, others.scalar_subquery())

    def page(self, listing: TodoQuery, cursor: Cursor | None = None) -> TodoPage:
        """Return a page of a list, which has a limit: from its beginning, or from where the page before ended.

        Raises `ValidationError` for the cursor of another list, and `MissingUserContext`.
        """
        limit = listing.limit or 1
        keys = listing.keys(self._dialect)
        fits = (self._owner.scope(Todo), *listing.conditions(self._dialect))
        total = sa.select(sa.func.count()).where(*fits).scalar_subquery()
        marks = [key.label(f"key_{i}") for i, (key, _) in enumerate(keys)]
        is_mine = sa.and_(*fits, *([cursor.passed(listing, keys)] if cursor else []))
        query = (
            sa.select(*COLUMNS, *marks, total.label("total"))
            .select_from(sa.outerjoin(User, Todo, is_mine))
            .where(self._owner.is_user())
            .order_by(*listing.ordered(keys))
            .limit(limit + 1)
        )
        rows = self._session.execute(query).mappings().all()
        if not rows:
            raise self._owner.unknown()
        found = [row for row in rows if row["id"] is not None]
        more = None
        if len(found) > limit:
            values = [found[limit - 1][f"key_{i}"] for i in range(len(keys))]
            more = Cursor.after(listing, values).text()
        items = [read(row) for row in found[:limit]]
        return TodoPage(items=items, count=len(items), total=rows[0]["total"], next_cursor=more)

    def _found(self, listing: TodoQuery, among: sa.ScalarSelect[int] | None = None) -> tuple[TodoList, int]:
        # Joined to the user: one row without a todo says that the user is there, and no other statement has to.
        is_mine = sa.and_(self._owner.scope(Todo), *listing.conditions(self._dialect))
        query = sa.select(*COLUMNS).select_from(sa.outerjoin(User, Todo, is_mine)).where(self._owner.is_user())
        if listing.limit is not None and listing.limit <= MAX_NUMBER:
            query = query.add_columns(sa.func.count(col(Todo.id)).over().label("total")).limit(listing.limit)
        if among is not None:
            query = query.add_columns(among.label("among"))
        rows = self._session.execute(query.order_by(*listing.order(self._dialect))).mappings().all()
        if not rows:
            raise self._owner.unknown()
        others = rows[0]["among"] if among is not None else 0
        rows = [row for row in rows if row["id"] is not None]
        total = rows[0]["total"] if rows and "total" in rows[0] else len(rows)
        return TodoList(items=[read(row) for row in rows], count=len(rows), total=total), others

    def get(self, references: References) -> Result:
        """Return the todos named by `references`, those in the trash too, in the order they are named.

        Raises `NotFound` naming every reference that found none.
        """
        found = self._named(references)
        if lost := resolve.missing(references, found):
            self._owner.require(self._session)
            raise resolve.not_found(lost, [])
        return Result(resolve.in_order(references, found), frozenset())

    def add(self, drafts: Sequence[TodoCreate], *, change: UUID | None = None) -> Result:
        """Add todos, as one step, and return them in the same order.

        With a `change` that was carried out before, nothing is added and what it added then is returned.
        Raises `ValidationError` for more than `MAX_ADDED`, and `Conflict` if `change` was another step.
        """
        most = min(MAX_ADDED, _MAX_VALUES // (len(_given(drafts)) + 2))
        if len(drafts) > most:
            detail = f"{len(drafts)} todos are more than one step adds ({most})."
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
        stamp = self._changing.stamp(moment, step) | {"created_at": moment, "version": 1}
        values: dict[str, Any] = {
            "id": new.c.id,
            "user_id": owner.c.id,
            "number": owner.c.last_number + new.c.position,
            **{name: new.c[name] for name in _given(drafts)},
        } | {name: sa.literal(value, _table.c[name].type) for name, value in stamp.items()}
        rows = sa.select(*values.values()).select_from(owner.join(new, sa.true())).where(self._changing.not_made(step))
        added = self._session.execute(self._insert(list(values), rows)).mappings().all()
        if not added:
            return self._added_before(drafts, step)
        items = sorted(map(read, added), key=lambda todo: todo.number)
        return Result(items, frozenset(todo.number for todo in items))

    def edit(
        self, chosen: Chosen, update: TodoUpdate, *, expected: UUID | None = None, change: UUID | None = None
    ) -> Result:
        """Change the fields that are set in `update`.

        With `expected`, only if that is still the step that changed the todo last. Raises `NotFound`, or `Conflict`.
        """
        moment, fields = now(), update.changes()
        added, removed = set(update.add_tags), set(update.remove_tags)
        values: dict[str, Any] = dict(fields)
        if added or removed:
            values["tags"] = tags_after(added, removed, self._dialect)
        if "is_completed" in update.model_fields_set:
            fields["is_completed"] = update.is_completed
            since = sa.func.coalesce(col(Todo.completed_at), sa.literal(moment, UtcDateTime))
            values["completed_at"] = since if update.is_completed else None
        needed = sa.or_(sa.false(), *(_table.c[name].is_distinct_from(value) for name, value in values.items()))

        def reached(todo: TodoRead) -> bool:
            tagged = added <= {*todo.tags} and not removed & {*todo.tags}
            return tagged and all(getattr(todo, name) == value for name, value in fields.items())

        try:
            return self._changing.change(chosen, Goal(moment, values, needed, reached, expected=expected), change)
        except sa.exc.IntegrityError as error:
            if "ck_todos_tags" not in str(error.orig):
                raise
            detail = f"A todo has at most {MAX_TAGS} tags; nothing was changed."
            raise ValidationError(
                detail, hint="Take some away: --untag NAME", field_errors=(FieldError("tags", detail),)
            ) from None

    def complete(self, chosen: Chosen, *, change: UUID | None = None) -> Result:
        """Complete todos; what is completed stays as it is. Raises `NotFound`."""
        moment = now()
        needed = col(Todo.completed_at).is_(None)
        goal = Goal(moment, {"completed_at": moment}, needed, lambda todo: todo.is_completed)
        return self._changing.change(chosen, goal, change)

    def reopen(self, chosen: Chosen, *, change: UUID | None = None) -> Result:
        """Make completed todos open again; what is open stays as it is. Raises `NotFound`."""
        needed = col(Todo.completed_at).is_not(None)
        goal = Goal(now(), {"completed_at": None}, needed, lambda todo: not todo.is_completed)
        return self._changing.change(chosen, goal, change)

    def remove(self, chosen: Chosen, *, expected: UUID | None = None, change: UUID | None = None) -> Result:
        """Move todos to the trash; `expected` is as in `edit`. Raises `NotFound`, also for what is there already."""
        moment = now()
        goal = Goal(moment, {"deleted_at": moment}, _live, lambda todo: todo.deleted_at is not None, expected=expected)
        return self._changing.change(chosen, goal, change)

    def restore(self, chosen: Chosen, *, change: UUID | None = None) -> Result:
        """Take todos out of the trash; what is not in it stays as it is. Raises `NotFound`."""
        needed = col(Todo.deleted_at).is_not(None)
        goal = Goal(now(), {"deleted_at": None}, needed, lambda todo: todo.deleted_at is None, from_trash=True)
        return self._changing.change(chosen, goal, change)

    def _added_before(self, drafts: Sequence[TodoCreate], step: UUID) -> Result:
        """Return what `step` added when it was made before; without it, the user is not there."""
        made = self._changing.made(step)
        if not made:
            self._owner.require(self._session)
            raise another_step(step)
        query = sa.select(*COLUMNS).where(self._owner.scope(Todo), col(Todo.id).in_(made)).order_by(col(Todo.number))
        items = [read(row) for row in self._session.execute(query).mappings()]
        then = [as_made(todo, made[todo.id].after or {}) for todo in items if made[todo.id].before is None]
        if [{name: getattr(todo, name) for name in TodoCreate.model_fields} for todo in then] != [
            draft.model_dump() for draft in drafts
        ]:
            raise another_step(step)
        return Result(items, frozenset(todo.number for todo in items))

    def _new_rows(self, drafts: Sequence[TodoCreate], step: UUID) -> sa.CTE:
        owner = self._owner.name  # and not the id, which not every client knows
        given = _given(drafts)
        columns = [sa.column(name, _table.c[name].type) for name in ("id", *given)]
        rows = [
            (i, derived_id(step, owner, i), *(getattr(draft, name) for name in given))
            for i, draft in enumerate(drafts, 1)
        ]
        columns.insert(0, sa.column("position", sa.BigInteger()))
        if len(rows) == 1:  # which makes a statement that SQLAlchemy compiles only once
            given_once = zip(columns, rows[0], strict=True)
            return sa.select(*(sa.literal(value, column.type).label(column.name) for column, value in given_once)).cte(
                "new"
            )
        return sa.values(*columns).data(rows).cte("new")

    def _insert(self, names: list[str], rows: sa.Select[Any]) -> Any:
        new = insert_for(self._session, Todo).from_select(names, rows)
        return new.on_conflict_do_nothing(index_elements=["id"]).returning(*COLUMNS)

    def _named(self, references: References) -> list[TodoRead]:
        query = sa.select(*COLUMNS).where(self._owner.scope(Todo), resolve.where_referenced(references))
        return [read(row) for row in self._session.execute(query).mappings()]

    @property
    def _dialect(self) -> str:
        return self._session.get_bind().dialect.name


def _given(drafts: Sequence[TodoCreate]) -> list[str]:
    """Return the columns that any of `drafts` sets; the title at least."""
    return [
        name
        for name in TodoCreate.model_fields
        if name == "title" or any(getattr(draft, name) not in (None, []) for draft in drafts)
    ]
