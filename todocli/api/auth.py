"""Authentication: a bearer token, or a user id from a trusted gateway."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request
from fastapi.security import APIKeyHeader, HTTPBearer

from todocli.api.errors import Unauthorized
from todocli.api.settings import Settings
from todocli.api.throttle import Throttle
from todocli.clock import now
from todocli.database.store import Store
from todocli.domain.scopes import Scope
from todocli.errors import AccessDenied, MissingUserContext, TodoError
from todocli.services import tokens
from todocli.services.tokens import Principal

USE_RECORDED_EVERY = timedelta(minutes=1)
"""The precision of a token's last use."""

UUID_PATTERN = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
"""A UUID in a header. The format `uuid` would make generated clients send something that is not text."""

_UUID = re.compile(UUID_PATTERN)


class Authenticator:
    """Authenticates requests, and records when tokens were last used."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._header = settings.trust_header
        self._throttle = Throttle(settings.refused_tokens)
        self._recorded: dict[UUID, datetime] = {}

    def authenticate(self, request: Request) -> Principal:
        """Return the client.

        Raises `Unauthorized`, `TooManyRequests`, and `MissingUserContext` if the gateway names no user.
        """
        if self._header:
            return self._from_gateway(request.headers.getlist(self._header))
        address = request.client.host if request.client else ""
        self._throttle.check(address)
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token.strip():
            raise Unauthorized("A token is required: Authorization: Bearer todo_…")
        return self._from_token(token.strip(), address)

    def authenticate_feed(self, request: Request, token: str) -> Principal:
        """Return the user of the calendar feed that a token opens. Raises as `authenticate`."""
        address = request.client.host if request.client else ""
        self._throttle.check(address)
        return self._from_token(token, address, for_feed=True)

    def _from_token(self, token: str, address: str, *, for_feed: bool = False) -> Principal:
        try:
            with self._store.session() as session:
                return tokens.authenticate(session, token, for_feed=for_feed)
        except AccessDenied as error:
            self._throttle.count(address)
            raise Unauthorized(error.detail) from None

    def _from_gateway(self, values: list[str]) -> Principal:
        """Return the user in the header. Several headers are refused: the first may not be the gateway's."""
        if len(values) != 1 or not _UUID.fullmatch(values[0]):
            raise MissingUserContext(f"The gateway must name one user, by UUID, in {self._header}.")
        user_id = UUID(values[0])
        with self._store.session() as session:
            return tokens.user_of(session, user_id)

    def is_use_recorded(self, token_id: UUID) -> bool:
        """Whether a use of the token was recorded within the last minute."""
        recorded = self._recorded.get(token_id)
        return recorded is not None and now() - recorded < USE_RECORDED_EVERY

    def record_use(self, token_id: UUID) -> None:
        """Record in the database that a token was used."""
        moment = self._recorded[token_id] = now()
        with suppress(TodoError), self._store.session() as session:  # a later use is recorded instead
            tokens.record_use(session, {token_id: moment})


def security(settings: Settings) -> Callable[..., Any]:
    """Return the dependency that describes authentication in the OpenAPI document."""
    if settings.trust_header:
        return APIKeyHeader(name=settings.trust_header, auto_error=False, description="The user's UUID.")
    return HTTPBearer(auto_error=False, description="A token from `todo token create`.")


def require_read(request: Request) -> Principal:
    """Return the client. Token use is recorded after every response, including errors."""
    authenticator: Authenticator = request.app.state.authenticator
    principal = authenticator.authenticate(request)
    _record_use(request, principal)
    return principal


def require_feed(request: Request, token: str) -> Principal:
    """Return the user of the calendar feed that a token opens, and record its use."""
    authenticator: Authenticator = request.app.state.authenticator
    principal = authenticator.authenticate_feed(request, token)
    _record_use(request, principal)
    return principal


def _record_use(request: Request, principal: Principal) -> None:
    authenticator: Authenticator = request.app.state.authenticator
    if principal.token_id and not authenticator.is_use_recorded(principal.token_id):
        request.state.afterwards = partial(authenticator.record_use, principal.token_id)


async def require_write(principal: Annotated[Principal, Depends(require_read)]) -> Principal:
    """Return the client, if it may write. Raises `AccessDenied`."""
    require(principal, "write")
    return principal


def require(principal: Principal, scope: Scope) -> None:
    """Raise `AccessDenied` if the client may not do what a scope allows."""
    if not principal.may(scope):
        who = "token" if principal.token_id else "gateway's user"
        raise AccessDenied(f"The {who} has the scope {principal.scope}; this needs {scope}.")
