"""Applies the rules of `todo` to the records of a file: names, limits, and what a todo has no place for."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from operator import attrgetter
from typing import Any, NamedTuple

from todocli import clock
from todocli.domain.fields import MAX_NEEDS, MAX_TAGS
from todocli.domain.foreign_names import usable_project, usable_tag
from todocli.domain.records import Entry, Fault, LeftOut, Record
from todocli.errors import ValidationError
from todocli.schemas.base import validated
from todocli.schemas.imports import ImportFault, TodoImport
from todocli.schemas.texts import DESCRIPTION_LENGTH, NOTE_LENGTH, TITLE_LENGTH
from todocli.schemas.todos import COLUMNS_GIVEN
from todocli.services import repetition

SHOWN = 10
"""How many faults are kept."""

_MAX_NAMES = 1_000
"""How many names that changed are kept."""

_FIELDS = COLUMNS_GIVEN
_fields_of = attrgetter(*_FIELDS)
_DUE = _FIELDS.index("due_on")
_LINKS = [_FIELDS.index(name) for name in ("parent", "needs")]
"""The fields that are numbers here, and references in a file: the last ones first."""

REPEATING = ("series_id", "series_place", *repetition.COLUMNS)
"""The columns that say how a todo repeats, and which of its series it is."""

_FIELD_OF = {"tags": "tags", "due_on": "due", "due_time": "due", "starts_on": "start"}
"""What a user calls a field."""


@dataclass(frozen=True)
class Adaptation:
    """How records are adapted: a `project` and `tags` for all of them, and what becomes of what does not fit.

    With `keep_unknown`, what a todo has no place for becomes a note, as do titles and descriptions that are too long
    with `long_to_notes`.
    """

    project: str | None = None
    tags: tuple[str, ...] = ()
    keep_unknown: bool = False
    long_to_notes: bool = False


class Incoming(NamedTuple):
    """A valid todo of a file. `fields` are the values of those of `TodoCreate`, in order.

    `digest` is over what the file says of it. Notes have the time that they were made at, if the file says so. `needs`
    and `parent` refer to todos by their `reference`: which numbers these are is found out when all of them are there.
    `repeating` has the values of `REPEATING`.
    """

    place: str
    source_id: str
    digest: str
    fields: tuple[Any, ...]
    is_completed: bool
    completed_at: datetime | None
    created_at: datetime | None
    notes: tuple[tuple[datetime | None, str], ...]
    version: int | None
    modified_at: datetime | None
    reference: str
    needs: tuple[str, ...]
    parent: str | None
    repeating: tuple[Any, ...]

    def named(self) -> dict[str, Any]:
        """Return the fields by their names."""
        return dict(zip(_FIELDS, self.fields, strict=True))


@dataclass
class Report:
    """What the records of a file had that was not taken over as it was."""

    invalid: int = 0
    faults: list[ImportFault] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    not_held: Counter[str] = field(default_factory=Counter)
    names: dict[str, str | None] = field(default_factory=dict)

    def add_fault(self, fault: Fault) -> None:
        """Count a fault, and keep it if it is one of the first."""
        self.invalid += 1
        if len(self.faults) < SHOWN:
            self.faults.append(ImportFault(place=fault.place, field=fault.field, message=fault.message))

    def add_name(self, name: str, here: str | None) -> None:
        """Keep what becomes of a name, unless it only changes its case."""
        if here != name.lower() and len(self.names) < _MAX_NAMES:
            self.names[name] = here


class Adapter:
    """Makes valid todos of records, and reports what it had to do."""

    def __init__(self, rules: Adaptation) -> None:
        self._rules = rules
        self._fields: frozenset[str] | None = None
        self.report = Report()
        self._places: dict[bytes, str] = {}

    def adapt(self, entries: Iterable[Entry]) -> Iterator[Incoming]:
        """Return the todos of a file that are valid."""
        for entry in entries:
            if isinstance(entry, LeftOut):
                self.report.left_out[entry.kind] += 1
            elif isinstance(entry, Fault):
                self.report.add_fault(entry)
            elif before := self._place_before(entry):
                self.report.add_fault(Fault(entry.place, "id", f"is the same as that of {before}"))
            else:
                try:
                    yield self._adapted(entry)
                except ValidationError as error:
                    for name, message in error.field_errors[:1]:
                        self.report.add_fault(Fault(entry.place, _FIELD_OF.get(name, name), message))

    def fields(self, holds: frozenset[str]) -> frozenset[str]:
        """Return the fields that the file speaks of, given those that its format `holds`."""
        return holds if self._fields is None else holds & self._fields

    def _place_before(self, record: Record) -> str | None:
        """Return where a todo with the same id stands earlier in the file."""
        digest = hashlib.blake2b(record.source_id.encode("utf-8", "surrogatepass"), digest_size=12).digest()
        before = self._places.setdefault(digest, record.place)
        return before if before is not record.place else None

    def _adapted(self, record: Record) -> Incoming:
        rules = self._rules
        if record.fields is not None:
            self._fields = record.fields if self._fields is None else self._fields & record.fields
        notes: list[dict[str, object]] = [{"text": note.text, "made_at": note.made_at} for note in record.notes]
        title, description = record.title, record.description
        if rules.long_to_notes:
            title = _shortened(title, TITLE_LENGTH, notes)
            if description and len(description) > DESCRIPTION_LENGTH:
                description = _shortened(description, DESCRIPTION_LENGTH, notes)
        columns, unheld = self._repetition(record)
        due_on = columns.pop("due_on", record.due_on)
        unheld = {**unheld, **_contradictions(record, due_on)}
        if rules.keep_unknown:
            notes += ({"text": f"{name}: {value}"[:NOTE_LENGTH]} for name, value in unheld.items())
        else:
            self.report.not_held.update(unheld.keys())
        values: dict[str, object] = {
            "title": title,
            "due_on": due_on,
            "due_time": record.due_time if due_on else None,
            "starts_on": None if record.is_someday else record.starts_on,
            "priority": record.priority,
            "project": rules.project or self._project(record),
            "tags": self._tags(record),
            "is_someday": record.is_someday and record.due_on is None,
            "is_completed": record.is_completed,
            "completed_at": record.completed_at,
            "created_at": record.created_at,
            "notes": tuple(notes),
        }
        if description is not None:
            values["description"] = description
        todo = validated(TodoImport, values)
        fields = _fields_of(todo)
        return Incoming(
            record.place,
            record.source_id,
            _digest(todo, fields, record),
            fields,
            todo.is_completed,
            todo.completed_at,
            todo.created_at,
            tuple((note.made_at, note.text) for note in todo.notes),
            record.version,
            record.modified_at,
            record.reference or record.source_id,
            self._needs(record),
            record.parent,
            tuple(map(columns.get, REPEATING)),
        )

    def _repetition(self, record: Record) -> tuple[dict[str, Any], Mapping[str, str]]:
        """Return the columns of how a record repeats, with a due date if it has no date; and what is not held of it."""
        repeats = record.repeats
        if repeats is None:
            return {}, record.unheld
        is_dated = bool(record.due_on or record.starts_on or repeats.on)
        try:
            if repeats.repetition and not is_dated and (record.is_someday or record.is_completed):
                raise ValidationError("There is no date that could repeat.")
            return repetition.of_record(repeats, record.due_on, record.starts_on, clock.today()), record.unheld
        except ValidationError:
            rule = repeats.repetition.rule if repeats.repetition else ""
            return {}, {**record.unheld, "repetition": rule}

    def _project(self, record: Record) -> str | None:
        if not record.project:
            return None
        project = usable_project(record.project)
        self.report.add_name("/".join(record.project), project)
        return project

    def _needs(self, record: Record) -> tuple[str, ...]:
        needs = tuple(dict.fromkeys(record.needs))
        if len(needs) > MAX_NEEDS:
            self.report.not_held[f"needs after the first {MAX_NEEDS}"] += 1
        return needs[:MAX_NEEDS]

    def _tags(self, record: Record) -> list[str]:
        tags: dict[str, None] = dict.fromkeys(self._rules.tags)
        for name in record.tags:
            tag = usable_tag(name)
            self.report.add_name(name, tag)
            if tag:
                tags[tag] = None
        if len(tags) > MAX_TAGS:
            self.report.not_held[f"tags after the first {MAX_TAGS}"] += 1
        return list(tags)[:MAX_TAGS]


def _contradictions(record: Record, due_on: date | None) -> dict[str, str]:
    """Return what a record says that a todo cannot have beside the rest, as text. It is due on `due_on`."""
    found = {}
    if record.due_time and not due_on:
        found["a time without a due date"] = str(record.due_time)
    if record.is_someday and record.due_on:
        found["someday beside a due date"] = "true"
    if record.is_someday and record.starts_on:
        found["a start date beside someday"] = str(record.starts_on)
    return found


def _shortened(text: str, length: int, notes: list[dict[str, object]]) -> str:
    """Return the beginning of a text that is too long, and add the whole of it to `notes`."""
    text = text.strip()
    if len(text) <= length:
        return text
    notes += ({"text": text[i : i + NOTE_LENGTH]} for i in range(0, len(text), NOTE_LENGTH))
    return f"{text[: length - 1].rstrip()}…"


def _digest(todo: TodoImport, fields: tuple[Any, ...], record: Record) -> str:
    """Return a digest of what a file says of a todo: the same in each run, and in each time zone."""
    notes = [(_utc(note.made_at), note.text) for note in todo.notes]
    values = [*fields]
    values[_DUE] = record.due_on
    for place in _LINKS:
        del values[place]
    values += record.needs
    values += ("parent", record.parent) if record.parent else ()
    if repeats := record.repeats:
        values += (*(vars(repeats.repetition).values() if repeats.repetition else ()), *repeats[1:])
    given = (*map(str, values), todo.is_completed, _utc(todo.completed_at), _utc(todo.created_at), notes)
    return hashlib.blake2b(repr(given).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def _utc(value: datetime | None) -> str:
    return str(value and value.astimezone(UTC))
