"""The endpoints of the log: what changed, and undo and redo."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Query, Request, Response

from todocli.api.openapi import responses
from todocli.api.requests import (
    BASE,
    NOT_MODIFIED,
    IfNoneMatch,
    Key,
    Omitted,
    Reader,
    Writer,
    change_key,
    open_workspace,
    query_errors_as_400,
    unless_known,
    weak_etag,
)
from todocli.domain.log_cursor import LogCursor
from todocli.errors import ValidationError
from todocli.schemas.changes import ChangeList, SyncPage
from todocli.schemas.http import Reversal, TodoName, Undoing
from todocli.services.history.log import LogQuery
from todocli.services.history.sync import SHOWN_TODOS

router = APIRouter(prefix=BASE, tags=["History"])


@router.get(
    "/log",
    operation_id="listChanges",
    summary="List changes",
    response_model=SyncPage,
    responses={
        304: NOT_MODIFIED,
        **responses(200, "Changes, and the todos that they led to.", 404, 410, item=None, headers=("ETag",)),
    },
)
def log(
    request: Request,
    response: Response,
    principal: Reader,
    since: Annotated[
        str | Omitted, Query(description="A `cursor` of an earlier response: what changed after it.")
    ] = None,
    todo: Annotated[
        TodoName | Omitted, Query(description="Only the changes of this todo, by id or number; not with `since`.")
    ] = None,
    before: Annotated[
        UUID | Omitted, Query(description="Only changes before this one, by its id; not with `since`.")
    ] = None,
    limit: Annotated[
        int, Query(ge=1, le=1_000, description="At most so many changes; with `since`, of single todos.")
    ] = 100,
    if_none_match: IfNoneMatch = None,
) -> SyncPage | Response:
    """List the newest changes; or with a cursor, what changed after it, the oldest first.

    To keep a copy: read the log and keep its `cursor`; list all todos, and those in the trash; then ask with `since`
    again and again, store `todos`, and drop `deleted`. The status 410 means: begin again.
    """
    if since is not None:
        with query_errors_as_400():
            cursor = LogCursor.parse(since)
            if todo is not None or before is not None:
                raise ValidationError.of("since", "The parameter since excludes todo and before.")
        with open_workspace(request, principal) as workspace:
            page = workspace.sync.since(cursor, limit)
    else:
        query = LogQuery(todo=todo, before=before, limit=limit, per_change=SHOWN_TODOS)
        with open_workspace(request, principal, missing="todo") as workspace:
            page = workspace.sync.newest(query)
    shown = [(change.id, change.is_undone) for change in page.items]
    versions = [(each.id, each.change_id) for each in page.todos]
    return unless_known(page, weak_etag((shown, versions, page.deleted, page.cursor)), response, if_none_match)


@router.post(
    "/undo",
    operation_id="undo",
    summary="Undo changes",
    responses=responses(200, "The changes that were undone.", 404, 409, 422, item=None),
)
def undo(
    request: Request,
    principal: Writer,
    undoing: Annotated[Undoing, Body(default_factory=Undoing)],
    idempotency_key: Key = None,
) -> ChangeList:
    """Undo the last change of the user, wherever it was made; or the last few, or one of them.

    If a todo was changed since, nothing is undone (409).
    """
    key = change_key(idempotency_key, "undo", body=undoing.model_dump(mode="json"))
    with open_workspace(request, principal) as workspace:
        only = str(undoing.only) if undoing.only else None
        return workspace.undo(undoing.count, key, only=only, force=undoing.force)


@router.post(
    "/redo",
    operation_id="redo",
    summary="Redo changes",
    responses=responses(200, "The changes that were made again.", 404, 409, 422, item=None),
)
def redo(
    request: Request,
    principal: Writer,
    reversal: Annotated[Reversal, Body(default_factory=Reversal)],
    idempotency_key: Key = None,
) -> ChangeList:
    """Make again what was undone last."""
    key = change_key(idempotency_key, "redo", body=reversal.model_dump(mode="json"))
    with open_workspace(request, principal) as workspace:
        return workspace.redo(reversal.count, key, force=reversal.force)
