"""Todos."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)
from typing_extensions import TypeAliasType

from todocli.domain.fields import (
    MAX_NEEDS,
    MAX_TAGS,
    MAX_TIMES,
    PROJECT_LENGTH,
    RULE_LENGTH,
    TAG_LENGTH,
    parse_project,
    parse_tag,
)
from todocli.domain.fields import (
    Priority as Level,
)
from todocli.domain.references import MAX_NUMBER
from todocli.errors import ValidationError
from todocli.schemas.base import Input, Instant, ItemList, Output
from todocli.schemas.texts import Description, NoteText, Title

if TYPE_CHECKING:
    from todocli.domain.recurrence import Repetition


def _parser(form: re.Pattern[str], parse: Callable[[str], object], message: str) -> BeforeValidator:
    """Parse a text of a form (ISO 8601), and leave anything else as it is. `message` is for a text out of range."""

    def parsed(value: object) -> object:
        if not (isinstance(value, str) and form.fullmatch(value)):
            return value
        try:
            return parse(value)
        except ValueError:
            raise ValueError(message) from None

    return BeforeValidator(parsed)


_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME = re.compile(r"\d\d:\d\d(:\d\d)?", re.ASCII)


def _whole_minute(value: time) -> time:
    if value.tzinfo is not None or value.second or value.microsecond:
        raise ValueError("must be hours and minutes, without a time zone")
    return value


# An import has the same few names thousands of times.
_known_project, _known_tag = lru_cache(maxsize=1_000)(parse_project), lru_cache(maxsize=1_000)(parse_tag)


def _tags(names: list[str]) -> list[str]:
    tags = sorted(set(map(_known_tag, names)))
    if len(tags) > MAX_TAGS:
        raise ValueError(f"are too many ({len(tags)}); at most {MAX_TAGS} are allowed")
    return tags


def _needs(numbers: list[int]) -> list[int]:
    needs = sorted(set(numbers))
    if len(needs) > MAX_NEEDS:
        raise ValueError(f"are too many ({len(needs)}); at most {MAX_NEEDS} are allowed")
    return needs


Day = Annotated[date, _parser(_DAY, date.fromisoformat, "must be a day of the calendar")]
DueTime = Annotated[
    time,
    _parser(_TIME, time.fromisoformat, "must be a time, from 00:00 to 23:59"),
    AfterValidator(_whole_minute),
    WithJsonSchema({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9](:00)?$"}),
]

# A name is refused for ASCII characters only, here: JSON Schema (ECMA-262) and Python disagree about other letters.
_LETTER = r"[^\u0000-@\[-`{-\u007f]"
_WORD = r"[^\u0000-\/:-@\[-^`{-\u007f]"
_NAME = r"[^\u0000-,.\/:-@\[-^`{-\u007f]"
_NOT_RESERVED = r"(?!(?:[Nn][Oo][Nn][Ee]|[Aa][Nn][Yy])$)"
_PROJECT = rf"^{_NOT_RESERVED}{_WORD}{_NAME}*(?:[/.]{_WORD}{_NAME}*)*$"
_TAG = rf"^\+?{_NOT_RESERVED}{_LETTER}{_NAME}*$"

Project = Annotated[
    str,
    AfterValidator(_known_project),
    Field(json_schema_extra={"maxLength": PROJECT_LENGTH, "pattern": _PROJECT}),
]
Tag = Annotated[str, Field(json_schema_extra={"maxLength": TAG_LENGTH, "pattern": _TAG})]
Priority = TypeAliasType("Priority", Level)
"""A type with a name has a schema of that name, which generated clients use."""

Tags = Annotated[list[Tag], AfterValidator(_tags), Field(json_schema_extra={"maxItems": MAX_TAGS})]
TodoNumber = Annotated[int, Field(ge=1, le=MAX_NUMBER)]
Needs = Annotated[
    list[TodoNumber], AfterValidator(_needs), Field(json_schema_extra={"maxItems": MAX_NEEDS, "uniqueItems": True})
]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=RULE_LENGTH)]
LocalTime = Annotated[time, WithJsonSchema({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]:00$"})]
"""A time without an offset, which the format `time` of JSON Schema (RFC 3339) would require."""


def without_defaults(schema: dict[str, Any]) -> None:
    """Drop the defaults from a JSON Schema: generated clients would require a field that has one."""
    for field in schema["properties"].values():
        field.pop("default", None)


class RepeatInput(Input):
    """How a todo repeats: `every` from its due date, or `again` from its completion; until a day, or so many times."""

    model_config = ConfigDict(json_schema_extra=without_defaults)

    every: Words | None = Field(
        default=None, description="week, 2w, mon,thu, month on 31, or an RRULE (RFC 5545); counted from the due date."
    )
    again: Words | None = Field(default=None, description="3d, 2 weeks, month; counted from completion.")
    ends_on: Day | None = Field(default=None, description="The last day on which it may be due.")
    times: Annotated[int, Field(ge=1, le=MAX_TIMES)] | None = Field(
        default=None, description="How many of it there are in all."
    )

    @property
    def repeats_otherwise(self) -> bool:
        """Whether any of it is given."""
        return not self.model_fields_set.isdisjoint(RepeatInput.model_fields)

    def repetition(self) -> Repetition | None:
        """Return what `every` or `again` says; None if neither does. Raises `ValidationError`."""
        from todocli.domain.recurrence_words import parse_again, parse_every

        if self.every is not None:
            return parse_every(self.every)
        return parse_again(self.again) if self.again is not None else None

    @model_validator(mode="after")
    def _repeats_one_way(self) -> Self:
        if self.every is not None and self.again is not None:
            raise ValueError("every and again exclude each other")
        for name in ("every", "again"):
            if getattr(self, name) is not None:
                try:
                    self.repetition()
                except ValidationError as error:
                    raise ValueError(f"{name} is not valid: {error.detail.removesuffix('.')}") from None
        return self


class TodoFields(RepeatInput):
    """Dates, priority, project, tags, what a todo needs, what it is a subtask of, and how it repeats."""

    due_on: Day | None = None
    due_time: DueTime | None = None
    starts_on: Day | None = None
    priority: Priority | None = None
    project: Project | None = None
    tags: Tags = Field(default=[])
    is_someday: bool = False
    needs: Needs = Field(default=[], description="The numbers of the todos that have to be done before.")
    parent: TodoNumber | None = Field(default=None, description="The number of the todo that it is a subtask of.")

    @model_validator(mode="after")
    def _someday_has_no_day(self) -> Self:
        if self.is_someday and (self.due_on or self.starts_on):
            raise ValueError("is_someday excludes due_on and starts_on")
        return self

    @model_validator(mode="after")
    def _time_needs_a_day(self) -> Self:
        if self.due_time is not None and self.due_on is None:
            raise ValueError("due_time needs due_on as well")
        return self


class TodoCreate(TodoFields):
    """A todo to add. White space around the title and after the description is dropped.

    Names of projects and tags become lower case.
    """

    title: Title
    description: Description | None = None


COLUMNS_GIVEN = tuple(name for name in TodoCreate.model_fields if name not in RepeatInput.model_fields)
"""The columns that a new todo is given as they are. How it repeats becomes others."""


class TodoUpdate(TodoFields):
    """A partial update: only the fields that are set change. Null, an empty description and an empty list clear.

    A new `due_on` without a `due_time` clears the time. `is_someday` clears both dates, and a new date clears it.
    `tags` replaces all tags; `add_tags` and `remove_tags` keep the others. It is the same with `needs`.
    """

    title: Title = ""
    description: Description | None = None
    is_completed: bool = False
    add_tags: Tags = Field(default=[])
    remove_tags: Tags = Field(default=[])
    add_needs: Needs = Field(default=[])
    remove_needs: Needs = Field(default=[])

    @model_validator(mode="after")
    def _lists_one_way(self) -> Self:
        lists: tuple[tuple[str, Sequence[Any], Sequence[Any]], ...] = (
            ("tags", self.add_tags, self.remove_tags),
            ("needs", self.add_needs, self.remove_needs),
        )
        for name, added, removed in lists:
            if name in self.model_fields_set and (added or removed):
                raise ValueError(f"{name} cannot be replaced and changed at once")
            if both := set(added) & set(removed):
                raise ValueError(f"{name} cannot gain and lose {min(both)!r} at once")
        return self

    def columns(self) -> dict[str, Any]:
        """Return the columns to set, by name.

        `is_completed` is none, nor is what is added to lists or removed. How it repeats depends on the todo.
        """
        others = {"is_completed", "add_tags", "remove_tags", "add_needs", "remove_needs", *RepeatInput.model_fields}
        columns = self.model_dump(exclude_unset=True, exclude=others)
        if self.is_someday:
            return columns | {"due_on": None, "due_time": None, "starts_on": None}
        if "due_on" in columns:
            columns["due_time"] = self.due_time
        if "due_on" in columns or self.starts_on:
            columns["is_someday"] = False
        return columns


class NoteCreate(Input):
    """A note to add to a todo."""

    text: NoteText


class NoteRead(Output):
    """A note on a todo. It never changes."""

    at: Instant = Field(description="When it was added.")
    text: str


State = Literal["open", "done", "trash"]


def state_of(completed_at: datetime | None, deleted_at: datetime | None) -> State:
    """Return the list that a todo is in."""
    if deleted_at is not None:
        return "trash"
    return "done" if completed_at is not None else "open"


class TodoRead(Output):
    """A todo as it is stored."""

    id: UUID = Field(description="A UUIDv7; the same wherever the todo is read.")
    number: int = Field(description="Short, unique per user, and never reused.")
    title: str
    description: str | None
    is_completed: bool
    completed_at: Instant | None
    created_at: Instant
    updated_at: Instant
    deleted_at: Instant | None = Field(description="When it moved to the trash; null if it is not there.")
    version: int = Field(description="Counts the changes of this todo, from 1.")
    change_id: UUID = Field(description="The change that touched it last.")
    user_id: UUID
    due_on: date | None = Field(description="A local date; it never shifts with a time zone.")
    due_time: LocalTime | None = Field(description="A local time, such as 17:00:00.")
    starts_on: date | None = Field(description="Hidden from the open list until this day.")
    priority: Priority | None
    project: str | None
    tags: list[str]
    is_someday: bool = Field(description="It has no date, and is hidden from lists until it is asked for.")
    note_count: int
    claimed_by: str | None = Field(description="Who claimed it last, to work on it; null: nobody.")
    claimed_until: Instant | None = Field(description="When that claim ends, or has ended.")
    needs: list[int] = Field(description="The numbers of the todos that it needs.")
    blocked_by: list[int] = Field(description="The numbers of those among them that are open.")
    parent: int | None = Field(description="The number of the todo that it is a subtask of.")
    subtasks: list[int] = Field(description="The numbers of its own subtasks, but for those in the trash.")
    open_subtasks: list[int] = Field(description="The numbers of those among them that are open.")
    every: str | None = Field(description="How it repeats, counted from the due date: `mon,thu`.")
    again: str | None = Field(description="How it repeats, counted from completion: `3d`.")
    rrule: str | None = Field(description="The same as a rule of RFC 5545, without an end.")
    repeat_from: Literal["due", "completion"] | None
    repeat_on: date | None = Field(description="The date that the rule gave it; it may have been put off.")
    ends_on: date | None = Field(description="The last day on which it may be due.")
    times: int | None = Field(description="How many of it there are in all.")
    series_id: UUID | None = Field(description="The id of the first of them; or what the copies of a subtask share.")
    series_place: int | None = Field(description="Which of them this is, from 1.")
    series_values: dict[str, Any] | None = Field(description="What later ones have, where this one differs, by field.")
    notes: list[NoteRead] | None = Field(
        description="Its notes, oldest first; null where there are some, but they were not read: show has them."
    )

    @property
    def state(self) -> State:
        """The list that the todo is in."""
        return state_of(self.completed_at, self.deleted_at)

    @property
    def repetition(self) -> Repetition | None:
        """How it repeats; None if it does not."""
        if self.rrule is None or self.repeat_from is None:
            return None
        from todocli.domain.recurrence import Repetition

        return Repetition(self.rrule, self.repeat_from, self.ends_on, self.times)


class TodoLine(NamedTuple):
    """What a plain line has of a todo: validated like `TodoRead` when it was written, and not again for each line."""

    number: int
    title: str
    state: State
    due_on: date | None
    due_time: time | None
    priority: str | None
    project: str | None
    tags: list[str]


class TodoList(Output):
    """One page of a list; `next_cursor` asks for the next page, and is null at the end."""

    items: list[TodoRead]
    count: int
    total: int
    next_cursor: str | None


class TodoItems(ItemList[TodoRead]):
    """Several todos; `total` is how many match, `count` how many of them are here."""
