"""Opens a database: the embedded SQLite file or a Postgres. Nothing is opened when this module is imported."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool
from sqlmodel import Session

from todocli.database import embedded, faults
from todocli.database.url import PostgresURL

HEAD = "0001"
"""The revision that this program needs: a constant, so that no command needs Alembic to start."""

BUSY_SECONDS = 10.0
"""How long a statement waits for another process that is writing to the embedded file."""

CONNECT_SECONDS = 15
"""How long connecting to a Postgres may take, for each of its addresses."""

Target = Path | PostgresURL
"""Where a database is: the path of an embedded file, or the URL of a Postgres."""


class Store:
    """An open database. Statements are committed one by one, unless they are run in a `transaction`."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._engine = _sqlite_engine(target) if isinstance(target, Path) else _postgres_engine(target)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Give a session whose every statement is a transaction of its own.

        Raises `todocli.errors.TodoError` for whatever the database refuses.
        """
        with self._session(self._engine) as session:
            yield session

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Give a session whose statements take effect together, or not at all.

        Raises `todocli.errors.TodoError` for whatever the database refuses.
        """
        with self._session(_transactional(self._engine)) as session, session.begin():
            yield session

    @contextmanager
    def _session(self, engine: sa.Engine) -> Iterator[Session]:
        try:
            with Session(engine, autoflush=False, expire_on_commit=False) as session:
                yield session
        except sa.exc.DBAPIError as error:
            raise faults.translated(error, self.target, HEAD, self._revision) from None

    def _revision(self) -> str | None:
        """Return the revision of the schema, or None if there is none."""
        with self._engine.connect() as connection:
            try:
                revision: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
            except sa.exc.DBAPIError:
                return None
            return revision

    def close(self) -> None:
        """Close the connection."""
        self._engine.dispose()


@contextmanager
def opened(target: Target) -> Iterator[Store]:
    """Give an open database, and close it afterwards."""
    with closing(Store(target)) as store:
        yield store


def sqlalchemy_url(url: PostgresURL) -> sa.URL:
    """Return `url` as SQLAlchemy takes it, for psycopg 3."""
    return sa.URL.create(
        "postgresql+psycopg", url.user, url.password, url.host, url.port, url.database, query=dict(url.query)
    )


def connect_arguments() -> dict[str, Any]:
    """Return what psycopg is told beside the URL. Without prepared statements it works behind a pooler too."""
    return {"prepare_threshold": None, "connect_timeout": CONNECT_SECONDS, "application_name": "todo"}


def _postgres_engine(url: PostgresURL) -> sa.Engine:
    return sa.create_engine(
        sqlalchemy_url(url),
        connect_args=connect_arguments(),
        isolation_level="AUTOCOMMIT",
        use_native_hstore=False,
        hide_parameters=True,
        pool_size=1,
        max_overflow=0,
    )


def _sqlite_engine(path: Path) -> sa.Engine:
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)),
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
        poolclass=StaticPool,
    )
    sa.event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """Take transactions into our own hands (the driver would begin them late and deferred) and set the pragmas."""
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")


def _transactional(engine: sa.Engine) -> sa.Engine:
    if engine.dialect.name != "sqlite":
        return engine.execution_options(isolation_level="READ COMMITTED")
    view = engine.execution_options()
    sa.event.listen(view, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return view


def ready_file(path: Path) -> bool:
    """Make the embedded database at `path` ready for use: create it, or bring its schema up to date.

    Returns whether it was created. Raises `todocli.errors.SchemaTooNew` if a newer program wrote it, and
    `todocli.errors.TodoError` if the file cannot be used.
    """
    with faults.translated_sqlite(path):
        created = embedded.create_file(path)
        number = embedded.schema_number(path)
    if number > int(HEAD):
        raise faults.too_new(path, f"{number:04}", HEAD)
    if number < int(HEAD):
        from todocli.database import migrations

        migrations.upgrade(path)
    return created
