"""An open database, and the retries that a lost connection costs.

On Postgres every statement is a transaction of its own. It may be sent twice, because every statement is idempotent:
a read changes nothing, and a write carries the id of its change and is skipped once that change is recorded (see
`todocli.services.updates`). So a lost connection costs another attempt:

    send ──► answer ──────────────────────────────► result
      │
      └─► connection lost ─► backoff ─► send again ─► result        (while the deadline allows)
                                 │
                                 └─► out of time ─► OutcomeUnknown   if a write may have been committed
                                                    ServiceUnavailable otherwise
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.pool import QueuePool
from sqlmodel import Session

from todocli.database import errors
from todocli.database.deadline import DEFAULT_SECONDS, Deadline, current_deadline, deadline_scope
from todocli.database.engine import frozen, postgres_engine, sqlite_engine, transactional
from todocli.database.redact import redact
from todocli.database.schema import UNDEFINED_TABLE, CurrentRevision, read_revision
from todocli.database.target import Target, display
from todocli.errors import OutcomeUnknown, ServiceUnavailable, TodoError

if TYPE_CHECKING:
    from todocli.database.postgres.ahead import AheadConnection
    from todocli.database.postgres.connect import BackgroundConnection
    from todocli.database.postgres.locks import LockHolder

WRITES = {"writes": True}
"""The execution options of a statement that writes, although it is not a plain INSERT, UPDATE or DELETE."""

RECYCLE_SECONDS = 240
"""Older connections are not used again: Neon suspends after 5 idle minutes, and networks forget sooner."""

Answer = TypeVar("Answer")


@dataclass
class RetryState:
    """Whether the running attempt may commit something, and whether an earlier one may have done so."""

    may_have_committed: bool = False
    outcome_unknown: bool = False


class Store:
    """An open database. Statements are committed one by one, unless they run `atomically`.

    A session has `seconds` for all its work; `on_wait` is called once if it takes longer than usual. `ahead` is a
    connection that is being opened in the background, for the first session. `connections` is how many the threads of
    a process share at most; None: there is one thread, with one. With `only_reads`, the embedded file is read even
    where SQLite cannot write.
    """

    def __init__(
        self,
        target: Target,
        *,
        seconds: float = DEFAULT_SECONDS,
        on_wait: Callable[[], None] | None = None,
        connections: int | None = None,
        ahead: AheadConnection | BackgroundConnection | None = None,
        only_reads: bool = False,
    ) -> None:
        self.target = target
        self._seconds = seconds
        self._on_wait = on_wait
        self._ahead = ahead
        self.only_reads = only_reads
        self._processes: deque[int] = deque(maxlen=100)
        if isinstance(target, Path):
            self._engine = sqlite_engine(target, connections, seconds, only_reads=only_reads)
        else:
            self._engine = postgres_engine(
                target,
                QueuePool,
                first=self._take_ahead,
                pool_size=connections or 1,
                max_overflow=0,
                pool_timeout=seconds,
                pool_recycle=RECYCLE_SECONDS,
            )
            sa.event.listen(self._engine, "connect", self._note_process)

    def _note_process(self, driver: Any, _record: object) -> None:
        self._processes.append(driver.info.backend_pid)

    def _take_ahead(self) -> Any:
        ahead, self._ahead = self._ahead, None
        return ahead.connection() if ahead else None

    @property
    def is_embedded(self) -> bool:
        """Whether it is the embedded file."""
        return isinstance(self.target, Path)

    @property
    def connections_in_use(self) -> int:
        """How many connections of the pool are in use."""
        pool = self._engine.pool
        return pool.checkedout() if isinstance(pool, QueuePool) else 0

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Give a session in which every statement is a transaction of its own.

        Raises `todocli.errors.TodoError` for every error of the database.
        """
        deadline = self._deadline()
        with self._translate_errors() as state, _AutocommitSession(self._engine, state, deadline) as session:
            yield session

    def atomically(
        self, work: Callable[[Session], Answer], *, more_seconds: float = 0, locks_later: bool = False
    ) -> Answer:
        """Return what `work` returns, run in one transaction. It has `more_seconds` than other work.

        With `locks_later`, it begins with work on temporary tables, for which nobody has to wait.
        `work` is retried from the start if the connection drops, so it must be idempotent. Raises
        `todocli.errors.TodoError` for every error of the database.
        """
        engine = transactional(self._engine, locks_later=locks_later)
        return self._in_one_transaction(engine, work, more_seconds)

    def at_one_moment(self, work: Callable[[Session], Answer], *, more_seconds: float = 0) -> Answer:
        """Return what `work` returns, which only reads, and whose statements see one state of the database.

        It is retried as in `atomically`, and raises the same.
        """
        return self._in_one_transaction(frozen(self._engine), work, more_seconds, writes=False)

    def _in_one_transaction(
        self, engine: sa.Engine, work: Callable[[Session], Answer], more_seconds: float, *, writes: bool = True
    ) -> Answer:
        deadline = Deadline(self._seconds + more_seconds, self._on_wait) if more_seconds else self._deadline()
        with deadline_scope(deadline), self._translate_errors() as state:

            def run() -> Answer:
                state.may_have_committed = False
                with Session(engine, autoflush=False, expire_on_commit=False) as session, session.begin():
                    answer = work(session)
                    state.may_have_committed = writes  # what is left is to commit
                return answer

            try:
                return _retry(run, state)
            except KeyboardInterrupt:
                if state.may_have_committed:
                    raise _outcome_unknown(TodoError("Interrupted.")) from None
                raise

    def _deadline(self) -> Deadline:
        return self._ahead.deadline if self._ahead else Deadline(self._seconds, self._on_wait)

    @contextmanager
    def _translate_errors(self) -> Iterator[RetryState]:
        state = RetryState()
        try:
            yield state
        except sa.exc.DBAPIError as error:
            effect = "" if state.outcome_unknown else errors.NOTHING_CHANGED
            inquiry = errors.Inquiry(self._revision, self._lock_holders)
            found = errors.translate(error, self.target, inquiry, effect)
            raise (_outcome_unknown(found) if state.outcome_unknown else found) from None
        except sa.exc.TimeoutError:
            raise ServiceUnavailable(
                f"Every connection to {display(self.target)} is in use.", hint="Try again in a moment."
            ) from None
        except (TodoError, OSError):
            raise
        except Exception as error:
            if not (state.may_have_committed or state.outcome_unknown):
                raise
            fault = TodoError(f"Internal error: {type(error).__name__}: {redact(str(error))}.")
            raise _outcome_unknown(fault) from error

    def _revision(self) -> CurrentRevision | None:
        """Return the revision of the schema, or None if there is none."""
        with self._engine.connect() as connection:
            try:
                rows = connection.execute(sa.text(read_revision(self.target))).mappings().all()
            except sa.exc.DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) == UNDEFINED_TABLE:
                    return None
                raise
            return CurrentRevision.of(rows)

    def _lock_holders(self) -> list[LockHolder]:
        from todocli.database.postgres.locks import find_lock_holders

        return find_lock_holders(self._engine, self._processes)

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()
        if self._ahead:
            self._ahead.discard()


