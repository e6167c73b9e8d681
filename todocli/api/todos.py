"""The endpoints for single todos, and for lists of them."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from typing_extensions import TypeAliasType

from todocli.api.auth import require
from todocli.api.drafts import draft_of, links_as_sent
from todocli.api.openapi import responses
from todocli.api.requests import (
    BASE,
    MAX_LIMIT,
    NOT_MODIFIED,
    AnyOf,
    IfMatch,
    IfNoneMatch,
    Key,
    Omitted,
    Reader,
    TimeZone,
    TodoPath,
    Writer,
    change_key,
    change_one,
    etag_of,
    find_one,
    local_time,
    only,
    open_workspace,
    query_errors_as_400,
    referenced,
    unless_known,
    versioned,
    weak_etag,
    with_etag,
)
from todocli.domain.filters import parser
from todocli.domain.sorting import parse_sort
from todocli.schemas.http import TodoAdd
from todocli.schemas.todos import NoteCreate, TodoList, TodoRead, TodoUpdate
from todocli.services.paging import Cursor
from todocli.services.queries import TodoQuery

TodoState = TypeAliasType("TodoState", Literal["open", "completed", "trash", "all"])
"""A list: all todos are the open and the completed ones, without those in the trash."""

router = APIRouter(prefix=f"{BASE}/todos", tags=["Todos"])


@router.post(
    "",
    operation_id="createTodo",
    summary="Add a todo",
    status_code=201,
    responses=responses(201, "The todo that was added.", 404, 409, 422, headers=("ETag", "Location")),
)
def create(
    request: Request,
    response: Response,
    principal: Writer,
    todo: TodoAdd,
    tz: TimeZone = None,
    idempotency_key: Key = None,
) -> TodoRead:
    """Add a todo. It gets the user's next number. The words of a `text` set fields: `Call bank due:fri +bills`."""
    key = change_key(idempotency_key, "add", body=todo.model_dump(mode="json", exclude_unset=True))
    with query_errors_as_400():
        here = local_time(tz)
    draft = draft_of(todo, here)
    as_sent = links_as_sent([todo], [draft], lambda _, field: field)
    with open_workspace(request, principal, missing="todo_id") as workspace, as_sent:
        added = only(workspace.todos.add([draft], key))
    response.headers["Location"] = str(request.url_for("read", todo_id=added.id).path)
    return with_etag(response, added)


@router.get(
    "",
    operation_id="listTodos",
    summary="List todos",
    response_model=TodoList,
    responses={
        304: NOT_MODIFIED,
        **responses(200, "A page of the todos that match.", item="/items/0", headers=("ETag",)),
    },
)
def find(
    request: Request,
    response: Response,
    principal: Reader,
    state: Annotated[TodoState, Query(description="Which todos to list; `all` leaves out the trash.")] = "all",
    tag: Annotated[list[str] | Omitted, Query(description="With this tag; or `any`, `none`.")] = None,
    no_tag: Annotated[list[str] | Omitted, Query(description="Without this tag.")] = None,
    project: Annotated[AnyOf, Query(description="In this project or a sub-project; or `any`, `none`.")] = None,
    priority: Annotated[AnyOf, Query(description="`high`, `medium`, `low`, `any` or `none`.")] = None,
    due: Annotated[
        AnyOf, Query(description="`overdue`, `today`, `week`, a day, a span `mon..fri`, `any`, `none`.")
    ] = None,
    start: Annotated[AnyOf, Query(description="A day or a span; `later` for hidden todos.")] = None,
    needs: Annotated[AnyOf, Query(description="A number, `any` or `none`.")] = None,
    parent: Annotated[AnyOf, Query(description="A subtask of this number, on any level; or `any`, `none`.")] = None,
    done: Annotated[AnyOf, Query(description="When it was completed: a day, a span, `week`, `any` …")] = None,
    added: Annotated[AnyOf, Query(description="When it was added.")] = None,
    changed: Annotated[AnyOf, Query(description="When it was last changed.")] = None,
    before: Annotated[AnyOf, Query(description="Due before this day.")] = None,
    after: Annotated[AnyOf, Query(description="Due after this day.")] = None,
    search: Annotated[AnyOf, Query(description="With this text in the title, description or notes.")] = None,
    where: Annotated[
        AnyOf, Query(description="An expression: `+home and not (due:none or pri:low)`. Repeated: all of them.")
    ] = None,
    sort: Annotated[str, Query(description="Sort keys, `-` for descending: `due,-priority`.")] = "",
    reverse: Annotated[bool, Query(description="Reverse the order.")] = False,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="The maximum number of todos on a page.")] = 50,
    cursor: Annotated[str | Omitted, Query(description="`next_cursor` of the previous page.")] = None,
    tz: TimeZone = None,
    if_none_match: IfNoneMatch = None,
) -> TodoList | Response:
    """List todos page by page: open ones most urgent first, completed ones newest first, others by number."""
    options = {
        "tag": tag,
        "no_tag": no_tag,
        "project": project,
        "priority": priority,
        "due": due,
        "start": start,
        "needs": needs,
        "parent": parent,
        "done": done,
        "added": added,
        "changed": changed,
        "before": before,
        "after": after,
        "search": search,
        "where": where,
    }
    with query_errors_as_400():
        after_todo = Cursor.parse(cursor) if cursor is not None else None
        here = local_time(tz)
        if after_todo:
            here = after_todo.here.astimezone(here.tzinfo)
        condition = parser.parse_options(options, today=here.date())
        query = TodoQuery(state, condition, parse_sort(sort), reverse, limit, here)
        with open_workspace(request, principal, missing="todo_id") as workspace:
            page = workspace.todos.page(query, after_todo)
    versions = [(todo.id, etag_of(todo)) for todo in page.items]
    etag = weak_etag((versions, page.total, page.next_cursor is None))  # the cursor contains the time of the request
    return unless_known(page, etag, response, if_none_match)


