"""Puts subtasks below their parents.

12 Renovate bath
13 ├─ Buy tiles
15 └─ Lay tiles
16    └─ Mix the grout
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from todocli.schemas.todos import TodoRead


def as_tree(todos: Sequence[TodoRead]) -> tuple[list[TodoRead], list[str]]:
    """Return todos with each subtask below its parent, if that is among them, and the branches in front of the titles.

    Those of one parent keep their order. What has no branch is no subtask of another one here, or is under itself,
    which only somebody at an SQL console can do.
    """
    here = {todo.number for todo in todos}
    children: dict[int, list[TodoRead]] = defaultdict(list)
    for todo in todos:
        if todo.parent in here and todo.parent is not None:
            children[todo.parent].append(todo)
    ordered: list[TodoRead] = []
    branches: list[str] = []

    def add(todo: TodoRead, branch: str, below: str) -> None:
        ordered.append(todo)
        branches.append(branch)
        last = len(children[todo.number])
        for place, child in enumerate(children[todo.number], 1):
            add(child, below + ("├─ " if place < last else "└─ "), below + ("│  " if place < last else "   "))

    for todo in todos:
        if todo.parent not in here:
            add(todo, "", "")
    placed = {todo.number for todo in ordered}
    around = [todo for todo in todos if todo.number not in placed]
    ordered += around
    branches += [""] * len(around)
    return ordered, branches
