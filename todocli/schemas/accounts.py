"""Users and profiles."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import Field

from todocli.schemas.base import Instant, ItemList, Output


class UserRead(Output):
    """A user of a database."""

    id: UUID
    name: str
    created_at: Instant


class UserList(ItemList[UserRead]):
    """The users of a database."""


class ProfileRead(Output):
    """A profile: who the user is, and which database they use. It holds no password."""

    name: str
    active: bool
    user: str
    user_id: UUID | None
    database: Literal["sqlite", "postgresql"]
    location: str | None = Field(
        description="The file, or the URL without its password; null if the variable is unset."
    )
    url_env: str | None = Field(description="The environment variable that holds the URL, if that is where it is.")
    pooled: bool = Field(description="Whether to go through Neon's pooler if the URL names it.")
    timeout: float = Field(description="How many seconds a command waits for the database.")


class ProfileList(ItemList[ProfileRead]):
    """The profiles of this machine."""


class NumberChange(Output):
    """A todo that got another number in a copy, as its own was taken."""

    old: int
    new: int


class CopyRead(Output):
    """What a copy of a user's data did, or would do."""

    source: str = Field(description="The profile, or the file.")
    target: str = Field(description="The profile.")
    dry_run: bool
    added: int
    updated: int = Field(description="Todos that were copied before, and changed since.")
    deleted: int = Field(description="Todos that were copied before, and deleted for good since.")
    kept: int = Field(description="Todos that were changed on both sides: those of the target stay.")
    kept_numbers: list[int] = Field(description="The numbers of the first of them.")
    unchanged: int
    changes: int = Field(description="How many changes came into the log.")
    notes: int
    numbers: list[NumberChange]
