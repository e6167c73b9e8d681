"""Walks the todos of an export: with their notes, the ids that they came with, and those that they refer to."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from todocli.schemas.exports import TodoLeaving
from todocli.schemas.todos import TodoRead
from todocli.services.queries import TodoQuery
from todocli.services.workspace import PORTION, Workspace


def walk_with_notes(workspace: Workspace, query: TodoQuery) -> Iterator[TodoRead]:
    """Walk a list of any length as `Workspace.walk_todos` does, each todo with its notes."""
    todos = workspace.walk_todos(query)
    while portion := list(islice(todos, PORTION)):
        if any(todo.note_count for todo in portion):
            portion = workspace.todos.with_notes(portion)
            workspace.release()
        yield from portion


def walk_leaving(workspace: Workspace, query: TodoQuery, format_name: str) -> Iterator[TodoLeaving]:
    """Walk a list as `walk_with_notes` does, each todo with its id in a format, if it came from there."""
    return with_links(workspace, walk_with_notes(workspace, query), format_name)


def with_links(
    workspace: Workspace, todos: Iterator[TodoRead], format_name: str | None = None
) -> Iterator[TodoLeaving]:
    """Return todos with the ids of those that they refer to: those of a format, for what came from there."""
    while portion := list(islice(todos, PORTION)):
        numbers = {number for todo in portion for number in (*todo.needs, todo.parent) if number}
        linked = workspace.todos.ids_of(numbers)
        ids = {*linked.values(), *(todo.id for todo in portion)}
        known = workspace.todos.source_ids(list(ids), format_name) if format_name else {}
        workspace.release()
        leaving = {number: known.get(each, str(each)) for number, each in linked.items()}
        for todo in portion:
            yield TodoLeaving(
                **dict(todo),
                source_id=known.get(todo.id),
                needed_ids=[leaving[number] for number in todo.needs if number in leaving],
                parent_id=leaving.get(todo.parent or 0),
            )