@router.get(
    "/{todo_id}",
    operation_id="getTodo",
    summary="Read a todo",
    response_model=TodoRead,
    responses={304: NOT_MODIFIED, **responses(200, "The todo.", 404, headers=("ETag",))},
)
def read(
    request: Request, response: Response, principal: Reader, todo_id: TodoPath, if_none_match: IfNoneMatch = None
) -> TodoRead | Response:
    """Read a todo. Its ETag can be used in `If-Match`, and in `If-None-Match`."""
    found = find_one(request, principal, todo_id)
    return unless_known(found, etag_of(found), response, if_none_match)


@router.patch(
    "/{todo_id}",
    operation_id="updateTodo",
    summary="Change a todo",
    responses=responses(200, "The changed todo.", 404, 409, 412, 422, headers=("ETag",)),
)
def update(
    request: Request,
    response: Response,
    principal: Writer,
    todo_id: TodoPath,
    changes: TodoUpdate,
    strict: Annotated[
        bool, Query(description="409 for `is_completed`, while what the todo needs, or a subtask, is open.")
    ] = False,
    with_children: Annotated[
        bool, Query(description="Complete its subtasks as well, on every level; with `is_completed` alone.")
    ] = False,
    series: Annotated[bool, Query(description="Of what repeats, change all that follow as well.")] = False,
    if_match: IfMatch = None,
    idempotency_key: Key = None,
) -> TodoRead:
    """Change the given fields; null clears. `is_completed` completes or reopens the todo.

    One that repeats is followed by the next when it is completed. How it repeats is changed for all that follow; other
    fields are not, unless it is the `series`: `series_values` has what those that follow have instead.

    A todo that is completed may still have needed others, or have subtasks: `blocked_by` and `open_subtasks` have those
    that are open.
    """
    body = changes.model_dump(mode="json", exclude_unset=True)
    asked: dict[str, Any] = {"with_children": with_children, "series": series}
    key = change_key(idempotency_key, "edit", references=[str(todo_id)], body=body, **asked)
    return change_one(
        request,
        response,
        principal,
        todo_id,
        if_match,
        lambda workspace, expected: workspace.todos.edit(
            referenced(todo_id), changes, key, expected=expected, strict=strict, **asked
        ),
    )


@router.post(
    "/{todo_id}/notes",
    operation_id="addNote",
    summary="Add a note",
    status_code=201,
    responses=responses(201, "The todo, with all its notes.", 404, 409, 412, 422, headers=("ETag",)),
)
def add_note(
    request: Request,
    response: Response,
    principal: Writer,
    todo_id: TodoPath,
    note: NoteCreate,
    if_match: IfMatch = None,
    idempotency_key: Key = None,
) -> TodoRead:
    """Add a note to a todo. Notes are never overwritten."""
    key = change_key(idempotency_key, "note", references=[str(todo_id)], text=note.text)
    return change_one(
        request,
        response,
        principal,
        todo_id,
        if_match,
        lambda workspace, expected: workspace.note(referenced(todo_id), note.text, key, expected=expected),
    )


@router.delete(
    "/{todo_id}",
    operation_id="deleteTodo",
    summary="Remove a todo",
    status_code=204,
    response_class=Response,
    responses=responses(204, "The todo is in the trash, or deleted for good.", 404, 409, 412, item=None),
)
def delete(
    request: Request,
    response: Response,
    principal: Writer,
    todo_id: TodoPath,
    permanent: Annotated[
        bool, Query(description="Delete it for good, in the trash or not. The token needs the scope `destroy`.")
    ] = False,
    series: Annotated[bool, Query(description="End what repeats: nothing follows it.")] = False,
    if_match: IfMatch = None,
    idempotency_key: Key = None,
) -> None:
    """Move a todo to the trash; `todo undo` or `todo restore` brings it back, unless it was deleted for good.

    Its subtasks go with it. An open one that repeats is followed by the next.
    """
    if permanent:
        require(principal, "destroy")
        key = change_key(idempotency_key, "purge", references=[str(todo_id)])
        load = partial(find_one, request, principal, todo_id, in_trash=True)
        with versioned(if_match, load) as expected, open_workspace(request, principal, missing="todo_id") as workspace:
            workspace.purge_one(todo_id, key, expected=expected)
        return
    key = change_key(idempotency_key, "rm", references=[str(todo_id)], series=series)
    load = partial(find_one, request, principal, todo_id)
    with versioned(if_match, load) as expected, open_workspace(request, principal, missing="todo_id") as workspace:
        workspace.todos.remove(referenced(todo_id), key, expected=expected, series=series)


@router.post(
    "/{todo_id}/restore",
    operation_id="restoreTodo",
    summary="Restore a todo",
    responses=responses(200, "The todo, which is no longer in the trash.", 404, 409, 412, headers=("ETag",)),
)
def restore(
    request: Request,
    response: Response,
    principal: Writer,
    todo_id: TodoPath,
    if_match: IfMatch = None,
    idempotency_key: Key = None,
) -> TodoRead:
    """Take a todo out of the trash, with the subtasks that went there with it; others stay as they are."""
    key = change_key(idempotency_key, "restore", references=[str(todo_id)])
    return change_one(
        request,
        response,
        principal,
        todo_id,
        if_match,
        lambda workspace, expected: workspace.todos.restore(referenced(todo_id), key, expected=expected),
        in_trash=True,
    )
