"""Opens a database: the embedded SQLite file or a Postgres. Nothing is opened when this module is imported.

A statement on Postgres is a transaction of its own, and may be sent twice: reading it changes nothing, and a step is
made once however often its statement arrives (`todocli.services.todos`). So a lost connection costs another try.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.pool import Pool, QueuePool, StaticPool
from sqlmodel import Session

from todocli.database import embedded, faults, patience
from todocli.database.patience import Patience
from todocli.database.url import PostgresURL, place
from todocli.errors import OutcomeUnknown, ServiceUnavailable, TodoError

if TYPE_CHECKING:
    from todocli.database.connecting import Ahead

HEAD = "0004"
"""The revision that this program needs: a constant, so that no command needs Alembic to start."""

VERSION_TABLE = "todo_revision"
"""Alembic's table of the revision. Its usual name may be that of an application in the same database."""

UNDEFINED_TABLE = "42P01"

READ_REVISION = "SELECT version_num FROM todo_revision"

BUSY_SECONDS = 10.0
"""How long a statement waits for another process that is writing to the embedded file."""

WRITES = {"writes": True}
"""The execution options of a statement that writes, although it is no plain INSERT, UPDATE or DELETE."""

RECYCLE_SECONDS = 240
"""A connection that is older is not used again: Neon suspends after 5 idle minutes, and networks forget sooner."""

Target = Path | PostgresURL
"""Where a database is: the path of an embedded file, or the URL of a Postgres."""


Result = TypeVar("Result")


@dataclass
class _Tries:
    """What is known of the tries of one operation: may what runs now make the step, and may it have been made?"""

    may_be_made: bool = False
    in_doubt: bool = False


class Store:
    """An open database. Statements are committed one by one, unless they are run `atomically`.

    What is done in one session may take `seconds`; `on_wait` is called when it takes longer than usual. `ahead` is a
    connection to a Postgres that is being opened already, for the first session.
    """

    def __init__(
        self,
        target: Target,
        *,
        seconds: float = patience.SECONDS,
        on_wait: Callable[[], None] | None = None,
        connections: int = 1,
        ahead: Ahead | None = None,
    ) -> None:
        self.target = target
        self._seconds = seconds
        self._on_wait = on_wait
        self._ahead = ahead
        if isinstance(target, Path):
            self._engine = _sqlite_engine(target, connections, seconds)
        else:
            self._engine = postgres_engine(
                target,
                QueuePool,
                first=self._take_ahead,
                pool_size=connections,
                max_overflow=0,
                pool_timeout=seconds,
                pool_recycle=RECYCLE_SECONDS,
            )

    def _take_ahead(self) -> Any:
        ahead, self._ahead = self._ahead, None
        return ahead.connection() if ahead else None

    @property
    def is_embedded(self) -> bool:
        """Whether it is the embedded file."""
        return isinstance(self.target, Path)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Give a session whose every statement is a transaction of its own.

        Raises `todocli.errors.TodoError` for whatever the database refuses.
        """
        limit = self._limit()
        with self._explained() as tries, _AutocommitSession(self._engine, tries, limit) as session:
            yield session

    def atomically(self, work: Callable[[Session], Result]) -> Result:
        """Return what `work` does in a session whose statements take effect together, or not at all.

        It is done again from its beginning where the connection was lost, so it first finds out whether its step was
        made. Raises `todocli.errors.TodoError` for whatever the database refuses.
        """
        engine = _transactional(self._engine)
        with patience.limited(self._limit()), self._explained() as tries:

            def run() -> Result:
                tries.may_be_made = False
                with Session(engine, autoflush=False, expire_on_commit=False) as session, session.begin():
                    result = work(session)
                    tries.may_be_made = True  # what is left is to commit
                return result

            return _insist(run, tries)

    def _limit(self) -> Patience:
        return self._ahead.limit if self._ahead else Patience(self._seconds, self._on_wait)

    @contextmanager
    def _explained(self) -> Iterator[_Tries]:
        """Say what the errors of the body mean."""
        tries = _Tries()
        try:
            yield tries
        except sa.exc.DBAPIError as error:
            found = faults.translated(error, self.target, HEAD, self._revision)
            raise (_in_doubt(found) if tries.in_doubt else found) from None
        except sa.exc.TimeoutError:
            raise ServiceUnavailable(
                f"Every connection to {place(self.target)} is in use.", hint="Try again in a moment."
            ) from None

    def _revision(self) -> str | None:
        """Return the revision of the schema, or None if there is none."""
        with self._engine.connect() as connection:
            try:
                revision: str | None = connection.scalar(sa.text(READ_REVISION))
            except sa.exc.DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) == UNDEFINED_TABLE:
                    return None
                raise
            return revision

    def close(self) -> None:
        """Close the connection."""
        self._engine.dispose()
        if self._ahead:
            self._ahead.discard()


class _AutocommitSession(Session):
    """A session that sends a statement again where its connection was lost, while there is patience.

    It may be closed in another context (`contextvars`) than it was made in, as web frameworks do.
    """

    def __init__(self, engine: sa.Engine, tries: _Tries, limit: Patience) -> None:
        super().__init__(engine, autoflush=False, expire_on_commit=False)
        self._tries = tries
        self._limit = limit

    def connection(self, *arguments: Any, **options: Any) -> sa.Connection:
        """Return the session's connection; see `sqlalchemy.orm.Session.connection`."""
        with patience.limited(self._limit):
            return super().connection(*arguments, **options)

    def execute(self, *arguments: Any, **options: Any) -> Any:
        """Run a statement; see `sqlalchemy.orm.Session.execute`."""
        return self._send(lambda: super(_AutocommitSession, self).execute(*arguments, **options), arguments)

    def scalar(self, *arguments: Any, **options: Any) -> Any:
        """Run a statement for one value; see `sqlalchemy.orm.Session.scalar`."""
        return self._send(lambda: super(_AutocommitSession, self).scalar(*arguments, **options), arguments)

    def _send(self, run: Callable[[], Result], arguments: tuple[Any, ...]) -> Result:
        options = arguments[0].get_execution_options()
        self._tries.may_be_made = arguments[0].is_dml or "writes" in options
        with patience.limited(self._limit):
            return _insist(run, self._tries, self.rollback)


