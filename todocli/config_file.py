"""The TOML file of the user: read with care, and edited as a whole, by one process at a time.

What the file means is the caller's concern. No error holds a value of the file, which may be a password.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from todocli.errors import AccessDenied, TodoError, ValidationError

LOCK_SECONDS = 10.0
"""Deadline for the lock; an edit takes milliseconds."""

_Meaning = TypeVar("_Meaning")
_PLACE = re.compile(r"at (line \d+, column \d+|end of document)\)$")


def read(path: Path) -> dict[str, Any]:
    """Return the values in the file; none if there is no file.

    Raises `todocli.errors.AccessDenied` if others may write the file, and `todocli.errors.ValidationError` if it is
    not a readable file of valid TOML.
    """
    return _parse(path, _content(path))


def table(values: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return the table `key`; an empty one if something else is in its place."""
    found = values.get(key)
    return found if isinstance(found, dict) else {}


def unknown(table: Mapping[str, Any], known: Collection[str], before: str = "") -> Iterator[str]:
    """Yield what to say of each key that is not known; `before` is the place of the table. No value is in it."""
    for key in (key for key in table if key not in known):
        import difflib

        alike = difflib.get_close_matches(key, known, 1, 0.6)
        yield f'unknown key "{before}{key}"' + (f'; did you mean "{alike[0]}"?' if alike else "")


@contextmanager
def edit(path: Path, understand: Callable[[dict[str, Any]], _Meaning]) -> Iterator[tuple[dict[str, Any], _Meaning]]:
    """Hold the lock; yield the document to change, and what `understand` returns for its values; then write it.

    The document keeps its comments. Nothing is written if the body raises, if no value changes, or if `understand`
    raises for the new values. Raises what `read` raises, and `todocli.errors.TodoError` if the file cannot be written.
    """
    import tomlkit
    from filelock import FileLock, Timeout
    from tomlkit.exceptions import TOMLKitError

    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with FileLock(path.with_name(f"{path.name}.lock"), timeout=LOCK_SECONDS, mode=0o600):
            content = _content(path)
            before = _parse(path, content)
            document = tomlkit.parse(content.decode("utf-8-sig"))
            yield document, understand(before)
            written = tomlkit.dumps(document).encode()
            after = _parse(path, written)
            understand(after)
            if after != before:
                _replace(path, written)
        return
    except Timeout:
        reason, hint = f"another process kept it locked for {LOCK_SECONDS:g} seconds", "Try again."
    except OSError as error:
        reason = error.strerror or "the system gives no reason"
        hint = f"Check who may write to {path.parent}, and the space on its disk."
    except (TOMLKitError, UnicodeEncodeError, RecursionError):
        reason = "its structure cannot be edited safely"
        hint = "Give each profile a table of its own, such as [profiles.work], or edit the file by hand."
    # Those errors may hold a value: ours is raised outside, so that it is not chained to them.
    raise TodoError(f"{path} was not written: {reason}.", hint=hint)


def _content(path: Path) -> bytes:
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a named pipe would wait for its writer
            raise ValidationError(f"{path} is not a file.", hint="Move it elsewhere.")
        with path.open("rb") as file:
            _check_owner(path, os.fstat(file.fileno()))
            return file.read()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise ValidationError(
            f"{path} cannot be read: {error.strerror}.", hint="Check who may read it", command=("ls", "-ld", str(path))
        ) from None


def _check_owner(path: Path, state: os.stat_result) -> None:
    if sys.platform == "win32":
        return
    if state.st_uid not in (0, os.geteuid()):
        raise AccessDenied(
            f"{path} belongs to another user, who could send your todos elsewhere.",
            hint="If you trust it, take ownership of it",
            command=("sudo", "chown", str(os.geteuid()), str(path)),
        )
    if state.st_mode & 0o022:
        raise AccessDenied(
            f"{path} can be changed by other users, who could send your todos elsewhere.",
            hint="Check its content, then make it writable only by you",
            command=("chmod", "600", str(path)),
        )


def _parse(path: Path, content: bytes) -> dict[str, Any]:
    if not content:
        return {}
    import tomllib

    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        fault = f"UTF-8: look at line {line}"
    except ValueError as error:
        place = _PLACE.search(str(error))
        fault = f"TOML: look at {place[1]}" if place else "TOML"
    except RecursionError:
        fault = "TOML: its brackets are nested too deeply"
    # Those errors hold the content: ours is raised outside, so that it is not chained to them.
    raise ValidationError(
        f"{path} is not valid {fault}.", hint='Correct the file. Text must be in double quotes: user = "ada".'
    )


def _replace(path: Path, content: bytes) -> None:
    """Put `content` in the place of the file: all of it, or nothing. A symbolic link stays one."""
    import tempfile

    target = Path(os.path.realpath(path))
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)  # its mode is 0600
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
