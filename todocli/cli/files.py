"""The files that a command reads and writes whole: regular ones, stdin, stdout."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from todocli.errors import NotFound, TodoError, ValidationError


class _Input(io.RawIOBase):
    """A file whose beginning was read already."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head = head
        self._rest = rest
        self.position = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: object) -> int:
        """Read the next bytes into `buffer`, and return how many they are."""
        target = memoryview(buffer)  # type: ignore[arg-type]
        data = self._head[: len(target)] if self._head else self._rest.read(len(target))
        self._head = self._head[len(data) :]
        target[: len(data)] = data
        self.position += len(data)
        return len(data)


class Input:
    """A file that is being read: its `head` can be looked at, and how much was read. `size` is None for a pipe."""

    def __init__(self, source: BinaryIO, head_length: int, size: int | None) -> None:
        self.head = source.read(head_length)
        self._raw = _Input(self.head, source)
        self.file = io.BufferedReader(self._raw, max(head_length, 1))
        self.size = size

    @property
    def position(self) -> int:
        """How many bytes were read."""
        return self._raw.position


@contextmanager
def open_input(path: Path | None, head_length: int) -> Iterator[Input]:
    """Open a file, or stdin for None. Raises `NotFound` and `TodoError` if it cannot be read."""
    if path is None:
        if sys.stdin is None:
            raise ValidationError("There is no stdin.", hint="Give a file.")
        if sys.stdin.isatty():
            print("Press Ctrl-D on an empty line to finish.", file=sys.stderr)
        yield Input(sys.stdin.buffer, head_length, None)
        return
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            yield Input(file, head_length, size)
    except FileNotFoundError:
        raise NotFound(f"There is no file {str(path)!r}.", hint="Check the path.") from None
    except (IsADirectoryError, PermissionError) as error:
        raise TodoError(
            f"Cannot read {str(path)!r}: {error.strerror}.", hint="Give a file that you may read."
        ) from None


@contextmanager
def open_output(path: Path | None) -> Iterator[TextIO]:
    """Open a file to be written as a whole, or stdout for None: until the end, the old content stays in place."""
    if path is None:
        if sys.stdout.isatty():
            yield cast("TextIO", _Shown())
            return
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(newline="")  # a format decides about its line ends
        yield sys.stdout
        return
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("x", encoding="utf-8", newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        old = " The old file is as it was." if path.exists() else ""
        raise TodoError(f"Cannot write {str(path)!r}: {error.strerror or error}.{old}") from None
    finally:
        part.unlink(missing_ok=True)


class _Shown(io.TextIOBase):
    """A terminal, which must not be controlled by what todos say: a file has it as it is."""

    def write(self, text: str) -> int:
        """Write text, with signs in place of control characters."""
        from todocli.render.text import visible

        sys.stdout.write("\n".join(map(visible, text.replace("\r\n", "\n").split("\n"))))
        return len(text)
