"""Backups of the embedded database: copies of the file that are made, checked and restored while others use it.

Nothing is ever half done, whenever the process is killed:

    back up     the database ──VACUUM INTO──► .FILE.*.part ──link──► FILE      only if no FILE exists
    restore     FILE ──pages──► one transaction in the database                others see the old content or the new
                                │
                                └─ first step: the database is locked, and copied to todo.db.before-restore

Other processes may have the database open, so a restore does not replace the file: they would go on with the old one.
Only a file that SQLite cannot read is moved away.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from todocli.database import engine, errors, schema, sqlite_file
from todocli.errors import Conflict, NotFound, TodoError, UsageError

_DAMAGED = ("CORRUPT", "NOTADB")

_NOT_MADE = "; no backup was made"

_CHOOSE = "Choose a file that todo backup has written."
"""The hint for a file that is no backup."""


@dataclass(frozen=True)
class Content:
    """What a file holds. The todos include completed ones and the trash; `newest_change_at` is None without changes."""

    bytes: int
    revision: str
    users: int
    todos: int
    changes: int
    newest_change_at: datetime | None

    @property
    def is_outdated(self) -> bool:
        """Whether the schema is older than this program needs. A command upgrades it."""
        return self.revision < schema.HEAD


def back_up(source: Path, target: Path) -> Content:
    """Copy the committed content of the database at `source` to a new file at `target`, with mode 0600.

    Raises `Conflict` if there is a file already, `NotFound` without a database or a folder for the copy, and
    `todocli.errors.TodoError` if it cannot be copied.
    """
    if os.path.lexists(target):
        raise _taken(target)
    if not target.parent.is_dir():
        raise NotFound(f"There is no folder {str(target.parent)!r}.", hint="Create it, or choose another folder.")
    if sqlite_file.is_blank(source):
        raise _nothing_there(source)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        _discard_of_killed(target)
        try:
            with _translated(source, target), closing(_open_source(source)) as connection:
                if not _is_ours(connection, source):
                    raise _nothing_there(source)
                sqlite_file.write_copy(connection, part)
                content = _content(part)
            _sync(part)
            _publish(part, target)
        finally:
            sqlite_file.discard(part)
    except FileExistsError:
        raise _taken(target) from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise TodoError(f"Cannot write {str(target)!r}: {reason}{_NOT_MADE}.", hint="Choose another folder.") from None
    return content


def check(path: Path) -> Content:
    """Return what the backup at `path` holds, after reading all of it. Nothing is written there.

    Raises `NotFound` without a file, `SchemaTooNew` and `SchemaOutdated` if this program cannot use it, and
    `todocli.errors.TodoError` if it is damaged, or no backup.
    """
    with _translated_reading(path), closing(_open(path)) as connection:
        faults = integrity_faults(connection)
        if faults:
            raise _damaged(path, faults[0])
        return _content_of(connection, path)


def integrity_faults(connection: sqlite3.Connection) -> list[str]:
    """Return what is wrong with the structure of a database, and with references between its rows.

    This reads all of it: a second for 100,000 todos. Raises `sqlite3.DatabaseError` where it cannot be read.
    """
    found = [row[0].replace("\n", " ") for row in connection.execute("PRAGMA integrity_check(3)") if row[0] != "ok"]
    broken = connection.execute("PRAGMA foreign_key_check").fetchone()
    return [*found, f"a row of {broken[0]} refers to a missing row of {broken[2]}"] if broken else found


def current(database: Path) -> Content | None:
    """Return what the database holds; None without a file or a schema.

    Raises `todocli.errors.TodoError`, of which `is_damage` tells the kind.
    """
    with errors.translate_sqlite_errors(database):
        return _content(database) if _has_schema(database) else None


def is_damage(error: TodoError) -> bool:
    """Whether an error says that SQLite cannot read the file."""
    return isinstance(error.__cause__, sqlite3.Error) and errors.sqlite_code(error.__cause__) in _DAMAGED


def refuse_itself(path: Path, database: Path) -> None:
    """Raise `UsageError` if the file at `path` is the database."""
    if path.exists() and database.exists() and path.samefile(database):
        raise UsageError(f"{str(path)!r} is the database itself.", hint="Give a file that todo backup has made.")


def restore(path: Path, database: Path) -> Path | None:
    """Replace the content of the database by that of the backup at `path`, which was checked.

    Return where the previous content is; None if there was none. Raises `todocli.errors.TodoError`, also if another
    process is writing; then nothing was changed.
    """
    refuse_itself(path, database)
    with _translated_reading(path):
        backup = _open(path)
    with closing(backup), errors.translate_sqlite_errors(database):
        try:
            return _replace_content(backup, database)
        except sqlite3.DatabaseError as error:
            if errors.sqlite_code(error) not in _DAMAGED:
                raise
        moved = _move_away(database)
        _replace_content(backup, database)
        return moved


def _replace_content(backup: sqlite3.Connection, database: Path) -> Path | None:
    sqlite_file.create_file(database)
    _has_schema(database)
    kept: list[Path] = []

    def keep() -> None:
        if _has_schema(database):
            kept.append(sqlite_file.keep_copy(database, f"{database.name}.before-restore"))

    is_first = True

    def on_progress(status: int, _remaining: int, _total: int) -> None:
        """Keep a copy after the first step. From there on, no other process can write; the last step commits."""
        nonlocal is_first
        if status & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise errors.busy(database, errors.NOTHING_CHANGED)  # the library would wait for ever
        if is_first and status == sqlite3.SQLITE_OK:
            is_first = False
            if may_read:
                keep()
            elif database.stat().st_mtime_ns != written_at:
                raise errors.busy(database, errors.NOTHING_CHANGED)

    [pages] = backup.execute("PRAGMA page_count").fetchone()
    with closing(sqlite_file.connect(database)) as connection:
        connection.execute(f"PRAGMA busy_timeout = {int(engine.BUSY_SECONDS * 1000)}")
        connection.execute("PRAGMA synchronous = FULL")
        sqlite_file.use_write_ahead_log(connection)
        may_read = connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        written_at = database.stat().st_mtime_ns
        try:
            if not may_read:  # on a file system without WAL, a lock keeps readers out as well
                keep()
            backup.backup(connection, pages=max(pages // 100, 1), progress=on_progress)
        except BaseException:
            for copy in kept:
                copy.unlink()
            raise
    return kept[0] if kept else None


def _move_away(database: Path) -> Path:
    """Rename a file that SQLite cannot read, and those that it keeps beside it; they first, as they belong to it."""
    database = database.resolve()
    moved = sqlite_file.free_name(database, f"{database.name}.before-restore")
    for suffix in ("-shm", "-wal", "-journal", ""):
        file = database.with_name(database.name + suffix)
        if file.exists():
            file.rename(moved.with_name(moved.name + suffix))
    return moved


def _open_source(source: Path) -> sqlite3.Connection:
    """Open the database, also on a full disk or in a folder that cannot be written to."""
    if sqlite_file.is_readable(source):
        return sqlite_file.connect(source)
    connection = sqlite_file.connect_for_reading(source)
    connection.execute("PRAGMA query_only = OFF")  # the copy is written through it
    return connection


def _discard_of_killed(target: Path) -> None:
    """Remove unfinished copies that processes which were killed have left for this name."""
    name = re.compile(rf"\.{re.escape(target.name)}\.(\d+)\.part(-journal)?")
    for entry in list(target.parent.iterdir()):
        if (match := name.fullmatch(entry.name)) and not _is_running(int(match[1])):
            entry.unlink(missing_ok=True)


def _is_running(process: int) -> bool:
    if os.name == "nt":
        return True  # there, signal 0 would be Ctrl-C
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return process != os.getpid()


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _publish(part: Path, target: Path) -> None:
    """Give a file its name. Raises `FileExistsError` if the name is taken, even since a moment ago."""
    if os.name == "nt":
        part.rename(target)  # does not overwrite there
        return
    try:
        os.link(part, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without links, such as that of a memory stick
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        part.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _translated(source: Path, target: Path) -> Iterator[None]:
    """Translate errors of a copy: what is written is at the target, all else is the source."""
    try:
        yield
    except sqlite3.Error as error:
        at = target if errors.sqlite_code(error) in ("FULL", "IOERR") else source
        raise errors.sqlite_error(error, at, _NOT_MADE) from error


def _open(path: Path) -> sqlite3.Connection:
    """Open a backup without a lock and without files beside it (https://www.sqlite.org/uri.html#uriimmutable)."""
    _refuse_other_files(path)
    connection = sqlite3.connect(f"file:{quote(os.fsencode(path.absolute()))}?immutable=1&mode=ro", uri=True)
    try:
        if connection.execute("PRAGMA application_id").fetchone()[0] != sqlite_file.APPLICATION_ID:
            raise TodoError(f"{str(path)!r} is no backup of todo: another program created it.", hint=_CHOOSE)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def _translated_reading(path: Path) -> Iterator[None]:
    """Translate errors of a backup that is read."""
    try:
        yield
    except sqlite3.Error as error:
        if errors.sqlite_code(error) == "NOTADB":
            raise TodoError(f"{str(path)!r} is no backup: it contains something else.", hint=_CHOOSE) from None
        if errors.sqlite_code(error) == "CORRUPT":
            raise _damaged(path, str(error)) from None
        raise errors.sqlite_error(error, path, "") from None


def _refuse_other_files(path: Path) -> None:
    try:
        with path.open("rb") as file:
            is_empty = not file.read(1)
    except FileNotFoundError:
        raise NotFound(f"There is no file {str(path)!r}.", hint="Check the path.") from None
    except OSError as error:
        raise TodoError(f"Cannot read {str(path)!r}: {(error.strerror or str(error)).lower()}.") from None
    if is_empty:
        raise TodoError(f"{str(path)!r} is no backup: it is empty.", hint=_CHOOSE)
    for kind in ("wal", "journal"):
        beside = path.with_name(f"{path.name}-{kind}")
        if not sqlite_file.is_blank(beside):
            raise TodoError(
                f"{str(path)!r} is not whole without {str(beside)!r}: a database in use, or one copied by hand.",
                hint="To merge a copy into one file",
                command=("sqlite3", str(path), "PRAGMA wal_checkpoint(TRUNCATE)"),
            )


def _has_schema(database: Path) -> bool:
    """Whether a database holds todos. Raises `TodoError` for one of another program."""
    if sqlite_file.is_blank(database):
        return False
    with closing(sqlite_file.connect(database)) as connection:
        return _is_ours(connection, database)


def _is_ours(connection: sqlite3.Connection, database: Path) -> bool:
    """Whether there is a schema. Raises `TodoError` for that of another program."""
    [mark] = connection.execute("PRAGMA application_id").fetchone()
    [number] = connection.execute("PRAGMA user_version").fetchone()
    tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    if tables and mark != sqlite_file.APPLICATION_ID:
        raise errors.foreign(database, tables)
    return bool(number)


def _content(path: Path) -> Content:
    with closing(sqlite_file.connect(path)) as connection:
        return _content_of(connection, path, is_usable=False)


def _content_of(connection: sqlite3.Connection, path: Path, *, is_usable: bool = True) -> Content:
    """Count what a database holds. With `is_usable`, raise an error unless this program can use it."""
    connection.row_factory = sqlite3.Row
    is_there = connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (schema.VERSION_TABLE,)).fetchone()
    rows = [dict(row) for row in connection.execute(schema.read_revision(path))] if is_there else []
    revision = schema.CurrentRevision.of(rows)
    if revision is None:
        raise TodoError(f"{str(path)!r} has no todos: its schema is gone.")
    fault = schema.mismatch(path, revision)
    if is_usable and fault and (revision.id > schema.HEAD or revision.id in schema.UNRELEASED):
        raise fault
    users, todos, changes, newest, pages, size = connection.execute(
        "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM todos), (SELECT count(*) FROM changes),"
        " (SELECT max(made_at) FROM changes), page_count, page_size FROM pragma_page_count, pragma_page_size"
    ).fetchone()
    newest_at = datetime.fromisoformat(newest).replace(tzinfo=UTC) if newest else None
    return Content(pages * size, revision.id, users, todos, changes, newest_at)


def _nothing_there(source: Path) -> NotFound:
    return NotFound(f"There is no database in {source} yet.", hint="The first command creates it.")


def _taken(target: Path) -> TodoError:
    if target.is_dir():
        return UsageError(f"{str(target)!r} is a folder.", hint="Give the name of a new file in it.")
    return Conflict(f"There is already a file {str(target)!r}{_NOT_MADE}.", hint="Choose another name.")


def _damaged(path: Path, reason: str) -> TodoError:
    return TodoError(f"{str(path)!r} is damaged: {reason}.", hint="Use another backup.")
