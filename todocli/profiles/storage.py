"""One small text file that only its owner may write: read with care, and changed whole, by one process at a time."""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from todocli.errors import AccessDenied, TodoError, ValidationError

LOCK_TRIES = 200
LOCK_PAUSE = 0.05
"""Seconds between two tries to get the lock."""

_REASONS = {
    errno.EACCES: "you may not write there",
    errno.EPERM: "you may not write there",
    errno.EROFS: "the disk is read-only",
    errno.ENOSPC: "no space is left on the disk",
    errno.EDQUOT: "your share of the disk is full",
    errno.ENOTDIR: "a file is in the place of its folder",
    errno.EEXIST: "a file is in the place of its folder",
}


def read(path: Path) -> str | None:
    """Return what is in the file, or None if there is none.

    Raises `todocli.errors.AccessDenied` if others may change it, and `todocli.errors.ValidationError` if it is not
    a readable file of UTF-8.
    """
    try:
        # Without O_NONBLOCK, opening a named pipe would wait for its writer.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(path, flags), "rb") as file:
            state = os.fstat(file.fileno())
            content = file.read() if stat.S_ISREG(state.st_mode) else None
    except FileNotFoundError:
        return None
    except IsADirectoryError:
        content = None
    except OSError as error:
        raise ValidationError(
            f"{path} cannot be read: {error.strerror}.", hint=f"Look at it: ls -ld {_quoted(path)}"
        ) from None
    if content is None:
        raise ValidationError(f"{path} is not a file.", hint=f"Move it away: mv {_quoted(path)} {_quoted(path)}.old")
    _check_owner(path, state)
    return _decoded(path, content)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other processes out of `locked` for the same file; its folder is made if it is missing.

    Raises `todocli.errors.TodoError` if the folder cannot be written, or if another process does not come to an end.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise _unwritten(path, error) from None
    try:
        _wait_for_lock(path, descriptor)
        yield
    finally:
        os.close(descriptor)  # which gives the lock back, as the end of the process does


def write(path: Path, text: str) -> None:
    """Put `text` in the place of what is in the file: all of it, or nothing. A symbolic link stays one.

    Raises `todocli.errors.TodoError` if that fails; the file is then as it was.
    """
    import tempfile

    temporary = None
    try:
        target = Path(os.path.realpath(path, strict=False))
        descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)  # its mode is 0600
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)  # noqa: PTH105 - the name of the temporary file is a str
        temporary = None
        _sync_folder(target.parent)
    except OSError as error:
        raise _unwritten(path, error) from None
    finally:
        if temporary is not None:
            with suppress(OSError):
                Path(temporary).unlink()


def _check_owner(path: Path, state: os.stat_result) -> None:
    if sys.platform == "win32":
        return
    if state.st_uid not in (0, os.geteuid()):
        raise AccessDenied(
            f"{path} belongs to another user, who could send your todos elsewhere.",
            hint=f"If you trust it, make it yours: sudo chown {os.geteuid()} {_quoted(path)}",
        )
    if state.st_mode & 0o022:
        raise AccessDenied(
            f"{path} can be changed by other users, who could send your todos elsewhere.",
            hint=f"Look at what it says, then: chmod 600 {_quoted(path)}",
        )


def _decoded(path: Path, content: bytes) -> str:
    # That error holds the whole content: ours is raised outside, so that it is not chained to it.
    fault = None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        fault = error.start
    line = content.count(b"\n", 0, fault) + 1
    raise ValidationError(f"{path}, line {line}: this is not UTF-8.", hint="Save the file as UTF-8.")


def _wait_for_lock(path: Path, descriptor: int) -> None:
    for _ in range(LOCK_TRIES):
        try:
            _lock(descriptor)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES, errno.EDEADLK):
                raise _unwritten(path, error) from None
            time.sleep(LOCK_PAUSE)
        else:
            return
    raise TodoError(f"{path} was not written: another todo has been writing it for too long.", hint="Try again.")


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

    def _sync_folder(folder: Path) -> None:
        """Do nothing: a folder cannot be opened here."""

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _sync_folder(folder: Path) -> None:
        """Make the new name last. Some file systems cannot; the file itself is whole all the same."""
        with suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _unwritten(path: Path, error: OSError) -> TodoError:
    reason = _REASONS.get(error.errno or 0) or error.strerror or "the system gives no reason"
    return TodoError(
        f"{path} was not written: {reason}. Nothing was changed.",
        hint=f"Look at its folder: ls -ld {_quoted(path.parent)}",
    )


def _quoted(path: Path) -> str:
    import shlex

    return shlex.quote(str(path))
