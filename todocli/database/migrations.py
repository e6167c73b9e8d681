"""Upgrades and downgrades the schema: the only module that imports Alembic.

A migration takes effect as a whole or not at all, even if the process is killed. If several start at once, one does
the work; the others wait, and find nothing to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationStep
from alembic.script import Script, ScriptDirectory
from sqlalchemy.pool import NullPool

from todocli.database import errors, schema, sqlite_file
from todocli.database.deadline import Deadline, deadline_scope
from todocli.database.engine import postgres_engine
from todocli.database.postgres import SCHEMA
from todocli.database.postgres.locks import find_lock_holder
from todocli.database.postgres.url import PostgresURL
from todocli.database.schema import UNRELEASED, VERSION_TABLE, CurrentRevision, read_revision
from todocli.database.target import Target, display
from todocli.errors import AccessDenied, NotFound, TodoError, UsageError

SECONDS = 600.0
"""The deadline of a migration on Postgres, in case the server falls silent."""

LOCK_SECONDS = 30
"""How long a migration waits for locks of other programs before it gives up."""

_HISTORY = ("todo", "db", "history")
_ADVISORY_LOCK = 0x746F646F
_DUPLICATE_TABLE = "42P07"


@dataclass(frozen=True)
class Revision:
    """A revision of the schema; `down_revision` is the one before (None: no schema)."""

    revision: str
    down_revision: str | None
    message: str


OnRevision = Callable[[Revision], None]
"""Called when a revision begins, inside the transaction of the migration."""

OnCopy = Callable[[Path], None]
"""Called with the path of a copy of the embedded database."""


def script_folder() -> Path:
    """Return the folder of the revisions: beside the package in a checkout, inside it when installed.

    Raises `TodoError` if there is neither.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package.parent / "alembic", package / "_alembic"):
        if (folder / "env.py").is_file() and (folder / "versions").is_dir():
            return folder
    raise TodoError("This installation of todo lacks its migrations.", hint="Reinstall it.")


def history() -> list[Revision]:
    """Return all known revisions, newest first, without a database."""
    return [_described(script) for script in reversed(_chain(_scripts()))]


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
    target: Target, revision: str = "head", on_revision: OnRevision | None = None, on_copy: OnCopy | None = None
) -> list[Revision]:
    """Upgrade the schema at `target` to `revision` (an id, `head`, or `+N`); return the applied revisions, in order.

    Creates the embedded file if it is missing. A copy of an embedded database with a schema is kept beside it.
    Raises `NotFound` for an unknown revision, `UsageError` for one older than the schema, `SchemaTooNew` and
    `SchemaOutdated` if the schema is at a revision that this program does not know.
    """
    plan = _Plan(target, revision, up=True)
    if isinstance(target, Path):
        with errors.translate_sqlite_errors(target):
            sqlite_file.create_file(target)
    return _migrate(target, plan, on_revision, on_copy)


def downgrade(
    target: Target, revision: str, on_revision: OnRevision | None = None, on_copy: OnCopy | None = None
) -> list[Revision]:
    """Downgrade the schema at `target` to `revision` (an id, `base`, or `-N`); return the reverted revisions, in order.

    Data in newer columns and tables is lost; a copy of an embedded database is kept beside it. Raises as `upgrade`,
    but `UsageError` for a revision newer than the schema.
    """
    plan = _Plan(target, revision, up=False)
    if isinstance(target, Path) and sqlite_file.is_blank(target):
        plan.revisions(None)
        return []
    return _migrate(target, plan, on_revision, on_copy)


