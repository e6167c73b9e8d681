"""Waits for the NOTIFY that a trigger sends when a change of a followed user commits.

    listen ─► share the user's lock ─► read the log ─► wait ─► read the log …

The trigger notifies only while somebody shares the lock. To share it is to wait until each transaction that did not
notify has committed, so that the log has their changes when it is read afterwards. The channel and the lock are those
of the revision 0105.
"""

from __future__ import annotations

import math
from contextlib import suppress
from uuid import UUID

import psycopg
from psycopg import sql

from todocli.database.deadline import Deadline, deadline_scope
from todocli.database.postgres import errors as postgres_errors
from todocli.database.postgres.connect import Connection, NotConnected, connect
from todocli.database.postgres.happy_eyeballs import NoResponse
from todocli.database.postgres.url import PostgresURL
from todocli.database.waiter import Waiter
from todocli.errors import TodoError


class Pooled(Exception):
    """A pooler is in between, which gives the connection to others after each statement."""


class Listening:
    """Watches the changes of a user; see `todocli.database.watch.Watch`.

    `seconds` is the deadline for connecting. While it waits, the server is asked nothing.
    """

    def __init__(self, url: PostgresURL, user_id: UUID, seconds: float, waiter: Waiter) -> None:
        self._url = url
        self._user_id = user_id
        self._seconds = seconds
        self._waiter = waiter
        self._connection: Connection | None = None

    def start(self) -> None:
        """Connect, unless it is connected. Raises `todocli.errors.TodoError`, and `Pooled`."""
        if self._connection is not None:
            return
        try:
            with deadline_scope(Deadline(self._seconds)):
                self._connection = connect(self._url)
                self._listen(self._connection)
            with deadline_scope(Deadline(math.inf)):  # an import may take minutes
                self._share_lock(self._connection)
        except psycopg.Error as error:
            self.close()
            raise self._translated(error) from None
        except BaseException:
            self.close()
            raise

    def _listen(self, connection: Connection) -> None:
        # A pooler makes process ids up, and so does Neon's front, behind which the direct host has no pooler.
        process = connection.execute("SELECT pg_catalog.pg_backend_pid()").fetchone()
        if not self._url.is_neon and process != (connection.info.backend_pid,):
            raise Pooled
        connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(f"todo_{self._user_id.hex}")))

    def _share_lock(self, connection: Connection) -> None:
        lock = int.from_bytes(self._user_id.bytes[8:], signed=True)
        connection.execute("SELECT pg_catalog.pg_advisory_lock_shared(%s::pg_catalog.int8)", [lock])

    def wait(self, seconds: float | None) -> bool:
        """Return whether there was a change, after `seconds` at most; raises as `Watch.wait`."""
        assert self._connection is not None, "the watch was not started"  # noqa: S101
        pgconn = self._connection.pgconn
        try:
            while True:
                is_readable = self._waiter.wait(seconds, pgconn.socket)
                if is_readable:
                    pgconn.consume_input()
                    heard = False
                    while pgconn.notifies():
                        heard = True
                    if heard:
                        return True
                if not is_readable and seconds is not None:
                    return False
        except psycopg.Error as error:
            self.close()
            raise self._translated(error) from None

    def _translated(self, error: psycopg.Error) -> TodoError:
        reason = postgres_errors.reason_of(str(error))
        if isinstance(error, NotConnected):
            return postgres_errors.explain(postgres_errors.connect_rule(str(error)), self._url, reason)
        state = "silent" if isinstance(error, NoResponse) else error.sqlstate or "broken"
        return postgres_errors.explain(postgres_errors.statement_rule(state, reason), self._url, reason, state)

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
            self._connection = None
