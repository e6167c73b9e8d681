"""The program's own JSON and JSON lines with history: all that a user has, to be restored exactly.

    {"format": "todo", "version": 1, "last_number": 1204, "todos": [
    {"id": "…", "number": 12, …, "notes": [{"at": "…", "text": "…"}]},
    …
    ], "changes": [
    {"id": "…", "seq": 1, "made_at": "…", …},
    …
    ], "history": [ … ], "notes": [ … ], "sources": [ … ]}

As lines, the same rows follow a line with their number, as nothing else would show that the end of a file is missing:

    {"format": "todo", "version": 1, "last_number": 1204, "rows": 7310}
    {"table": "todos", "row": {"id": "…", "number": 12, …, "notes": [{"at": "…", "text": "…"}]}}
    {"table": "changes", "row": {"id": "…", "seq": 1, "made_at": "…", …}}

The todos are those of `todocli.formats.json`, and those in the trash, so that the file can be imported like one
without history. The others are the rows of the tables of that name (`todocli.models`), without the user.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, time
from functools import lru_cache
from typing import Any, BinaryIO, TextIO
from uuid import UUID

import sqlalchemy as sa

from todocli.column_types import ClockTime, JsonObject, Members, UtcDateTime
from todocli.domain.history import check_actor
from todocli.errors import ValidationError
from todocli.formats.json import VERSION, check_version
from todocli.formats.json_stream import Readable, beginning, json_items, json_lists
from todocli.schemas.base import instant, validated
from todocli.schemas.imports import TodoImport
from todocli.schemas.todos import COLUMNS_GIVEN
from todocli.services.copies.snapshot import TABLES, Snapshot, columns
from todocli.services.series import KEPT

_LAST_NUMBER = re.compile(r'"last_number"\s*:\s*(\d{1,15})')

_ROWS = re.compile(r'"rows"\s*:\s*(\d{1,15})')

_IS_HISTORY = re.compile(r'"format"\s*:\s*"todo"')

_FIRST_LINE = re.compile(r"\{[^{}\[\]]*\}")
"""The beginning of lines: an object that ends before the first row."""

_TODO_FIELDS = (*COLUMNS_GIVEN, "completed_at", "created_at")


_LEAST = {"number": 1, "version": 1, "note_count": 0, "seq": 0}
"""The least that a column may be."""

_NEWER = (
    *("claimed_by", "claimed_until", "needs"),
    *("series_id", "series_place", "rrule", "repeat_from", "repeat_on", "ends_on", "times"),
    *("parent", "series_values"),
)
"""Columns that files of older programs do not have."""

_SOURCES = ("cli", "api", "sql", "mcp")


class _Links:
    """Checks that the rows of a file fit together."""

    def __init__(self) -> None:
        self._seen: dict[str, set[Any]] = {name: set() for name in ("todo", "number", "change", "seq", "note", "row")}
        self._wanted: dict[str, set[Any]] = {"todo": set(), "change": set()}

    def add(self, table: str, item: Mapping[str, Any]) -> None:
        """Add a row. Raises `ValueError` for one that is there already, and for a change that undoes itself."""
        if table == "todos":
            self._add("todo", item["id"])
            self._add("number", item["number"])
            self._wanted["change"].add(item["change_id"])
        elif table == "changes":
            self._add("change", item["id"])
            self._add("seq", item["seq"])
            if item["undoes"] == item["id"]:
                raise ValueError("the change undoes itself")
            if item["undoes"] is not None:
                self._wanted["change"].add(item["undoes"])
        elif table == "history":
            self._add("row", hash((item["change_id"], item["todo_id"])))
            self._wanted["change"].add(item["change_id"])
        elif table == "notes":
            self._add("note", item["id"])
            self._wanted["todo"].add(item["todo_id"])

    def _add(self, kind: str, value: Any) -> None:
        if value in self._seen[kind]:
            raise ValueError(f"the {kind} {str(value)[:40]} is there twice")
        self._seen[kind].add(value)

    def check(self) -> None:
        """Raise `ValidationError` if a row refers to another one that is not there."""
        for kind, wanted in self._wanted.items():
            if missing := wanted - self._seen[kind]:
                detail = f"The file refers to the {kind} {min(missing)}, which is not in it. Nothing was restored."
                raise ValidationError(detail, hint="Export it again, with --history.")


def write(snapshot: Snapshot, file: TextIO) -> None:
    """Write everything of a user, as one document."""
    file.write(f'{{"format": "todo", "version": {VERSION}, "last_number": {snapshot.last_number}')
    for table, rows in _tables(snapshot):
        file.write(f', "{table}": [')
        for i, row in enumerate(rows):
            file.write(f"{',' if i else ''}\n{row}")
        file.write("\n]")
    file.write("}\n")


def write_lines(snapshot: Snapshot, file: TextIO) -> None:
    """Write everything of a user, as lines."""
    numbers = f'"last_number": {snapshot.last_number}, "rows": {snapshot.count}'
    file.write(f'{{"format": "todo", "version": {VERSION}, {numbers}}}\n')
    for table, rows in _tables(snapshot):
        file.writelines(f'{{"table": "{table}", "row": {row}}}\n' for row in rows)


def _tables(snapshot: Snapshot) -> Iterator[tuple[str, Iterable[str]]]:
    """Return the rows of each table as JSON, the todos first."""
    yield "todos", _todos(snapshot)
    for table in TABLES:
        if table != "todos":
            yield table, (_as_json(table, row) for row in snapshot.tables[table].rows())


def _todos(snapshot: Snapshot) -> Iterator[str]:
    """Return the todos with their notes, which are in the order of the todos' ids as well."""
    notes = _visible_notes(snapshot)
    names = [column.name for column in columns("todos")]
    owner, texts = next(notes, (None, []))
    for row in snapshot.tables["todos"].rows():
        values = dict(zip(names, row, strict=True))
        while owner is not None and owner < values["id"]:
            owner, texts = next(notes, (None, []))
        values["is_completed"] = values["completed_at"] is not None
        values["notes"] = texts if owner == values["id"] else []
        yield json.dumps(values, default=_text, ensure_ascii=False)


