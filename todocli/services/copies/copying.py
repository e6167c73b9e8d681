"""Writes a snapshot of a user's data into another database, or what is new in it since the last copy.

The triggers record every change of `todos`, and refuse what would stand in the log before its causes. So the order of
the statements matters:

    1. update the todos that changed since       the triggers record changes, at a time and in an order of their own
    2. drop the changes that 1 recorded          with their rows of history
    3. insert the new changes, in their order    each gets the next `seq` of this database: what comes later is later
    4. delete the todos that are gone since      what a purge would leave is recorded first, so the triggers do nothing
                                                 (those that were changed here since are kept)
    5. insert the new todos                      the triggers count them, and write one row of history for each
    6. write the history of the new changes      over what 4 and 5 left there
    7. insert notes and sources

Where a todo was changed on both sides since the last copy, this side is kept. Where todos get other numbers, what needs
them gets these as well, in its history too. What was purged there has no number here, and nothing needs it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Session, SQLModel, col

from todocli.database.engine import insert_for
from todocli.errors import TodoError
from todocli.models import History, Source, User
from todocli.services import links, staging
from todocli.services.copies.outcome import Copied, of_another_user, other_todos
from todocli.services.copies.renumbering import Numbers, change_links, renumbered
from todocli.services.copies.snapshot import TABLES, Advance, Snapshot, columns
from todocli.services.imports.spool import Row
from todocli.services.owner import Owner

_tables = SQLModel.metadata.tables
_todos, _changes, _history, _notes = (_tables[name] for name in ("todos", "changes", "history", "notes"))

_NAMED = 20
"""How many todos a summary names."""

_KEYS = {"changes": ("id",), "todos": ("id",), "history": ("change_id", "todo_id"), "notes": ("id",)}


@cache
def _copied(dialect: str, name: str) -> sa.Table:
    """Return the temporary table for the rows of a table; the JSON of history is text."""
    types: dict[str, Any] = {c.name: sa.Text() if isinstance(c.type, sa.JSON) else c.type for c in columns(name)}
    kept = (sa.Column(each, kind, primary_key=each in _KEYS.get(name, ())) for each, kind in types.items())
    return staging.define(dialect, f"copied_{name}", [*kept, sa.Column("state", sa.Text())])


class Copy:
    """Writes a snapshot for one user. The session's statements are one transaction."""

    def __init__(self, session: Session, owner: Owner) -> None:
        self._session = session
        self._owner = owner
        self._dialect = session.get_bind().dialect.name
        self._is_sqlite = self._dialect == "sqlite"

    def run(self, snapshot: Snapshot, *, merge: bool, advance: Advance = lambda done: None) -> Copied:
        """Write a snapshot, and return what that changed.

        Raises `Conflict` if the user has other todos here, unless `merge`; then they stay, and the new ones get other
        numbers if theirs are taken. Raises `MissingUserContext`.
        """
        staged = {name: staging.create(self._session, _copied(self._dialect, name)) for name in TABLES}
        done = 0
        for name in ("changes", "todos", "notes", "sources"):
            done = self._load(staged[name], snapshot, name, done, advance)
        self._owner.lock(self._session)
        user = self._session.execute(sa.select(col(User.id), col(User.last_number)).where(self._owner.is_user())).one()
        self._user_id: UUID = user.id
        self._mark_new(staged)
        if user.last_number and not merge and not self._is_known(staged["changes"]):
            raise other_todos()
        moved = self._renumber(staged["todos"], user.last_number)
        numbers = self._numbers(staged["todos"], [*moved, *self._other_numbers(staged["todos"])])
        self._load(staged["history"], snapshot, "history", done, advance, numbers)
        self._mark_gone(staged)
        copied = self._counted(staged, {old: new for _, old, new in moved})
        self._write(staged, snapshot.last_number)
        self._verify(staged, snapshot)
        updated = sa.select(staged["todos"].c.number).where(staged["todos"].c.state == "updated")
        links.refuse_circles(self._session, self._owner, self._session.scalars(updated).all())
        return copied

    # What comes

    def _load(
        self,
        staged: sa.Table,
        snapshot: Snapshot,
        name: str,
        done: int,
        advance: Advance,
        numbers: Numbers | None = None,
    ) -> int:
        """Load the rows of a table, and return how many rows are loaded by now."""

        def batches() -> Iterator[Sequence[Row]]:
            nonlocal done
            for batch in snapshot.tables[name].batches():
                rows = [renumbered(row, numbers) for row in batch] if numbers else batch
                yield [(*row, None) for row in rows]
                done += len(batch)
                advance(done)

        staging.load(self._session, staged, batches())
        return done

    def _mark_new(self, staged: Mapping[str, sa.Table]) -> None:
        """Find out what is new, and which todos changed: `state` is new, updated or kept; null: the same here.

        Raises `Conflict` if another user has the same todos here: an id is unique in a database.
        """
        for name in ("changes", "notes"):
            here = _tables[name]
            same_row = sa.select(here.c.id).where(self._mine(here), here.c.id == staged[name].c.id)
            known = sa.exists(same_row.correlate(staged[name]))
            self._execute(sa.update(staged[name]).values(state="new").where(~known))
        todos, changes = staged["todos"], staged["changes"]
        taken = sa.select(todos.c.id).where(_todos.c.id == todos.c.id, ~self._mine(_todos)).limit(1)
        if self._session.execute(taken).first():
            raise of_another_user()
        same = sa.and_(self._mine(_todos), _todos.c.id == todos.c.id)
        by_new = sa.select(changes.c.id).where(changes.c.id == todos.c.change_id, changes.c.state == "new")
        new_change = sa.exists(by_new.correlate(todos))
        their_change = sa.exists(sa.select(changes.c.id).where(changes.c.id == _todos.c.change_id).correlate(_todos))
        state = sa.case((their_change, "updated"), else_="kept")
        differs = sa.and_(_todos.c.change_id != todos.c.change_id, new_change)
        self._execute(sa.update(todos).values(state=state).where(same, differs))
        # A change that is known and whose todo is not here: it was purged here, after it had been copied.
        known_todo = sa.exists(sa.select(_todos.c.id).where(same).correlate(todos))
        recorded = sa.select(_history.c.todo_id).where(self._mine(_history), _history.c.todo_id == todos.c.id)
        gone = sa.exists(recorded.correlate(todos))
        self._execute(sa.update(todos).values(state="new").where(~known_todo, ~gone))

    def _is_known(self, changes: sa.Table) -> bool:
        """Whether some of these changes are here already: the data came from the same user's database."""
        known = sa.select(changes.c.id).where(changes.c.state.is_(None)).limit(1)
        return self._session.execute(known).first() is not None

    def _renumber(self, todos: sa.Table, last_number: int) -> list[tuple[UUID, int, int]]:
        """Give new todos other numbers if one of theirs is taken, in the same order.

        Return the id of each, and its old and its new number.
        """
        is_new = todos.c.state == "new"
        lowest = self._session.scalar(sa.select(sa.func.min(todos.c.number)).where(is_new))
        if lowest is None or lowest > last_number:
            return []
        query = sa.select(todos.c.id, todos.c.number).where(is_new).order_by(todos.c.number)
        rows = self._session.execute(query).all()
        place = sa.func.row_number().over(order_by=todos.c.number).label("place")
        ranked = sa.select(todos.c.id, place).where(is_new).cte("ranked")
        self._execute(sa.update(todos).values(number=last_number + ranked.c.place).where(todos.c.id == ranked.c.id))
        return [(row.id, row.number, last_number + i) for i, row in enumerate(rows, 1)]

    def _other_numbers(self, todos: sa.Table) -> list[tuple[UUID, int, int]]:
        """Give todos that got another number in an earlier copy the same one again, and return the same of them."""
        other = (self._mine(_todos), _todos.c.id == todos.c.id, todos.c.number != _todos.c.number)
        rows = self._session.execute(sa.select(todos.c.id, todos.c.number, _todos.c.number).where(*other)).all()
        self._execute(sa.update(todos).values(number=_todos.c.number).where(*other))
        return [(todo_id, old, new) for todo_id, old, new in rows]

    def _numbers(self, todos: sa.Table, moved: Sequence[tuple[UUID, int, int]]) -> Numbers | None:
        """Return the numbers of todos, and change those that others refer to; None if none of them `moved`."""
        by_id = {todo_id: new for todo_id, _, new in moved}
        if not by_id:
            return None
        same_todo = sa.select(_todos.c.id).where(self._mine(_todos), _todos.c.id == todos.c.id)
        is_here = sa.or_(todos.c.state == "new", sa.exists(same_todo.correlate(todos)))
        rows = self._session.execute(sa.select(todos.c.id, todos.c.number).where(is_here))
        kept = {row.number: row.number for row in rows if row.id not in by_id}
        numbers = Numbers(by_id, kept | {old: new for _, old, new in moved})
        return change_links(self._session, todos, numbers)

    def _mark_gone(self, staged: Mapping[str, sa.Table]) -> None:
        """Mark, by `state`, the rows of history by which new changes deleted or purged todos that are here.

        Those are kept that were changed here since. The rows get the number that the todo has here.
        """
        history, changes, todos = (staged[name] for name in ("history", "changes", "todos"))
        there = sa.exists(sa.select(todos.c.id).where(todos.c.id == history.c.todo_id).correlate(history))
        by_new = sa.select(changes.c.id).where(changes.c.id == history.c.change_id, changes.c.state == "new")
        untouched = sa.select(changes.c.id).where(changes.c.id == _todos.c.change_id)
        is_gone = sa.and_(
            self._mine(_todos),
            _todos.c.id == history.c.todo_id,
            history.c.after.is_(None),
            ~there,
            sa.exists(by_new.correlate(history)),
            sa.exists(untouched.correlate(_todos)),
        )
        if self._is_sqlite:
            number: Any = sa.func.json_extract(history.c.before, "$.number")
            renumbered: Any = sa.func.json_set(history.c.before, "$.number", _todos.c.number)
        else:
            image = sa.cast(history.c.before, JSONB)
            number = sa.cast(image["number"].astext, sa.BigInteger())
            path: Any = sa.literal_column("'{number}'")
            new = sa.func.pg_catalog.jsonb_set(image, path, sa.func.pg_catalog.to_jsonb(_todos.c.number))
            renumbered = sa.cast(new, sa.Text())
        before = sa.case((number == _todos.c.number, history.c.before), else_=renumbered)
        self._execute(sa.update(history).values(state="gone", before=before).where(is_gone))

    def _is_logged_here(self, history: sa.Table, todos: sa.Table) -> sa.ColumnElement[bool]:
        """Return the condition that the log here tells of a row: not of what happened to a todo that is kept."""
        kept = sa.select(todos.c.id).where(todos.c.id == history.c.todo_id, todos.c.state == "kept")
        return ~sa.exists(kept.correlate(history))

    def _counted(self, staged: Mapping[str, sa.Table], numbers: Mapping[int, int]) -> Copied:
        todos = staged["todos"]
        kept_numbers = sa.select(todos.c.number).where(todos.c.state == "kept").order_by(todos.c.number).limit(_NAMED)
        by_state = sa.select(todos.c.state, sa.func.count()).group_by(todos.c.state)
        counts: dict[str | None, int] = {row[0]: row[1] for row in self._session.execute(by_state)}
        return Copied(
            added=counts.get("new", 0),
            updated=counts.get("updated", 0),
            deleted=self._count(sa.select(staged["history"].c.todo_id).where(staged["history"].c.state == "gone")),
            kept=counts.get("kept", 0),
            unchanged=counts.get(None, 0),
            changes=self._count(sa.select(staged["changes"].c.id).where(staged["changes"].c.state == "new")),
            notes=self._count(sa.select(staged["notes"].c.id).where(staged["notes"].c.state == "new")),
            numbers=numbers,
            kept_numbers=tuple(self._session.scalars(kept_numbers)),
        )

    def _count(self, rows: sa.Select[Any]) -> int:
        return self._session.scalar(sa.select(sa.func.count()).select_from(rows.subquery())) or 0

    # What is written

    def _write(self, staged: Mapping[str, sa.Table], last_number: int) -> None:
        changes, todos = staged["changes"], staged["todos"]
        new_changes = sa.select(changes.c.id).where(changes.c.state == "new")
        self._update_todos(todos, changes)
        self._execute(_changes.delete().where(self._mine(_changes), _changes.c.id.in_(new_changes)))
        self._insert_changes(changes)
        self._delete_gone(staged["history"])
        names = [column.name for column in columns("todos")]
        self._insert(
            "todos", names, sa.select(*(todos.c[n] for n in names)).where(todos.c.state == "new"), todos.c.number
        )
        self._insert_history(staged["history"], todos, new_changes)
        self._insert_notes(staged["notes"], todos)
        self._insert_sources(staged["sources"])
        self._execute(
            sa.update(User)
            .where(col(User.id) == self._user_id, col(User.last_number) < last_number)
            .values(last_number=last_number)
        )

    def _update_todos(self, todos: sa.Table, changes: sa.Table) -> None:
        """Update the todos that changed: on SQLite one change after the other, as its triggers see single rows."""
        values = {c.name: todos.c[c.name] for c in columns("todos") if c.name not in ("id", "number")}
        update = _todos.update().values(values)
        update = update.where(self._mine(_todos), _todos.c.id == todos.c.id, todos.c.state == "updated")
        if not self._is_sqlite:
            self._execute(update)
            return
        touched = sa.select(todos.c.change_id).where(todos.c.state == "updated")
        ordered = sa.select(changes.c.id).where(changes.c.id.in_(touched)).order_by(changes.c.seq)
        for change_id in self._session.scalars(ordered).all():
            self._execute(update.where(todos.c.change_id == change_id))

    def _insert_changes(self, changes: sa.Table) -> None:
        names = [column.name for column in columns("changes") if column.name != "seq"]
        rows = sa.select(*(changes.c[name] for name in names)).where(changes.c.state == "new")
        if self._is_sqlite:  # a sequence does it on Postgres
            newest = sa.select(sa.func.coalesce(sa.func.max(_changes.c.seq), 0)).where(self._mine(_changes))
            place = sa.func.row_number().over(order_by=changes.c.seq)
            names, rows = [*names, "seq"], rows.add_columns(newest.scalar_subquery() + place)
        self._insert("changes", names, rows, changes.c.seq)

    def _delete_gone(self, history: sa.Table) -> None:
        """Delete the todos that are gone, and their history but for what is there as well."""
        gone = history.alias("gone")
        json_object = sa.func.json_object if self._is_sqlite else sa.func.pg_catalog.json_build_object
        left = json_object(sa.literal_column("'number'"), _todos.c.number)
        rows = (
            sa.select(self._user(), gone.c.change_id, gone.c.todo_id, left)
            .join(_todos, sa.and_(self._mine(_todos), _todos.c.id == gone.c.todo_id))
            .where(gone.c.state == "gone")
        )
        self._execute(_history.insert().from_select(["user_id", "change_id", "todo_id", "before"], rows))
        ids = sa.select(history.c.todo_id).where(history.c.state == "gone")
        self._execute(_todos.delete().where(self._mine(_todos), _todos.c.id.in_(ids)))
        known = sa.select(gone.c.todo_id).where(
            gone.c.change_id == _history.c.change_id, gone.c.todo_id == _history.c.todo_id
        )
        self._execute(
            _history.delete().where(
                self._mine(_history), _history.c.todo_id.in_(ids), ~sa.exists(known.correlate(_history))
            )
        )

    def _insert_history(self, history: sa.Table, todos: sa.Table, new_changes: sa.Select[Any]) -> None:
        images = ("before", "after")
        values = [history.c.change_id, history.c.todo_id, *(self._json(history.c[name]) for name in images)]
        rows = sa.select(self._user(), *values).where(
            history.c.change_id.in_(new_changes), self._is_logged_here(history, todos)
        )
        insert = insert_for(self._dialect, History).from_select(["user_id", "change_id", "todo_id", *images], rows)
        self._execute(
            insert.on_conflict_do_update(
                index_elements=["change_id", "user_id", "todo_id"],
                set_={name: insert.excluded[name] for name in images},
            )
        )

    def _insert_notes(self, notes: sa.Table, todos: sa.Table) -> None:
        """Insert the notes of todos that were written, and hide or show those that are here as they are there."""
        written = sa.select(todos.c.id).where(todos.c.state.in_(("new", "updated")))
        names = [column.name for column in columns("notes")]
        rows = sa.select(*(notes.c[name] for name in names)).where(notes.c.state == "new", notes.c.todo_id.in_(written))
        self._insert("notes", names, rows, notes.c.id)
        self._execute(
            _notes.update()
            .values(hidden_at=notes.c.hidden_at)
            .where(self._mine(_notes), _notes.c.id == notes.c.id, notes.c.todo_id.in_(written))
            .where(_notes.c.hidden_at.is_distinct_from(notes.c.hidden_at))
        )

    def _insert_sources(self, sources: sa.Table) -> None:
        names = [column.name for column in columns("sources")]
        its_todo = sa.select(_todos.c.id).where(self._mine(_todos), _todos.c.id == sources.c.todo_id)
        here = sa.exists(its_todo.correlate(sources))
        rows = sa.select(self._user(), *(sources.c[name] for name in names)).where(here)
        insert = insert_for(self._dialect, Source).from_select(["user_id", *names], rows)
        taken = {name: insert.excluded[name] for name in ("todo_id", "change_id", "digest")}
        self._execute(insert.on_conflict_do_update(index_elements=["user_id", "format", "source_id"], set_=taken))

    def _insert(self, table: str, names: Sequence[str], rows: sa.Select[Any], order: sa.ColumnElement[Any]) -> None:
        statement = (
            _tables[table]
            .insert()
            .from_select(
                ["user_id", *names], rows.with_only_columns(self._user(), *rows.selected_columns).order_by(order)
            )
        )
        self._execute(statement)

    # Whether it arrived

    def _verify(self, staged: Mapping[str, sa.Table], snapshot: Snapshot) -> None:
        """Compare every column of every row that was written with what was read. Raises `TodoError`."""
        written = sa.select(staged["todos"].c.id).where(staged["todos"].c.state.in_(("new", "updated")))
        new_changes = sa.select(staged["changes"].c.id).where(staged["changes"].c.state == "new")
        wanted = {
            "changes": staged["changes"].c.state == "new",
            "todos": staged["todos"].c.state.in_(("new", "updated")),
            "history": sa.and_(
                staged["history"].c.change_id.in_(new_changes), self._is_logged_here(staged["history"], staged["todos"])
            ),
            "notes": staged["notes"].c.todo_id.in_(written),
        }
        for name, condition in wanted.items():
            rows, here = staged[name], _tables[name]
            loaded = self._count(sa.select(rows))
            expected = self._count(sa.select(rows).where(condition))
            keys = [here.c[key] == rows.c[key] for key in _KEYS[name]]
            same = [self._is_same(here.c[c.name], rows.c[c.name]) for c in columns(name) if c.name not in _OWN]
            joined = rows.join(here, sa.and_(self._mine(here), *keys))
            found = self._count(
                sa.select(*(rows.c[key] for key in _KEYS[name])).select_from(joined).where(condition, *same)
            )
            if loaded != snapshot.tables[name].count or found != expected:
                detail = f"Of {expected:,} rows of {name}, {found:,} arrived as they are there. Nothing was copied."
                raise TodoError(detail, hint="Report this, with the versions that todo --debug prints.")

    def _is_same(self, here: sa.ColumnElement[Any], there: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
        if isinstance(here.type, sa.JSON):
            here = sa.cast(here, sa.Text())
        return here.is_not_distinct_from(there)

    # How the statements are put together

    def _mine(self, table: sa.Table) -> sa.ColumnElement[bool]:
        return table.c.user_id == self._user_id

    def _user(self) -> sa.ColumnElement[UUID]:
        return sa.literal(self._user_id, _tables["users"].c.id.type).label("user_id")

    def _json(self, text: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        return text if self._is_sqlite else sa.cast(text, sa.JSON())

    def _execute(self, statement: Any) -> None:
        self._session.execute(statement.execution_options(synchronize_session=False))


_OWN = ("seq",)
"""The columns that a database gives."""
