"""Opens a database: the embedded SQLite file or a Postgres. Nothing is opened when this module is imported.

A statement on Postgres is a transaction of its own, and may be sent twice: reading it changes nothing, and a step is
made once however often its statement arrives (`todocli.services.todos`). So a lost connection costs another try.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.pool import Pool, QueuePool, StaticPool
from sqlmodel import Session

from todocli.database import embedded, faults, patience
from todocli.database.patience import Patience
from todocli.database.url import PostgresURL
from todocli.errors import OutcomeUnknown, ServiceUnavailable

if TYPE_CHECKING:
    from todocli.database.connecting import Ahead

HEAD = "0001"
"""The revision that this program needs: a constant, so that no command needs Alembic to start."""

VERSION_TABLE = "todo_revision"
"""Alembic's table of the revision. Its usual name may be that of an application in the same database."""

READ_REVISION = "SELECT version_num FROM todo_revision"

BUSY_SECONDS = 10.0
"""How long a statement waits for another process that is writing to the embedded file."""

Target = Path | PostgresURL
"""Where a database is: the path of an embedded file, or the URL of a Postgres."""


Result = TypeVar("Result")


class Store:
    """An open database. Statements are committed one by one, unless they are run in a `transaction`.

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
            self._engine = _sqlite_engine(target)
        else:
            self._engine = postgres_engine(
                target, QueuePool, first=self._take_ahead, pool_size=connections, max_overflow=0
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
        with self._session(self._engine, _AutocommitSession) as session:
            yield session

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Give a session whose statements take effect together, or not at all.

        Raises `todocli.errors.TodoError` for whatever the database refuses.
        """
        with self._session(_transactional(self._engine), Session) as session, session.begin():
            yield session

    @contextmanager
    def _session(self, engine: sa.Engine, kind: type[Session]) -> Iterator[Session]:
        limit = self._ahead.limit if self._ahead else Patience(self._seconds, self._on_wait)
        with patience.limited(limit):
            session = kind(engine, autoflush=False, expire_on_commit=False)
            try:
                with session:
                    yield session
            except sa.exc.DBAPIError as error:
                found = faults.translated(error, self.target, HEAD, self._revision)
                if isinstance(found, ServiceUnavailable) and session.info.get(_IN_DOUBT):
                    raise _in_doubt(found) from None
                raise found from None

    def _revision(self) -> str | None:
        """Return the revision of the schema, or None if there is none."""
        with self._engine.connect() as connection:
            try:
                revision: str | None = connection.scalar(sa.text(READ_REVISION))
            except sa.exc.DBAPIError:
                return None
            return revision

    def close(self) -> None:
        """Close the connection."""
        self._engine.dispose()
        if self._ahead:
            self._ahead.discard()


class _AutocommitSession(Session):
    """A session that sends a statement again where its connection was lost, while there is patience."""

    def execute(self, *arguments: Any, **options: Any) -> Any:
        """Run a statement; see `sqlalchemy.orm.Session.execute`."""
        return self._insist(lambda: super(_AutocommitSession, self).execute(*arguments, **options), arguments)

    def scalar(self, *arguments: Any, **options: Any) -> Any:
        """Run a statement for one value; see `sqlalchemy.orm.Session.scalar`."""
        return self._insist(lambda: super(_AutocommitSession, self).scalar(*arguments, **options), arguments)

    def _insist(self, run: Callable[[], Result], arguments: tuple[Any, ...]) -> Result:
        limit = patience.current()
        attempt = 0
        while True:
            try:
                result = run()
            except sa.exc.DBAPIError as error:
                if faults.leaves_doubt(error) and getattr(arguments[0], "is_dml", True):
                    self.info[_IN_DOUBT] = True
                if not faults.may_pass(error) or not limit.left():
                    raise
            else:
                self.info[_IN_DOUBT] = False
                return result
            self.rollback()
            self.info[SENT_AGAIN] = True
            limit.pause(attempt)
            attempt += 1


def _in_doubt(error: ServiceUnavailable) -> OutcomeUnknown:
    return OutcomeUnknown(f"{error.detail} It is not known whether the step was made.", hint=error.hint)


_IN_DOUBT = "in doubt"
SENT_AGAIN = "sent again"
"""In a session's `info`: a statement was sent more than once, and may have taken effect the first time."""


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
        if number and not embedded.is_ours(path):
            raise faults.foreign(path)
    if number > int(HEAD):
        raise faults.too_new(path, f"{number:04}", HEAD)
    if number < int(HEAD):
        from todocli.database import migrations

        migrations.upgrade(path)
    return created