def _visible_notes(snapshot: Snapshot) -> Iterator[tuple[UUID, list[dict[str, Any]]]]:
    names = [column.name for column in columns("notes")]
    owner: UUID | None = None
    texts: list[dict[str, Any]] = []
    for row in snapshot.tables["notes"].rows():
        note = dict(zip(names, row, strict=True))
        if note["todo_id"] != owner:
            if owner is not None:
                yield owner, texts
            owner, texts = note["todo_id"], []
        if note["hidden_at"] is None:
            texts.append({"at": note["made_at"], "text": note["text"]})
    if owner is not None:
        yield owner, texts


def _as_json(table: str, row: tuple[Any, ...]) -> str:
    values = {
        column.name: json.loads(value) if isinstance(column.type, sa.JSON) and value is not None else value
        for column, value in zip(columns(table), row, strict=True)
    }
    return json.dumps(values, default=_text, ensure_ascii=False)


def _text(value: Any) -> str:
    return instant(value) if isinstance(value, datetime) else str(value)


def read(file: BinaryIO, snapshot: Snapshot) -> None:
    """Read everything of a user, as a document or as lines, into a snapshot.

    Raises `ValidationError` if the file is no export with history, or one of its rows is not valid.
    """
    head, whole = beginning(file)
    check_version(head)
    last_number = _LAST_NUMBER.search(head[:1_000])
    first_line = _FIRST_LINE.match(head)
    rows = _ROWS.search(first_line[0]) if first_line else None
    if not _IS_HISTORY.search(head[:1_000]) or last_number is None or (first_line and not rows):
        raise ValidationError(
            "The file is no export with history.",
            hint="Write one",
            command=("todo", "export", "--history", "FILE.json"),
        )
    snapshot.last_number = int(last_number[1])
    links = _Links()
    for table, place, item in _lines(whole) if first_line else _lists(whole):
        try:
            row = _row(table, item)
            links.add(table, item)
            snapshot.tables[table].append(row)
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            what = f"{error.args[0]} is missing" if isinstance(error, KeyError) else f"is not valid: {error}"
            raise ValidationError(f"{place} {what}. Nothing was restored.") from None
        except ValidationError as error:
            raise ValidationError(f"{place}: {error.detail} Nothing was restored.") from None
    if rows and int(rows[1]) != snapshot.count:
        detail = f"The file has {snapshot.count:,} rows, and its first line says {int(rows[1]):,}."
        raise ValidationError(f"{detail} Nothing was restored.", hint="Export it again, with --history.")
    links.check()


