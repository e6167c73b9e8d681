"""The endpoints about the user: who they are, and which tags, projects and views they have."""

from __future__ import annotations

from typing import TypeVar

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from todocli.api.openapi import responses
from todocli.api.requests import (
    BASE,
    NOT_MODIFIED,
    IfNoneMatch,
    Reader,
    open_workspace,
    refuse_unknown,
    unless_known,
    weak_etag,
)
from todocli.schemas.http import MeRead
from todocli.schemas.summaries import SummaryList
from todocli.schemas.views import QueryList

router = APIRouter(prefix=BASE, tags=["User"])

_Body = TypeVar("_Body", bound=BaseModel)


@router.get(
    "/me",
    operation_id="getMe",
    summary="Read who you are",
    response_model=MeRead,
    responses={304: NOT_MODIFIED, **responses(200, "The user.", item=None, headers=("ETag",))},
)
def me(request: Request, response: Response, principal: Reader, if_none_match: IfNoneMatch = None) -> MeRead | Response:
    """Read who the token stands for, what it may do, and how many todos there are."""
    with open_workspace(request, principal) as workspace:
        counts = workspace.users.counts(principal.owner)
    found = MeRead(scope=principal.scope, token=principal.token_name, **counts)
    return _answer(found, response, if_none_match)


@router.get(
    "/tags",
    operation_id="listTags",
    summary="List tags",
    response_model=SummaryList,
    responses={304: NOT_MODIFIED, **responses(200, "The tags, by name.", item=None, headers=("ETag",))},
)
def tags(
    request: Request, response: Response, principal: Reader, if_none_match: IfNoneMatch = None
) -> SummaryList | Response:
    """List the tags, each with how many todos are open and completed."""
    with open_workspace(request, principal) as workspace:
        found = workspace.summaries.tags()
    return _answer(found, response, if_none_match)


@router.get(
    "/projects",
    operation_id="listProjects",
    summary="List projects",
    response_model=SummaryList,
    responses={304: NOT_MODIFIED, **responses(200, "The projects, by name.", item=None, headers=("ETag",))},
)
def projects(
    request: Request, response: Response, principal: Reader, if_none_match: IfNoneMatch = None
) -> SummaryList | Response:
    """List the projects, each with how many todos are open and completed in it and its sub-projects."""
    with open_workspace(request, principal) as workspace:
        found = workspace.summaries.projects()
    return _answer(found, response, if_none_match)


@router.get(
    "/views",
    operation_id="listViews",
    summary="List views",
    response_model=QueryList,
    responses={304: NOT_MODIFIED, **responses(200, "The views, by name.", item=None, headers=("ETag",))},
)
def views(
    request: Request, response: Response, principal: Reader, if_none_match: IfNoneMatch = None
) -> QueryList | Response:
    """List the views that are saved on the server for its own user, each as a query for `/todos`.

    Other users have none there: views are kept on the machine of their user.
    """
    refuse_unknown(request)
    is_own = principal.owner.name == request.app.state.user
    found = request.app.state.views() if is_own else QueryList.of([])
    return _answer(found, response, if_none_match)


def _answer(body: _Body, response: Response, if_none_match: str | None) -> _Body | Response:
    return unless_known(body, weak_etag(body.model_dump_json()), response, if_none_match)
