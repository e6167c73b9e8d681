"""Upgrades and downgrades the schema, with the revisions of `todocli.database.revisions`. Both import Alembic.

A migration takes effect as a whole or not at all, even if the process is killed. If several start at once, one does
the work; the others wait, and find nothing to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationStep
from sqlalchemy.pool import NullPool

from todocli.database import errors, schema, sqlite_file
from todocli.database.deadline import Deadline, deadline_scope
from todocli.database.engine import postgres_engine
from todocli.database.postgres import SCHEMA, privileges
from todocli.database.postgres.locks import find_lock_holders
from todocli.database.postgres.url import PostgresURL
from todocli.database.revisions import (
    KEEP_WRITERS_OUT,
    LOCK_SECONDS,
    Plan,
    Revision,
    described,
    lock_statements,
    new_config,
)
from todocli.database.schema import UNRELEASED, VERSION_TABLE, CurrentRevision, read_revision
from todocli.database.target import Target, display
from todocli.errors import AccessDenied, TodoError

SECONDS = 600.0
"""The deadline of a migration on Postgres, in case the server falls silent."""

_DUPLICATE_TABLE = "42P07"


OnRevision = Callable[[Revision], None]
"""Called when a revision begins, inside the transaction of the migration."""

OnCopy = Callable[[Path], None]
"""Called with the path of a copy of the embedded database."""


def current(target: Target) -> str | None:
    """Return the revision of the schema at `target`, or None if there is no schema. Nothing is created.

    Raises `todocli.errors.TodoError` if the database cannot be read.
    """
    if isinstance(target, Path) and sqlite_file.is_blank(target):
        return None
    with _translate_errors(target), _engine(target).connect() as connection:
        found = _revision(connection, target)
        return found.id if found else None


def upgrade(
    target: Target,
    revision: str = "head",
    on_revision: OnRevision | None = None,
    on_copy: OnCopy | None = None,
    *,
    lock_seconds: float = LOCK_SECONDS,
) -> list[Revision]:
    """Upgrade the schema at `target` to `revision` (an id, `head`, or `+N`); return the applied revisions, in order.

    On Postgres, each wait for a lock of another session takes at most `lock_seconds`.
    Creates the embedded file if it is missing. A copy of an embedded database with a schema is kept beside it.
    Raises `NotFound` for an unknown revision, `UsageError` for one older than the schema, `SchemaTooNew` and
    `SchemaOutdated` if the schema is at a revision that this program does not know.
    """
    plan = Plan(target, revision, up=True)
    if isinstance(target, Path):
        with errors.translate_sqlite_errors(target):
            sqlite_file.create_file(target)
    return _migrate(target, plan, on_revision, on_copy, lock_seconds)


def downgrade(
    target: Target,
    revision: str,
    on_revision: OnRevision | None = None,
    on_copy: OnCopy | None = None,
    *,
    lock_seconds: float = LOCK_SECONDS,
) -> list[Revision]:
    """Downgrade the schema at `target` to `revision` (an id, `base`, or `-N`); return the reverted revisions, in order.

    Data in newer columns and tables is lost; a copy of an embedded database is kept beside it. Raises as `upgrade`,
    but `UsageError` for a revision newer than the schema.
    """
    plan = Plan(target, revision, up=False)
    if isinstance(target, Path) and sqlite_file.is_blank(target):
        plan.revisions(None)
        return []
    return _migrate(target, plan, on_revision, on_copy, lock_seconds)


def grant(url: PostgresURL, role: str) -> None:
    """Give a role the privileges that the program needs; see `todocli.database.postgres.privileges.grant`.

    Raises `AccessDenied` if the schema belongs to another role, and `SchemaOutdated` if there is none.
    """
    with _translate_errors(url), locked_postgres(url) as connection:
        if _revision(connection, url) is None:
            raise schema.outdated(url, None)
        privileges.grant(connection, role)


def warnings(target: Target) -> list[str]:
    """Return what an operator should know about a Postgres, in sentences."""
    if isinstance(target, Path):
        return []
    with _translate_errors(target), _engine(target).connect() as connection:
        open_to_all = [grantee for grantee in privileges.grantees(connection) if grantee.warning]
        found = [f"{grantee.warning}. To change it: {grantee.revoke}" for grantee in open_to_all]
        encoding = _encoding(connection)
        if encoding != "UTF8":
            found.append(f"The encoding {encoding} neither checks nor converts text. Move to a database with UTF8.")
        return found


def _encoding(connection: sa.Connection) -> str:
    driver: Any = connection.connection.driver_connection
    return str(driver.info.parameter_status("server_encoding"))


def losses(target: Target, revision: str) -> dict[str, int]:
    """Return how many rows `downgrade` would lose, by name. Raises as `downgrade`."""
    plan = Plan(target, revision, up=False)
    if isinstance(target, Path) and sqlite_file.is_blank(target):
        return {}
    with _translate_errors(target), _engine(target).connect() as connection:
        scripts = plan.revisions(_revision(connection, target))
        prefix = "" if isinstance(target, Path) else f"{SCHEMA}."
        rows = {
            name: int(connection.scalar(sa.text(f"SELECT count(*) FROM {prefix}{place}")) or 0)  # noqa: S608 - ours
            for script in scripts
            for name, place in _lost(script.module)
        }
        return {name: number for name, number in rows.items() if number}


def _lost(revision: Any) -> Iterable[tuple[str, str]]:
    """Return what the downgrade of a revision loses: names, each with a table and perhaps a condition."""
    lost = getattr(revision, "LOST_BY_DOWNGRADE", ())
    return lost.items() if isinstance(lost, dict) else [(table, table) for table in lost]


def _migrate(
    target: Target,
    plan: Plan,
    on_revision: OnRevision | None,
    on_copy: OnCopy | None,
    lock_seconds: float,
) -> list[Revision]:
    locked = _locked_sqlite(target) if isinstance(target, Path) else locked_postgres(target, lock_seconds)
    with _translate_errors(target), locked as connection:
        found = _revision(connection, target)
        start = found.id if found else None
        scripts = plan.revisions(found)
        if isinstance(target, Path):
            _refuse_foreign(connection, target, start)
            if start and scripts:
                copy = sqlite_file.keep_copy(target, f"{target.name}.bak-{start}")
                if on_copy:
                    on_copy(copy)
        elif scripts:
            create_schema(connection, target)
            if start:
                connection.exec_driver_sql(KEEP_WRITERS_OUT)

        def begin(_heads: object, _context: object) -> Iterator[MigrationStep]:
            for script in scripts:
                if on_revision:
                    on_revision(described(script))
                yield plan.as_alembic(script)

        if not scripts:
            return []
        config = new_config()
        config.attributes["connection"] = connection
        with EnvironmentContext(config, plan.scripts, fn=begin):
            plan.scripts.run_env()
        if isinstance(target, Path):
            _finish_sqlite(connection, target, plan.end(start, scripts))
    return [described(script) for script in scripts]


@contextmanager
def locked_postgres(url: PostgresURL, lock_seconds: float = LOCK_SECONDS) -> Iterator[sa.Connection]:
    """Yield a connection in a transaction that keeps other migrations out; it is committed at the end.

    It may take `SECONDS`. The lock timeout is set after the wait for another migration, which is not an error.
    """
    engine = _engine(url).execution_options(isolation_level="READ COMMITTED")
    with engine.connect() as connection, deadline_scope(Deadline(SECONDS)), connection.begin():
        for statement in lock_statements(lock_seconds):
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql(f"SET LOCAL search_path = {SCHEMA}, pg_temp")
        yield connection


@contextmanager
def _locked_sqlite(path: Path) -> Iterator[sa.Connection]:
    engine = _engine(path)
    sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    with engine.connect() as connection:
        driver: Any = connection.connection.dbapi_connection
        if not driver.execute("SELECT EXISTS (SELECT 1 FROM sqlite_master)").fetchone()[0]:
            sqlite_file.use_write_ahead_log(driver)
        with connection.begin():
            yield connection


def _engine(target: Target) -> sa.Engine:
    if isinstance(target, PostgresURL):
        return postgres_engine(target, NullPool)
    engine = sa.create_engine(
        "sqlite://", creator=lambda: sqlite_file.connect(target), poolclass=NullPool, hide_parameters=True
    )
    sa.event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """Turn foreign keys off: changing a table rebuilds it, and dropping the old one would delete its children."""
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("PRAGMA synchronous = FULL")


def _refuse_foreign(connection: sa.Connection, path: Path, revision: str | None) -> None:
    tables = set(sa.inspect(connection).get_table_names()) - {VERSION_TABLE}
    if tables and revision is None:
        raise errors.foreign(path, sorted(tables))


def create_schema(connection: sa.Connection, url: PostgresURL) -> None:
    """Create the schema if it is missing.

    Raises `TodoError` if the database's encoding lacks characters, and `AccessDenied` if the schema belongs to another
    role, which could replace its functions.
    """
    encoding = _encoding(connection)
    if encoding not in ("UTF8", "SQL_ASCII"):
        raise TodoError(
            f"{url.redacted()} has the encoding {encoding}, which cannot store every character; nothing was changed.",
            hint="Use a database with the encoding UTF8: CREATE DATABASE todo ENCODING 'UTF8' TEMPLATE template0.",
        )
    found = connection.execute(
        sa.text(
            "SELECT nspowner::regrole::text AS owner, pg_has_role(nspowner, 'USAGE') AS is_ours"
            " FROM pg_namespace WHERE nspname = :name"
        ),
        {"name": SCHEMA},
    ).one_or_none()
    if found is None:
        # Only its existence is checked: it may be a view, and reading that would run its owner's functions.
        if connection.scalar(sa.text(f"SELECT to_regclass('public.{VERSION_TABLE}')::text")):
            raise schema.unreleased(url, UNRELEASED[-1])
        connection.exec_driver_sql(f"CREATE SCHEMA {SCHEMA}")
    elif not found.is_ours:
        raise AccessDenied(
            f"The schema {SCHEMA} in {url.redacted()} belongs to the role {found.owner}; nothing was changed.",
            hint="Upgrade as this role, or use a database without such a schema.",
        )


def _finish_sqlite(connection: sa.Connection, path: Path, revision: str | None) -> None:
    """Check the foreign keys, and write the revision into the file header, where no table is needed to read it."""
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken:
        raise TodoError(f"{path} is inconsistent: a row of {broken[0]} refers to a missing row of {broken[2]}.")
    connection.exec_driver_sql(f"PRAGMA application_id = {sqlite_file.APPLICATION_ID}")
    connection.exec_driver_sql(f"PRAGMA user_version = {int(revision or 0)}")


def _revision(connection: sa.Connection, target: Target) -> CurrentRevision | None:
    is_sqlite = isinstance(target, Path)
    if not sa.inspect(connection).has_table(VERSION_TABLE, schema=None if is_sqlite else SCHEMA):
        return None
    return CurrentRevision.of(connection.execute(sa.text(read_revision(target))).mappings().all())


@contextmanager
def _translate_errors(target: Target) -> Iterator[None]:
    """Translate errors of the engine for an operator."""
    try:
        if isinstance(target, Path):
            with errors.translate_sqlite_errors(target):
                yield
        else:
            yield
    except sa.exc.DBAPIError as error:
        state = getattr(error.orig, "sqlstate", None)
        if state == _DUPLICATE_TABLE:
            raise TodoError(
                f"The schema {SCHEMA} in {display(target)} has tables of another program:"
                f" {str(error.orig).splitlines()[0]}.",
                hint="Give todo a database of its own (CREATE DATABASE todo), and use its URL.",
            ) from None
        inquiry = errors.Inquiry(
            revision=lambda: CurrentRevision(schema.HEAD),
            lock_holders=lambda: find_lock_holders(_engine(target), schema_changes=True),
        )
        raise errors.translate(error, target, inquiry, errors.NOTHING_CHANGED) from None
