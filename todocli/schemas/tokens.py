"""Tokens for the HTTP API."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field
from typing_extensions import TypeAliasType

from todocli.domain import scopes
from todocli.schemas.base import Instant, ItemList, Output

Scope = TypeAliasType("Scope", scopes.TokenScope)


class TokenRead(Output):
    """What is known of a token, without the secret itself, which is not stored."""

    id: UUID
    name: str
    scope: Scope = Field(
        description="Each includes those before it: read, write, destroy. A feed opens only the calendar feed."
    )
    created_at: Instant
    expires_at: Instant | None
    last_used_at: Instant | None = Field(description="Accurate to about a minute; null: never.")


class TokenCreated(TokenRead):
    """A new token; it is shown only this once."""

    token: str


class TokenLink(TokenCreated):
    """A new token for the calendar feed, or to sign in on the page, with the address that has it."""

    url: str = Field(description="A path only, if no base URL is known.")


class TokenList(ItemList[TokenRead]):
    """The tokens of a user, by name."""
