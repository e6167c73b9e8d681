"""What the formats share: lines of text, ids for what has none, the values of JSON objects, and dates."""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from functools import lru_cache
from io import SEEK_CUR
from typing import Any, BinaryIO, TypeVar

from todocli.domain.records import Entry, Fault, LeftOut, Record
from todocli.errors import ValidationError
from todocli.schemas.exports import TodoLeaving
from todocli.schemas.todos import TodoRead

MAX_LINE = 1_000_000
"""The most bytes of a line, as no todo without notes takes so many."""

_FIRST, _LAST = datetime(1, 1, 3), datetime(9999, 12, 29)
_POINTED = re.compile(r"(?P<day>\d\d?)\.(?P<month>\d\d?)\.(?P<year>\d{4})(?: (?P<clock>\d\d?:\d\d))?", re.ASCII)
CHECK_FORMAT = "Check that the file is what its name says, or pass --format."
"""The hint for a file of another format."""

WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")
_LAST_SECOND = time(23, 59, 59)
"""What several programs write for the end of a day."""

Item = TypeVar("Item")
Part = TypeVar("Part")


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


def with_subtasks(
    items: Iterable[tuple[str, Item]],
    parse: Callable[[str, Item], Record | LeftOut],
    parts: Callable[[Item], Iterable[Part]],
    parse_part: Callable[[str, Part, Record], Record],
) -> Iterator[Entry]:
    """Return what `parse` makes of each item, as `entries` does, and after it what is made of its parts.

    The parts of an item that is no todo, or not a valid one, are left out with it.
    """
    for place, item in items:
        (entry,) = entries([(place, item)], parse)
        yield entry
        if isinstance(entry, Record):
            each = ((f"{place}, part {number}", (entry, part)) for number, part in enumerate(parts(item), 1))
            yield from entries(each, lambda place, both: parse_part(place, both[1], both[0]))


@contextmanager
def reread(file: BinaryIO) -> Iterator[Callable[[], BinaryIO]]:
    """Give what returns a file at its beginning, as often as it is called: a copy of it, if it is a pipe."""
    with tempfile.TemporaryFile() as copy:
        if not file.seekable():
            shutil.copyfileobj(file, copy)
            copy.seek(0)
            file = copy
        start = file.seek(0, SEEK_CUR)

        def again() -> BinaryIO:
            file.seek(start)
            return file

        yield again


def contains(file: BinaryIO, text: bytes | re.Pattern[bytes]) -> bool:
    """Whether a text of at most 64 bytes, or what a pattern for such texts matches, is anywhere in a file."""
    pattern = text if isinstance(text, re.Pattern) else re.compile(re.escape(text))
    before = b""
    while data := file.read(MAX_LINE):
        if pattern.search(before + data):
            return True
        before = data[-63:]
    return False


class LineIds:
    """Makes ids for what has none: from its text, and how often the same text was there before."""

    def __init__(self) -> None:
        self._seen: Counter[bytes] = Counter()

    def next(self, text: str) -> str:
        """Return the id for the next occurrence of `text`."""
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:12]
        self._seen[digest] += 1
        return f"{digest.hex()}-{self._seen[digest]}"


def text_lines(file: BinaryIO, *, with_ends: bool = False, limit: int = MAX_LINE) -> Iterator[tuple[int, str]]:
    """Return the lines of a file in UTF-8 with their numbers, without their ends unless `with_ends`.

    Raises `ValidationError` for another encoding, a NUL, or a line of more bytes than `limit`.
    """
    for number, data in byte_lines(file, limit=limit):
        line = decoded(data, number)
        yield number, line if with_ends else line.rstrip("\r\n")


def byte_lines(file: BinaryIO, *, limit: int = MAX_LINE) -> Iterator[tuple[int, bytes]]:
    """Return the lines of a text file with their numbers and their ends. Raises `ValidationError` as `text_lines`."""
    number = 0
    while data := file.readline(limit + 1):
        number += 1
        if number == 1 and data.startswith(WIDE_MARKS):
            raise not_utf8("The file is UTF-16, not UTF-8.", "utf-16")
        if len(data) > limit:
            detail = f"Line {number} of the file has more than {limit:,} bytes."
            raise ValidationError(detail, hint=CHECK_FORMAT)
        if b"\0" in data:
            raise ValidationError(
                f"Line {number} of the file has a NUL character: it is no text.",
                hint=CHECK_FORMAT,
            )
        yield number, data


