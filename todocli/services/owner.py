"""The user that every statement is restricted to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlmodel import Session, col

from todocli.database.deadline import current_deadline
from todocli.errors import MissingUserContext
from todocli.models import Change, History, Note, Source, Todo, Token, User
from todocli.services.admission import may_read, may_write


@dataclass(frozen=True)
class Owner:
    """A user, by id if it is known. Otherwise the name is resolved inside each statement, without a round trip.

    `locked` and `scope` also test that the schema admits this program; every statement has one of them.
    """

    name: str
    id: UUID | None = None

    def is_user(self) -> sa.ColumnElement[bool]:
        """Return the condition that a row of `users` is this user."""
        return col(User.id) == self.id if self.id else col(User.name) == self.name

    def unknown(self) -> MissingUserContext:
        """Return the error for a database that does not have this user."""
        detail = f"The database does not know the user {self.name!r}."
        return MissingUserContext(detail, hint="Register the user", command=("todo", "user", "add", self.name))

    def require(self, session: Session, *, lock: bool = False) -> None:
        """Raise `MissingUserContext` if the database does not have this user.

        With `lock`, hold a lock on the user until the transaction ends, so that changes of one user queue up.
        """
        if session.scalar(self.locked() if lock else sa.select(col(User.id)).where(self.is_user(), may_read())) is None:
            raise self.unknown()

    def lock(self, session: Session) -> None:
        """Do what `require` does with a lock, in a transaction that has locked nothing yet.

        SQLite locks its file with the first write, for which others wait; after a read it would not wait for them.
        """
        if session.get_bind().dialect.name == "sqlite":
            same = {"last_number": col(User.last_number)}
            statement = sa.update(User).where(self.is_user()).values(same)
            session.execute(statement.execution_options(synchronize_session=False))
        self.require(session, lock=True)

    def locked(self) -> sa.Select[UUID, int]:
        """Select the user's id and last number, and lock the user until the transaction ends.

        The wait for the lock ends before the deadline, so that the error can say who holds it.
        """
        user = sa.select(col(User.id), col(User.last_number)).where(self.is_user(), may_write(), _LimitedWait())
        return user.with_for_update(key_share=True)

    def scope(self, table: type[Todo | Note | Source | Change | History | Token]) -> sa.ColumnElement[bool]:
        """Return the condition that a row of `table` belongs to this user."""
        return col(table.user_id) == _id_of(self, reads=True)

    def owns(self, table: type[Todo | Note | Change | History]) -> sa.ColumnElement[bool]:
        """Return the same condition for rows that are looked up by an id, of theirs or of their todo.

        It is checked on each row found. Without statistics, SQLite would otherwise read all rows of the user.
        """
        return _Unindexed(col(table.user_id)) == _id_of(self)

    def user_id(self) -> UUID | sa.ScalarSelect[UUID]:
        """Return the user's id, or a subquery for it."""
        return _id_of(self)


@lru_cache(maxsize=500)
def _id_of(owner: Owner, *, reads: bool = False) -> UUID | sa.ScalarSelect[UUID]:
    """Return the user's id, selected if it depends on something: engines evaluate that once, not for each row."""
    conditions = [may_read()] if reads else []
    if not owner.id:
        found = sa.select(col(User.id)).where(owner.is_user(), *conditions)
    elif conditions:
        found = sa.select(sa.literal(owner.id, sa.Uuid())).where(*conditions)
    else:
        return owner.id
    return found.correlate(None).scalar_subquery()


class _LimitedWait(sa.sql.functions.FunctionElement[bool]):
    """Is true. On Postgres, it limits each wait for a lock until the transaction ends.

    A parameter of the connection would do the same, but a pooler refuses it.
    """

    name = "limited_wait"
    type = sa.Boolean()
    inherit_cache = True

    def __init__(self) -> None:
        super().__init__(sa.bindparam("lock_timeout", type_=sa.Text(), callable_=_lock_timeout))


def _lock_timeout() -> str:
    return f"{max(1, int(current_deadline().left() * 1000 * _LOCK_SHARE))}ms"


_LOCK_SHARE = 0.9
"""Which share of the time that is left may be spent on waiting for a lock."""


@compiles(_LimitedWait)
def _set_lock_timeout(element: _LimitedWait, compiler: Any, **options: Any) -> str:
    milliseconds = compiler.process(element.clauses, **options)
    return f"pg_catalog.set_config('lock_timeout', {milliseconds}, true) IS NOT NULL"


@compiles(_LimitedWait, "sqlite")
def _true(element: _LimitedWait, compiler: Any, **options: Any) -> str:
    return "1"


class _Unindexed(sa.sql.functions.FunctionElement[UUID]):
    """A column that SQLite does not look up in an index (https://www.sqlite.org/optoverview.html#disqualifying)."""

    name = "unindexed"
    type = sa.Uuid()
    inherit_cache = True


@compiles(_Unindexed)
def _plain(element: _Unindexed, compiler: Any, **options: Any) -> str:
    return str(compiler.process(element.clauses, **options))


@compiles(_Unindexed, "sqlite")
def _with_plus(element: _Unindexed, compiler: Any, **options: Any) -> str:
    return f"+{compiler.process(element.clauses, **options)}"
