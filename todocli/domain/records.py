"""What an import reads from a file of any program, before the rules of `todo` are applied to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import NamedTuple, TypeAlias
from uuid import UUID

from todocli.domain.fields import Priority
from todocli.domain.recurrence import Repetition


@dataclass(frozen=True, slots=True)
class RecordNote:
    """A note of a record; `made_at` is aware, or None if the file does not say when."""

    text: str
    made_at: datetime | None = None


class Repeats(NamedTuple):
    """How a record repeats; without a `repetition`, it only belongs to a series.

    `on` is the date that the rule gave it; None: its due date, or else its start. `place` says which of its series it
    is, from 1 on. Files of ours and of Taskwarrior tell which series.
    """

    repetition: Repetition | None
    on: date | None = None
    place: int = 1
    series_id: UUID | None = None


@dataclass(slots=True)  # not frozen, which makes it five times as slow to create
class Record:
    """A todo as a file has it. `place` says where it stands there, such as `line 12`.

    `source_id` is its id there; where there is none, `todocli.formats.reading.LineIds` makes one. Instants are aware.
    `completed_at` may be None for a completed one: not every file says when. `project` is the path from the outermost
    project in, and its names and the `tags` are as the file has them. `unheld` is what a todo cannot hold: by the name
    of the field in the file, the value as text.

    `fields` are those that this file speaks of, if it could speak of more: the others are not empty, but unknown. A
    file that was exported from here may have the `version` that the todo had then, and others when it was
    `modified_at`.

    `needs` are references to what has to be done before, and `parent` is one to what it is a subtask of. A todo is
    referred to by its `reference`, or else by its id.
    """

    place: str
    source_id: str
    title: str
    description: str | None = None
    is_completed: bool = False
    completed_at: datetime | None = None
    created_at: datetime | None = None
    due_on: date | None = None
    due_time: time | None = None
    starts_on: date | None = None
    priority: Priority | None = None
    project: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    is_someday: bool = False
    notes: tuple[RecordNote, ...] = ()
    unheld: Mapping[str, str] = field(default_factory=dict)
    fields: frozenset[str] | None = None
    version: int | None = None
    modified_at: datetime | None = None
    reference: str | None = None
    needs: tuple[str, ...] = ()
    parent: str | None = None
    repeats: Repeats | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """A part of a file that is no todo, because a field is not valid."""

    place: str
    field: str
    message: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A part of a file that is not imported, such as a task that was deleted there; `kind` is a plural noun."""

    place: str
    kind: str


Entry: TypeAlias = Record | Fault | LeftOut
