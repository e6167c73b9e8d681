"""Translates database errors into errors that a user can act on."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from todocli.database.postgres import errors as postgres_errors
from todocli.database.postgres.url import PostgresURL
from todocli.database.schema import CurrentRevision, mismatch
from todocli.errors import ServiceUnavailable, TodoError

if TYPE_CHECKING:
    from todocli.database.postgres.locks import LockHolder


@dataclass(frozen=True)
class Inquiry:
    """What the translation of an error may ask the database: its revision, and who holds locks."""

    revision: Callable[[], CurrentRevision | None]
    lock_holders: Callable[[], list[LockHolder]]


NOTHING_CHANGED = "; nothing was changed"

_FOREIGN_SCHEMA = {"42P01", "42703", "42883", "23502", "22P02", "21000"}
"""Signs of another schema: undefined_table, undefined_column, undefined_function, not_null_violation; and when it does
not admit this program: invalid_text_representation, cardinality_violation.
"""

LEAST_FREE = 100_000
"""With less free space, in bytes, SQLite cannot create the files that it needs beside the database."""

_WAITED = ("55P03", "silent")
"""lock_not_available; or no answer in time, perhaps because of a lock."""

_CONNECTION_EXCEPTION = "08"
_UNKNOWN_OUTCOME = ("broken", "silent", "57P01", "57P02", "57P05", "40003")
"""No SQLSTATE; or admin_shutdown, crash_shutdown, idle_session_timeout, statement_completion_unknown."""


def translate(error: sa.exc.DBAPIError, target: Path | PostgresURL, inquiry: Inquiry, effect: str) -> TodoError:
    """Return what `error` means to the user; `effect` as in `sqlite_error`."""
    if isinstance(target, PostgresURL):
        return _postgres_error(error, target, inquiry)
    if isinstance(error.orig, sqlite3.Error):
        return _foreign_schema(error.orig, target, inquiry) or sqlite_error(error.orig, target, effect)
    return TodoError(f"The database {target} failed: {error.orig}")


@contextmanager
def translate_sqlite_errors(path: Path) -> Iterator[None]:
    """Translate errors of files and of SQLite in the body. The latter are the cause of what is raised."""
    try:
        yield
    except sqlite3.Error as error:
        raise sqlite_error(error, path) from error
    except OSError as error:
        raise TodoError(
            f"The database {path} cannot be used: {(error.strerror or str(error)).lower()}.",
            hint="Set TODO_HOME to a folder that you can write to.",
        ) from None


def sqlite_code(error: sqlite3.Error) -> str:
    """Return the primary result code of an error without its prefix, such as `BUSY`; empty if it has none."""
    return str(getattr(error, "sqlite_errorname", "")).removeprefix("SQLITE_").split("_")[0]


def sqlite_error(error: sqlite3.Error, path: Path, effect: str = NOTHING_CHANGED) -> TodoError:
    """Return what an error of SQLite (https://www.sqlite.org/rescode.html) means to the user.

    `effect` says what became of the change, where the error itself does not.
    """
    match sqlite_code(error):
        case "NOTADB":
            return TodoError(
                f"{path} is not a todo database: it contains something else.",
                hint="Move the file elsewhere; the next command creates a new one.",
            )
        case "CORRUPT":
            return damaged(path, str(error))
        case "IOERR" if shutil.disk_usage(path.parent).free < LEAST_FREE:
            return TodoError(f"The disk is full: {path} needs space{effect}.", hint="Free some space, then repeat.")
        case "FULL":
            return TodoError(f"The disk is full: {path} needs space{effect}.", hint="Free some space, then repeat.")
        case "READONLY" if os.access(path, os.W_OK) and not os.access(path.parent, os.W_OK):
            return TodoError(
                f"The folder {path.parent} is read-only, and SQLite writes next to the database{effect}.",
                hint="Make it writable, or set TODO_HOME to a folder that is.",
            )
        case "READONLY" | "PERM" | "AUTH":
            return TodoError(
                f"The database {path} is read-only{effect}.",
                hint="Check its permissions",
                command=("ls", "-l", str(path)),
            )
        case "CANTOPEN" if path.exists() and not os.access(path.parent, os.W_OK):
            return TodoError(
                f"The folder {path.parent} is read-only, and SQLite writes next to the database even to read it.",
                hint="Make it writable, or set TODO_HOME to a folder that is.",
            )
        case "CANTOPEN":
            return TodoError(
                f"The database {path} cannot be opened.",
                hint="Check that its folder exists, and that you can write there.",
            )
        case "BUSY" | "LOCKED":
            return busy(path, effect)
        case "IOERR":
            return TodoError(
                f"The disk failed while {path} was in use ({error}){effect}.",
                hint="Check the disk's health.",
            )
        case _:
            return TodoError(f"The database {path} failed: {error}.")


def busy(path: Path, effect: str) -> ServiceUnavailable:
    """Return the error for a lock that was waited for; `effect` as in `sqlite_error`."""
    return ServiceUnavailable(f"Another process holds a lock on {path}{effect}.", hint="Try again in a moment.")


def damaged(path: Path, reason: str) -> TodoError:
    """Return the error for a database with a fault in its structure."""
    return TodoError(
        f"The database {path} is damaged: {reason}.",
        hint="Restore a backup (todo backup --restore FILE), or rescue what is readable",
        command=("sqlite3", str(path), ".recover"),
    )


def foreign(path: Path, tables: Sequence[str] = ()) -> TodoError:
    """Return the error for a database of another program."""
    what = f"it has other tables ({', '.join(tables[:3])})" if tables else "another program created it"
    return TodoError(
        f"{path} is not a todo database: {what}.", hint="Move the file elsewhere; the next command creates a new one."
    )


def is_transient(error: sa.exc.DBAPIError) -> bool:
    """Whether a statement is worth a retry on a new connection."""
    if isinstance(error.orig, sqlite3.Error) or _is_connect_error(error):
        return False
    return postgres_errors.statement_rule(_state(error)).retry > 0


def outcome_is_unknown(error: sa.exc.DBAPIError) -> bool:
    """Whether a failed statement may have taken effect: its answer never arrived."""
    if isinstance(error.orig, sqlite3.Error) or _is_connect_error(error):
        return False
    state = _state(error)
    return state in _UNKNOWN_OUTCOME or state.startswith(_CONNECTION_EXCEPTION)


def _postgres_error(error: sa.exc.DBAPIError, url: PostgresURL, inquiry: Inquiry) -> TodoError:
    reason = postgres_errors.reason_of(str(error.orig))
    if _is_connect_error(error):
        return postgres_errors.explain(postgres_errors.connect_rule(str(error.orig)), url, reason)
    state = _state(error)
    if state in _FOREIGN_SCHEMA and (fault := mismatch(url, inquiry.revision())):
        return fault
    if state in _WAITED and (holders := inquiry.lock_holders()):
        return _locked(url, holders)
    return postgres_errors.explain(postgres_errors.statement_rule(state, reason), url, reason, state)


def _locked(url: PostgresURL, holders: Sequence[LockHolder]) -> TodoError:
    found = "; ".join(map(str, holders))
    if len(holders) > 1:
        return ServiceUnavailable(f"Other sessions hold locks in {url.redacted()} ({found}).", hint="Try again later.")
    return ServiceUnavailable(
        f"Another session holds a lock in {url.redacted()} ({found}).",
        hint=f"Try again when it has finished, or end it: SELECT pg_terminate_backend({holders[0].pid})",
    )


def _foreign_schema(error: sqlite3.Error, path: Path, inquiry: Inquiry) -> TodoError | None:
    is_sign = getattr(error, "sqlite_errorname", "") == "SQLITE_ERROR"  # whatever is wrong with the statement itself
    return mismatch(path, inquiry.revision()) if is_sign else None


def _is_connect_error(error: sa.exc.DBAPIError) -> bool:
    from todocli.database.postgres.connect import NotConnected

    return isinstance(error.orig, NotConnected)


def _state(error: sa.exc.DBAPIError) -> str:
    """Return the SQLSTATE of a statement's error; `broken` or `silent` where none came."""
    from todocli.database.postgres.happy_eyeballs import NoResponse

    if isinstance(error.orig, NoResponse):
        return "silent"
    state = getattr(error.orig, "sqlstate", None)
    return str(state) if state else "broken" if error.connection_invalidated else type(error.orig).__name__
