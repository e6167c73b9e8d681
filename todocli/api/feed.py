"""The calendar feed, which a calendar program subscribes to. The token is in its address: such programs send none."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from todocli.api.auth import require_feed
from todocli.api.requests import (
    IfNoneMatch,
    Omitted,
    TimeZone,
    is_known,
    local_time,
    open_workspace,
    query_errors_as_400,
    weak_etag,
)
from todocli.domain.filters.ast import Between, Not, all_of, any_of
from todocli.domain.filters.parser import parse_where
from todocli.formats import calendar_feed
from todocli.services.export_walks import with_links
from todocli.services.queries import TodoQuery
from todocli.services.series import as_series

KEPT_DAYS = 30
"""For how many days completed tasks stay in the feed, so that a calendar program notices that they are."""

router = APIRouter(include_in_schema=False)


@router.get("/feed/{token}.ics")
def feed(
    request: Request,
    token: str,
    shown: Annotated[Literal["tasks", "events"], Query(alias="as")] = "tasks",
    where: Annotated[list[str] | Omitted, Query()] = None,
    tz: TimeZone = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Serve the todos of a user as tasks (VTODO), or the open ones with a date as events (VEVENT)."""
    principal = require_feed(request, token)
    with query_errors_as_400():
        here = local_time(tz)
        condition = all_of(*(parse_where(text, today=here.date()) for text in where or ()))
    if shown == "events":
        wanted = all_of(condition, Between("due"), Not(Between("done")))
    else:
        recently = Between("done", here.date() - timedelta(days=KEPT_DAYS))
        wanted = all_of(condition, any_of(recently, Not(Between("done"))))
    text = StringIO(newline="")
    with open_workspace(request, principal) as workspace:
        todos = workspace.walk_todos(TodoQuery("all", wanted, here=here))
        name = f"todo · {principal.owner.name}"
        if shown == "events":
            calendar_feed.write_events(todos, as_series, text, name=name)
        else:
            calendar_feed.write_tasks(with_links(workspace, todos), text, name=name)
    content = text.getvalue()
    headers = {"ETag": weak_etag(content), "Cache-Control": "private, no-cache", "Referrer-Policy": "no-referrer"}
    if is_known(headers["ETag"], if_none_match):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=calendar_feed.CONTENT_TYPE, headers=headers)
