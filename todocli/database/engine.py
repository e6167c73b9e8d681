"""SQLAlchemy engines for both databases, all in autocommit. Nothing is opened when this module is imported."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.pool import Pool, QueuePool, StaticPool

from todocli.database import sqlite_file
from todocli.database.compiled import COMPILED
from todocli.database.postgres import SCHEMA
from todocli.database.postgres.url import PostgresURL

if TYPE_CHECKING:
    from sqlalchemy.dialects.postgresql import Insert
    from sqlmodel import Session, SQLModel

BUSY_SECONDS = 10.0
"""How long a statement waits for another process that is writing to the embedded file."""


def postgres_engine(
    url: PostgresURL, pool: type[Pool], *, first: Callable[[], Any] = lambda: None, **options: Any
) -> sa.Engine:
    """Return an engine for a Postgres. `first` may supply a connection that is open already."""
    from todocli.database.postgres import connect

    sa.dialects.registry.register("postgresql.todo", "todocli.database.postgres.dialect", "Dialect")
    return sa.create_engine(
        "postgresql+todo://",
        creator=lambda: first() or connect.connect(url),
        poolclass=pool,
        isolation_level="AUTOCOMMIT",
        use_native_hstore=False,
        hide_parameters=True,
        execution_options={"schema_translate_map": {None: SCHEMA}, "compiled_cache": COMPILED},
        **options,
    )


def sqlite_engine(path: Path, connections: int | None, seconds: float, *, only_reads: bool = False) -> sa.Engine:
    """Return an engine for the file at `path`, with a pool of `connections`; a full pool is waited for `seconds`.

    None: with one connection, for one thread. With `only_reads`, the file is opened as
    `sqlite_file.connect_for_reading` does.
    """
    shared = {"poolclass": QueuePool, "pool_size": connections, "max_overflow": 0, "pool_timeout": seconds}
    sa.dialects.registry.register("sqlite.todo", "todocli.database.compiled", "SQLiteDialect")
    engine = sa.create_engine(
        sa.URL.create("sqlite+todo", database=str(path)),
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
        **({"poolclass": StaticPool} if connections is None else shared),
        connect_args={"check_same_thread": connections is None},
        execution_options={"compiled_cache": COMPILED},
        **({"creator": lambda: sqlite_file.connect_for_reading(path)} if only_reads else {}),
    )
    sa.event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """Set the pragmas, and stop the driver from beginning transactions: it would begin them late and deferred."""
    connection.isolation_level = None
    try:
        for pragma in (f"busy_timeout = {int(BUSY_SECONDS * 1000)}", "foreign_keys = ON", "synchronous = FULL"):
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise


def transactional(engine: sa.Engine, *, locks_later: bool = False) -> sa.Engine:
    """Return a view of `engine` that shares its connections and commits several statements together.

    With `locks_later`, SQLite's file is not locked from the beginning.
    """
    if engine.dialect.name != "sqlite":
        return engine.execution_options(isolation_level="READ COMMITTED")
    return _beginning_with(engine, "BEGIN" if locks_later else "BEGIN IMMEDIATE")


def frozen(engine: sa.Engine) -> sa.Engine:
    """Return a view of `engine` that shares its connections, and whose statements see one state of the database."""
    if engine.dialect.name != "sqlite":
        return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return _beginning_with(engine, "BEGIN")


def _beginning_with(engine: sa.Engine, statement: str) -> sa.Engine:
    view = engine.execution_options()
    sa.event.listen(view, "begin", lambda connection: connection.exec_driver_sql(statement))
    return view


@contextmanager
def sqlite_transaction(session: Session) -> Iterator[None]:
    """Make the statements within one transaction on SQLite, where that costs no round trip, unless they are already."""
    connection = session.connection()
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name != "sqlite" or driver.in_transaction:
        yield
        return
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.exec_driver_sql("ROLLBACK")
        raise
    connection.exec_driver_sql("COMMIT")


def insert_for(dialect: str, table: type[SQLModel]) -> Insert:
    """Return the INSERT of a dialect, which has `on_conflict_do_nothing`. Only that dialect is loaded."""
    insert: Any
    if dialect == "sqlite":
        from sqlalchemy.dialects.sqlite import insert
    else:
        from sqlalchemy.dialects.postgresql import insert
    statement: Insert = insert(sa.inspect(table).local_table)
    return statement
