"""A connection that is open before a command asks for it: in a process that waits for its command.

Connecting takes five round trips, and more if the database sleeps. A command takes one. The connection is used for a
command only if the command would have opened the same one; it is closed if no command comes.
"""

from __future__ import annotations

import os
import select
from dataclasses import dataclass

import psycopg

from todocli.database.deadline import Deadline
from todocli.database.postgres.connect import BackgroundConnection, Connection, connect
from todocli.database.postgres.url import PostgresURL


@dataclass(frozen=True)
class _Ahead:
    url: PostgresURL
    home: str | None
    opening: BackgroundConnection


_ahead: list[_Ahead] = []
"""The connection of this process, if it has one."""


def open_ahead(url: PostgresURL, home: str | None) -> None:
    """Begin to open a connection as a process would that has the home folder `home`, and no variables of libpq."""
    close_ahead()
    for name in [*_libpq_variables(), "HOME"]:
        os.environ.pop(name, None)
    if home is not None:
        os.environ["HOME"] = home
    _ahead.append(_Ahead(url, home, BackgroundConnection(url, Deadline())))


def close_ahead() -> None:
    """Close the connection, so that a database without other work can suspend."""
    while _ahead:
        _ahead.pop().opening.discard()


def take_ahead(url: PostgresURL, deadline: Deadline) -> AheadConnection | None:
    """Return the connection if it is the one that this process would open; otherwise close it.

    libpq finds certificates and passwords in the home folder, and settings for TLS in its variables.
    """
    if not _ahead:
        return None
    if (_ahead[0].url, _ahead[0].home) != (url, os.environ.get("HOME")) or _libpq_variables():
        close_ahead()
        return None
    return AheadConnection(_ahead.pop().opening, url, deadline)


class AheadConnection:
    """A connection that was opened ahead, for a command that has `deadline`."""

    def __init__(self, opening: BackgroundConnection, url: PostgresURL, deadline: Deadline) -> None:
        self.deadline = deadline
        self._opening = opening
        self._url = url
        opening.deadline.on_wait = deadline.on_wait

    def connection(self) -> Connection:
        """Return the connection; another one if it has failed meanwhile. Raises `NotConnected`."""
        try:
            connection = self._opening.connection()
        except psycopg.Error:
            return connect(self._url)
        if _is_silent(connection):
            return connection
        connection.close()
        return connect(self._url)

    def discard(self) -> None:
        """Close the connection if it is open; nobody asked for it."""
        self._opening.discard()


def _is_silent(connection: Connection) -> bool:
    """Whether the server has sent nothing: a server that closes a connection says so, and nothing else is due."""
    return not connection.closed and not select.select([connection.pgconn.socket], [], [], 0)[0]


def _libpq_variables() -> list[str]:
    return [name for name in os.environ if name.startswith("PG")]
