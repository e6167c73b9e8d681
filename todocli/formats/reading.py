"""What the formats share: text and its lines, the items of a JSON document, ids for what has none, and dates."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time
from typing import Any, BinaryIO, TypeVar

from todocli.domain.records import Entry, Fault, LeftOut, Record
from todocli.errors import ValidationError

MAX_LINE = 1_000_000
"""The most bytes of a line, as no todo takes so many."""

MAX_DEPTH = 100
"""How deep JSON may be nested: reading it takes memory that grows with the square of its depth."""

_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")
_FIRST = datetime(1, 1, 3)
_LAST = datetime(9999, 12, 29)
_LAST_SECOND = time(23, 59, 59)
"""What several programs write for the end of a day."""

Item = TypeVar("Item")


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


def text_lines(file: BinaryIO) -> Iterator[tuple[int, str]]:
    """Return the lines of a file in UTF-8 with their numbers, without their ends.

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
            yield number, data.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            raise _not_utf8(f"Line {number} of the file is not valid UTF-8.", "latin1") from None


def _not_utf8(detail: str, encoding: str) -> ValidationError:
    return ValidationError(detail, hint="Convert it first", command=("iconv", "-f", encoding, "-t", "utf-8", "FILE"))


def json_items(file: BinaryIO, path: str) -> Iterator[tuple[str, Any]]:
    """Return the items at a path of a JSON document (`ijson`'s, such as `items.item`), each with its place.

    The document is not kept in memory. An empty file has no items. Raises `ValidationError` if it is not JSON, or
    has no list or object where the path begins.
    """
    import ijson

    head = file.peek(2)[:2] if hasattr(file, "peek") else b""
    if head in _WIDE_MARKS:
        raise _not_utf8("The file is UTF-16, not UTF-8.", "utf-16")
    text = _WithoutMark(file)
    first = "start_array" if path.split(".")[0] == "item" else "start_map"
    number = 0
    try:
        events = ijson.parse(_shallow(ijson.basic_parse(text, use_float=True), first))
        for number, item in enumerate(ijson.items(events, path), 1):
            yield f"item {number}", item
    except (ijson.JSONError, UnicodeDecodeError) as error:
        if text.is_blank:
            return
        incomplete = isinstance(error, ijson.IncompleteJSONError)
        where = f"after item {number}" if number else "at its beginning"
        what = "ends too early, or is not JSON," if incomplete else "is not valid JSON"
        raise ValidationError(f"The file {what} {where}.", hint="Export it again, or pass --format.") from None
    except _TooDeep:
        raise ValidationError(f"The JSON in the file is nested too deeply after item {number}.") from None


class _TooDeep(Exception):
    """A JSON document is nested too deeply."""


def _shallow(events: Iterable[tuple[str, Any]], first: str) -> Iterator[tuple[str, Any]]:
    """Return the events of a JSON document, which must begin with `first`."""
    depth = 0
    for event in events:
        name = event[0]
        if depth == 0 and name not in (first, "end_array", "end_map"):
            kind = "list" if first == "start_array" else "object"
            raise ValidationError(f"The JSON in the file is no {kind}.", hint="Export it again, or pass --format.")
        if name in ("start_map", "start_array"):
            depth += 1
            if depth > MAX_DEPTH:
                raise _TooDeep
        elif name in ("end_map", "end_array"):
            depth -= 1
        yield event


class _WithoutMark:
    """A file without the byte order mark that some programs write before UTF-8."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._is_first = True
        self.is_blank = True

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        data = self._file.read(size)
        if self._is_first and data:
            self._is_first = False
            data = data.removeprefix(b"\xef\xbb\xbf")
        self.is_blank = self.is_blank and not data.strip()
        return data


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


def object_of(item: Any) -> Mapping[str, Any]:
    """Return an item of a list that must be an object. Raises `Unreadable`."""
    if not isinstance(item, dict):
        raise Unreadable("item", "must be an object")
    return item


def parse_day(text: str, field: str) -> date:
    """Return the date of a text such as 2026-11-27. Raises `Unreadable`."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Unreadable(field, f"{text[:40]!r} is not a date, such as 2026-11-27") from None


def parse_instant(text: str, field: str) -> datetime:
    """Return the aware instant of an ISO 8601 text; one without a zone is a local time. Raises `Unreadable`."""
    try:
        return datetime.fromisoformat(text).astimezone().astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise Unreadable(field, f"{text[:40]!r} is not a time, such as 2026-11-27T17:00:00Z") from None


def local_day(moment: datetime) -> tuple[date, time | None]:
    """Return the local day and time that an aware instant means.

    Where the clocks go forward at midnight, a day begins at 01:00.
    """
    local = moment.astimezone()
    if local == start_of(local.date()):
        return local.date(), None
    return wall_day(local.replace(tzinfo=None))


def wall_day(moment: datetime) -> tuple[date, time | None]:
    """Return the day and time that a local time means.

    Midnight, and the last second of a day, mean the day: many programs store a date as one of these instants.
    """
    clock = moment.time().replace(microsecond=0)
    return moment.date(), None if clock in (time(), _LAST_SECOND) else clock.replace(second=0)


def wall_moment(day: date, clock: time | None) -> datetime:
    """Return the local time, without a zone, that `wall_day` takes for a day and time.

    The time 00:00 becomes the second after it, as midnight itself means the day.
    """
    return datetime.combine(day, time(0, 0, 1) if clock == time() else clock or time())


def start_of(day: date) -> datetime:
    """Return the instant at which a day begins where the user is."""
    return local_instant(datetime.combine(day, time()))


def local_instant(moment: datetime) -> datetime:
    """Return the instant of a local time.

    A time that the clocks skip is as much after the skip. Near the ends of the calendar it is the nearest time that is
    a date in every zone.
    """
    moment = min(max(moment, _FIRST), _LAST)
    instant = moment.astimezone()
    return instant if instant.replace(tzinfo=None) == moment else moment.replace(fold=1).astimezone()


def utc_stamp(moment: datetime) -> str:
    """Return an instant in the basic form of ISO 8601, such as 20261127T170000Z."""
    return f"{basic(moment.astimezone(UTC))}Z"


def basic(moment: datetime) -> str:
    """Return a time without its zone in the basic form of ISO 8601, such as 20261127T170000."""
    return moment.replace(tzinfo=None, microsecond=0).isoformat().replace("-", "").replace(":", "")


def kept(values: Mapping[str, Any], known: Iterable[str]) -> dict[str, str]:
    """Return what a todo cannot hold: the values that are not empty, but for those of `known` keys, as text."""
    import json

    names = set(known)
    return {
        str(name): value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        for name, value in values.items()
        if name not in names and value not in (None, "", [], {}, False)
    }
