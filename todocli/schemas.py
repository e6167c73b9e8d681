"""The public contract of the command line's JSON and of the HTTP API: what goes in, and what comes out.

Keys are only ever added. `tests/contract.json` is the JSON Schema of these classes, and a test compares it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

import pydantic
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, StringConstraints, WithJsonSchema

from todocli.errors import FieldError, ValidationError

TITLE_LENGTH = 255
DESCRIPTION_LENGTH = 2_000


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not contain a NUL character")
    return text


def _without_end(text: str) -> str | None:
    return text.rstrip() or None


def instant(value: datetime) -> str:
    """Return an aware instant in UTC with six decimals and `Z`, as RFC 3339 writes it."""
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


Title = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=TITLE_LENGTH),
    AfterValidator(_without_nul),
]
Description = Annotated[
    str, StringConstraints(max_length=DESCRIPTION_LENGTH), AfterValidator(_without_nul), AfterValidator(_without_end)
]
Instant = Annotated[
    datetime, PlainSerializer(instant), WithJsonSchema({"type": "string", "format": "date-time"}, mode="serialization")
]


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Output(BaseModel):
    model_config = ConfigDict(frozen=True)


class TodoCreate(_Input):
    """A todo to be added. White space around the title, and after the description, is dropped."""

    title: Title
    description: Description | None = None


class TodoUpdate(_Input):
    """What is to be changed: only the fields that are set. A description of null, or an empty one, clears it."""

    title: Title = ""
    description: Description | None = None

    def changes(self) -> dict[str, Any]:
        """Return the fields that were set, by name."""
        return self.model_dump(exclude_unset=True)


class TodoRead(_Output):
    """A todo as it is stored."""

    id: UUID = Field(description="A UUIDv7; the same wherever the todo is read.")
    number: int = Field(description="Short, one user's own, and never given again.")
    title: str
    description: str | None
    is_completed: bool
    completed_at: Instant | None
    created_at: Instant
    updated_at: Instant
    deleted_at: Instant | None = Field(description="When it went to the trash; null while it is not there.")
    version: int = Field(description="Counts the changes of this todo, from 1.")
    change_id: UUID = Field(description="The step that changed it last.")
    user_id: UUID

    @property
    def state(self) -> Literal["open", "done", "trash"]:
        """In which list the todo is found."""
        if self.deleted_at is not None:
            return "trash"
        return "done" if self.is_completed else "open"


class TodoList(_Output):
    """Several todos; `total` is how many match, `count` how many of them are here."""

    items: list[TodoRead]
    count: int
    total: int


class UserRead(_Output):
    """A user of a database."""

    id: UUID
    name: str
    created_at: Instant


class UserList(_Output):
    """The users of a database."""

    items: list[UserRead]
    count: int
    total: int


class ProfileRead(_Output):
    """A profile: who the user is, and on which database. No password is in it."""

    name: str
    active: bool
    user: str
    user_id: UUID | None
    database: Literal["sqlite", "postgresql"]
    location: str | None = Field(
        description="The file, or the URL without its password; null if the variable is unset."
    )
    url_env: str | None = Field(description="The environment variable that holds the URL, if that is where it is.")


class ProfileList(_Output):
    """The profiles of this machine."""

    items: list[ProfileRead]
    count: int
    total: int


class RevisionRead(_Output):
    """One step of the schema's history."""

    revision: str
    down_revision: str | None
    message: str


class RevisionList(_Output):
    """The schema's history, newest first."""

    items: list[RevisionRead]
    count: int
    total: int


class SchemaRead(_Output):
    """Where a database's schema stands; `steps` are the revisions that this command went through."""

    database: Literal["sqlite", "postgresql"]
    location: str
    revision: str | None = Field(description="null: there is no schema.")
    head: str = Field(description="The revision that this program needs.")
    is_current: bool
    steps: list[str]
    connect_ms: float | None = Field(description="null where it was not measured, as after an upgrade.")
    wake_ms: float | None
    query_ms: float | None
    round_trips: int | None


class PingRead(_Output):
    """What it took to reach a database. Times are in milliseconds."""

    database: Literal["sqlite", "postgresql"]
    location: str
    server_version: str
    connect_ms: float
    wake_ms: float = Field(description="What connecting took beyond its round trips: a database that had to wake up.")
    query_ms: float
    round_trips: int = Field(description="Connecting and asking together; 0 for the embedded file.")


class CheckRead(_Output):
    """One thing that was looked at, and what to do about it."""

    name: str
    status: Literal["ok", "warning", "problem"]
    detail: str
    hint: str | None


class HealthRead(_Output):
    """Whether a command would work, and all that was looked at. Nothing secret is in it."""

    healthy: bool
    checks: list[CheckRead]


class FieldErrorRead(_Output):
    """What is wrong with one field."""

    field: str
    message: str


class ErrorBody(_Output):
    """Every error, of the command line and of the HTTP API alike."""

    detail: str
    error_code: str
    field_errors: list[FieldErrorRead] | None = None
    hint: str | None = None


DOCUMENTS: tuple[type[BaseModel], ...] = (
    TodoRead,
    TodoList,
    UserRead,
    UserList,
    ProfileRead,
    ProfileList,
    RevisionList,
    SchemaRead,
    PingRead,
    HealthRead,
    ErrorBody,
)
"""Every document that a command prints under `--json`."""


def contract() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of every document, under `$defs`."""
    from pydantic.json_schema import models_json_schema

    _, schema = models_json_schema([(model, "serialization") for model in DOCUMENTS], title="todo")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


Model = TypeVar("Model", bound=_Input)


def validated(model: type[Model], values: Mapping[str, object]) -> Model:
    """Return `values` as a valid `model`.

    Raises `todocli.errors.ValidationError` with one sentence for each field that is wrong; the values are not in it.
    """
    try:
        return model.model_validate(dict(values))
    except pydantic.ValidationError as error:
        found = tuple(FieldError(str(e["loc"][0]), _sentence(dict(e))) for e in error.errors(include_url=False))
        detail = " ".join(f"The {field} {message}." for field, message in found)
        raise ValidationError(detail, hint=_hint(found), field_errors=found) from None


def _sentence(error: dict[str, Any]) -> str:
    length = len(error["input"]) if isinstance(error["input"], str) else 0
    match error["type"]:
        case "string_too_short":
            return "must not be empty"
        case "string_too_long":
            return f"has {length} characters; at most {error['ctx']['max_length']} are allowed"
        case "string_unicode":
            return "is not valid UTF-8"
        case "value_error":
            return str(error["ctx"]["error"])
        case "extra_forbidden":
            return "is not a known field"
        case _:
            return str(error["msg"])


def _hint(found: tuple[FieldError, ...]) -> str | None:
    if any(field == "title" and "characters" in message for field, message in found):
        return "Keep the title short; put the rest into --description."
    return None
