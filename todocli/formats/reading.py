"""What the formats share: text and its lines, the items of a JSON document, ids for what has none, and dates."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import Any, BinaryIO, TypeVar

from todocli.domain.records import Entry, Fault, LeftOut, Record
from todocli.errors import ValidationError

MAX_LINE = 1_000_000
"""The most bytes of a line, as no todo takes so many."""

_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")
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


def head_of(file: BinaryIO) -> bytes:
    """Return the beginning of a file, which is read again."""
    peek: Callable[[int], bytes] | None = getattr(file, "peek", None)
    return peek(1) if peek else b""


def json_items(file: BinaryIO, path: str) -> Iterator[tuple[str, Any]]:
    """Return the items at a path of a JSON document (`ijson`'s, such as `items.item`), each with its place.

    The document is not kept in memory. Raises `ValidationError` if it is not JSON.
    """
    import ijson

    if head_of(file)[:2] in _WIDE_MARKS:
        raise _not_utf8("The file is UTF-16, not UTF-8.", "utf-16")
    number = 0
    try:
        for number, item in enumerate(ijson.items(_WithoutMark(file), path, use_float=True), 1):
            yield f"item {number}", item
    except (ijson.JSONError, UnicodeDecodeError) as error:
        incomplete = isinstance(error, ijson.IncompleteJSONError)
        where = f"after item {number}" if number else "at its beginning"
        what = "ends too early, or is not JSON," if incomplete else "is not valid JSON"
        raise ValidationError(f"The file {what} {where}.", hint="Export it again, or pass --format.") from None
    except RecursionError:
        raise ValidationError(f"The JSON in the file is nested too deeply after item {number}.") from None


class _WithoutMark:
    """A file without the byte order mark that some programs write before UTF-8."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._is_first = True

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        data = self._file.read(size)
        if self._is_first and data:
            self._is_first = False
            data = data.removeprefix(b"\xef\xbb\xbf")
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
    import json

    names = set(known)
    return {
        str(name): value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        for name, value in values.items()
        if name not in names and value not in (None, "", [], {}, False)
    }
