"""Temporary tables: how many rows reach the database at once, and are then used by one statement.

On Postgres the rows come by COPY. A table lives until its transaction ends, as a pooler may give the connection to
somebody else then. Definitions are kept, because SQLAlchemy compiles a statement anew for each new `sa.Table`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from todocli.column_types import ClockTime, JsonObject, Members, UtcDateTime

_OURS = (Members, JsonObject)
"""The types that psycopg does not know."""

_REPEATED = (sa.Date, ClockTime, UtcDateTime)
"""Types of which many rows have the same values, each of which is converted once."""

_SCHEMA = {"sqlite": "temp", "postgresql": "pg_temp"}


def define(dialect: str, name: str, columns: Sequence[sa.Column[Any]]) -> sa.Table:
    """Return the definition of a temporary table, for `create`."""
    return sa.Table(
        name,
        sa.MetaData(),
        *columns,
        schema=_SCHEMA[dialect],
        prefixes=["TEMPORARY"],
        postgresql_on_commit="DROP",
    )


def create(session: Session, table: sa.Table) -> sa.Table:
    """Create an empty temporary table, and return it. The session's statements are one transaction."""
    discard(session, table.name)
    connection = session.connection()
    for statement in _statements(table, connection.dialect):
        connection.exec_driver_sql(statement)
    return table


@lru_cache(maxsize=100)
def _statements(table: sa.Table, dialect: sa.Dialect) -> list[str]:
    """Return the statements that create a table and its indexes: SQLAlchemy compiles them anew each time."""
    elements: list[sa.schema.ExecutableDDLElement] = [sa.schema.CreateTable(table)]
    elements += map(sa.schema.CreateIndex, table.indexes)
    return [str(each.compile(dialect=dialect)) for each in elements]


def discard(session: Session, name: str) -> None:
    """Drop the temporary table that an earlier transaction left, on SQLite: which cannot while rows are being read."""
    if session.get_bind().dialect.name == "sqlite":
        session.connection().exec_driver_sql(f"DROP TABLE IF EXISTS {_SCHEMA['sqlite']}.{name}")


def load(session: Session, table: sa.Table, batches: Iterable[Sequence[tuple[Any, ...]]]) -> None:
    """Add rows to a temporary table; each has a value for every column."""
    connection = session.connection()
    is_sqlite = connection.dialect.name == "sqlite"
    kinds = [column.type.dialect_impl(connection.dialect) for column in table.c]
    processors = [
        kind.bind_processor(connection.dialect) if is_sqlite or isinstance(kind, _OURS) else None for kind in kinds
    ]
    processors = [
        lru_cache(maxsize=1_000)(process) if process and isinstance(column.type, _REPEATED) else process
        for process, column in zip(processors, table.c, strict=True)
    ]

    def stored(batch: Sequence[tuple[Any, ...]]) -> Iterable[tuple[Any, ...]]:
        """Return rows as the driver takes them, converted by column: most have one kind, or nothing, in all rows."""
        columns = zip(*batch, strict=True)
        return zip(
            *(
                [None if value is None else process(value) for value in column] if process else column
                for process, column in zip(processors, columns, strict=True)
            ),
            strict=True,
        )

    if is_sqlite:
        statement = f"INSERT INTO {table.fullname} VALUES ({', '.join('?' * len(kinds))})"  # noqa: S608 - our own names
        for batch in batches:
            if batch:
                connection.exec_driver_sql(statement, list(stored(batch)))
        return
    driver: Any = connection.connection.driver_connection
    with driver.cursor().copy(f"COPY {table.fullname} FROM STDIN") as copy:
        for batch in batches:
            for row in stored(batch) if batch else ():
                copy.write_row(row)


def plan_for_many(session: Session) -> None:
    """Let Postgres plan the triggers again, for the many rows that the next statement writes.

    It keeps the plans of the first statement on the connection. If that wrote few rows, the time for many grows with
    the square of their number.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.connection().exec_driver_sql("DISCARD PLANS")
