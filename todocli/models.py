"""The tables, and nothing else. A table class does not validate: input and output go through `todocli.schemas`.

The triggers that write `changes` and `history` and move `users.last_number` are in the migrations.
On Postgres a sequence gives `changes.seq`, on SQLite the triggers do.
"""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from todocli.column_types import ClockTime, JsonObject, Names, NumberIn, Numbers, UtcDateTime, Uuid

SQLModel.metadata.naming_convention = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}


class User(SQLModel, table=True):
    """A user; `last_number` is the highest number that any of their todos ever had.

    The triggers keep the counts, each todo being in one of the three: counting would read every row.
    `last_claim_id` is the change of the last claim (`todocli.services.claims`).
    """

    __tablename__ = "users"
    __table_args__ = (
        sa.UniqueConstraint("name"),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 64", name="name"),
    )

    id: UUID = Field(sa_type=Uuid, primary_key=True)
    name: str = Field(sa_type=sa.Text)
    last_number: int = Field(default=0, sa_type=sa.BigInteger, sa_column_kwargs={"server_default": "0"})
    open_count: int = Field(default=0, sa_type=sa.BigInteger, sa_column_kwargs={"server_default": "0"})
    completed_count: int = Field(default=0, sa_type=sa.BigInteger, sa_column_kwargs={"server_default": "0"})
    trash_count: int = Field(default=0, sa_type=sa.BigInteger, sa_column_kwargs={"server_default": "0"})
    created_at: datetime = Field(sa_type=UtcDateTime)
    last_claim_id: UUID | None = Field(default=None, sa_type=Uuid)


_NEEDS_SQLITE = (
    "needs IS NULL OR (json_valid(needs) AND json_type(needs) = 'array' AND json_array_length(needs) BETWEEN 1 AND 100"
    " AND substr(needs, 2) NOT GLOB '*[^]0-9,]*' AND needs NOT GLOB '*[[,]0*'"
    f" AND needs NOT GLOB '*{'[0-9]' * 19}*')"
)
_NEEDS_POSTGRES = (
    "cardinality(needs) BETWEEN 1 AND 100 AND array_ndims(needs) = 1"
    " AND 0 < ALL (needs) AND array_position(needs, NULL) IS NULL"
)