def _insist(run: Callable[[], Result], tries: _Tries, clean_up: Callable[[], None] = lambda: None) -> Result:
    """Return what `run` returns; run it again where the connection was lost, while there is patience."""
    limit = patience.current()
    attempt = 0
    while True:
        try:
            result = run()
        except sa.exc.DBAPIError as error:
            tries.in_doubt |= tries.may_be_made and faults.leaves_doubt(error)
            if not faults.may_pass(error) or not limit.left():
                raise
        else:
            tries.in_doubt |= tries.may_be_made  # until it is known what a write did, should more have to be asked
            return result
        clean_up()
        limit.pause(attempt)
        attempt += 1


def _in_doubt(error: TodoError) -> OutcomeUnknown:
    return OutcomeUnknown(f"{error.detail} It is not known whether the step was made.", hint=error.hint)


@contextmanager
def opened(
    target: Target,
    *,
    seconds: float = patience.SECONDS,
    on_wait: Callable[[], None] | None = None,
    ahead: Ahead | None = None,
) -> Iterator[Store]:
    """Give an open database, and close it afterwards."""
    with closing(Store(target, seconds=seconds, on_wait=on_wait, ahead=ahead)) as store:
        yield store


def postgres_engine(
    url: PostgresURL, pool: type[Pool], *, first: Callable[[], Any] = lambda: None, **options: Any
) -> sa.Engine:
    """Return an engine for a Postgres, in autocommit. `first` may give a connection that is open already."""
    from todocli.database import connecting

    sa.dialects.registry.register("postgresql.todo", "todocli.database.dialect", "Dialect")
    return sa.create_engine(
        "postgresql+todo://",
        creator=lambda: first() or connecting.connect(url),
        poolclass=pool,
        isolation_level="AUTOCOMMIT",
        use_native_hstore=False,
        hide_parameters=True,
        **options,
    )


def _sqlite_engine(path: Path, connections: int, seconds: float) -> sa.Engine:
    shared = {"poolclass": QueuePool, "pool_size": connections, "max_overflow": 0, "pool_timeout": seconds}
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)),
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
        **({"poolclass": StaticPool} if connections == 1 else shared),
        connect_args={"check_same_thread": connections == 1},
    )
    sa.event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """Take transactions into our own hands (the driver would begin them late and deferred) and set the pragmas."""
    connection.isolation_level = None
    try:
        for pragma in (f"busy_timeout = {int(BUSY_SECONDS * 1000)}", "foreign_keys = ON", "synchronous = FULL"):
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise


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
        if number and not embedded.is_ours(path):
            raise faults.foreign(path)
    if number > int(HEAD):
        raise faults.too_new(path, f"{number:04}", HEAD)
    if number < int(HEAD):
        from todocli.database import migrations

        migrations.upgrade(path)
    return created
