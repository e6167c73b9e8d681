"""The endpoints for todos that repeat: skip one of them, and when they will be due."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from todocli.api.openapi import responses
from todocli.api.requests import (
    BASE,
    MAX_LIMIT,
    NOT_MODIFIED,
    AnyOf,
    IfMatch,
    IfNoneMatch,
    Key,
    Reader,
    TimeZone,
    TodoPath,
    Writer,
    change_key,
    change_one,
    local_time,
    open_workspace,
    query_errors_as_400,
    referenced,
    unless_known,
    weak_etag,
)
from todocli.domain.dates import parse_day
from todocli.domain.filters import parser
from todocli.schemas.occurrences import OccurrenceList
from todocli.schemas.todos import TodoRead

router = APIRouter(prefix=BASE, tags=["Todos"])


@router.post(
    "/todos/{todo_id}/skip",
    operation_id="skipTodo",
    summary="Skip a date",
    responses=responses(200, "The todo, at its next date.", 404, 409, 412, 422, headers=("ETag",)),
)
def skip(
    request: Request,
    response: Response,
    principal: Writer,
    todo_id: TodoPath,
    if_match: IfMatch = None,
    idempotency_key: Key = None,
) -> TodoRead:
    """Move an open todo that repeats on to its next date, without completing it.

    422: it does not repeat, is completed, or is the last of its series.
    """
    key = change_key(idempotency_key, "skip", references=[str(todo_id)])
    return change_one(
        request,
        response,
        principal,
        todo_id,
        if_match,
        lambda workspace, expected: workspace.skip(referenced(todo_id), key, expected=expected),
    )


@router.get(
    "/upcoming",
    operation_id="listUpcoming",
    summary="List what is to come",
    response_model=OccurrenceList,
    responses={304: NOT_MODIFIED, **responses(200, "The dates, in their order.", item=None, headers=("ETag",))},
)
def upcoming(
    request: Request,
    response: Response,
    principal: Reader,
    until: Annotated[str, Query(description="How far to look ahead: `4w`, or a day.")] = "4w",
    where: Annotated[AnyOf, Query(description="An expression, as in lists: only these todos.")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="The maximum number of dates.")] = MAX_LIMIT,
    tz: TimeZone = None,
    if_none_match: IfNoneMatch = None,
) -> OccurrenceList | Response:
    """List when open todos that repeat will be due. Later ones are computed: they have no number of their own yet."""
    with query_errors_as_400():
        here = local_time(tz)
        last = parse_day(until, "until", here=here).on
        condition = parser.parse_options({"where": where}, today=here.date())
        with open_workspace(request, principal) as workspace:
            found = OccurrenceList.of(workspace.upcoming(condition, last, here, limit))
    return unless_known(found, weak_etag(found.model_dump_json()), response, if_none_match)
