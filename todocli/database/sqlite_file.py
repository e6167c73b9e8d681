"""The file of the embedded database: permissions, journal mode and copies. Standard library only."""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

APPLICATION_ID = 0x746F646F
"""Marks the file as ours: `todo` in ASCII (https://www.sqlite.org/pragma.html#pragma_application_id)."""

BUSY_SECONDS = 60.0
"""How long this module waits for other processes that are using the file."""


def create_file(path: Path) -> bool:
    """Create an empty file at `path` with mode 0600, and missing folders with mode 0700.

    Returns whether this process created it. An existing file stays as it is. Raises `OSError` if it cannot be created.
    """
    try:
        path = path.resolve()
    except RuntimeError as error:  # until Python 3.12, a loop of links
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from error
    missing = [folder for folder in path.parents if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        return False
    return True


class Header(NamedTuple):
    """What the header of a file says: the schema's revision, 0 for none, and whether this program created it."""

    schema_number: int = 0
    is_ours: bool = False


def read_header(path: Path) -> Header:
    """Return the header of the file at `path`, which may be missing. Raises `sqlite3.Error` if it is not a database.

    A connection reads it, which finds out whether the file can be used in the usual way as well.
    """
    if is_blank(path):
        return Header()
    with closing(connect(path)) as connection:
        number, application_id = (
            connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("user_version", "application_id")
        )
    return Header(number, application_id == APPLICATION_ID)


def is_blank(path: Path) -> bool:
    """Whether the file at `path` is missing or empty."""
    try:
        return path.stat().st_size == 0
    except FileNotFoundError:
        return True


def connect(path: Path) -> sqlite3.Connection:
    """Open the file at `path` in autocommit mode. Raises `sqlite3.OperationalError` if it is missing."""
    address = f"file:{quote(os.fsencode(path.absolute()))}?mode=rw"
    return sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS, isolation_level=None)


def connect_for_reading(path: Path) -> sqlite3.Connection:
    """Open the file at `path` where SQLite cannot create files beside it: on a full disk, or in a read-only folder.

    An exclusive lock makes the index of the write-ahead log unnecessary, which is such a file
    (https://www.sqlite.org/wal.html#noshm). Without any right to write there, the file is read into memory, unless
    another process is using it. Raises `sqlite3.Error` if neither is possible.
    """
    path = path.resolve()  # the other files are beside the file, not beside a link to it
    try:
        return _readable(connect(path))
    except sqlite3.OperationalError:
        data = _snapshot(path)
        if data is None:
            raise
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.deserialize(data)
    connection.execute("PRAGMA query_only = ON")
    return connection


def is_readable(path: Path) -> bool:
    """Whether the file at `path` can be read in the usual way."""
    try:
        with closing(connect(path)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
    except sqlite3.OperationalError:
        return False
    except sqlite3.DatabaseError:
        return True  # it can be, but is no database
    return True


def _readable(connection: sqlite3.Connection) -> sqlite3.Connection:
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE").fetchall()
        connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


def _snapshot(path: Path) -> bytes | None:
    """Return the content of the file. None if another process is using it, as the content may be inconsistent."""

    def state() -> tuple[int, int, list[bool]]:
        found = path.stat()
        beside = [path.with_name(f"{path.name}-{kind}") for kind in ("wal", "journal", "shm")]
        return found.st_size, found.st_mtime_ns, [file.exists() for file in beside]

    try:
        before = state()
        data = bytearray(path.read_bytes())
        if any(before[2]) or state() != before:
            return None
    except OSError:
        return None
    data[_FORMAT_VERSIONS] = b"\x01\x01"  # not in WAL mode, which a database in memory cannot have
    return bytes(data)


_FORMAT_VERSIONS = slice(18, 20)
"""Where the header has them (https://www.sqlite.org/fileformat2.html#file_format_version_numbers)."""


def use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Switch the database to WAL, if the file system supports it. The setting is stored in the file.

    SQLite ignores its busy timeout here, so this function waits by itself.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                connection.execute("PRAGMA journal_mode = WAL").fetchone()
            return
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
            if not busy or time.monotonic() > deadline:
                raise
        time.sleep(0.01)


def free_name(path: Path, name: str) -> Path:
    """Return a path beside `path` where nothing is: `name`, with a number if that is taken."""
    free = path.with_name(name)
    number = 1
    while free.exists():
        number += 1
        free = path.with_name(f"{name}-{number}")
    return free


def keep_copy(path: Path, name: str) -> Path:
    """Copy the committed content of the database at `path` to a file beside it, with mode 0600; return its path.

    The copy is called `name`, with a number if that is taken. It is complete or absent. The caller holds the lock.
    """
    copy = free_name(path, name)
    part = copy.with_name(f"{copy.name}.part")
    discard(part)
    try:
        with closing(connect(path)) as connection:
            write_copy(connection, part)
        part.replace(copy)
    finally:
        discard(part)
    return copy


def write_copy(connection: sqlite3.Connection, part: Path) -> None:
    """Copy the committed content of a database to a new file at `part`, with mode 0600."""
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    connection.execute("VACUUM INTO CAST(? AS TEXT)", (os.fsencode(part.absolute()),))  # not every name is text


def discard(part: Path) -> None:
    """Remove an unfinished copy, and the journal that SQLite leaves beside it after a fault."""
    for file in (part, part.with_name(f"{part.name}-journal")):
        file.unlink(missing_ok=True)
