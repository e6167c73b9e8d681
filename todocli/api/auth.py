"""Who is asking: whoever shows a bearer token, or whom a gateway names that has already asked."""

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
from todocli.clock import now
from todocli.database.store import Store
from todocli.errors import AccessDenied, MissingUserContext, TodoError
from todocli.services.tokens import Principal, authenticate, record_use, user_of

SAVED_EVERY = timedelta(minutes=1)
"""How exactly the last use of a token is known."""


_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)


class Access:
    """Finds out who is asking, and notes now and then when tokens were used last."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._header = settings.trust_header
        self._saved: dict[UUID, datetime] = {}

    def bearer(self, request: Request) -> Principal:
        """Return who is asking. Raises `Unauthorized`, and `MissingUserContext` if a gateway says nothing."""
        if self._header:
            return self._named(request.headers.getlist(self._header))
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token.strip():
            raise Unauthorized("Show a token: Authorization: Bearer todo_…", hint="Make one: todo token create NAME")
        try:
            with self._store.session() as session:
                found = authenticate(session, token.strip())
        except AccessDenied as error:
            raise Unauthorized(error.detail, hint=error.hint) from None
        return found

    def _named(self, values: list[str]) -> Principal:
        """Return whom the one header names: of several, somebody else than the gateway may have sent the first."""
        if len(values) != 1 or not _UUID.fullmatch(values[0]):
            raise MissingUserContext(f"The gateway has to name one user, by UUID, in {self._header}.")
        user_id = UUID(values[0])
        with self._store.session() as session:
            return user_of(session, user_id)

    def is_noted(self, token_id: UUID) -> bool:
        """Return whether a use of the token was noted within the last minute, which is exact enough."""
        saved = self._saved.get(token_id)
        return saved is not None and now() - saved < SAVED_EVERY

    def note(self, token_id: UUID) -> None:
        """Note in the database that a token was used."""
        moment = self._saved[token_id] = now()
        with suppress(TodoError), self._store.session() as session:  # if it fails, a later use is noted
            record_use(session, {token_id: moment})


def security(settings: Settings) -> Callable[..., Any]:
    """Return the dependency that tells the OpenAPI document how one says who is asking."""
    if settings.trust_header:
        return APIKeyHeader(name=settings.trust_header, auto_error=False, description="The user's UUID.")
    return HTTPBearer(auto_error=False, description="A token of `todo token create`.")


def reader(request: Request) -> Principal:
    """Return who is asking. That the token was used, is noted when the request is answered, whatever the answer."""
    access: Access = request.app.state.access
    found = access.bearer(request)
    if found.token_id and not access.is_noted(found.token_id):
        request.state.afterwards = partial(access.note, found.token_id)
    return found


async def writer(bearer: Annotated[Principal, Depends(reader)]) -> Principal:
    """Return who is asking, if they may change anything. Raises `AccessDenied`."""
    if bearer.is_read_only:
        raise AccessDenied("The token may change nothing.", hint="Make one without --read-only: todo token create NAME")
    return bearer
