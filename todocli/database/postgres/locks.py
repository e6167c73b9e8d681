"""Finds out who may hold the lock that a statement waited for: the server does not tell any more when it has failed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import sqlalchemy as sa

from todocli.database.deadline import Deadline, deadline_scope
from todocli.database.postgres import SCHEMA

_SECONDS = 0.7
"""How long to ask: the command has failed already, and its user is waiting."""

_HOLDERS = f"""
SELECT DISTINCT activity.pid, activity.xact_start,
    EXTRACT(EPOCH FROM statement_timestamp() - activity.xact_start)::float8 AS seconds
FROM pg_catalog.pg_locks AS lock JOIN pg_catalog.pg_stat_activity AS activity ON activity.pid = lock.pid
WHERE lock.granted AND lock.pid <> ALL(CAST(:own AS int[]))
  AND (:schema_changes OR lock.mode NOT IN ('AccessShareLock', 'ShareUpdateExclusiveLock'))
  AND lock.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
  AND lock.relation IN (
    SELECT c.oid FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = '{SCHEMA}')
  AND activity.wait_event_type IS DISTINCT FROM 'Lock'
ORDER BY activity.xact_start
LIMIT 4
"""  # noqa: S608 - a constant


class LockHolder(NamedTuple):
    """A session that holds a lock, and for how many seconds its transaction has been running, if that may be seen."""

    pid: int
    seconds: float | None

    def __str__(self) -> str:
        """Return it in words."""
        if self.seconds is None:
            return f"pid {self.pid}"
        amount, unit = next((size, unit) for size, unit in _UNITS if self.seconds >= size or size == 1)
        count = int(self.seconds / amount)
        return f"pid {self.pid}, for {count} {unit}{'' if count == 1 else 's'}"


_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def find_lock_holders(engine: sa.Engine, own: Iterable[int] = (), *, schema_changes: bool = False) -> list[LockHolder]:
    """Return the sessions that hold locks on tables of ours, oldest transaction first; at most 4.

    `own` are the processes of the program's own connections: the server may not have noticed yet that one was lost.
    Locks of readers, and of a vacuum, stop only `schema_changes` and count only for them. Nothing is found if there is
    none any more, or if the server does not answer quickly.
    """
    try:
        with deadline_scope(Deadline(_SECONDS)), engine.connect() as connection:
            rows = connection.execute(sa.text(_HOLDERS), {"schema_changes": schema_changes, "own": list(own)}).all()
    except (sa.exc.DBAPIError, sa.exc.TimeoutError):
        return []
    return [LockHolder(row.pid, row.seconds) for row in rows]