class Todo(SQLModel, table=True):
    """One todo. The columns that begin with `change_` are about the change that wrote the row last.

    The triggers copy them into `changes`. A todo that repeats has an `rrule` (RFC 5545), which counts from what
    `repeat_from` says, and the date that the rule gave it, `repeat_on`: its due date may be another. `series_id` is the
    id of the first occurrence, and `series_values` has what the later ones have where this one differs, by column. A
    subtask has the number of its `parent`; copies of it have a series too (`todocli.domain.ids.series_of_copies`).
    """

    __tablename__ = "todos"
    __table_args__ = (
        sa.UniqueConstraint("user_id", "number"),
        sa.CheckConstraint("number >= 1", name="number"),
        sa.CheckConstraint("length(title) BETWEEN 1 AND 255 AND trim(title) <> ''", name="title"),
        sa.CheckConstraint("length(description) <= 2000", name="description"),
        sa.CheckConstraint("due_time IS NULL OR due_on IS NOT NULL", name="due_time"),
        sa.CheckConstraint("priority IN ('high', 'medium', 'low')", name="priority"),
        sa.CheckConstraint("change_source IN ('cli', 'api', 'sql', 'mcp')", name="change_source"),
        sa.CheckConstraint("length(change_actor) <= 64", name="change_actor"),
        sa.CheckConstraint("length(change_request) <= 16", name="change_request"),
        sa.CheckConstraint("length(project) BETWEEN 1 AND 100", name="project"),
        sa.CheckConstraint("due_on IS date(due_on, '+0 days')", name="due_on_day").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("due_time IS time(due_time)", name="due_time_clock").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("starts_on IS date(starts_on, '+0 days')", name="starts_on_day").ddl_if(dialect="sqlite"),
        sa.CheckConstraint(
            "tags IS NULL OR"
            " (json_valid(tags) AND json_type(tags) = 'array' AND json_array_length(tags) BETWEEN 1 AND 20)",
            name="tags",
        ).ddl_if(dialect="sqlite"),
        sa.CheckConstraint("cardinality(tags) BETWEEN 1 AND 20", name="tags").ddl_if(dialect="postgresql"),
        sa.CheckConstraint("NOT is_someday OR (due_on IS NULL AND starts_on IS NULL)", name="is_someday"),
        sa.CheckConstraint("length(claimed_by) BETWEEN 1 AND 64", name="claimed_by"),
        sa.CheckConstraint("(claimed_by IS NULL) = (claimed_until IS NULL)", name="claimed_until"),
        sa.CheckConstraint(_NEEDS_SQLITE, name="needs").ddl_if(dialect="sqlite"),
        sa.CheckConstraint(_NEEDS_POSTGRES, name="needs").ddl_if(dialect="postgresql"),
        sa.CheckConstraint(
            "series_place >= 1 AND series_id IS NOT NULL OR series_place IS NULL AND series_id IS NULL",
            name="series_place",
        ),
        sa.CheckConstraint("length(rrule) BETWEEN 1 AND 200", name="rrule"),
        sa.CheckConstraint(
            "rrule IS NULL AND repeat_from IS NULL OR rrule IS NOT NULL AND repeat_from IN ('due', 'completion')",
            name="repeat_from",
        ),
        sa.CheckConstraint(
            "(rrule IS NULL) = (repeat_on IS NULL) AND (rrule IS NULL OR series_id IS NOT NULL)", name="repeat_on"
        ),
        sa.CheckConstraint("ends_on IS NULL OR rrule IS NOT NULL", name="ends_on"),
        sa.CheckConstraint("times IS NULL OR rrule IS NOT NULL AND times >= 1", name="times"),
        sa.CheckConstraint("repeat_on IS date(repeat_on, '+0 days')", name="repeat_on_day").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("ends_on IS date(ends_on, '+0 days')", name="ends_on_day").ddl_if(dialect="sqlite"),
        sa.CheckConstraint("parent >= 1 AND parent <> number", name="parent"),
        sa.CheckConstraint(
            "series_values IS NULL OR (json_valid(series_values) AND json_type(series_values) = 'object')",
            name="series_values",
        ).ddl_if(dialect="sqlite"),
        sa.CheckConstraint("jsonb_typeof(series_values) = 'object'", name="series_values").ddl_if(dialect="postgresql"),
    )

    id: UUID = Field(sa_type=Uuid, primary_key=True)
    user_id: UUID = Field(sa_type=Uuid, foreign_key="users.id")
    number: int = Field(sa_type=sa.BigInteger)
    title: str = Field(sa_type=sa.Text)
    description: str | None = Field(default=None, sa_type=sa.Text)
    completed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)
    deleted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    version: int = Field(default=1, sa_type=sa.BigInteger)
    change_id: UUID = Field(sa_type=Uuid)
    change_source: str = Field(sa_type=sa.Text)
    change_actor: str | None = Field(default=None, sa_type=sa.Text)
    change_request: str | None = Field(default=None, sa_type=sa.Text)
    due_on: date | None = Field(default=None, sa_type=sa.Date)
    due_time: time | None = Field(default=None, sa_type=ClockTime)
    starts_on: date | None = Field(default=None, sa_type=sa.Date)
    priority: str | None = Field(default=None, sa_type=sa.Text)
    project: str | None = Field(default=None, sa_type=sa.Text)
    tags: list[str] = Field(default=[], sa_type=Names, nullable=True)
    is_someday: bool = Field(default=False, sa_type=sa.Boolean, sa_column_kwargs={"server_default": sa.false()})
    note_count: int = Field(default=0, sa_type=sa.BigInteger, sa_column_kwargs={"server_default": "0"})
    claimed_by: str | None = Field(default=None, sa_type=sa.Text)
    claimed_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    needs: list[int] = Field(default=[], sa_type=Numbers, nullable=True)
    series_id: UUID | None = Field(default=None, sa_type=Uuid)
    series_place: int | None = Field(default=None, sa_type=sa.BigInteger)
    rrule: str | None = Field(default=None, sa_type=sa.Text)
    repeat_from: str | None = Field(default=None, sa_type=sa.Text)
    repeat_on: date | None = Field(default=None, sa_type=sa.Date)
    ends_on: date | None = Field(default=None, sa_type=sa.Date)
    times: int | None = Field(default=None, sa_type=sa.BigInteger)
    parent: int | None = Field(default=None, sa_type=sa.BigInteger)
    series_values: dict[str, Any] | None = Field(default=None, sa_type=JsonObject)


class Note(SQLModel, table=True):
    """A note on a todo, which never changes. `hidden_at` is when the change that added it was undone, or None.

    `todos.note_count` counts those that are not hidden.
    """

    __tablename__ = "notes"
    __table_args__ = (
        sa.ForeignKeyConstraint(["todo_id"], ["todos.id"], ondelete="CASCADE"),
        sa.CheckConstraint("length(text) BETWEEN 1 AND 65536", name="text"),
        sa.Index("ix_notes_todo_id_user_id", "todo_id", "user_id"),
        sa.Index("ix_notes_change_id_user_id", "change_id", "user_id"),
    )

    id: UUID = Field(sa_type=Uuid, primary_key=True)
    user_id: UUID = Field(sa_type=Uuid)
    todo_id: UUID = Field(sa_type=Uuid)
    change_id: UUID = Field(sa_type=Uuid)
    made_at: datetime = Field(sa_type=UtcDateTime)
    hidden_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    text: str = Field(sa_type=sa.Text)


