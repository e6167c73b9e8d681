"""What the rows of an update say: its todos as they are beside one another, and what follows which of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from todocli.schemas.todos import TodoRead
from todocli.services.following_sql import Plan
from todocli.services.repetition import Following
from todocli.services.resolve import Followed, read


def apart(
    rows: Sequence[sa.RowMapping], plan: Plan, planned: Sequence[Following]
) -> tuple[Sequence[sa.RowMapping], list[Followed]]:
    """Return the rows of an update without those of its plan, and what follows which todo."""
    in_plan = {(row["series_id"], row["series_place"]) for row in plan.rows}
    others: list[sa.RowMapping] = []
    added: list[sa.RowMapping] = []
    for row in rows:
        (added if (row["series_id"], row["series_place"]) in in_plan else others).append(row)
    known = {each.key: each for each in planned}
    found = ((todo, known.get((todo.series_id, todo.series_place or 0))) for todo in read_together(added))
    return others, [Followed(todo, each.after.number, each.skipped) for todo, each in found if each]


def would_follow(planned: Sequence[Following]) -> tuple[Followed, ...]:
    """Return what a plan would add: it has no numbers yet, but those of the todos before."""
    return tuple(
        Followed(
            each.after.model_copy(update={"due_on": each.due_on, "starts_on": each.starts_on}),
            each.after.number,
            each.skipped,
        )
        for each in planned
    )


def read_together(rows: Sequence[sa.RowMapping]) -> list[TodoRead]:
    """Return the todos of rows as they are beside one another now: the statement saw the others as they were before."""
    todos = [read(row) for row in rows]
    is_open = {todo.number: not todo.is_completed and todo.deleted_at is None for todo in todos}
    children: dict[int | None, list[TodoRead]] = defaultdict(list)
    for todo in todos:
        if todo.deleted_at is None:
            children[todo.parent].append(todo)
    return [_with_others(todo, is_open, children[todo.number]) for todo in todos]


def _with_others(todo: TodoRead, is_open: Mapping[int, bool], children: Sequence[TodoRead]) -> TodoRead:
    """Return a todo as it is beside others that were changed with it, some of which are its `children`."""
    update: dict[str, list[int]] = {}
    if todo.needs:
        update["blocked_by"] = [n for n in todo.needs if is_open.get(n, n in todo.blocked_by)]
    if todo.subtasks or children:
        numbers = [child.number for child in children]
        update["subtasks"] = sorted({*numbers, *(n for n in todo.subtasks if n not in is_open)})
        update["open_subtasks"] = [n for n in update["subtasks"] if is_open.get(n, n in todo.open_subtasks)]
    return todo.model_copy(update=update) if update else todo


def freed(rows: Sequence[sa.RowMapping], changed: Sequence[TodoRead]) -> tuple[int, ...]:
    """Return the numbers of the todos that an update has made ready, without those that it changed."""
    found = {number for row in rows for number in row.get("freed", ())}
    return tuple(sorted(found - {todo.number for todo in changed}))
