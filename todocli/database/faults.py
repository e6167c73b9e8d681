"""What a database's errors mean to the user: which sentence, which hint, which kind of error."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from todocli.database.url import PostgresURL, place, redact
from todocli.errors import AccessDenied, SchemaOutdated, SchemaTooNew, ServiceUnavailable, TodoError

_FOREIGN_SCHEMA = {"42P01", "42703", "42883", "23502"}
"""undefined_table, undefined_column, undefined_function, not_null_violation: the signs of another schema."""


def translated(
    error: sa.exc.DBAPIError, target: Path | PostgresURL, head: str, revision: Callable[[], str | None]
) -> TodoError:
    """Return what `error` means to the user; `revision` asks the database where its schema stands."""
    cause = error.orig
    if isinstance(target, Path):
        if isinstance(cause, sqlite3.Error):
            return sqlite_fault(cause, target)
        return TodoError(f"The database {target} failed: {_first_line(cause)}")
    return _postgres_fault(cause, target, head, revision)


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
        case "FULL":
            return TodoError(f"The disk is full; nothing was changed in {path}.", hint="Free some space; then repeat.")
        case "READONLY" | "PERM" | "AUTH":
            return TodoError(
                f"The database {path} is read-only; nothing was changed.", hint=f"Check who may write: ls -l {path}"
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


def _postgres_fault(
    cause: BaseException | None, url: PostgresURL, head: str, revision: Callable[[], str | None]
) -> TodoError:
    state = getattr(cause, "sqlstate", None)
    said = _first_line(cause)
    if state in _FOREIGN_SCHEMA:
        found = revision()
        if found is None or found < head:
            return outdated(url, found, head)
        if found > head:
            return too_new(url, found, head)
    if state is None:
        return _connection_fault(said, url)
    match state[:2], state:
        case _, "42501":
            return AccessDenied(
                f"The role {url.user!r} may not do this in {place(url)}: {said}.",
                hint="Ask the database's owner to grant it.",
            )
        case "28", _:
            return _refused(said, url)
        case _, "53100":
            return TodoError(f"The disk of {url.host} is full: {said}.", hint="Free some space; then repeat.")
        case _, "25006":
            return TodoError(f"{place(url)} is read-only: {said}.", hint="Use the primary's address, not a replica's.")
        case (("08" | "53" | "57" | "58"), _):
            return ServiceUnavailable(f"{place(url)} is not available: {said}.", hint="Try again in a moment.")
        case _:
            return TodoError(f"{place(url)} failed: {said} (SQLSTATE {state}).")


def _connection_fault(said: str, url: PostgresURL) -> TodoError:
    """Read the text of a failed connection: psycopg gives it no SQLSTATE."""
    if any(words in said for words in ("password authentication failed", "no password supplied", "pg_hba.conf")):
        return _refused(said, url)
    if 'database "' in said and "does not exist" in said:
        return TodoError(
            f"There is no database {url.database!r} on {url.host}.",
            hint="Create it first, or correct the profile's URL.",
        )
    if 'role "' in said and "does not exist" in said:
        return _refused(said, url)
    return ServiceUnavailable(
        f"{place(url)} cannot be reached: {said}.", hint="Check the address and the network: todo db ping"
    )


def _refused(said: str, url: PostgresURL) -> AccessDenied:
    return AccessDenied(
        f"{url.host} refused the role {url.user!r}: {said}.",
        hint="Check the role and the password in the profile's URL.",
    )


def _first_line(cause: BaseException | None) -> str:
    """Return the gist of a driver's message, without a password, in one line."""
    text = redact(str(cause).strip()).splitlines()
    line = next((part for part in text if part.strip()), "no reason given")
    for noise in ("connection failed: ", "connection is bad: ", "FATAL:  ", "ERROR:  "):
        line = line.replace(noise, "")
    return line.strip().rstrip(".")