class Source(SQLModel, table=True):
    """Where an imported todo came from: its id in a format. So a file that is imported twice adds nothing.

    `change_id` is the import, and `digest` what the file said, to tell whether it says something else later.
    """

    __tablename__ = "sources"
    __table_args__ = (
        sa.PrimaryKeyConstraint("user_id", "format", "source_id"),
        sa.ForeignKeyConstraint(["todo_id"], ["todos.id"], ondelete="CASCADE"),
        sa.Index("ix_sources_todo_id", "todo_id"),
    )

    user_id: UUID = Field(sa_type=Uuid, primary_key=True)
    format: str = Field(sa_type=sa.Text, primary_key=True)
    source_id: str = Field(sa_type=sa.Text, primary_key=True)
    todo_id: UUID = Field(sa_type=Uuid)
    change_id: UUID = Field(sa_type=Uuid)
    digest: str = Field(sa_type=sa.Text)


class Change(SQLModel, table=True):
    """One change of a user. `seq` is its place in the order, and `undoes` the change that it undid.

    `compacted_at` is when its rows of history were dropped (`todocli.services.history.compaction`), or None.
    `source` and `actor` say where it came from (`todocli.domain.history.Origin`).
    `request` is the fingerprint of the request that made it (`todocli.domain.idempotency`), or None for a console.
    """

    __tablename__ = "changes"
    __table_args__ = (sa.PrimaryKeyConstraint("id", "user_id"), sa.UniqueConstraint("user_id", "seq"))

    user_id: UUID = Field(sa_type=Uuid, foreign_key="users.id", primary_key=True)
    id: UUID = Field(sa_type=Uuid, primary_key=True)
    seq: int = Field(sa_type=sa.BigInteger, sa_column_args=[sa.Identity()])
    made_at: datetime = Field(sa_type=UtcDateTime)
    source: str = Field(sa_type=sa.Text)
    actor: str | None = Field(default=None, sa_type=sa.Text)
    request: str | None = Field(default=None, sa_type=sa.Text)
    undoes: UUID | None = Field(default=None, sa_type=Uuid)
    compacted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class History(SQLModel, table=True):
    """What one change did to one todo: the row before (null: added) and after (null: deleted), as JSON."""

    __tablename__ = "history"
    __table_args__ = (
        sa.PrimaryKeyConstraint("change_id", "user_id", "todo_id"),
        sa.ForeignKeyConstraint(["change_id", "user_id"], ["changes.id", "changes.user_id"], ondelete="CASCADE"),
        sa.Index("ix_history_todo_id_user_id", "todo_id", "user_id"),
    )

    user_id: UUID = Field(sa_type=Uuid, primary_key=True)
    change_id: UUID = Field(sa_type=Uuid, primary_key=True)
    todo_id: UUID = Field(sa_type=Uuid, primary_key=True)
    before: dict[str, Any] | None = Field(default=None, sa_type=sa.JSON)
    after: dict[str, Any] | None = Field(default=None, sa_type=sa.JSON)


class Token(SQLModel, table=True):
    """Gives a program access to a user's todos through the HTTP API; `digest` is the SHA-256 of the token."""

    __tablename__ = "tokens"
    __table_args__ = (
        sa.UniqueConstraint("user_id", "name"),
        sa.UniqueConstraint("digest"),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 64", name="name"),
        sa.CheckConstraint("scope IN ('read', 'write', 'destroy', 'feed')", name="scope"),
    )

    id: UUID = Field(sa_type=Uuid, primary_key=True)
    user_id: UUID = Field(sa_type=Uuid, foreign_key="users.id")
    name: str = Field(sa_type=sa.Text)
    digest: str = Field(sa_type=sa.Text)
    scope: str = Field(sa_type=sa.Text)
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


_UNIQUE = ("ix_todos_series",)
"""The partial indexes that are unique."""


def complete_metadata() -> sa.MetaData:
    """Return the tables with their partial indexes, to compare or create them.

    An option of one engine loads its whole dialect, which no other command should pay for.
    """
    tables = SQLModel.metadata.tables
    todos, changes, history = tables["todos"].c, tables["changes"].c, tables["history"].c
    if any(index.name == "ix_todos_open" for index in tables["todos"].indexes):
        return SQLModel.metadata
    is_open = "completed_at IS NULL AND deleted_at IS NULL"
    for name, columns, condition in (
        ("ix_todos_open", (todos.user_id, todos.due_on, todos.due_time, todos.number), is_open),
        (
            "ix_todos_completed",
            (todos.user_id, todos.completed_at.desc(), todos.number),
            "completed_at IS NOT NULL AND deleted_at IS NULL",
        ),
        ("ix_todos_trash", (todos.user_id, todos.number), "deleted_at IS NOT NULL"),
        ("ix_todos_series", (todos.user_id, todos.series_id, todos.series_place), "series_id IS NOT NULL"),
        ("ix_todos_waiting", (todos.user_id, todos.number), f"needs IS NOT NULL AND {is_open}"),
        ("ix_todos_parent", (todos.user_id, todos.parent, todos.number), "parent IS NOT NULL"),
        (
            "ix_history_number",
            (history.user_id, NumberIn(history.after, history.before)),
            "before IS NULL OR after IS NULL",
        ),
        ("ix_changes_undoes_user_id", (changes.undoes, changes.user_id), "undoes IS NOT NULL"),
    ):
        where = sa.text(condition)
        sa.Index(name, *columns, unique=name in _UNIQUE, postgresql_where=where, sqlite_where=where)
    return SQLModel.metadata