class _Plan:
    """The target of a migration, and the revisions on the way. Raises `NotFound` for an unknown target."""

    def __init__(self, target: Target, wanted: str, *, up: bool) -> None:
        self.scripts = _scripts()
        self._chain = _chain(self.scripts)
        self._places = {None: 0} | {script.revision: place for place, script in enumerate(self._chain, 1)}
        self._target = target
        self._wanted = wanted
        self._up = up
        self._by = int(wanted) if wanted[:1] == "+-"[not up] and wanted[1:].isdecimal() else None
        self._to = {"base": 0, "head": len(self._chain)}.get(wanted, self._places.get(wanted))
        if self._to is None and self._by is None:
            raise NotFound(f"There is no revision {wanted!r}.", hint="See the revisions", command=_HISTORY)

    def revisions(self, found: CurrentRevision | None) -> list[Script]:
        """Return the revisions to run from the one that was found, in order."""
        revision = found.id if found else None
        if found and revision not in self._places:
            raise schema.mismatch(self._target, found) or schema.too_new(self._target, found)
        here = self._places[revision]
        there = here + self._by if self._by is not None else self._to
        if there is None or not 0 <= there <= len(self._chain):
            raise UsageError(
                f"There is no revision {self._wanted} from {revision or 'base'}.",
                hint="See the revisions",
                command=_HISTORY,
            )
        if self._up and there < here:
            raise UsageError(
                f"The schema is {revision}, newer than {self._wanted}.",
                hint="To go back",
                command=("todo", "db", "downgrade", self._wanted),
            )
        if not self._up and there > here:
            raise UsageError(
                f"The schema is {revision or 'base'}, older than {self._wanted}.",
                hint="To go forward",
                command=("todo", "db", "upgrade", self._wanted),
            )
        return self._chain[here:there] if self._up else self._chain[there:here][::-1]

    def end(self, revision: str | None, scripts: list[Script]) -> str | None:
        """Return the revision after `scripts`, from `revision`."""
        if not scripts:
            return revision
        return scripts[-1].revision if self._up else _described(scripts[-1]).down_revision

    def as_alembic(self, script: Script) -> MigrationStep:
        """Return `script` as Alembic runs it."""
        revisions = self.scripts.revision_map
        if self._up:
            return MigrationStep.upgrade_from_script(revisions, script)
        return MigrationStep.downgrade_from_script(revisions, script)


def _migrate(target: Target, plan: _Plan, on_revision: OnRevision | None, on_copy: OnCopy | None) -> list[Revision]:
    with _translate_errors(target), _locked(target) as connection:
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

        def begin(_heads: object, _context: object) -> Iterator[MigrationStep]:
            for script in scripts:
                if on_revision:
                    on_revision(_described(script))
                yield plan.as_alembic(script)

        if not scripts:
            return []
        config = _config()
        config.attributes["connection"] = connection
        with EnvironmentContext(config, plan.scripts, fn=begin):
            plan.scripts.run_env()
        if isinstance(target, Path):
            _finish_sqlite(connection, target, plan.end(start, scripts))
    return [_described(script) for script in scripts]


def _locked(target: Target) -> AbstractContextManager[sa.Connection]:
    return _locked_sqlite(target) if isinstance(target, Path) else locked_postgres(target)


@contextmanager
def locked_postgres(url: PostgresURL) -> Iterator[sa.Connection]:
    """Yield a connection in a transaction that keeps other migrations out; it is committed at the end.

    It may take `SECONDS`. The lock timeout is set after the wait for another migration, which is not an error.
    """
    engine = _engine(url).execution_options(isolation_level="READ COMMITTED")
    with engine.connect() as connection, deadline_scope(Deadline(SECONDS)), connection.begin():
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
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
    driver: Any = connection.connection.driver_connection
    encoding = driver.info.parameter_status("server_encoding")
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


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(script_folder()).replace("%", "%%"))
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _chain(scripts: ScriptDirectory) -> list[Script]:
    """Return the revisions, oldest first; there are no branches."""
    return list(scripts.walk_revisions())[::-1]


def _described(script: Script) -> Revision:
    down = script.down_revision
    return Revision(script.revision, str(down) if down else None, script.doc)


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
            lock_holder=lambda: find_lock_holder(_engine(target), reads=True),
        )
        raise errors.translate(error, target, inquiry) from None
