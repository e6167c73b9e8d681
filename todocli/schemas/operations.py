"""What operators see of a database."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from todocli.schemas.base import Instant, ItemList, Output


class RevisionRead(Output):
    """One revision of the schema."""

    revision: str
    down_revision: str | None
    message: str


class RevisionList(ItemList[RevisionRead]):
    """The schema's history, newest first."""


class SchemaRead(Output):
    """The revision of a schema; `applied` are the revisions that this command applied."""

    database: Literal["sqlite", "postgresql"]
    location: str
    revision: str | None = Field(description="null: there is no schema.")
    head: str = Field(description="The revision that this program needs.")
    is_current: bool
    applied: list[str]
    connect_ms: float | None = Field(description="null where it was not measured, as after an upgrade.")
    wake_ms: float | None
    query_ms: float | None
    round_trips: int | None


class SqlRead(Output):
    """What an upgrade would run on a Postgres, as one transaction."""

    sql: str


class GrantRead(Output):
    """A role that may now use the todos of a database."""

    location: str
    role: str


class PingRead(Output):
    """What it took to reach a database. Times are in milliseconds."""

    database: Literal["sqlite", "postgresql"]
    location: str
    server_version: str
    connect_ms: float
    wake_ms: float = Field(description="The time of connecting beyond its round trips: the database had to wake up.")
    query_ms: float
    round_trips: int = Field(description="For connecting and the query together; 0 for the embedded file.")


class CheckRead(Output):
    """One thing that was looked at, and what to do about it."""

    name: str
    status: Literal["ok", "warning", "problem"]
    detail: str
    hint: str | None


class TableRead(Output):
    """A table: its rows, and on Postgres its size with its indexes, and how many deleted rows still take up space."""

    name: str
    rows: int
    bytes: int | None
    dead_rows: int | None


class GranteeRead(Output):
    """A role that has privileges on the schema, besides its owner."""

    role: str
    privileges: list[str]


class ConnectionsRead(Output):
    """How many connections the server has, and how many it allows."""

    used: int
    limit: int


class DatabaseRead(Output):
    """What a database holds. Objects are indexes, triggers and functions, each as in `index ix_todos_open`."""

    database: Literal["sqlite", "postgresql"]
    server_version: str
    revision: str
    tables: list[TableRead]
    missing: list[str] = Field(description="Objects that an upgrade creates, and that are not there.")
    changed: list[str] = Field(description="Objects that are defined otherwise than by an upgrade.")
    invalid: list[str] = Field(description="Indexes that are not kept up to date, and triggers that are turned off.")
    privileges: list[GranteeRead]
    connections: ConnectionsRead | None = Field(description="null: the embedded database.")
    oldest_change_at: Instant | None = Field(description="When the oldest change in the log was made.")


class HealthRead(Output):
    """Whether a command would work, and all that was looked at. Nothing secret is in it."""

    healthy: bool
    checks: list[CheckRead]
    database: DatabaseRead | None = Field(description="null: there is none that this program can use.")


class BackupRead(Output):
    """What a backup holds."""

    file: str
    bytes: int
    revision: str = Field(description="The revision of the schema. After a restore, the next command upgrades it.")
    users: int
    todos: int = Field(description="Including completed ones and the trash.")
    changes: int
    newest_change_at: Instant | None = Field(description="null: there are no changes.")


class RestoreRead(BackupRead):
    """What a restored backup holds."""

    location: str
    kept: str | None = Field(description="Where the previous database is; null: there was none.")


class DaemonRead(Output):
    """The process in which commands run, if there is one."""

    running: bool
    pid: int | None
    since: Instant | None
    memory: int | None = Field(description="Bytes, shared pages divided among their processes; null: not known.")
    unused_because: str | None = Field(description="Why commands run without it; null: they use it.")
