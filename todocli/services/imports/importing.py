"""Writes the todos of a file as one change. The session's statements are one transaction.

The file's todos wait in a temporary table, `incoming`, until it is clear what each of them is to the user:

    imported before    `sources` has its id, unless that import was undone
    exported before    its id is that of the user's own todo
    one of a series    it has the place in a series that a todo of the user has: see `known_occurrences`
    new                neither

What they refer to becomes numbers: see `linked`.

Then statements work on all of them at once: they insert the new ones as `todo add` does, update the others with
`--update`, insert notes, and record the sources. An update is for todos of which the file says something else than when
they were imported, and which were not changed here after the file was written.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col

from todocli.column_types import Uuid
from todocli.database.engine import insert_for
from todocli.domain.history import COMMAND_LINE, Origin
from todocli.domain.idempotency import ChangeKey
from todocli.models import Change, Note, Source, Todo, User
from todocli.schemas.todos import COLUMNS_GIVEN
from todocli.services import insert_sql, links, parameters, repetition
from todocli.services.idempotency import key_reused
from todocli.services.imports import known_occurrences, linked, staged
from todocli.services.imports.spool import Spool
from todocli.services.imports.staged import GIVEN
from todocli.services.owner import Owner
from todocli.services.updates import stamp

_todos, _notes, _sources = (SQLModel.metadata.tables[name] for name in ("todos", "notes", "sources"))

Action = Literal["add", "update"]
"""What an import does with a todo."""

SHOWN = 20
"""How many todos a dry run names."""


@dataclass(frozen=True)
class Outcome:
    """What an import did, in numbers; `changed` are the todos that it would have updated.

    `kept` are those that it does not update, as they were changed here later. `returned` are occurrences
    that an undo had moved to the trash. `first` has the first of those that a dry
    run would add or update: their places in the file, from 1, and which of both. `left_out` counts needs and parents.
    """

    added: int = 0
    first_number: int | None = None
    last_number: int | None = None
    updated: int = 0
    changed: int = 0
    unchanged: int = 0
    kept: int = 0
    returned: int = 0
    first: tuple[tuple[int, Action], ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)


class Import:
    """Imports the todos of one format for one user; `fields` are those of a todo that the format has a place for."""

    def __init__(
        self, session: Session, owner: Owner, format_name: str, fields: Set[str], *, origin: Origin = COMMAND_LINE
    ) -> None:
        self._session = session
        self._owner = owner
        self._format = format_name
        self._fields = fields
        self._origin = origin

    def run(self, todos: Spool, key: ChangeKey, moment: datetime, *, update: bool, dry_run: bool) -> Outcome:
        """Import the todos of a spool, which has `Incoming` rows; with `dry_run`, only find out what would happen.

        Repeated under the same key, nothing is imported, and the outcome has what was added the first time. Raises
        `Conflict` if `key` was used for another request.
        """
        incoming, notes, references = staged.load(self._session, self._owner, todos, key, moment)
        self._owner.lock(self._session)
        self._user_id = self._session.scalars(sa.select(col(User.id)).where(self._owner.is_user())).one()
        self._match(incoming, references)
        updated = linked.KINDS & self._fields if update else frozenset[str]()
        missing = linked.resolve(self._session, self._owner, self._format, incoming, references, updated=updated)
        self._compare(incoming, notes)
        done_before = self._recorded(key)
        is_new, is_changed = incoming.c.known_id.is_(None), incoming.c.is_changed
        counts = self._session.execute(
            sa.select(
                sa.func.count().filter(is_new),
                sa.func.count().filter(is_changed),
                sa.func.count().filter(incoming.c.is_kept),
                sa.func.count().filter(incoming.c.is_returning),
                sa.func.count(),
            ).select_from(incoming)
        ).one()
        new, changed, kept, returned, total = counts
        unchanged = total - new - changed - kept - returned
        if done_before:
            return self._outcome_of(incoming)
        if dry_run:
            updates = changed if update else 0
            first = self._first(incoming)
            numbers = (updates, changed - updates, unchanged, kept, returned)
            return Outcome(new, None, None, *numbers, first=first, left_out=missing)
        if new:
            self._insert(incoming, key, moment)
        if changed and update:
            self._update(incoming, notes, key, moment)
        if returned:
            self._update(incoming, notes, key, moment, are_returning=True)
        self._insert_notes(incoming, notes, key, update=update)
        self._record_sources(incoming, key, update=update)
        if update or returned:
            self._refuse_circles(incoming)
        found = self._outcome_of(incoming)
        return Outcome(
            found.added,
            found.first_number,
            found.last_number,
            changed if update else 0,
            0 if update else changed,
            unchanged,
            kept,
            returned,
            left_out=missing,
        )

    def _match(self, incoming: sa.Table, references: sa.Table) -> None:
        """Find the todo of the user that each incoming one is."""
        undo = sa.exists(
            sa.select(col(Change.id)).where(
                self._owner.owns(Change),
                col(Change.id) == col(Todo.change_id),
                col(Change.undoes) == _sources.c.change_id,
            )
        )
        is_undone = sa.and_(col(Todo.deleted_at).is_not(None), undo)
        same_source = (_sources.c.format == self._format, _sources.c.source_id == incoming.c.source_id)
        self._session.execute(
            sa.update(incoming)
            .values(
                known_id=_sources.c.todo_id,
                todo_id=_sources.c.todo_id,
                known_digest=_sources.c.digest,
                known_change=_sources.c.change_id,
            )
            .where(self._owner.scope(Source), *same_source, _todos.c.id == _sources.c.todo_id, ~is_undone)
        )
        self._session.execute(
            sa.update(incoming)
            .values(known_id=_todos.c.id, todo_id=_todos.c.id)
            .where(incoming.c.known_id.is_(None), self._owner.owns(Todo), _todos.c.id == incoming.c.own_id)
        )
        known_occurrences.match(self._session, self._owner, incoming, references)

    def _compare(self, incoming: sa.Table, notes: sa.Table) -> None:
        """Mark the todos that the file describes differently now."""
        missing = sa.select(notes.c.id).where(self._is_missing(notes, incoming)).correlate(incoming)
        self._session.execute(
            sa.update(incoming)
            .values(is_changed=sa.true())
            .where(
                self._owner.owns(Todo),
                _todos.c.id == incoming.c.known_id,
                _todos.c.deleted_at.is_(None),
                incoming.c.digest.is_distinct_from(incoming.c.known_digest),
                sa.or_(self._differs(incoming), sa.exists(missing)),
            )
        )
        self._session.execute(
            sa.update(incoming)
            .values(is_changed=sa.null(), is_kept=sa.true())
            .where(
                incoming.c.is_changed,
                self._owner.owns(Todo),
                _todos.c.id == incoming.c.known_id,
                self._is_newer_here(incoming),
            )
        )

    def _is_newer_here(self, incoming: sa.Table) -> sa.ColumnElement[bool]:
        """Return the condition that a todo was changed here after the file was written.

        A todo of ours tells by its version, others by the time; one that nobody touched since its import was not.
        """
        new = incoming.c
        is_ours = new.known_change.is_(None)
        is_touched = sa.or_(is_ours, new.known_change != _todos.c.change_id)
        other_version = sa.and_(is_ours, new.version != _todos.c.version)
        later = sa.and_(is_touched, new.overtaken_at <= _todos.c.updated_at, sa.or_(~is_ours, new.version.is_(None)))
        return sa.or_(other_version, later)

    def _first(self, incoming: sa.Table) -> tuple[tuple[int, Action], ...]:
        """Return the places of the first todos that are new or changed, and which of both they are."""
        action = sa.case((incoming.c.known_id.is_(None), "add"), else_="update")
        wanted = sa.or_(incoming.c.known_id.is_(None), incoming.c.is_changed)
        query = sa.select(incoming.c.position, action).where(wanted).order_by(incoming.c.position).limit(SHOWN)
        return tuple((position, what) for position, what in self._session.execute(query))

    def _differs(self, incoming: sa.Table) -> sa.ColumnElement[bool]:
        """Return the condition that a todo is not as the file has it, as far as the format has a place for it."""
        columns = [value.is_distinct_from(_todos.c[name]) for name, value in self._values(incoming).items()]
        if "is_completed" in self._fields:
            is_other = incoming.c.completed_at.is_(None) != _todos.c.completed_at.is_(None)
            columns.append(sa.and_(is_other, ~known_occurrences.goes_on(incoming)))
        return sa.or_(*columns)

    def _values(self, incoming: sa.Table) -> dict[str, sa.ColumnElement[Any]]:
        """Return the values of a todo that an update sets, by column: a day has a time, and someday has no day."""

        def final(name: str) -> sa.ColumnElement[Any]:
            return incoming.c[name] if name in self._fields else _todos.c[name]

        values: dict[str, sa.ColumnElement[Any]] = {
            name: incoming.c[name] for name in COLUMNS_GIVEN if name == "title" or name in self._fields
        }
        if self._fields & {"due_on", "due_time"}:
            is_same_day = final("due_on").is_not_distinct_from(_todos.c.due_on)
            keeps_time = is_same_day if "due_time" not in self._fields else final("due_on").is_not(None)
            values["due_time"] = sa.case((keeps_time, final("due_time")), else_=None)
        if self._fields & {"due_on", "starts_on", "is_someday"}:
            has_day = sa.or_(final("due_on").is_not(None), final("starts_on").is_not(None))
            values["is_someday"] = sa.case((has_day, sa.false()), else_=final("is_someday"))
        return values | _repetition(incoming, is_held="rrule" in self._fields)

    def _insert(self, incoming: sa.Table, key: ChangeKey, moment: datetime) -> None:
        position = sa.func.row_number().over(order_by=incoming.c.position).label("position")
        columns = [incoming.c[name] for name in ("id", *GIVEN)]
        new = sa.select(position, *columns).where(incoming.c.known_id.is_(None)).cte("new")
        statement = insert_sql.from_rows(self._owner, self._session.get_bind().dialect.name, GIVEN, new)
        values = stamp(self._origin, moment, key.id, key.request) | {"version": 1}
        self._session.execute(statement, parameters.values_of(values))

    def _update(
        self, incoming: sa.Table, notes: sa.Table, key: ChangeKey, moment: datetime, *, are_returning: bool = False
    ) -> None:
        """Update what is changed, or what comes back from the trash."""
        completed_at = sa.case(
            (known_occurrences.goes_on(incoming), _todos.c.completed_at),
            (incoming.c.completed_at.is_(None), None),
            (_todos.c.completed_at.is_(None), incoming.c.completed_at),
            else_=_todos.c.completed_at,
        )
        missing = sa.select(sa.func.count()).select_from(notes).where(self._is_missing(notes, incoming))
        more = missing.correlate(incoming).scalar_subquery()
        self._session.execute(
            _todos.update()
            .values(
                self._values(incoming)
                | stamp(self._origin, moment, key.id, key.request)
                | ({"completed_at": completed_at} if "is_completed" in self._fields else {})
                | {"version": _todos.c.version + 1}
                | {"note_count": _todos.c.note_count + more}
                | ({"deleted_at": None} if are_returning else {})
            )
            .where(self._owner.owns(Todo), _todos.c.id == incoming.c.known_id)
            .where(incoming.c.is_returning if are_returning else incoming.c.is_changed)
        )

    def _refuse_circles(self, incoming: sa.Table) -> None:
        """Raise `ValidationError` if links of the file do not go together with those of a todo that was kept as it is.

        A todo would wait for itself, be under itself, or on too low a level.
        """
        query = sa.select(_todos.c.number).where(
            self._owner.owns(Todo),
            _todos.c.id == incoming.c.todo_id,
            sa.or_(incoming.c.known_id.is_(None), incoming.c.is_changed, incoming.c.is_returning),
            sa.or_(_todos.c.needs.is_not(None), _todos.c.parent.is_not(None)),
        )
        links.refuse_circles(self._session, self._owner, self._session.scalars(query).all())

    def _is_missing(self, notes: sa.Table, incoming: sa.Table) -> sa.ColumnElement[bool]:
        """Return the condition that a note of the file is not among those of its todo yet."""
        same = sa.exists(
            sa.select(_notes.c.id)
            .where(self._owner.owns(Note), _notes.c.todo_id == incoming.c.known_id, _notes.c.text == notes.c.text)
            .where(_notes.c.hidden_at.is_(None))
            .correlate(incoming, notes)
        )
        return sa.and_(notes.c.position == incoming.c.position, ~same)

    def _insert_notes(self, incoming: sa.Table, notes: sa.Table, key: ChangeKey, *, update: bool) -> None:
        values: dict[str, Any] = {
            "id": notes.c.id,
            "user_id": self._user(),
            "todo_id": incoming.c.todo_id,
            "change_id": sa.literal(key.id, Uuid()),
            "made_at": notes.c.made_at,
            "text": notes.c.text,
        }
        missing = notes.join(incoming, self._is_missing(notes, incoming))
        rows = sa.select(*values.values()).select_from(missing).where(self._is_written(incoming, update=update))
        self._session.execute(_notes.insert().from_select(list(values), rows))

    def _record_sources(self, incoming: sa.Table, key: ChangeKey, *, update: bool) -> None:
        """Record where todos came from, unless they were known before and stay as they are."""
        values: dict[str, Any] = {
            "user_id": self._user(),
            "format": sa.literal(self._format, sa.Text()),
            "source_id": incoming.c.source_id,
            "todo_id": incoming.c.todo_id,
            "change_id": sa.literal(key.id, Uuid()),
            "digest": incoming.c.digest,
        }
        rows = sa.select(*values.values()).where(self._is_written(incoming, update=update))
        insert = insert_for(self._session.get_bind().dialect.name, Source).from_select(list(values), rows)
        taken = {name: insert.excluded[name] for name in ("todo_id", "change_id", "digest")}
        self._session.execute(
            insert.on_conflict_do_update(index_elements=["user_id", "format", "source_id"], set_=taken)
        )

    def _is_written(self, incoming: sa.Table, *, update: bool) -> sa.ColumnElement[bool]:
        """Return the condition that a todo is new, comes back, or is updated."""
        is_new = sa.or_(incoming.c.known_id.is_(None), incoming.c.is_returning)
        return sa.or_(is_new, incoming.c.is_changed) if update else is_new

    def _user(self) -> sa.ColumnElement[UUID]:
        return sa.literal(self._user_id, Uuid())

    def _recorded(self, key: ChangeKey) -> bool:
        """Whether this import was done before. Raises `Conflict` if its key was used for another request."""
        query = sa.select(col(Change.request)).where(self._owner.owns(Change), col(Change.id) == key.id)
        row = self._session.execute(query).one_or_none()
        if row is not None and row.request != key.request:
            raise key_reused(key.id)
        return row is not None

    def _outcome_of(self, incoming: sa.Table) -> Outcome:
        """Return what was added."""
        added = sa.and_(self._owner.owns(Todo), _todos.c.id == incoming.c.id)
        number = _todos.c.number
        query = sa.select(sa.func.count(), sa.func.min(number), sa.func.max(number))
        row = self._session.execute(query.select_from(incoming.join(_todos, added))).one()
        return Outcome(*row)


def _repetition(incoming: sa.Table, *, is_held: bool) -> dict[str, sa.ColumnElement[Any]]:
    """Return how a todo repeats that is updated. It stays in its series.

    It keeps its rule if it is done. It does so as well if the file has none, and its format does not hold all of them.
    """
    repeats = incoming.c.rrule.is_not(None)
    is_kept = sa.and_(~repeats, incoming.c.completed_at.is_not(None) if is_held else sa.true())
    begins = sa.and_(repeats, _todos.c.series_id.is_(None))
    return {
        **{name: sa.case((is_kept, _todos.c[name]), else_=incoming.c[name]) for name in repetition.COLUMNS},
        "series_id": sa.case((begins, _todos.c.id), else_=_todos.c.series_id),
        "series_place": sa.case((begins, incoming.c.series_place), else_=_todos.c.series_place),
    }
