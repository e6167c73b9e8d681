"""Tokens for the HTTP API."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col

from todocli.clock import now
from todocli.database.engine import insert_for
from todocli.domain.history import MAX_ACTOR, is_actor
from todocli.domain.ids import new_id
from todocli.domain.scopes import FEED, SCOPES, Scope, TokenScope
from todocli.domain.tokens import PREFIX, is_token, new_token
from todocli.domain.tokens import digest as token_digest
from todocli.errors import AccessDenied, Conflict, MissingUserContext, NotFound, ValidationError
from todocli.models import Token, User
from todocli.schemas.tokens import TokenCreated, TokenList, TokenRead
from todocli.services.admission import may_read, may_write
from todocli.services.owner import Owner

_table = SQLModel.metadata.tables["tokens"]
_columns = [_table.c[name] for name in TokenRead.model_fields]


@dataclass(frozen=True)
class Principal:
    """An authenticated client: the user it acts for, what it may do, and the token it used, by id and name."""

    owner: Owner
    scope: Scope = "write"
    token_id: UUID | None = None
    token_name: str | None = None

    def may(self, scope: Scope) -> bool:
        """Whether the client's scope includes another."""
        return SCOPES.index(self.scope) >= SCOPES.index(scope)


class Tokens:
    """The tokens of one user."""

    def __init__(self, session: Session, owner: Owner) -> None:
        self._session = session
        self._owner = owner

    def create(self, name: str, *, expires_at: datetime | None = None, scope: TokenScope = "write") -> TokenCreated:
        """Return a new token.

        Raises `ValidationError` for the name, `Conflict` if it is taken, and `MissingUserContext`.
        """
        if not is_actor(name):
            detail = f"The name of a token must have 1 to {MAX_ACTOR} printable characters."
            raise ValidationError.of("name", detail)
        token, moment = new_token(), now()
        if expires_at is not None and expires_at <= moment:
            raise ValidationError.of("expires", "The token would have expired already.", hint="Give a longer time: 90d")
        values: dict[str, Any] = {
            "id": new_id(moment),
            "name": name,
            "digest": token_digest(token),
            "scope": scope,
            "created_at": moment,
            "expires_at": expires_at,
        }
        columns: dict[str, Any] = {key: sa.literal(value, _table.c[key].type) for key, value in values.items()}
        columns["user_id"] = col(User.id)
        new = insert_for(self._session.get_bind().dialect.name, Token).from_select(
            list(columns), sa.select(*columns.values()).where(self._owner.is_user(), may_write())
        )
        statement = new.on_conflict_do_nothing(index_elements=["user_id", "name"]).returning(*_columns)
        created = self._session.execute(statement).mappings().one_or_none() or self._of_id(values["id"])
        if created is None:
            self._owner.require(self._session)
            detail = f"There is already a token {name!r}."
            hint = "Choose another name, or revoke the token first"
            raise Conflict(detail, hint=hint, command=("todo", "token", "revoke", name))
        return TokenCreated(token=token, **created)

    def all(self) -> TokenList:
        """Return every token, by name."""
        query = sa.select(*_columns).where(self._owner.scope(Token))
        found = self._session.execute(query).mappings().all()
        if not found:
            self._owner.require(self._session)
        items = sorted((TokenRead(**row) for row in found), key=lambda token: token.name)
        return TokenList.of(items)

    def revoke(self, name: str) -> TokenRead:
        """Revoke a token, and return it. Raises `NotFound`."""
        known = next((token for token in self.all().items if token.name == name), None)
        if known is None:
            given = "of this name: it takes the name, not the token itself" if name.startswith(PREFIX) else repr(name)
            raise NotFound(f"There is no token {given}.", hint="See your tokens", command=("todo", "token", "list"))
        self._session.execute(_table.delete().where(self._owner.scope(Token), may_write(), _table.c.id == known.id))
        return known

    def _of_id(self, token_id: UUID) -> sa.RowMapping | None:
        """Return the token with that id: it was created by a statement whose first answer was lost."""
        query = sa.select(*_columns).where(self._owner.scope(Token), _table.c.id == token_id)
        return self._session.execute(query).mappings().one_or_none()


_PRINCIPAL = (
    sa.select(
        *(_table.c[name] for name in ("id", "name", "digest", "scope", "expires_at", "user_id")),
        col(User.name).label("user_name"),
    )
    .join(User, col(User.id) == _table.c.user_id)
    .where(_table.c.digest == sa.bindparam("digest"), may_read())
)
"""Built once: every request of the API needs it."""


def authenticate(session: Session, token: str, *, for_feed: bool = False) -> Principal:
    """Return the client that `token` stands for. Raises `AccessDenied` if it is malformed, unknown or expired.

    A token for the calendar feed is valid `for_feed` only, and no other one is.
    """
    refused = AccessDenied("The token is not valid.", hint="Create one", command=("todo", "token", "create", "NAME"))
    if not is_token(token):
        raise refused
    digest = token_digest(token)
    row = session.execute(_PRINCIPAL, {"digest": digest}).mappings().one_or_none()
    if row is None or not hmac.compare_digest(row["digest"], digest) or (row["scope"] == FEED) is not for_feed:
        raise refused
    if row["expires_at"] is not None and row["expires_at"] <= now():
        raise AccessDenied("The token has expired.", hint="Create another", command=("todo", "token", "create", "NAME"))
    scope: Scope = "read" if for_feed else row["scope"]
    return Principal(Owner(row["user_name"], row["user_id"]), scope, row["id"], row["name"])


def user_of(session: Session, user_id: UUID) -> Principal:
    """Return the client of a user that a gateway named by id. Raises `MissingUserContext` for an unknown user."""
    name = session.scalar(sa.select(col(User.name)).where(col(User.id) == user_id, may_read()))
    if name is None:
        raise MissingUserContext(
            "The database does not know that user.", hint="See the users", command=("todo", "user", "list")
        )
    return Principal(Owner(name, user_id))


def record_use(session: Session, used: Mapping[UUID, datetime]) -> None:
    """Record when tokens were last used."""
    for token_id, moment in used.items():
        session.execute(_table.update().where(_table.c.id == token_id, may_write()).values(last_used_at=moment))
