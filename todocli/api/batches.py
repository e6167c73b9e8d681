"""The endpoints that add or change several todos at once: all of them or none, in one change."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from todocli import clock
from todocli.api.drafts import draft_faults, drafts_of, links_as_sent
from todocli.api.openapi import responses
from todocli.api.requests import (
    BASE,
    Key,
    TimeZone,
    Writer,
    change_key,
    local_time,
    open_workspace,
    query_errors_as_400,
)
from todocli.errors import FieldError, NotFound
from todocli.schemas.http import TodosAdd, TodosEdit
from todocli.schemas.todos import TodoItems
from todocli.services.edits import Edit

PATH = f"{BASE}/bulk"


class _OneRound(APIRoute):
    """A route that reports what is wrong with words together with what is wrong with fields.

    FastAPI refuses a request with a bad field before anything reads the texts of its other items.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request. It raises `RequestValidationError`."""
        answer = super().get_route_handler()

        async def answer_with_all_faults(request: Request) -> Response:
            try:
                return await answer(request)
            except RequestValidationError as error:
                # The time zone decides which day a word stands for, and not whether it stands for one.
                found = await run_in_threadpool(draft_faults, error.body, clock.here())
                faults = [*error.errors(), *(_as_pydantic_has_it(*each) for each in found)]
                raise RequestValidationError(sorted(faults, key=_item), body=error.body) from None

        return answer_with_all_faults


def _as_pydantic_has_it(i: int, fault: FieldError) -> dict[str, Any]:
    return {"type": "value_error", "loc": ("body", "items", i, fault.field), "ctx": {"error": fault.message}}


def _item(error: dict[str, Any]) -> int:
    """Return the place of the item that an error is about; -1 if it is about none."""
    return error["loc"][2] if error["loc"][:2] == ("body", "items") and len(error["loc"]) > 2 else -1


adding = APIRouter(prefix=PATH, tags=["Todos"], route_class=_OneRound)
router = APIRouter(prefix=PATH, tags=["Todos"])


@adding.post(
    "",
    operation_id="createTodos",
    summary="Add several todos",
    status_code=201,
    responses=responses(201, "The todos that were added, in the same order.", 404, 409, 422, item="/items/0"),
)
def create(
    request: Request, principal: Writer, todos: TodosAdd, tz: TimeZone = None, idempotency_key: Key = None
) -> TodoItems:
    """Add all of them or none. One undo takes back all."""
    key = change_key(idempotency_key, "add", body=todos.model_dump(mode="json", exclude_unset=True))
    with query_errors_as_400():
        here = local_time(tz)
    drafts = drafts_of(todos.items, here)
    with open_workspace(request, principal) as workspace, links_as_sent(todos.items, drafts):
        added = workspace.add(drafts, key).items
    if len(added) < len(drafts):  # a client takes each for the one at the same place of its request
        raise NotFound("Already applied; some of the todos have since been purged.")
    return TodoItems.of(added)


@router.patch(
    "",
    operation_id="updateTodos",
    summary="Change several todos",
    responses=responses(200, "The todos as they are now, in the same order.", 404, 409, 422, item="/items/0"),
)
def update(request: Request, principal: Writer, edits: TodosEdit, idempotency_key: Key = None) -> TodoItems:
    """Change each in its own way: all of them or none. `if_match` names the version that a todo must be at."""
    body = edits.model_dump(mode="json", exclude_unset=True)
    key = change_key(idempotency_key, "edit", body=body)
    wanted = [Edit(item.todo, item.changes, item.if_match, item.series) for item in edits.items]
    with open_workspace(request, principal) as workspace:
        result = workspace.edit_each(wanted, key)
        return TodoItems.of(workspace.todos.with_notes(result.items))
