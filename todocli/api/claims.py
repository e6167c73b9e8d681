"""The endpoints that claim a todo for a worker, and release it."""

from __future__ import annotations

from datetime import date, timedelta

from fastapi import APIRouter, Request, Response

from todocli.api.openapi import responses
from todocli.api.requests import (
    BASE,
    IfMatch,
    Key,
    TimeZone,
    TodoPath,
    Writer,
    change_key,
    change_one,
    local_time,
    open_workspace,
    query_errors_as_400,
    referenced,
    with_etag,
)
from todocli.domain.filters.ast import EVERYTHING, Filter, names_todos
from todocli.domain.filters.parser import parse_where
from todocli.errors import FieldError, NotFound, ValidationError
from todocli.schemas.http import Claiming
from todocli.schemas.todos import TodoRead
from todocli.services.queries import TodoQuery

router = APIRouter(prefix=BASE, tags=["Todos"])


@router.post(
    "/claim",
    operation_id="claimTodo",
    summary="Claim a todo",
    responses=responses(200, "The todo that was claimed.", 404, 409, 422, headers=("ETag",)),
)
def claim(
    request: Request,
    response: Response,
    principal: Writer,
    claiming: Claiming,
    tz: TimeZone = None,
    idempotency_key: Key = None,
) -> TodoRead:
    """Take the most urgent open todo that nobody works on, so that no other worker gets it.

    The claim ends by itself, by the clock of the database; under the same name, `"where": "number:12"` makes that of
    one todo last longer. 404: there is nothing to claim.
    """
    key = change_key(idempotency_key, "claim", body=claiming.model_dump(mode="json"))
    with query_errors_as_400():
        here = local_time(tz)
    condition = _filter(claiming.where, here.date())
    name = claiming.claimant or principal.token_name or principal.owner.name
    with open_workspace(request, principal) as workspace:
        query = TodoQuery(filter=condition, here=here)
        is_named = claiming.claimant is not None or principal.token_name is not None
        lease, renew = timedelta(seconds=claiming.seconds), is_named and names_todos(condition)
        claimed = workspace.claims.claim(query, name, lease, key, renew=renew)
        if claimed is None:
            raise NotFound("There is nothing to claim.")
        [todo] = workspace.todos.with_notes([claimed])
    return with_etag(response, todo)


def _filter(where: str | None, today: date) -> Filter:
    try:
        return parse_where(where, today=today) if where else EVERYTHING
    except ValidationError as error:
        faults = tuple(FieldError("where", message) for _, message in error.field_errors)
        raise ValidationError(error.detail, field_errors=faults) from None


@router.post(
    "/todos/{todo_id}/release",
    operation_id="releaseTodo",
    summary="Release a todo",
    responses=responses(200, "The todo, which nobody has claimed.", 404, 409, 412, headers=("ETag",)),
)
def release(
    request: Request,
    response: Response,
    principal: Writer,
    todo_id: TodoPath,
    if_match: IfMatch = None,
    idempotency_key: Key = None,
) -> TodoRead:
    """End the claim on a todo, whoever has it."""
    key = change_key(idempotency_key, "release", references=[str(todo_id)])
    return change_one(
        request,
        response,
        principal,
        todo_id,
        if_match,
        lambda workspace, expected: workspace.todos.release(referenced(todo_id), key, expected=expected),
    )
