"""What a database's errors mean to the user: which sentence, which hint, which kind of error."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from todocli.database import postgres_faults
from todocli.database.url import PostgresURL, place
from todocli.errors import SchemaOutdated, SchemaTooNew, ServiceUnavailable, TodoError

_FOREIGN_SCHEMA = {"42P01", "42703", "42883", "23502"}
"""undefined_table, undefined_column, undefined_function, not_null_violation: the signs of another schema."""

_LEAST_FREE = 100_000
"""With less room, in bytes, SQLite fails to make the files that it needs beside the database."""

_CONNECTION_EXCEPTION = "08"
_DOUBTFUL = ("broken", "silent", "57P01", "57P02", "57P05", "40003")
"""No SQLSTATE came; or admin_shutdown, crash_shutdown, idle_session_timeout, statement_completion_unknown."""


def translated(
    error: sa.exc.DBAPIError, target: Path | PostgresURL, head: str, revision: Callable[[], str | None]
) -> TodoError:
    """Return what `error` means to the user; `revision` asks the database where its schema stands."""
    if isinstance(target, PostgresURL):
        return _postgres_fault(error, target, head, revision)
    if isinstance(error.orig, sqlite3.Error):
        return sqlite_fault(error.orig, target)
    return TodoError(f"The database {target} failed: {error.orig}")


@contextmanager
def translated_sqlite(path: Path) -> Iterator[None]:
    """Turn what Python says of a file, or SQLite of a database, into an error that a user can act on."""
    try:
        yield
    except sqlite3.Error as error:
        raise sqlite_fault(error, path) from None
    except OSError as error:
        raise TodoError(
            f"The database {path} cannot be used: {(error.strerror or str(error)).lower()}.",
            hint="Set TODO_HOME to a folder that you can write to.",
        ) from None


def sqlite_fault(error: sqlite3.Error, path: Path) -> TodoError:
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


def too_new(target: Path | PostgresURL, revision: str, head: str) -> SchemaTooNew:
    """Return the error for a schema that a newer program wrote."""
    return SchemaTooNew(
        f"The schema of {place(target)} is {revision}, newer than this program can use ({head}).",
        hint="Upgrade todo on this machine: pip install --upgrade todocli",
    )


def outdated(target: Path | PostgresURL, revision: str | None, head: str) -> SchemaOutdated:
    """Return the error for a schema that is older than this program needs, or not there at all."""
    if revision is None:
        return SchemaOutdated(f"There is no todo schema in {place(target)}.", hint="Create it: todo db upgrade")
    return SchemaOutdated(
        f"The schema of {place(target)} is {revision}; this program needs {head}.",
        hint="Bring it up to date: todo db upgrade",
    )


def wrong_schema(target: Path | PostgresURL, revision: str | None, head: str) -> SchemaOutdated | SchemaTooNew | None:
    """Return the error for a schema that is not at `head`, or None if it is."""
    if revision is None or revision < head:
        return outdated(target, revision, head)
    return too_new(target, revision, head) if revision > head else None


def may_pass(error: sa.exc.DBAPIError) -> bool:
    """Return whether a statement is worth another try on a new connection."""
    return not _is_of_connecting(error) and postgres_faults.running(_state(error)).retry > 0


def leaves_doubt(error: sa.exc.DBAPIError) -> bool:
    """Return whether a statement may have taken effect although it failed: its answer never came."""
    state = _state(error)
    return not _is_of_connecting(error) and (state in _DOUBTFUL or state.startswith(_CONNECTION_EXCEPTION))


def _postgres_fault(
    error: sa.exc.DBAPIError, url: PostgresURL, head: str, revision: Callable[[], str | None]
) -> TodoError:
    said = postgres_faults.gist(str(error.orig))
    if _is_of_connecting(error):
        return postgres_faults.explained(postgres_faults.connecting(str(error.orig)), url, said)
    state = _state(error)
    if state in _FOREIGN_SCHEMA and (fault := wrong_schema(url, revision(), head)):
        return fault
    return postgres_faults.explained(postgres_faults.running(state), url, said, state)


def _is_of_connecting(error: sa.exc.DBAPIError) -> bool:
    from todocli.database.connecting import NotConnected

    return isinstance(error.orig, NotConnected)


def _state(error: sa.exc.DBAPIError) -> str:
    """Return the SQLSTATE of a statement's error; `broken` or `silent` where none came."""
    from todocli.database.race import Unanswered

    if isinstance(error.orig, Unanswered):
        return "silent"
    state = getattr(error.orig, "sqlstate", None)
    return str(state) if state else "broken" if error.connection_invalidated else type(error.orig).__name__
