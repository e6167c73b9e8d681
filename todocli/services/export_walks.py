"""Walks the todos of an export: with their notes, and the ids that they came with."""

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
    todos = walk_with_notes(workspace, query)
    while portion := list(islice(todos, PORTION)):
        needed = workspace.todos.ids_of({number for todo in portion for number in todo.needs})
        ids = {*needed.values(), *(todo.id for todo in portion)}
        known = workspace.todos.source_ids(list(ids), format_name)
        workspace.release()
        for todo in portion:
            its_needs = [needed[number] for number in todo.needs if number in needed]
            needed_ids = [known.get(each, str(each)) for each in its_needs]
            yield TodoLeaving(**dict(todo), source_id=known.get(todo.id), needed_ids=needed_ids)