def _lists(file: Readable) -> Iterator[tuple[str, str, Any]]:
    """Return the table, the place and the values of each row of a document."""
    for table, number, item in json_lists(file, TABLES):
        yield table, f"Item {number} of {table}", item


def _lines(file: Readable) -> Iterator[tuple[str, str, Any]]:
    """Return the same of lines, but for the first."""
    for number, (_, line) in enumerate(json_items(file, "", has_many=True), 1):
        if number == 1:
            continue
        table = line.get("table") if isinstance(line, dict) else None
        if table not in TABLES:
            raise ValidationError(f"Line {number} is no row of {', '.join(TABLES)}. Nothing was restored.")
        yield table, f"Line {number}", line.get("row")


def _row(table: str, item: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return a row of a table with values of its columns' own types. Raises `ValueError`, `TypeError`, `KeyError`."""
    row = tuple(parse(item.get(name) if name in _NEWER else item[name]) for name, parse in _parsers(table))
    for name, least in _LEAST.items():
        if name in item and table != "sources" and not least <= item[name] < 2**53:
            raise ValueError(f"{name} is out of range")
    if table == "todos":
        if item["change_source"] not in _SOURCES:
            raise ValueError(f"change_source must be one of {', '.join(_SOURCES)}")
        if (item.get("claimed_by") is None) != (item.get("claimed_until") is None):
            raise ValueError("claimed_by and claimed_until go together")
        if item.get("claimed_by") is not None:
            check_actor(item["claimed_by"], "claimed_by")
        values = {name: value for (name, _), value in zip(_parsers(table), row, strict=True) if name in _TODO_FIELDS}
        if any(not 1 <= _of(int)(number) < 2**53 for number in values["needs"]):
            raise ValueError("needs is out of range")
        if any(not _is_of_series(name, value) for name, value in (item.get("series_values") or {}).items()):
            raise ValueError("series_values has what no todo has")
        validated(TodoImport, values)
    return row


def _is_of_series(name: str, value: Any) -> bool:
    """Whether a series may have this value of a column."""
    is_text = value is None or isinstance(value, str)
    is_list = isinstance(value, list) and all(isinstance(each, str) for each in value)
    return name in KEPT and (is_list if name == "tags" else is_text)


@lru_cache
def _parsers(table: str) -> tuple[tuple[str, Callable[[Any], Any]], ...]:
    return tuple((column.name, _parser(column)) for column in columns(table))


def _parser(column: sa.Column[Any]) -> Callable[[Any], Any]:
    """Return what makes a value of a column's type of a value of JSON. It raises `ValueError` and `TypeError`."""
    kinds: tuple[tuple[type[Any], Callable[[Any], Any]], ...] = (
        (sa.Uuid, UUID),
        (UtcDateTime, datetime.fromisoformat),
        (sa.Date, date.fromisoformat),
        (ClockTime, time.fromisoformat),
        (Members, _of(list)),
        (JsonObject, _of(dict)),
        (sa.JSON, lambda value: json.dumps(_of(dict)(value), ensure_ascii=False)),
        (sa.Boolean, _of(bool)),
        (sa.Integer, _of(int)),
        (sa.Text, _of(str)),
    )
    parse = next(parse for kind, parse in kinds if isinstance(column.type, kind))
    if isinstance(column.type, Members):
        return lambda value: parse(value or [])

    def parsed(value: Any) -> Any:
        if value is None and not column.nullable:
            raise ValueError(f"{column.name} is null")
        return None if value is None else parse(value)

    return parsed


def _of(kind: type[Any]) -> Callable[[Any], Any]:
    def parse(value: Any) -> Any:
        if type(value) is not kind:
            raise TypeError(f"{str(value)[:40]!r} is no {kind.__name__}")
        return value

    return parse
