"""Reads JSON documents of any size piece by piece.

`ijson` does it. What it does not do is to limit what one piece may take: its memory grows with the square of the depth,
and with the length of a text.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from todocli.errors import ValidationError
from todocli.formats.reading import WIDE_MARKS, not_utf8

MAX_DEPTH = 100
"""How deep a document may be nested."""

MAX_TEXT = 10_000_000
"""The most bytes of a text in a document."""

_HEAD_LENGTH = 65_536
_ESCAPED = re.compile(rb"\\.", re.DOTALL)
_TEXT = re.compile(rb'"[^"]*"')
_PLAIN = bytes(set(range(256)) - set(b'"[]{}'))
_OPENING = b"[{"


class Readable(Protocol):
    """What can be read from its beginning to its end."""

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes, at least one until the end."""


def json_items(file: Readable, path: str, *, has_many: bool = False) -> Iterator[tuple[str, Any]]:
    """Return the items at a path of a document (`ijson`'s, such as `items.item`), each with its place.

    With `has_many`, a file has documents one after the other, as JSON lines are. An empty file has none. Raises
    `ValidationError` if it is not JSON, or has no list or object where the path begins.
    """
    import ijson

    document = _Guarded(file, _first(path))
    number = 0
    with _errors(document, lambda: number):
        for number, item in enumerate(ijson.items(document, path, use_float=True, multiple_values=has_many), 1):
            yield f"item {number}", item


def json_lists(file: Readable, names: Collection[str]) -> Iterator[tuple[str, int, Any]]:
    """Return the items of the lists with these names in an object, each with its list and its number there.

    An empty file has none. Raises `ValidationError` if it is not JSON.
    """
    import ijson

    document = _Guarded(file, "{")
    paths = {f"{name}.item": name for name in names}
    numbers = dict.fromkeys(names, 0)
    builder: Any = None
    path = ""
    with _errors(document, lambda: sum(numbers.values())):
        for prefix, event, value in ijson.parse(document, use_float=True):
            if builder is None:
                if prefix not in paths or event == "end_array":
                    continue
                builder, path = ijson.ObjectBuilder(), prefix
            builder.event(event, value)
            if prefix == path and event not in ("start_map", "start_array", "map_key"):
                name = paths[path]
                numbers[name] += 1
                yield name, numbers[name], builder.value
                builder = None


def json_document(file: Readable, limit: int) -> Any:
    """Return a document as a whole; None for an empty file.

    Raises `ValidationError` if it is not JSON, or has more bytes than `limit`.
    """
    return next((document for _, document in json_items(Limited(file, limit), "")), None)


def beginning(file: Readable) -> tuple[str, Readable]:
    """Return the text at the beginning of a file, and the file as it was before that was read.

    Raises `ValidationError` for UTF-16.
    """
    head = file.read(_HEAD_LENGTH)
    return _without_mark(head).decode("utf-8", "replace").lstrip(), _Joined(head, file)


class _Joined:
    """What was read already, and the rest of its file."""

    def __init__(self, head: bytes, file: Readable) -> None:
        self._head = head
        self._file = file

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        if not self._head:
            return self._file.read(size)
        size = len(self._head) if size < 0 else size
        data, self._head = self._head[:size], self._head[size:]
        return data


class Limited:
    """A file that must not be too large."""

    def __init__(self, file: Readable, limit: int) -> None:
        self._file = file
        self._limit = self._left = limit

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        data = self._file.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise ValidationError(f"The file has more than {self._limit:,} bytes, and is only read as a whole.")
        return data


class _Guarded:
    """The bytes of a document in UTF-8, without the byte order mark that some programs write before it.

    `first` is the bracket that it must begin with, if any. Raises `ValidationError` for what `ijson` would choke on.
    """

    def __init__(self, file: Readable, first: str) -> None:
        self._file = file
        self._first = first.encode()
        self._depth = 0
        self._quote = b""  # that of a text that goes on
        self._escape = b""  # a backslash whose next byte is not there yet
        self._text_length = 0
        self.is_empty = True

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        data = self._file.read(size)
        if self.is_empty:
            data = _without_mark(data)
            self.is_empty = not (begins := data.lstrip()[:1])
            if begins and self._first and begins != self._first:
                kind = "list" if self._first == b"[" else "object"
                raise ValidationError(f"The file is no JSON {kind}.", hint=_HINT)
        self._check(data)
        return data

    def _check(self, data: bytes) -> None:
        whole = self._escape + data
        if b"\\" in whole:
            whole = _ESCAPED.sub(b"", whole)
        self._escape = b"\\" if whole.endswith(b"\\") else b""
        last_quote = whole.rfind(b'"')
        self._text_length = self._text_length + len(data) if last_quote < 0 else len(whole) - last_quote
        # What is left of a text without brackets is two quotes. So few texts remain for the regular expression.
        structure = (self._quote + whole.translate(None, _PLAIN)).replace(b'""', b"")
        brackets, self._quote, _ = _TEXT.sub(b"", structure).partition(b'"')
        if self._quote and self._text_length > MAX_TEXT:
            raise ValidationError(f"The file has a text of more than {MAX_TEXT:,} bytes.", hint=_HINT)
        for bracket in brackets:
            self._depth += 1 if bracket in _OPENING else -1
            if self._depth > MAX_DEPTH:
                raise ValidationError(f"The JSON in the file is nested more than {MAX_DEPTH} deep.", hint=_HINT)


_HINT = "Export it again, or pass --format."


def _without_mark(data: bytes) -> bytes:
    if data.startswith(WIDE_MARKS):
        raise not_utf8("The file is UTF-16, not UTF-8.", "utf-16")
    return data.removeprefix(b"\xef\xbb\xbf")


def _first(path: str) -> str:
    """Return the bracket that a document with this path begins with."""
    return "[" if path.split(".")[0] == "item" else "{"


@contextmanager
def _errors(document: _Guarded, number: Any) -> Iterator[None]:
    """Translate the errors of `ijson`; `number` returns how many items were read."""
    import ijson

    try:
        yield
    except (ijson.JSONError, UnicodeDecodeError) as error:
        if document.is_empty:
            return
        reason = _reason(error)
        where = f"after item {number()}" if number() else "at its beginning"
        if "invalid bytes in UTF8" in reason:
            raise not_utf8(f"The file is not valid UTF-8 {where}.", "latin1") from None
        incomplete = isinstance(error, ijson.IncompleteJSONError)
        what = "ends too early, or is not JSON," if incomplete else "is not valid JSON"
        what = "has a number that is too large" if "overflow" in reason else what
        raise ValidationError(f"The file {what} {where}.", hint=_HINT) from None


def _reason(error: Exception) -> str:
    """Return what `ijson` says is wrong, without the excerpt of the file in the lines below."""
    text = error.args[0] if error.args else ""
    return (text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)).partition("\n")[0]
