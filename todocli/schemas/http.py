"""What the HTTP API takes beside the fields of a todo."""

from __future__ import annotations

from typing import Annotated, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    Strict,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from todocli.domain.history import MAX_ACTOR, is_actor
from todocli.domain.references import MAX_NUMBER
from todocli.schemas.base import Input, Output
from todocli.schemas.texts import Description, Title
from todocli.schemas.todos import TodoFields, TodoUpdate, without_defaults
from todocli.schemas.tokens import Scope

MAX_ITEMS = 500
"""The most todos that one request adds or changes."""


def _parse_todo(value: object) -> UUID | int:
    """Return an id or a number. Raises `ValueError`."""
    word = str(value)
    if word.isascii() and word.isdecimal() and len(word) < 20 and 0 < int(word) <= MAX_NUMBER:
        return int(word)
    try:
        return UUID(word)
    except ValueError:
        raise ValueError("must be a UUID or a number") from None


TodoName = Annotated[
    UUID | int,
    PlainValidator(_parse_todo),
    PlainSerializer(str),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "format": "uuid"}, {"type": "integer", "minimum": 1, "maximum": MAX_NUMBER}]}
    ),
]
"""A todo, by its id or its number."""

Id = Annotated[UUID, Strict(False)]
"""A UUID, which JSON has as text."""


def _actor(name: str) -> str:
    if not is_actor(name):
        raise ValueError(f"must have 1 to {MAX_ACTOR} printable characters")
    return name


Actor = Annotated[str, AfterValidator(_actor), Field(json_schema_extra={"minLength": 1, "maxLength": MAX_ACTOR})]
"""Who makes a change."""

QuickText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000),
    Field(description="What is typed after `todo add`: a title, with words such as `due:fri`, `pri:high` or `+bills`."),
]


class TodoAdd(TodoFields):
    """A todo to add, with a `title`; or with a `text`, whose words set fields that are not given beside it."""

    model_config = ConfigDict(json_schema_extra=lambda schema: _one_name(schema))

    title: Title = ""
    text: QuickText = ""
    description: Description | None = None

    @model_validator(mode="after")
    def _has_one_name(self) -> Self:
        if {"title", "text"} <= self.model_fields_set:
            raise ValueError("text and title exclude each other")
        if self.model_fields_set.isdisjoint(("title", "text")):
            raise ValueError("title is missing")
        return self

    @model_validator(mode="after")
    def _time_needs_a_day(self) -> Self:
        """Leave this to the todo that is made of it: its day may be in the text."""
        return self


def _one_name(schema: dict[str, object]) -> None:
    without_defaults(schema)
    # Client generators make no type of an object with oneOf.
    schema["dependentSchemas"] = {"text": {"propertyNames": {"not": {"const": "title"}}}}
    schema["not"] = {"propertyNames": {"not": {"enum": ["title", "text"]}}}


class TodosAdd(Input):
    """Several todos to add, in one change."""

    items: list[TodoAdd] = Field(min_length=1, max_length=MAX_ITEMS)


class TodoEdit(Input):
    """A change of one todo."""

    todo: TodoName
    changes: TodoUpdate
    if_match: Id | None = Field(default=None, description="The `change_id` that the todo must still have.")
    series: bool = Field(default=False, description="Of what repeats, change all that follow as well.")


class TodosEdit(Input):
    """Changes of several todos, each of another one, in one change."""

    items: list[TodoEdit] = Field(min_length=1, max_length=MAX_ITEMS)


class Reversal(Input):
    """What to undo or redo: the last change, or the last `count`."""

    count: int = Field(default=1, ge=1, le=1_000)
    force: bool = Field(default=False, description="Overwrite todos that have been changed since.")


class Undoing(Reversal):
    """What to undo: the last change, the last `count`, or `only` one."""

    only: Id | None = Field(default=None, description="The id of the one change to undo.")

    @model_validator(mode="after")
    def _one_or_several(self) -> Self:
        if self.only is not None and self.count > 1:
            raise ValueError("only excludes count")
        return self


class Claiming(Input):
    """Which todo to claim, for whom, and for how long."""

    where: QuickText | None = Field(default=None, description="An expression, as in lists: only these todos.")
    claimant: Actor | None = Field(default=None, description="Who claims it; by default the name of the token.")
    seconds: int = Field(default=7_200, ge=1, le=31_536_000, description="How long the claim lasts.")


class MeRead(Output):
    """Who the client is, and what it may do."""

    user_id: UUID
    name: str
    scope: Scope
    token: str | None = Field(description="The name of the token; null behind a gateway.")
    open: int
    completed: int
    trash: int
    last_number: int = Field(description="The highest number that a todo of the user ever had.")