def decoded(data: bytes, number: int, errors: str = "strict") -> str:
    """Return the text of a line in UTF-8, given its number. Raises `ValidationError` for another encoding."""
    try:
        return data.decode("utf-8-sig" if number == 1 else "utf-8", errors)
    except UnicodeDecodeError:
        raise not_utf8(f"Line {number} of the file is not valid UTF-8.", "latin1") from None


def not_utf8(detail: str, encoding: str) -> ValidationError:
    """Return the error for a file in another encoding."""
    return ValidationError(detail, hint="Convert it first", command=("iconv", "-f", encoding, "-t", "utf-8", "FILE"))


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
        return moment.astimezone(UTC) if moment.tzinfo else moment.astimezone().astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise Unreadable(field, f"{text[:40]!r} is not a time, such as 2026-11-27T17:00:00Z") from None


def parse_day_and_time(text: str, field: str) -> tuple[date, time | None]:
    """Return the local day, and the time if there is one, of a date or date-time. Raises `Unreadable`.

    It is of ISO 8601, or has points, as in 24.12.2026 17:00: those are days, months and years in this order, which
    slashes do not tell.
    """
    given = text
    if pointed := _POINTED.fullmatch(text):
        text = f"{pointed['year']}-{pointed['month']:0>2}-{pointed['day']:0>2}"
        text += f"T{pointed['clock']:0>5}" if pointed["clock"] else ""
    try:
        return date.fromisoformat(text), None
    except ValueError:
        pass
    try:
        return local_day(parse_instant(text, field))
    except (Unreadable, ValueError, OverflowError, OSError):
        message = f"{given[:40]!r} is no date, such as 2026-11-27, 27.11.2026 or 2026-11-27T17:00:00Z"
        raise Unreadable(field, message) from None


def local_day(moment: datetime) -> tuple[date, time | None]:
    """Return the local day and time that an aware instant means.

    Where the clocks go forward at midnight, a day begins at 01:00.
    """
    local = moment.astimezone()
    day, clock = wall_day(local.replace(tzinfo=None))
    return day, None if clock is None or local == start_of(local.date()) else clock


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
    """Return the instant at which a day begins where the user is, in UTC."""
    return local_instant(datetime.combine(day, time())).astimezone(UTC)


def local_instant(moment: datetime) -> datetime:
    """Return the instant of a local time.

    A time that the clocks skip is as much after the skip. Near the ends of the calendar it is the nearest time that is
    a date in every zone.
    """
    moment = min(max(moment, _FIRST), _LAST)
    # Versions of Python differ in which `fold` means the offset before a skip.
    first = moment.astimezone()
    if first.replace(tzinfo=None) == moment:
        return first
    return max(first, moment.replace(fold=1).astimezone())


def utc_stamp(moment: datetime) -> str:
    """Return an instant in the basic form of ISO 8601, such as 20261127T170000Z."""
    return f"{basic(moment.astimezone(UTC))}Z"


def basic(moment: datetime) -> str:
    """Return a time without its zone in the basic form of ISO 8601, such as 20261127T170000."""
    return moment.replace(tzinfo=None, microsecond=0).isoformat().replace("-", "").replace(":", "")


def kept(values: Mapping[str, Any], known: Set[str]) -> dict[str, str]:
    """Return what a todo cannot hold: the values that are not empty, but for those of `known` keys, as text."""
    if values.keys() <= known:
        return {}
    return {
        str(name): value if isinstance(value, str) else _json(str(name), value)
        for name, value in values.items()
        if name not in known and value not in (None, "", [], {}, False)
    }


def _json(name: str, value: Any) -> str:
    import json

    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except RecursionError:
        raise Unreadable(name, "is nested too deeply") from None


def kept_at(values: Mapping[str, Any], names: Iterable[str]) -> dict[str, str]:
    """Return the values of these keys that are not empty, as text: what a todo cannot hold and a person would miss."""
    return kept({name: values.get(name) for name in names}, frozenset())


def id_of(todo: TodoRead) -> str:
    """Return the id that a todo leaves with: that which it came with, or its own."""
    return (todo.source_id if isinstance(todo, TodoLeaving) else None) or str(todo.id)
