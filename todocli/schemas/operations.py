"""What operators see of a database."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from todocli.schemas.base import ItemList, Output


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


class HealthRead(Output):
    """Whether a command would work, and all that was looked at. Nothing secret is in it."""

    healthy: bool
    checks: list[CheckRead]
