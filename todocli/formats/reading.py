"""What the formats share: text and its lines, the items of a JSON document, ids for what has none, and dates."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import Any, BinaryIO, Protocol, TypeVar

from todocli.domain.records import Entry, Fault, LeftOut, Record
from todocli.errors import ValidationError

MAX_LINE = 1_000_000
"""The most bytes of a line, as no todo takes so many."""

_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")
_HEAD_LENGTH = 65_536
_MAX_OPENED = 1_000
"""How many more brackets a part of JSON may open than close: the time to read it grows with the square of its depth."""

_LAST_SECOND = time(23, 59, 59)
"""What several programs write for the end of a day."""

Item = TypeVar("Item")


class Readable(Protocol):
    """What can be read from its beginning to its end."""

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes, at least one until the end."""


class Unreadable(Exception):
    """A todo of a file is not valid: the `field` as the file calls it, and what is wrong with it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field} {message}")
        self.field = field
        self.message = message


def entries(items: Iterable[tuple[str, Item]], parse: Callable[[str, Item], Record | LeftOut]) -> Iterator[Entry]:
    """Return what `parse` makes of each item and its place; a `Fault` where it raises `Unreadable`."""
    for place, item in items:
        try:
            yield parse(place, item)
        except Unreadable as error:
            yield Fault(place, error.field, error.message)


class LineIds:
    """Makes ids for what has none: from its text, and how often the same text was there before."""

    def __init__(self) -> None:
        self._seen: Counter[bytes] = Counter()

    def next(self, text: str) -> str:
        """Return the id for the next occurrence of `text`."""
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:12]
        self._seen[digest] += 1
        return f"{digest.hex()}-{self._seen[digest]}"


def text_lines(file: BinaryIO, *, with_ends: bool = False) -> Iterator[tuple[int, str]]:
    """Return the lines of a file in UTF-8 with their numbers, without their ends unless `with_ends`.

    Raises `ValidationError` for another encoding, a NUL, or a line of more than `MAX_LINE` bytes.
    """
    number = 0
    while data := file.readline(MAX_LINE + 1):
        number += 1
        if number == 1 and data.startswith(_WIDE_MARKS):
            raise _not_utf8("The file is UTF-16, not UTF-8.", "utf-16")
        if len(data) > MAX_LINE:
            detail = f"Line {number} of the file has more than {MAX_LINE:,} bytes."
            raise ValidationError(detail, hint="Check that the file is what its name says, or pass --format.")
        if b"\0" in data:
            raise ValidationError(
                f"Line {number} of the file has a NUL character: it is no text.",
                hint="Check that the file is what its name says, or pass --format.",
            )
        try:
            line = data.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise _not_utf8(f"Line {number} of the file is not valid UTF-8.", "latin1") from None
        yield number, line if with_ends else line.rstrip("\r\n")


def _not_utf8(detail: str, encoding: str) -> ValidationError:
    return ValidationError(detail, hint="Convert it first", command=("iconv", "-f", encoding, "-t", "utf-8", "FILE"))


def json_items(file: Readable, path: str) -> Iterator[tuple[str, Any]]:
    """Return the items at a path of a JSON document (`ijson`'s, such as `items.item`), each with its place.

    The document is not kept in memory. An empty file has none. Raises `ValidationError` if it is not JSON.
    """
    import ijson

    document = _JsonBytes(file)
    number = 0
    try:
        for number, item in enumerate(ijson.items(document, path, use_float=True), 1):
            yield f"item {number}", item
    except (ijson.JSONError, UnicodeDecodeError) as error:
        if document.is_empty:
            return
        incomplete = isinstance(error, ijson.IncompleteJSONError)
        where = f"after item {number}" if number else "at its beginning"
        what = "ends too early, or is not JSON," if incomplete else "is not valid JSON"
        raise ValidationError(f"The file {what} {where}.", hint="Export it again, or pass --format.") from None
    except RecursionError:
        raise ValidationError(f"The JSON in the file is nested too deeply after item {number}.") from None


class _JsonBytes:
    """The bytes of a document in UTF-8, without the byte order mark that some programs write before it."""

    def __init__(self, file: Readable) -> None:
        self._file = file
        self.is_empty = True

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes. Raises `ValidationError` for UTF-16, and for JSON that is nested too deeply."""
        data = self._file.read(size)
        if self.is_empty:
            data = _without_mark(data)
            self.is_empty = not data.strip()
        if sum(map(data.count, (b"[", b"{"))) - sum(map(data.count, (b"]", b"}"))) > _MAX_OPENED:
            raise ValidationError("The JSON in the file is nested too deeply: it has no todos.")
        return data


def _without_mark(data: bytes) -> bytes:
    if data.startswith(_WIDE_MARKS):
        raise _not_utf8("The file is UTF-16, not UTF-8.", "utf-16")
    return data.removeprefix(b"\xef\xbb\xbf")


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


def json_document(file: Readable, limit: int) -> Any:
    """Return a JSON document as a whole; None for an empty file.

    Raises `ValidationError` if it is not JSON, or has more bytes than `limit`.
    """
    return next((document for _, document in json_items(Limited(file, limit), "")), None)


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


def as_object(item: Any) -> Mapping[str, Any]:
    """Return an item that is a JSON object. Raises `Unreadable`."""
    if not isinstance(item, Mapping):
        raise Unreadable("item", "must be an object")
    return item


def objects_of(item: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """Return the objects of the list at a key; none if it is missing. Raises `Unreadable` for anything else."""
    value = item.get(name) or []
    if not isinstance(value, list) or not all(isinstance(each, Mapping) for each in value):
        raise Unreadable(name, "must be a list of objects")
    return value


def text_of(item: Mapping[str, Any], name: str) -> str | None:
    """Return the text at a key, without the spaces around it; None if there is none.

    Raises `Unreadable` for anything else.
    """
    value = item.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise Unreadable(name, "must be text")
    return value.strip() or None


def texts_of(item: Mapping[str, Any], name: str, key: str | None = None) -> list[str]:
    """Return the texts of the list at a key, or those at `key` of the objects there. Raises `Unreadable`."""
    values = item.get(name) or [] if key is None else [each.get(key) for each in objects_of(item, name)]
    if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
        raise Unreadable(name, "must be a list of texts")
    return values


def flag_of(item: Mapping[str, Any], name: str) -> bool:
    """Return whether the value at a key is true. Raises `Unreadable` for anything but true, false or none."""
    value = item.get(name)
    if value is not None and not isinstance(value, bool):
        raise Unreadable(name, "must be true or false")
    return value is True


def instant_of(item: Mapping[str, Any], name: str) -> datetime | None:
    """Return the instant at a key; None if there is none. Raises `Unreadable`."""
    text = text_of(item, name)
    return parse_instant(text, name) if text else None


def title_of(item: Mapping[str, Any], name: str) -> str:
    """Return the title at a key. Raises `Unreadable` if there is none."""
    if (title := text_of(item, name)) is None:
        raise Unreadable(name, "is missing")
    return title


@lru_cache(maxsize=10_000)
def parse_day(text: str, field: str) -> date:
    """Return the date of a text such as 2026-11-27. Raises `Unreadable`."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Unreadable(field, f"{text[:40]!r} is not a date, such as 2026-11-27") from None


def parse_instant(text: str, field: str) -> datetime:
    """Return the aware instant of an ISO 8601 text; one without a zone is a local time. Raises `Unreadable`."""
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.astimezone()).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise Unreadable(field, f"{text[:40]!r} is not a time, such as 2026-11-27T17:00:00Z") from None


def parse_day_and_time(text: str, field: str) -> tuple[date, time | None]:
    """Return the local day, and the time if there is one, of an ISO 8601 date or date-time. Raises `Unreadable`."""
    try:
        return date.fromisoformat(text), None
    except ValueError:
        pass
    try:
        return local_day(parse_instant(text, field))
    except (Unreadable, ValueError, OverflowError, OSError):
        message = f"{text[:40]!r} is no date of ISO 8601, such as 2026-11-27 or 2026-11-27T17:00:00Z"
        raise Unreadable(field, message) from None


def local_day(moment: datetime) -> tuple[date, time | None]:
    """Return the local day and time that an aware instant means.

    Midnight, and the last second of a day, mean the day: many programs store a date as one of these instants.
    """
    local = moment.astimezone()
    clock = local.time().replace(microsecond=0)
    return local.date(), None if clock in (time(), _LAST_SECOND) else clock.replace(second=0)


@lru_cache(maxsize=10_000)
def start_of(day: date) -> datetime:
    """Return the instant at which a day begins where the user is."""
    return datetime.combine(day, time()).astimezone()


def kept(values: Mapping[str, Any], known: Iterable[str]) -> dict[str, str]:
    """Return what a todo cannot hold: the values that are not empty, but for those of `known` keys, as text."""
    names = set(known)
    return {
        str(name): value if isinstance(value, str) else _json(str(name), value)
        for name, value in values.items()
        if name not in names and value not in (None, "", [], {}, False)
    }


def _json(name: str, value: Any) -> str:
    import json

    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except RecursionError:
        raise Unreadable(name, "is nested too deeply") from None


def kept_at(values: Mapping[str, Any], names: Iterable[str]) -> dict[str, str]:
    """Return the values of these keys that are not empty, as text: what a todo cannot hold and a person would miss."""
    return kept({name: values.get(name) for name in names}, ())
