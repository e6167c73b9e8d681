"""Lists of todos, as a person sees them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Literal

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from todocli.render.dates import ago
from todocli.render.tables import WIDE, bare_table
from todocli.render.text import first_line, visible
from todocli.render.todos import day, due, is_late, is_open, tags
from todocli.schemas.todos import TodoList, TodoRead

Group = Literal["project", "tag", "due"]


def footer(found: TodoList, among: int, state: str, here: datetime) -> str:
    """Return what is to be said below a list: how many there are, and how many of those shown are overdue."""
    kind = {"open": "open", "completed": "completed", "all": "in all", "trash": "in the trash"}[state]
    total = max(among, found.total)
    said = [f"{total} {kind}" if found.count == total else f"{found.count} of {total} {kind}"]
    late = sum(is_late(todo, here) for todo in found.items)
    return " · ".join([*said, *([f"{late} overdue"] if late else [])])


def todo_table(
    todos: Sequence[TodoRead],
    *,
    now: datetime,
    width: int,
    dated: str = "created_at",
    group: Group | None = None,
) -> Table:
    """Return todos as a table, or with a heading for each group, without the columns that would be empty.

    As long as the titles have no room, the least important columns go, too.
    """
    groups = [("", list(todos))] if group is None else list(_grouped(todos, group, now.astimezone()))
    todos = [todo for _, members in groups for todo in members]
    states = {todo.state for todo in todos}
    with_state = len(states) > 1 or (dated == "created_at" and states != {"open"})
    longest = max((cell_len(visible(todo.title)) for todo in todos), default=0)
    room = width - len(str(max((todo.number for todo in todos), default=0))) - 3 - (len("State") + 3) * with_state
    columns = _columns(todos, now, dated)
    columns.pop({"project": "Project", "tag": "Tags"}.get(group or "", ""), None)
    shown = _with_room(columns, width, room - min(longest, max(room * 2 // 5, 16)))
    table = bare_table()
    table.add_column("#", justify="right", style="bold", no_wrap=True)
    if with_state:
        table.add_column("State", no_wrap=True)
    table.add_column("Title", overflow="fold")
    for name in shown:
        most = _most(name, width)
        table.add_column(name, no_wrap=True, overflow="ellipsis", max_width=most)
    rows = zip(todos, *shown.values(), strict=True)
    for i, (heading, members) in enumerate(groups):
        if heading:
            if i:
                table.add_row()
            table.add_row("", *([""] if with_state else []), Text(heading, "bold underline"))
        for todo, *cells in islice(rows, len(members)):
            done = with_state and todo.is_completed
            state = [Text("done", "green") if done else Text("open")] if with_state else []
            table.add_row(str(todo.number), *state, Text(visible(todo.title), "dim" if done else ""), *cells)
    return table


def _with_room(columns: dict[str, list[Text]], width: int, room: int) -> dict[str, list[Text]]:
    """Return those of the columns, the most important first, for which there is `room` on a line of `width`."""
    shown = {}
    for name, cells in columns.items():
        widest = max((cell.cell_len for cell in cells), default=0)
        needed = max(min(widest, _most(name, width) or widest), len(name)) + 3
        if widest and needed <= room and (width >= WIDE or name == "Due"):
            shown[name] = cells
            room -= needed
    return shown


def _most(name: str, width: int) -> int | None:
    return width // 4 if name == "Description" else None


def _grouped(todos: Sequence[TodoRead], group: Group, here: datetime) -> Iterator[tuple[str, list[TodoRead]]]:
    """Give the groups, each with its name. A todo with several tags is in several."""
    if group == "tag":
        for tag in sorted({tag for todo in todos for tag in todo.tags}):
            yield f"+{visible(tag)}", [todo for todo in todos if tag in todo.tags]
        if rest := [todo for todo in todos if not todo.tags]:
            yield "no tag", rest
        return

    def name(todo: TodoRead) -> str:
        if group == "project":
            return visible(todo.project or "no project")
        if is_late(todo, here):
            return "overdue"
        return day(todo.due_on, here.date()) if todo.due_on else "no day"

    groups: dict[str, list[TodoRead]] = {"overdue": []}
    for todo in todos:
        groups.setdefault(name(todo), []).append(todo)
    yield from ((heading, members) for heading, members in groups.items() if members)


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
