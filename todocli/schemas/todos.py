"""Todos."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from todocli.schemas.base import Input, Instant, Output

TITLE_LENGTH = 255
DESCRIPTION_LENGTH = 2_000


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not contain a NUL character")
    return text


def _without_end(text: str) -> str | None:
    return text.rstrip() or None


Title = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=TITLE_LENGTH),
    AfterValidator(_without_nul),
]
Description = Annotated[
    str, StringConstraints(max_length=DESCRIPTION_LENGTH), AfterValidator(_without_nul), AfterValidator(_without_end)
]


class TodoCreate(Input):
    """A todo to be added. White space around the title, and after the description, is dropped."""

    title: Title
    description: Description | None = None


class TodoUpdate(Input):
    """What is to be changed: only the fields that are set. A description of null, or an empty one, clears it."""

    title: Title = ""
    description: Description | None = None

    def changes(self) -> dict[str, Any]:
        """Return the fields that were set, by name."""
        return self.model_dump(exclude_unset=True)


class TodoRead(Output):
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


class TodoList(Output):
    """Several todos; `total` is how many match, `count` how many of them are here."""

    items: list[TodoRead]
    count: int
    total: int
