"""Loads the todos of a file, their notes, and what they refer to into temporary tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session

from todocli.column_types import UtcDateTime, Uuid
from todocli.domain.idempotency import ChangeKey
from todocli.domain.ids import derived_id, uuid_or_none
from todocli.domain.references import is_plain_number
from todocli.models import Todo
from todocli.schemas.todos import COLUMNS_GIVEN
from todocli.services import staging
from todocli.services.imports.adapter import REPEATING, Incoming
from todocli.services.imports.spool import Spool
from todocli.services.owner import Owner

_todos = sa.inspect(Todo).local_table

GIVEN = (*COLUMNS_GIVEN, *REPEATING, "completed_at", "created_at", "note_count")
"""The columns of a todo that a file gives."""

_SECOND = timedelta(seconds=1)
"""How exact other programs are."""

_TICK = timedelta(microseconds=1)
"""Notes without a time keep their order by it."""


class Staged(NamedTuple):
    """The tables. `links` has a row for each todo that one refers to: a `kind`, which is the name of the field."""

    incoming: sa.Table
    notes: sa.Table
    links: sa.Table


@cache
def _tables(dialect: str) -> Staged:
    given = [sa.Column(name, _todos.c[name].type, index=name == "series_id") for name in GIVEN]
    incoming = staging.define(
        dialect,
        "incoming",
        [
            sa.Column("position", sa.BigInteger(), primary_key=True, autoincrement=False),
            sa.Column("id", Uuid()),
            sa.Column("source_id", sa.Text(), index=True),
            sa.Column("own_id", Uuid()),
            sa.Column("digest", sa.Text()),
            *given,
            sa.Column("known_id", Uuid(), index=True),
            sa.Column("todo_id", Uuid()),
            sa.Column("known_digest", sa.Text()),
            sa.Column("known_change", Uuid()),
            sa.Column("is_changed", sa.Boolean()),
            sa.Column("is_kept", sa.Boolean()),
            sa.Column("version", sa.BigInteger()),
            sa.Column("overtaken_at", UtcDateTime()),
            sa.Column("reference", sa.Text(), index=True),
            sa.Column("number", sa.BigInteger()),
            sa.Column("has_series", sa.Boolean()),
            sa.Column("is_returning", sa.Boolean()),
        ],
    )
    notes = staging.define(
        dialect,
        "incoming_notes",
        [
            sa.Column("id", Uuid(), primary_key=True),
            sa.Column("position", sa.BigInteger(), index=True),
            sa.Column("made_at", UtcDateTime()),
            sa.Column("text", sa.Text()),
        ],
    )
    links = staging.define(
        dialect,
        "incoming_links",
        [
            sa.Column("kind", sa.Text()),
            sa.Column("position", sa.BigInteger(), index=True),
            sa.Column("reference", sa.Text(), index=True),
            sa.Column("own_id", Uuid()),
            sa.Column("own_number", sa.BigInteger()),
            sa.Column("number", sa.BigInteger()),
        ],
    )
    return Staged(incoming, notes, links)


def load(session: Session, owner: Owner, todos: Spool, key: ChangeKey, moment: datetime) -> Staged:
    """Load the todos of a spool, which has `Incoming` rows."""
    tables = _tables(session.get_bind().dialect.name)
    for table in tables:
        staging.create(session, table)
    staging.load(session, tables.incoming, _todo_rows(todos, key, owner.name, moment))
    staging.load(session, tables.notes, _note_rows(todos, key, owner.name, moment))
    staging.load(session, tables.links, _link_rows(todos))
    return tables


def set_columns(
    session: Session,
    incoming: sa.Table,
    names: tuple[str, ...],
    rows: Sequence[tuple[Any, ...]],
    **more: sa.ColumnElement[Any],
) -> None:
    """Set columns of the todos of a file: each row has the position of one, and their values."""
    if not rows:
        return
    found = staging.create(session, _found(session.get_bind().dialect.name, names))
    staging.load(session, found, [rows])
    values = {name: found.c[name] for name in names} | more
    session.execute(sa.update(incoming).values(values).where(found.c.position == incoming.c.position))


@cache
def _found(dialect: str, names: tuple[str, ...]) -> sa.Table:
    columns = _tables(dialect).incoming.columns
    position = sa.Column("position", sa.BigInteger(), primary_key=True, autoincrement=False)
    return staging.define(dialect, f"found_{names[0]}", [position, *(sa.Column(n, columns[n].type) for n in names)])


def _todo_rows(todos: Spool, key: ChangeKey, owner: str, moment: datetime) -> Iterator[Sequence[tuple[Any, ...]]]:
    for batch, positions in _numbered(todos):
        yield [
            _todo_row(todo, i, derived_id(key.id, owner, i), moment) for todo, i in zip(batch, positions, strict=True)
        ]


def _todo_row(todo: Incoming, position: int, new_id: UUID, moment: datetime) -> tuple[Any, ...]:
    created_at = todo.created_at or moment
    completed_at = (todo.completed_at or created_at) if todo.is_completed else None
    overtaken_at = todo.modified_at + _SECOND if todo.modified_at else None
    source = (todo.source_id, uuid_or_none(todo.source_id), todo.digest)
    found_later = (None, new_id, None, None, None, None)
    series_id, place, rule, *how = todo.repeating
    has_series = series_id is not None
    own_id, own_place = (new_id, place) if rule else (None, None)
    repeating = (*((series_id, place) if has_series else (own_id, own_place)), rule, *how)
    return (
        *(position, new_id, *source, *todo.fields, *repeating, completed_at, created_at, len(todo.notes)),
        *(*found_later, todo.version, overtaken_at, todo.reference, None, has_series, False),
    )


def _note_rows(todos: Spool, key: ChangeKey, owner: str, moment: datetime) -> Iterator[Sequence[tuple[Any, ...]]]:
    for batch, positions in _numbered(todos):
        yield [
            (derived_id(key.id, f"{owner}/{position}", i), position, made_at or moment + i * _TICK, text)
            for todo, position in zip(batch, positions, strict=True)
            for i, (made_at, text) in enumerate(todo.notes)
        ]


def _link_rows(todos: Spool) -> Iterator[Sequence[tuple[Any, ...]]]:
    for batch, positions in _numbered(todos):
        yield [
            (kind, position, *_reference(reference))
            for todo, position in zip(batch, positions, strict=True)
            for kind, references in (("needs", todo.needs), ("parent", (todo.parent,) if todo.parent else ()))
            for reference in references
        ]


def _reference(text: str) -> tuple[str, UUID | None, int | None, None]:
    """Return a reference, and the id or the number that it is if the file is of ours; the last is found later."""
    return text, uuid_or_none(text), int(text) if is_plain_number(text) else None, None


def _numbered(todos: Spool) -> Iterator[tuple[Sequence[Incoming], range]]:
    """Return the todos in batches, and their positions."""
    first = 1
    for batch in todos.batches():
        yield [Incoming(*row) for row in batch], range(first, first + len(batch))
        first += len(batch)
