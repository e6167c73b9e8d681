"""Lists of todos, as a person sees them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Literal

from rich.cells import cell_len
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from todocli.render.plans import day, due, is_late, is_open, tags
from todocli.render.tables import WIDE, bare_table
from todocli.render.text import first_line, visible
from todocli.render.times import ago
from todocli.schemas.todos import TodoList, TodoRead


def todo_lists(
    todos: Sequence[TodoRead],
    group: Literal["project", "tag", "due"] | None,
    *,
    now: datetime,
    width: int,
    dated: str = "created_at",
) -> Iterator[RenderableType]:
    """Give todos as a table; or as a table for each group, under its name. With several tags a todo is in several."""
    if group is None:
        yield todo_table(todos, now=now, width=width, dated=dated)
        return
    for i, (name, members) in enumerate(_grouped(todos, group, now)):
        if i:
            yield ""
        yield Text(name, "bold")
        yield todo_table(members, now=now, width=width, dated=dated)


def _grouped(
    todos: Sequence[TodoRead], group: Literal["project", "tag", "due"], now: datetime
) -> Iterator[tuple[str, list[TodoRead]]]:
    if group == "tag":
        for tag in sorted({tag for todo in todos for tag in todo.tags}):
            yield f"+{visible(tag)}", [todo for todo in todos if tag in todo.tags]
        if rest := [todo for todo in todos if not todo.tags]:
            yield "no tag", rest
        return
    here = now.astimezone()

    def name(todo: TodoRead) -> str:
        if group == "project":
            return visible(todo.project or "no project")
        if is_late(todo, here):
            return "overdue"
        return day(todo.due_on, here.date()) if todo.due_on else "no day"

    for heading, members in groupby(todos, key=name):
        yield heading, list(members)


def footer(found: TodoList, among: int, state: str, here: datetime) -> str:
    """Return what is to be said below a list: how many there are, and how many of those shown are overdue."""
    kind = {"open": "open", "completed": "completed", "all": "in all", "trash": "in the trash"}[state]
    total = max(among, found.total)
    said = [f"{total} {kind}" if found.count == total else f"{found.count} of {total} {kind}"]
    late = sum(is_late(todo, here) for todo in found.items)
    return " · ".join([*said, *([f"{late} overdue"] if late else [])])


def todo_table(todos: Sequence[TodoRead], *, now: datetime, width: int, dated: str = "created_at") -> Table:
    """Return todos as a table without the columns that would be empty, or for which there is no room.

    The least important columns go first, as long as the titles have no room.
    """
    states = {todo.state for todo in todos}
    with_state = len(states) > 1 or (dated == "created_at" and states != {"open"})
    longest = max((cell_len(visible(todo.title)) for todo in todos), default=0)
    room = width - len(str(max((todo.number for todo in todos), default=0))) - 3 - (len("State") + 3) * with_state
    room -= min(longest, max(room * 2 // 5, 16))
    shown = {}
    for name, cells in _columns(todos, now, dated).items():
        widest = max((cell.cell_len for cell in cells), default=0)
        needed = max(min(widest, width // 4 if name == "Description" else widest), len(name)) + 3
        if widest and needed <= room and (width >= WIDE or name == "Due"):
            shown[name] = cells
            room -= needed
    table = bare_table()
    table.add_column("#", justify="right", style="bold", no_wrap=True)
    if with_state:
        table.add_column("State", no_wrap=True)
    table.add_column("Title", overflow="fold")
    for name in shown:
        table.add_column(
            name, no_wrap=True, overflow="ellipsis", max_width=width // 4 if name == "Description" else None
        )
    for i, todo in enumerate(todos):
        done = with_state and todo.is_completed
        row: list[RenderableType] = [str(todo.number)]
        if with_state:
            row.append(Text("done", "green") if done else Text("open"))
        row.append(Text(visible(todo.title), "dim" if done else ""))
        table.add_row(*row, *(cells[i] for cells in shown.values()))
    return table


def _columns(todos: Sequence[TodoRead], now: datetime, dated: str) -> dict[str, list[Text]]:
    """Return the cells of each column that may be shown beside number, state and title, by its head."""
    here = now.astimezone()
    return {
        "Due": [Text(due(todo, here), _due_style(todo, here)) for todo in todos],
        "Pri": [Text(todo.priority or "", _PRIORITY_STYLES.get(todo.priority or "", "")) for todo in todos],
        "Project": [Text(visible(todo.project or "")) for todo in todos],
        "Tags": [Text(tags(todo), "dim") for todo in todos],
        "Description": [Text(first_line(todo.description or ""), "dim") for todo in todos],
        {"deleted_at": "Removed", "completed_at": "Done"}.get(dated, "Added"): [
            Text(ago(getattr(todo, dated) or todo.created_at, now), "dim") for todo in todos
        ],
    }


_PRIORITY_STYLES = {"high": "bold yellow", "low": "dim"}


def _due_style(todo: TodoRead, now: datetime) -> str:
    if is_late(todo, now):
        return "red"
    return "yellow" if is_open(todo) and todo.due_on == now.date() else ""
