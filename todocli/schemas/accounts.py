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
