"""The use cases of one user's todos. Every statement is restricted to that user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col

from todocli.clock import now
from todocli.database.engine import insert_for
from todocli.domain.fields import MAX_TAGS
from todocli.domain.filters.ast import EVERYTHING
from todocli.domain.history import COMMAND_LINE, Origin
from todocli.domain.idempotency import ChangeKey
from todocli.domain.ids import derived_id
from todocli.domain.references import References
from todocli.errors import ValidationError
from todocli.models import Todo, UtcDateTime
from todocli.schemas.todos import TodoCreate, TodoList, TodoPage, TodoRead, TodoUpdate
from todocli.services import resolve
from todocli.services.idempotency import key_reused, not_recorded, recorded_todos
from todocli.services.list_sql import list_statement
from todocli.services.owner import Owner
from todocli.services.paging import Cursor
from todocli.services.queries import TodoQuery
from todocli.services.resolve import COLUMNS, Result, read
from todocli.services.selection import Chosen
from todocli.services.tag_sql import tags_after, tags_differ
from todocli.services.updates import Updates, UpdateSpec, stamp

MAX_ADDED = 5_000
"""The most todos that one command adds: one statement inserts them, and its parameters are limited."""

_MAX_PARAMETERS = 32_000
"""The most parameters of that statement (SQLite allows 32,766)."""

_table = sa.inspect(Todo).local_table


class Todos:
    """The todos of one user. `origin` is what history records of each change."""

    def __init__(self, session: Session, owner: Owner, *, origin: Origin = COMMAND_LINE) -> None:
        self._session = session
        self._owner = owner
        self._origin = origin
        self._updates = Updates(session, owner, origin)

    def find(self, query: TodoQuery) -> TodoList:
        """Return the todos that `query` finds.

        Raises `MissingUserContext` if the database does not have the user.
        """
        return _as_list(self._rows(query, counts={"total": query} if query.limit else {}))

    def overview(self, query: TodoQuery) -> tuple[TodoList, int]:
        """Return the todos that `query` finds, and how many it would find without its filter."""
        if query.filter == EVERYTHING:
            found = self.find(query)
            return found, found.total
        counts = {"total": query} if query.limit else {}
        rows = self._rows(query, counts=counts | {"among": replace(query, filter=EVERYTHING)})
        return _as_list(rows), rows[0]["among"]

    def page(self, query: TodoQuery, cursor: Cursor | None = None) -> TodoPage:
        """Return one page of a list that has a limit: the first, or the one after `cursor`.

        Raises `ValidationError` for the cursor of another list, and `MissingUserContext`.
        """
        items, next_cursor, rows = self._portion(query, cursor, counts={"total": query})
        next_page = next_cursor.text() if next_cursor else None
        return TodoPage(items=items, count=len(items), total=rows[0]["total"], next_cursor=next_page)

    def portion(self, query: TodoQuery, cursor: Cursor | None = None) -> tuple[list[TodoRead], Cursor | None]:
        """Return one portion of a list as `page` does, without counting the rest, and where the next one begins."""
        items, next_cursor, _ = self._portion(query, cursor, counts={})
        return items, next_cursor

    def _portion(
        self, query: TodoQuery, cursor: Cursor | None, *, counts: Mapping[str, TodoQuery]
    ) -> tuple[list[TodoRead], Cursor | None, Sequence[sa.RowMapping]]:
        limit = query.limit or 1
        rows = self._rows(replace(query, limit=limit + 1), cursor, counts=counts)
        found = [row for row in rows if row["id"] is not None]
        next_cursor = None
        if len(found) > limit:
            values = [value for name, value in found[limit - 1].items() if name.startswith("key_")]
            next_cursor = Cursor.after(query, values)
        return [read(row) for row in found[:limit]], next_cursor, rows

    def _rows(
        self, query: TodoQuery, cursor: Cursor | None = None, *, counts: Mapping[str, TodoQuery]
    ) -> Sequence[sa.RowMapping]:
        """Return the rows of `list_statement`. Raises `MissingUserContext` if the database does not have the user."""
        statement = list_statement(self._owner, self._dialect, query, cursor, tuple(counts.items()))
        rows = self._session.execute(statement).mappings().all()
        if not rows:
            raise self._owner.unknown()
        return rows

    def get(self, references: References) -> Result:
        """Return the referenced todos, including those in the trash, in the order of their references.

        Raises `NotFound` naming every reference that matches nothing.
        """
        query = sa.select(*COLUMNS).where(self._owner.scope(Todo), resolve.where_referenced(references))
        found = [read(row) for row in self._session.execute(query).mappings()]
        if missing := resolve.missing(references, found):
            self._owner.require(self._session)
            raise resolve.not_found(missing, [])
        return Result(resolve.in_order(references, found), frozenset())

    def add(self, drafts: Sequence[TodoCreate], key: ChangeKey) -> Result:
        """Add todos in one change, and return them in the same order.

        Repeated under the same key, nothing is added, and the todos of the first time are returned as they are now.
        Raises `ValidationError` for more than `MAX_ADDED`, and `Conflict` if `key` was used for another request.
        """
        most = min(MAX_ADDED, _MAX_PARAMETERS // (len(_given(drafts)) + 2))
        if len(drafts) > most:
            detail = f"{len(drafts)} todos are too many for one command (limit {most})."
            raise ValidationError(detail, hint=f"Add them in parts, which split -l {most} FILE makes of a file.")
        moment = now()
        owner = self._owner.locked().cte("owner")
        new = self._new_rows(drafts, key.id)
        stamped = stamp(self._origin, moment, key.id, key.request) | {"created_at": moment, "version": 1}
        values: dict[str, Any] = {
            "id": new.c.id,
            "user_id": owner.c.id,
            "number": owner.c.last_number + new.c.position,
            **{name: new.c[name] for name in _given(drafts)},
        } | {name: sa.literal(value, _table.c[name].type) for name, value in stamped.items()}
        unless_recorded = not_recorded(self._owner, key.id)
        rows = sa.select(*values.values()).select_from(owner.join(new, sa.true())).where(unless_recorded)
        statement = insert_for(self._session, Todo).from_select(list(values), rows)
        returning = statement.on_conflict_do_nothing(index_elements=["id"]).returning(*COLUMNS)
        added = self._session.execute(returning).mappings().all()
        if not added:
            return self._added_before(key)
        items = sorted(map(read, added), key=lambda todo: todo.number)
        return Result(items, frozenset(todo.number for todo in items))

    def edit(self, chosen: Chosen, update: TodoUpdate, key: ChangeKey, *, expected: UUID | None = None) -> Result:
        """Change the fields that are set in `update`.

        With `expected`, only if that change was the last one to touch the todo. Raises `NotFound`, and `Conflict`.
        """
        moment, values = now(), update.columns()
        if update.add_tags or update.remove_tags:
            values["tags"] = tags_after(set(update.add_tags), set(update.remove_tags), self._dialect)
        if "is_completed" in update.model_fields_set:
            since = sa.func.coalesce(col(Todo.completed_at), sa.literal(moment, UtcDateTime))
            values["completed_at"] = since if update.is_completed else None
        differ = (
            tags_differ(value, self._dialect) if name == "tags" else _table.c[name].is_distinct_from(value)
            for name, value in values.items()
        )
        pending = sa.or_(sa.false(), *differ)
        try:
            return self._updates.apply(chosen, UpdateSpec(moment, values, pending, expected=expected), key)
        except sa.exc.IntegrityError as error:
            if "ck_todos_tags" not in str(error.orig):
                raise
            detail = f"A todo has at most {MAX_TAGS} tags; nothing was changed."
            raise ValidationError.of("tags", detail, hint="Remove some with --untag NAME.") from None

    def complete(self, chosen: Chosen, key: ChangeKey) -> Result:
        """Mark todos done; done ones stay as they are. Raises `NotFound`."""
        moment = now()
        spec = UpdateSpec(moment, {"completed_at": moment}, col(Todo.completed_at).is_(None))
        return self._updates.apply(chosen, spec, key)

    def reopen(self, chosen: Chosen, key: ChangeKey) -> Result:
        """Make done todos open again; open ones stay as they are. Raises `NotFound`."""
        spec = UpdateSpec(now(), {"completed_at": None}, col(Todo.completed_at).is_not(None))
        return self._updates.apply(chosen, spec, key)

    def remove(self, chosen: Chosen, key: ChangeKey, *, expected: UUID | None = None) -> Result:
        """Move todos to the trash; `expected` is as in `edit`. Raises `NotFound`, even for todos in the trash."""
        moment = now()
        spec = UpdateSpec(moment, {"deleted_at": moment}, col(Todo.deleted_at).is_(None), expected=expected)
        return self._updates.apply(chosen, spec, key)

    def restore(self, chosen: Chosen, key: ChangeKey) -> Result:
        """Take todos out of the trash; others stay as they are. Raises `NotFound`."""
        spec = UpdateSpec(now(), {"deleted_at": None}, col(Todo.deleted_at).is_not(None), from_trash=True)
        return self._updates.apply(chosen, spec, key)

    def _added_before(self, key: ChangeKey) -> Result:
        touched = recorded_todos(self._session, self._owner, key)
        if touched is None:
            self._owner.require(self._session)
            raise key_reused(key.id)
        query = sa.select(*COLUMNS).where(self._owner.owns(Todo), col(Todo.id).in_(touched)).order_by(col(Todo.number))
        items = [read(row) for row in self._session.execute(query).mappings()]
        return Result(items, frozenset(todo.number for todo in items), is_repeat=True)

    def _new_rows(self, drafts: Sequence[TodoCreate], change_id: UUID) -> sa.CTE:
        owner = self._owner.name  # not the id, which not every client knows
        given = _given(drafts)
        columns = [sa.column(name, _table.c[name].type) for name in ("id", *given)]
        rows = [
            (i, derived_id(change_id, owner, i), *(getattr(draft, name) for name in given))
            for i, draft in enumerate(drafts, 1)
        ]
        columns.insert(0, sa.column("position", sa.BigInteger()))
        if len(rows) == 1:  # a statement that SQLAlchemy compiles only once
            pairs = zip(columns, rows[0], strict=True)
            literals = (sa.literal(value, column.type).label(column.name) for column, value in pairs)
            return sa.select(*literals).cte("new")
        return sa.values(*columns).data(rows).cte("new")

    @property
    def _dialect(self) -> str:
        return self._session.get_bind().dialect.name


def _as_list(rows: Sequence[sa.RowMapping]) -> TodoList:
    items = [read(row) for row in rows if row["id"] is not None]
    return TodoList(items=items, count=len(items), total=rows[0].get("total", len(items)))


def _given(drafts: Sequence[TodoCreate]) -> list[str]:
    """Return the columns that any of `drafts` sets; the title at least."""
    return [
        name
        for name in TodoCreate.model_fields
        if name == "title" or any(getattr(draft, name) not in (None, []) for draft in drafts)
    ]
