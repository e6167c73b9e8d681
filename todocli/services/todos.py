"""The use cases of one user's todos. Every statement is restricted to that user."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col

from todocli import clock
from todocli.clock import now
from todocli.domain.dates import Shift
from todocli.domain.filters.ast import EVERYTHING, Overdue, all_of
from todocli.domain.history import COMMAND_LINE, Origin
from todocli.domain.idempotency import ChangeKey
from todocli.domain.ids import derived_id
from todocli.domain.references import ReferenceKinds, References
from todocli.errors import ValidationError
from todocli.models import History, Note, Source, Todo
from todocli.schemas.todos import COLUMNS_GIVEN, NoteRead, TodoCreate, TodoItems, TodoList, TodoRead, TodoUpdate
from todocli.services import insert_sql, parameters, repetition, resolve
from todocli.services.edit_specs import COMPLETE, REOPEN, edit_spec, list_limits
from todocli.services.idempotency import key_reused, recorded_todos
from todocli.services.links import Links
from todocli.services.list_sql import count_statement, list_statement
from todocli.services.owner import Owner
from todocli.services.paging import Cursor
from todocli.services.queries import TodoQuery
from todocli.services.resolve import COLUMNS, WHOLE, Item, Result, Shape, read
from todocli.services.selection import Chosen, Preview
from todocli.services.update_sql import Clear, CountNote, Mark, UpdateShape
from todocli.services.updates import Updates, UpdateSpec, stamp


class Overview(NamedTuple):
    """The todos of a list; how many it has without its limit, and without its filter; and how many it hides."""

    items: list[TodoRead]
    total: int
    among: int
    later: int
    someday: int
    overdue: int | None = None
    """How many are overdue, if those that are shown do not tell."""


class Todos:
    """The todos of one user. `origin` is what history records of each change."""

    def __init__(self, session: Session, owner: Owner, *, origin: Origin = COMMAND_LINE) -> None:
        self._session = session
        self._owner = owner
        self._origin = origin
        self._updates = Updates(session, owner, origin)

    def find(self, query: TodoQuery) -> TodoItems:
        """Return the todos that `query` finds.

        Raises `MissingUserContext` if the database does not have the user.
        """
        return _as_list(self._rows(query, counts={"total": query} if query.limit else {}))

    def overview(self, query: TodoQuery) -> Overview:
        """Return the todos that `query` finds, and how many there are beside them."""
        counts = {"total": query} if query.limit else {}
        if query.filter != EVERYTHING:
            counts["among"] = replace(query, filter=EVERYTHING)
        counts |= query.hidden()
        if query.limit and (query.sort or query.reverse) and query.state == "open":
            counts["overdue"] = replace(query, filter=all_of(query.filter, Overdue()), limit=None)
        rows = self._rows(query, counts=counts)
        found = _as_list(rows)
        total = found.total
        return Overview(
            found.items,
            total,
            rows[0].get("among", total),
            rows[0].get("later", 0),
            rows[0].get("someday", 0),
            rows[0].get("overdue"),
        )

    def count(self, query: TodoQuery) -> int:
        """Return how many todos `query` finds. Raises `MissingUserContext`."""
        found: int | None = self._session.connection().scalar(count_statement(self._owner, self._dialect, query))
        if found is None:
            raise self._owner.unknown()
        return found

    def page(self, query: TodoQuery, cursor: Cursor | None = None) -> TodoList:
        """Return one page of a list that has a limit: the first, or the one after `cursor`.

        Raises `ValidationError` for the cursor of another list, and `MissingUserContext`.
        """
        items, next_cursor, rows = self._portion(query, cursor, WHOLE, counts={"total": query})
        next_page = next_cursor.text() if next_cursor else None
        return TodoList(items=items, count=len(items), total=rows[0]["total"], next_cursor=next_page)

    def beginning(self, query: TodoQuery, shape: Shape[Item]) -> tuple[list[Item], Cursor | None]:
        """Return the first todos of a list as `page` does, without counting the rest, and where the rest begins."""
        items, next_cursor, _ = self._portion(query, None, shape, counts={})
        return items, next_cursor

    def numbers(self, query: TodoQuery, after: Cursor) -> list[int]:
        """Return the numbers of the todos in a list that come after a cursor, without a limit."""
        columns = (sa.inspect(Todo).local_table.c.number,)
        statement = list_statement(self._owner, self._dialect, replace(query, limit=None), after, (), columns)
        return [number for number in self._session.connection().scalars(statement) if number is not None]

    def numbered(self, query: TodoQuery, numbers: Sequence[int], shape: Shape[Item]) -> list[Item]:
        """Return the todos of a list with these numbers, in their order, without those that have left the list."""
        conditions = (self._owner.scope(Todo), col(Todo.number).in_(numbers), *query.conditions(self._dialect))
        rows = self._session.connection().execute(sa.select(*shape.columns).where(*conditions)).mappings().all()
        found = {row["number"]: shape.read(row) for row in rows}
        return [found[number] for number in numbers if number in found]

    def _portion(
        self, query: TodoQuery, cursor: Cursor | None, shape: Shape[Item], *, counts: Mapping[str, TodoQuery]
    ) -> tuple[list[Item], Cursor | None, Sequence[sa.RowMapping]]:
        limit = query.limit or 1
        rows = self._rows(replace(query, limit=limit + 1), cursor, shape.columns, counts=counts)
        found = [row for row in rows if row["number"] is not None]
        next_cursor = None
        if len(found) > limit:
            values = [value for name, value in found[limit - 1].items() if name.startswith("key_")]
            next_cursor = Cursor.after(query, values)
        return [shape.read(row) for row in found[:limit]], next_cursor, rows

    def _rows(
        self,
        query: TodoQuery,
        cursor: Cursor | None = None,
        columns: tuple[sa.ColumnElement[Any], ...] = COLUMNS,
        *,
        counts: Mapping[str, TodoQuery],
    ) -> Sequence[sa.RowMapping]:
        """Return the rows of `list_statement`. Raises `MissingUserContext` if the database does not have the user."""
        statement = list_statement(self._owner, self._dialect, query, cursor, tuple(counts.items()), columns)
        rows = self._session.connection().execute(statement).mappings().all()  # without the objects of the session
        if not rows:
            raise self._owner.unknown()
        return rows

    def get(self, references: References) -> Result:
        """Return the referenced todos, including those in the trash, in the order of their references.

        Raises `NotFound` naming every reference that matches nothing.
        """
        query = _referenced(self._owner, references.kinds)
        found = [read(row) for row in self._session.execute(query, resolve.values_of(references)).mappings()]
        if missing := resolve.missing(references, found):
            self._owner.require(self._session)
            raise resolve.not_found(missing, [])
        return Result(resolve.in_order(references, found), frozenset())

    def add(self, drafts: Sequence[TodoCreate], key: ChangeKey) -> Result:
        """Add todos in one change, and return them in the same order.

        Repeated under the same key, nothing is added, and the todos of the first time are returned as they are now.
        Raises `Conflict` if `key` was used for another request.
        """
        repeating = [repetition.of_new(draft, clock.here().date()) for draft in drafts]
        columns = _given(drafts, repeating)
        links = Links.of(drafts)
        moment = now()
        values = stamp(self._origin, moment, key.id, key.request) | {"created_at": moment, "version": 1}
        owner = self._owner.name  # not the id, which not every client knows
        ids = [derived_id(key.id, owner, i) for i in range(1, len(drafts) + 1)]
        fields = [
            {name: getattr(draft, name, None) for name in columns} | more | ({"series_id": new} if more else {})
            for new, draft, more in zip(ids, drafts, repeating, strict=True)
        ]
        if len(drafts) == 1:
            statement = insert_sql.of_one(self._owner, self._dialect, columns, links)
            values |= {"id": ids[0]} | fields[0]
        else:
            statement = insert_sql.of_several(self._owner, self._dialect, columns, links)
            values["rows"] = [{"position": i, "id": ids[i - 1]} | row for i, row in enumerate(fields, 1)]
        with list_limits():
            added = self._session.execute(statement, parameters.values_of(values)).mappings().all()
        if not added:
            return self._added_before(key, links)
        items = sorted(map(read, added), key=lambda todo: todo.number)
        return Result(items, frozenset(todo.number for todo in items))

    def edit(
        self,
        chosen: Chosen,
        update: TodoUpdate,
        key: ChangeKey,
        *,
        expected: UUID | None = None,
        shifts: Mapping[str, Shift] | None = None,
        strict: bool = False,
        with_children: bool = False,
        series: bool = False,
    ) -> Result:
        """Change the fields that are set in `update`, and move dates by `shifts`, by column.

        With `expected`, only if that change was the last one to touch the todo; `strict` and `with_children` are as in
        `complete`. Of what repeats, only these occurrences change, unless it is the `series`.

        Raises `NotFound`, `Conflict`, and `ValidationError` if a todo has no date to move, would wait for itself or be
        under itself, or if more than `is_completed` is set `with_children`.
        """
        if with_children:
            if update.model_fields_set != {"is_completed"} or not update.is_completed:
                detail = "with_children completes subtasks, and goes with is_completed alone."
                raise ValidationError.of(
                    "with_children", detail, hint="Send the other fields in a request of their own."
                )
            return self.complete(chosen, key, expected=expected, strict=strict, with_children=True)
        more: dict[str, object] = {}
        if update.repeats_otherwise:
            found, more = self._repetition(chosen, update, key)
            expected = expected or found
        for column, shift in (shifts or {}).items():
            self._updates.require_date(chosen, column, shift, key)
        with list_limits():
            spec = edit_spec(update, now(), expected=expected, shifts=shifts, strict=strict, more=more, series=series)
            return self._updates.apply(chosen, spec, key)

    def _repetition(self, chosen: Chosen, update: TodoUpdate, key: ChangeKey) -> tuple[UUID | None, dict[str, object]]:
        """Return the columns that make one todo repeat as `update` says, and the change that it is at.

        Raises `ValidationError` for several todos: what they get depends on their dates.
        """
        references = chosen.references if isinstance(chosen, Preview) else chosen
        if not isinstance(references, References) or not references.single:
            raise ValidationError.of("every", "Only one todo at a time can be made to repeat.", hint="Give its number.")
        [todo] = self.get(references).items
        if recorded_todos(self._session, self._owner, key) is not None:
            return None, {}  # a retry, which changes nothing
        return todo.change_id, repetition.of_update(todo, update, clock.here().date())

    def complete(
        self,
        chosen: Chosen,
        key: ChangeKey,
        *,
        expected: UUID | None = None,
        strict: bool = False,
        with_children: bool = False,
    ) -> Result:
        """Mark todos done; done ones stay as they are. Those that repeat are followed by the next.

        `expected` is as in `edit`. With `with_children`, their subtasks are done as well, on every level.

        Raises `NotFound`, and `Conflict` if it is `strict` and something that one of them needs, or that is its
        subtask, stays open.
        """
        shape = UpdateShape(
            (COMPLETE,),
            is_versioned=expected is not None,
            with_subtasks=with_children,
            frees=True,
            is_strict=strict,
            continues=True,
        )
        return self._updates.apply(chosen, UpdateSpec(now(), shape, expected=expected), key)

    def reopen(self, chosen: Chosen, key: ChangeKey) -> Result:
        """Make done todos open again; open ones stay as they are. Raises `NotFound`."""
        return self._updates.apply(chosen, UpdateSpec(now(), UpdateShape((REOPEN,))), key)

    def remove(self, chosen: Chosen, key: ChangeKey, *, expected: UUID | None = None, series: bool = False) -> Result:
        """Move todos to the trash, with their subtasks; `expected` is as in `edit`.

        Raises `NotFound`, even for todos in the trash.

        Open ones that repeat are followed by the next, unless it is the `series` that ends.
        """
        versioned = expected is not None
        shape = UpdateShape(
            (Mark("deleted_at"),),
            is_versioned=versioned,
            with_subtasks=True,
            frees=True,
            continues=not series,
        )
        return self._updates.apply(chosen, UpdateSpec(now(), shape, expected=expected), key)

    def restore(self, chosen: Chosen, key: ChangeKey, *, expected: UUID | None = None) -> Result:
        """Take todos out of the trash, with the subtasks that went there with them; others stay as they are.

        `expected` is as in `edit`. Raises `NotFound`.
        """
        versioned = expected is not None
        shape = UpdateShape((Clear("deleted_at"),), from_trash=True, is_versioned=versioned, with_subtasks=True)
        return self._updates.apply(chosen, UpdateSpec(now(), shape, expected=expected), key)

    def release(self, chosen: Chosen, key: ChangeKey, *, expected: UUID | None = None) -> Result:
        """End the claims on todos, whoever has them. `expected` is as in `edit`. Raises `NotFound`."""
        shape = UpdateShape((Clear("claimed_by"), Clear("claimed_until")), is_versioned=expected is not None)
        return self._updates.apply(chosen, UpdateSpec(now(), shape, expected=expected), key)

    def note(self, chosen: References | Preview, text: str, key: ChangeKey, *, expected: UUID | None = None) -> Result:
        """Add a note to a todo; `expected` is as in `edit`. Raises `NotFound`, and `Conflict`.

        On SQLite, the session's statements must be one transaction.
        """
        shape = UpdateShape((CountNote(),), is_versioned=expected is not None, adds_note=True)
        return self._updates.apply(chosen, UpdateSpec(now(), shape, expected=expected, note=text), key)

    def with_notes(self, todos: Sequence[TodoRead]) -> list[TodoRead]:
        """Return todos with their notes, oldest first; read only if there are any."""
        noted = [todo.id for todo in todos if todo.note_count]
        notes: dict[UUID, list[NoteRead]] = {}
        if noted:
            query = sa.select(col(Note.todo_id), col(Note.made_at), col(Note.text)).where(
                self._owner.owns(Note), col(Note.todo_id).in_(noted), col(Note.hidden_at).is_(None)
            )
            for todo_id, at, text in self._session.execute(query.order_by(col(Note.made_at), col(Note.id))):
                notes.setdefault(todo_id, []).append(NoteRead(at=at, text=text))
        return [todo.model_copy(update={"notes": notes.get(todo.id, [])}) for todo in todos]

    def source_ids(self, ids: Sequence[UUID], format_name: str) -> dict[UUID, str]:
        """Return the ids that todos have in a format that they were imported from."""
        query = sa.select(col(Source.todo_id), col(Source.source_id)).where(
            self._owner.scope(Source), col(Source.format) == format_name, col(Source.todo_id).in_(ids)
        )
        return {row.todo_id: row.source_id for row in self._session.execute(query)}

    def ids_of(self, numbers: Collection[int]) -> dict[int, UUID]:
        """Return the ids of todos by their numbers, but for those in the trash."""
        if not numbers:
            return {}
        query = sa.select(col(Todo.number), col(Todo.id)).where(
            self._owner.scope(Todo), col(Todo.number).in_(numbers), col(Todo.deleted_at).is_(None)
        )
        return {row.number: row.id for row in self._session.execute(query)}

    def _added_before(self, key: ChangeKey, links: Links) -> Result:
        if recorded_todos(self._session, self._owner, key) is None:
            self._owner.require(self._session)
            links.refuse_for_new(self._session, self._owner)
            raise key_reused(key.id)
        touched = sa.select(col(History.todo_id)).where(self._owner.owns(History), col(History.change_id) == key.id)
        query = sa.select(*COLUMNS).where(self._owner.owns(Todo), col(Todo.id).in_(touched)).order_by(col(Todo.number))
        items = [read(row) for row in self._session.execute(query).mappings()]
        return Result(items, frozenset(todo.number for todo in items), is_repeat=True)

    @property
    def _dialect(self) -> str:
        return self._session.get_bind().dialect.name


@lru_cache(maxsize=500)
def _referenced(owner: Owner, kinds: ReferenceKinds) -> sa.Select[Any]:
    return sa.select(*COLUMNS).where(owner.scope(Todo), resolve.is_referenced(kinds))


def _as_list(rows: Sequence[sa.RowMapping]) -> TodoItems:
    items = [read(row) for row in rows if row["id"] is not None]
    return TodoItems(items=items, count=len(items), total=rows[0].get("total", len(items)))


def _given(drafts: Sequence[TodoCreate], repeating: Sequence[Mapping[str, object]]) -> tuple[str, ...]:
    """Return the columns that any of `drafts` sets; the title at least."""
    more = dict.fromkeys(name for columns in repeating for name, value in columns.items() if value is not None)
    names = (
        name
        for name in COLUMNS_GIVEN
        if name == "title" or any(getattr(draft, name) not in (None, [], False) for draft in drafts)
    )
    return tuple(dict.fromkeys((*names, *more, *(("series_id",) if more else ()))))
