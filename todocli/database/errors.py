"""What a database's errors mean to the user: which sentence, which hint, which kind of error."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from todocli.database.postgres import errors as postgres_errors
from todocli.database.postgres.url import PostgresURL
from todocli.database.schema import mismatch
from todocli.errors import ServiceUnavailable, TodoError

_FOREIGN_SCHEMA = {"42P01", "42703", "42883", "23502"}
"""undefined_table, undefined_column, undefined_function, not_null_violation: the signs of another schema."""

_LEAST_FREE = 100_000
"""With less room, in bytes, SQLite fails to make the files that it needs beside the database."""

_CONNECTION_EXCEPTION = "08"
_DOUBTFUL = ("broken", "silent", "57P01", "57P02", "57P05", "40003")
"""No SQLSTATE came; or admin_shutdown, crash_shutdown, idle_session_timeout, statement_completion_unknown."""


def translate(error: sa.exc.DBAPIError, target: Path | PostgresURL, revision: Callable[[], str | None]) -> TodoError:
    """Return what `error` means to the user; `revision` asks the database where its schema stands."""
    if isinstance(target, PostgresURL):
        return _postgres_error(error, target, revision)
    if isinstance(error.orig, sqlite3.Error):
        return sqlite_error(error.orig, target)
    return TodoError(f"The database {target} failed: {error.orig}")


@contextmanager
def translate_sqlite_errors(path: Path) -> Iterator[None]:
    """Turn what Python says of a file, or SQLite of a database, into an error that a user can act on."""
    try:
        yield
    except sqlite3.Error as error:
        raise sqlite_error(error, path) from None
    except OSError as error:
        raise TodoError(
            f"The database {path} cannot be used: {(error.strerror or str(error)).lower()}.",
            hint="Set TODO_HOME to a folder that you can write to.",
        ) from None


def sqlite_error(error: sqlite3.Error, path: Path) -> TodoError:
    """Return what an error of SQLite (https://www.sqlite.org/rescode.html) means to the user."""
    match str(getattr(error, "sqlite_errorname", "")).removeprefix("SQLITE_").split("_")[0]:
        case "NOTADB":
            return TodoError(
                f"{path} is not a todo database: its content is something else.",
                hint="Move the file away; the next command makes a new one.",
            )
        case "CORRUPT":
            return TodoError(
                f"The database {path} is damaged: {error}.",
                hint=f"Restore it from a backup, or rescue what is readable: sqlite3 {path} .recover",
            )
        case "IOERR" if shutil.disk_usage(path.parent).free < _LEAST_FREE:
            return TodoError(f"The disk is full; nothing was changed in {path}.", hint="Free some space; then repeat.")
        case "FULL":
            return TodoError(f"The disk is full; nothing was changed in {path}.", hint="Free some space; then repeat.")
        case "READONLY" if os.access(path, os.W_OK) and not os.access(path.parent, os.W_OK):
            return TodoError(
                f"The folder {path.parent} is read-only, and SQLite writes beside the database; nothing was changed.",
                hint="Make it writable, or set TODO_HOME to a folder that is.",
            )
        case "READONLY" | "PERM" | "AUTH":
            return TodoError(
                f"The database {path} is read-only; nothing was changed.", hint=f"Check who may write: ls -l {path}"
            )
        case "CANTOPEN" if path.exists() and not os.access(path.parent, os.W_OK):
            return TodoError(
                f"The folder {path.parent} is read-only, and SQLite writes beside the database even to read it.",
                hint="Make it writable, or set TODO_HOME to a folder that is.",
            )
        case "CANTOPEN":
            return TodoError(
                f"The database {path} cannot be opened.",
                hint="Check that its folder exists and that you can write there.",
            )
        case "BUSY" | "LOCKED":
            return ServiceUnavailable(
                f"Another process kept the database {path} locked; nothing was changed.", hint="Try again in a moment."
            )
        case "IOERR":
            return TodoError(
                f"The disk failed while {path} was used ({error}); nothing was changed.",
                hint="Check the disk's health.",
            )
        case _:
            return TodoError(f"The database {path} failed: {error}.")


def foreign(path: Path, tables: Sequence[str] = ()) -> TodoError:
    """Return the error for a database that something else made."""
    what = f"it has tables of something else ({', '.join(tables[:3])})" if tables else "something else made it"
    return TodoError(
        f"{path} is not a todo database: {what}.", hint="Move the file away; the next command makes a new one."
    )


def is_transient(error: sa.exc.DBAPIError) -> bool:
    """Return whether a statement is worth another try on a new connection."""
    return not _is_of_connecting(error) and postgres_errors.running(_state(error)).retry > 0


def outcome_is_unknown(error: sa.exc.DBAPIError) -> bool:
    """Return whether a statement may have taken effect although it failed: its answer never came."""
    state = _state(error)
    return not _is_of_connecting(error) and (state in _DOUBTFUL or state.startswith(_CONNECTION_EXCEPTION))


def _postgres_error(error: sa.exc.DBAPIError, url: PostgresURL, revision: Callable[[], str | None]) -> TodoError:
    said = postgres_errors.gist(str(error.orig))
    if _is_of_connecting(error):
        return postgres_errors.explained(postgres_errors.connecting(str(error.orig)), url, said)
    state = _state(error)
    if state in _FOREIGN_SCHEMA and (fault := mismatch(url, revision())):
        return fault
    return postgres_errors.explained(postgres_errors.running(state), url, said, state)


def _is_of_connecting(error: sa.exc.DBAPIError) -> bool:
    from todocli.database.postgres.connect import NotConnected

    return isinstance(error.orig, NotConnected)


def _state(error: sa.exc.DBAPIError) -> str:
    """Return the SQLSTATE of a statement's error; `broken` or `silent` where none came."""
    from todocli.database.postgres.happy_eyeballs import NoResponse

    if isinstance(error.orig, NoResponse):
        return "silent"
    state = getattr(error.orig, "sqlstate", None)
    return str(state) if state else "broken" if error.connection_invalidated else type(error.orig).__name__