class _AutocommitSession(Session):
    """A session that sends a statement again if its connection is lost, while the deadline allows.

    It may be closed in another context (`contextvars`) than the one that opened it, as web frameworks do.
    """

    def __init__(self, engine: sa.Engine, state: RetryState, deadline: Deadline) -> None:
        # Closed, it is of no use: it would take another connection, which nobody would give back.
        super().__init__(engine, autoflush=False, expire_on_commit=False, close_resets_only=False)
        self._state = state
        self._deadline = deadline

    def connection(self, *arguments: Any, **options: Any) -> sa.Connection:
        """Return the session's connection; see `sqlalchemy.orm.Session.connection`."""
        with deadline_scope(self._deadline):
            return super().connection(*arguments, **options)

    def execute(self, *arguments: Any, **options: Any) -> Any:
        """Run a statement; see `sqlalchemy.orm.Session.execute`."""

        def run() -> Any:
            result = super(_AutocommitSession, self).execute(*arguments, **options)
            if arguments[0].is_dml and getattr(result, "returns_rows", True):
                return result.freeze()()  # SQLite commits with the last row: only then the write has succeeded
            return result

        return self._send(run, arguments)

    def scalar(self, *arguments: Any, **options: Any) -> Any:
        """Run a statement for one value; see `sqlalchemy.orm.Session.scalar`."""
        return self._send(lambda: super(_AutocommitSession, self).scalar(*arguments, **options), arguments)

    def _send(self, run: Callable[[], Answer], arguments: tuple[Any, ...]) -> Answer:
        options = arguments[0].get_execution_options()
        self._state.may_have_committed = arguments[0].is_dml or "writes" in options
        with deadline_scope(self._deadline):
            return _retry(run, self._state, self.rollback)


def _retry(run: Callable[[], Answer], state: RetryState, clean_up: Callable[[], None] = lambda: None) -> Answer:
    """Return what `run` returns; retry transient failures until the current deadline."""
    deadline = current_deadline()
    attempt = 0
    while True:
        try:
            answer = run()
        except sa.exc.DBAPIError as error:
            state.outcome_unknown |= state.may_have_committed and errors.outcome_is_unknown(error)
            if not errors.is_transient(error) or not deadline.left():
                raise
        else:
            # A write succeeded. If a later statement fails, the caller cannot tell what this one did.
            state.outcome_unknown |= state.may_have_committed
            return answer
        clean_up()
        deadline.backoff(attempt)
        attempt += 1


def _outcome_unknown(error: TodoError) -> OutcomeUnknown:
    return OutcomeUnknown(f"{error.detail} It is not known whether the change was made.", hint=error.hint)


@contextmanager
def open_store(
    target: Target,
    *,
    seconds: float = DEFAULT_SECONDS,
    on_wait: Callable[[], None] | None = None,
    ahead: AheadConnection | BackgroundConnection | None = None,
    only_reads: bool = False,
) -> Iterator[Store]:
    """Open a database, and close it afterwards; see `Store`."""
    with closing(Store(target, seconds=seconds, on_wait=on_wait, ahead=ahead, only_reads=only_reads)) as store:
        yield store
