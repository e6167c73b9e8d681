"""The embedded database as a file: created for its owner alone, its journal, its copies. Standard library only."""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

APPLICATION_ID = 0x746F646F
"""By this the file says whose it is: `todo` in ASCII (https://www.sqlite.org/pragma.html#pragma_application_id)."""

BUSY_SECONDS = 60.0
"""How long this module waits for other processes that use the file."""


def create_file(path: Path) -> bool:
    """Create the file at `path`, empty, mode 0600, and the folders that it needs, mode 0700.

    Returns whether it was created: of several processes that try at once, one. What exists stays as it is.
    Raises `OSError` if the file cannot be created.
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


def schema_number(path: Path) -> int:
    """Return the number of the schema in the file at `path`; 0 if there is no file, or no schema in it.

    Raises `sqlite3.Error` if the file is not a database.
    """
    if is_blank(path):
        return 0
    with closing(connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def is_ours(path: Path) -> bool:
    """Return whether this program made the database in the file at `path`. Raises `sqlite3.Error` if it is none."""
    with closing(connect(path)) as connection:
        return bool(connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID)


def is_blank(path: Path) -> bool:
    """Return whether there is no file at `path`, or nothing in it."""
    try:
        return path.stat().st_size == 0
    except FileNotFoundError:
        return True


def connect(path: Path) -> sqlite3.Connection:
    """Open the file at `path`, in autocommit mode. Raises `sqlite3.OperationalError` if there is none."""
    address = f"file:{quote(str(path.absolute()))}?mode=rw"
    return sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS, isolation_level=None)


def use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Switch the database to WAL, where the file system can do it. The file remembers.

    SQLite does not wait for others at this, whatever its busy time-out is: so this does.
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


def keep_copy(path: Path, name: str) -> Path:
    """Write what is committed in the database at `path` to a file beside it, mode 0600; return where it is.

    It is called `name`, with a number if that is taken: no copy takes the place of another. The copy is whole or not
    there. The caller keeps others from writing to both.
    """
    copy = path.with_name(name)
    number = 1
    while copy.exists():
        number += 1
        copy = path.with_name(f"{name}-{number}")
    part = copy.with_name(f"{copy.name}.part")
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    try:
        with closing(connect(path)) as connection:
            connection.execute("VACUUM INTO ?", (str(part),))
        part.replace(copy)
    finally:
        part.unlink(missing_ok=True)
    return copy
