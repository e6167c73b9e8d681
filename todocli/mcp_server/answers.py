"""What tools answer: todos and changes as JSON objects, without what says nothing."""

from __future__ import annotations

from typing import Any

from todocli import clock
from todocli.mcp_server.tool_arguments import Changing
from todocli.schemas.changes import ChangeRead
from todocli.schemas.todos import TodoRead
from todocli.services.resolve import Result

_BRIEF = (
    *("number", "state", "title", "due_on", "due_time", "starts_on", "priority", "project", "tags", "is_someday"),
    *("needs", "blocked_by", "parent", "subtasks", "open_subtasks", "every", "again", "ends_on", "times"),
)
_CLAIM = ("claimed_by", "claimed_until")
"""The fields of a todo in a list, as `todo --json` names them."""


def changed(given: Changing, result: Result) -> dict[str, Any]:
    """Return the answer of a tool that has changed todos, or would change them."""
    todos = [brief(todo) for todo in (*result.items, *result.along)]
    if given.dry_run:
        return {"would_change": todos}
    unchanged = [todo.number for todo in result.items if todo.number not in result.changed]
    answer: dict[str, Any] = {"todos": todos}
    if result.changed or result.is_repeat:
        answer["change"] = str(given.change)
    if unchanged and not result.is_repeat:
        answer["unchanged"] = unchanged
    return answer | ({"is_repeat": True} if result.is_repeat else {})


def brief(todo: TodoRead) -> dict[str, Any]:
    """Return a todo as lists have it."""
    fields = todo.model_dump(mode="json", include={*_BRIEF, *_CLAIM}) | {"state": todo.state}
    more = {"has_description": todo.description is not None, "note_count": todo.note_count}
    if todo.claimed_until is not None and todo.claimed_until > clock.now():
        more |= {name: fields[name] for name in _CLAIM}
    return sparse({name: fields[name] for name in _BRIEF} | more)


def recorded(made: ChangeRead) -> dict[str, Any]:
    """Return a change of the log."""
    fields = made.model_dump(mode="json", exclude={"items": {"__all__": {"todo_id"}}})
    todos = fields.pop("items")
    return sparse(fields) | {"todos": todos}


def sparse(fields: dict[str, Any]) -> dict[str, Any]:
    """Return fields without those that say nothing: what is empty, false or 0."""
    return {name: value for name, value in fields.items() if value not in (None, [], False)}
