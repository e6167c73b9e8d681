"""Tables and details for a terminal, drawn by Rich. Imported for a terminal only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from io import StringIO
from itertools import islice
from typing import Literal

from rich import box
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from todocli.render.dates import ago, clock_time, day, distance, local
from todocli.render.history import action_label, detail
from todocli.render.text import first_line, visible
from todocli.render.todos import due, is_late, is_open, tags
from todocli.schemas.changes import ChangeRead
from todocli.schemas.operations import CheckRead
from todocli.schemas.todos import TodoItems, TodoRead

RECENT_CHANGES = 5
"""How many changes a todo's detail shows; `log` shows them all."""

WIDE = 60
"""At this width or more, there is room for more than number and title."""


def rendered(what: RenderableType, *, width: int, colour: bool, unicode: bool = True) -> str:
    """Return `what` as text for a terminal of `width` columns; without `colour` it has no escape sequences."""
    out = StringIO() if unicode else _Ascii()
    console = Console(
        file=out,
        width=width,
        force_terminal=True,
        color_system="standard" if colour else None,
        no_color=not colour,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    console.print(what)
    return "".join(f"{line.rstrip()}\n" if not colour else f"{line}\n" for line in out.getvalue().splitlines())


class _Ascii(StringIO):
    encoding = "ascii"  # by this Rich knows which lines it can draw


def todo_detail(todo: TodoRead, changes: Sequence[ChangeRead] = (), *, now: datetime) -> RenderableType:
    """Return everything about one todo, with its newest changes."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(Text(str(todo.number), "not dim bold"), Text(visible(todo.title), "bold"))
    if todo.description:
        grid.add_row("", Text(visible(todo.description, lines=True)))
    grid.add_row("State", {"done": Text("done", "green"), "trash": Text("in the trash", "red")}.get(todo.state, "open"))
    today = now.astimezone().date()
    if todo.due_on:
        near = (
            f"late, {distance(todo.due_on, today)}" if is_late(todo, now.astimezone()) else distance(todo.due_on, today)
        )
        grid.add_row("Due", f"{day(todo.due_on, today)}{clock_time(todo.due_time)} ({near})")
    if todo.starts_on:
        grid.add_row("Starts", f"{day(todo.starts_on, today)} ({distance(todo.starts_on, today)})")
    for label, text in (("Priority", todo.priority), ("Project", todo.project), ("Tags", tags(todo))):
        if text:
            grid.add_row(label, Text(visible(text)))
    for label, instant in (
        ("Added", todo.created_at),
        ("Done", todo.completed_at),
        ("Removed", todo.deleted_at),
        ("Changed", todo.updated_at if todo.version > 1 else None),
    ):
        if instant:
            exact, near = local(instant), ago(instant, now)
            grid.add_row(label, exact if exact.startswith(near) else f"{exact} ({near})")
    grid.add_row("Id", str(todo.id))
    for i, change in enumerate(changes if len(changes) > 1 else ()):
        more = detail(change, change.items[0])
        words = f"{ago(change.made_at, now)}  {action_label(change, change.items[0])}"
        grid.add_row("" if i else "Log", f"{words} · {more}" if more else words)
    return Padding(grid, (0, 0, 1, 1))


def change_table(changes: Sequence[ChangeRead], *, now: datetime, width: int) -> Table:
    """Return changes as a table, with a line for each todo."""
    table = bare_table()
    table.add_column("When", no_wrap=True, style="dim")
    table.add_column("Change", overflow="fold")
    table.add_column("#", justify="right", style="bold", no_wrap=True)
    table.add_column("Todo", overflow="fold")
    wide = width >= WIDE and any(detail(change, item) for change in changes for item in change.items)
    if wide:
        table.add_column("", overflow="fold", style="dim")
    for change in changes:
        style = "dim" if change.is_undone else ""
        for i, item in enumerate(change.items):
            row: list[RenderableType] = [
                "" if i else ago(change.made_at, now),
                Text(action_label(change, item), style),
                str(item.number),
            ]
            row.append(Text(visible(item.title or ""), style))
            table.add_row(*row, *([Text(detail(change, item))] if wide else ()))
        if change.count > len(change.items):
            table.add_row("", "", "", Text(f"and {change.count - len(change.items)} more", "dim"))
    return table


def plain_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Return rows of text as a table, without empty columns."""
    table = bare_table()
    shown = [i for i in range(len(columns)) if any(row[i] for row in rows)]
    for i in shown:
        table.add_column(columns[i], overflow="fold", style="bold" if i == 0 else "")
    for row in rows:
        table.add_row(*(Text(visible(row[i])) for i in shown))
    return table


def bare_table() -> Table:
    return Table(box=box.SIMPLE_HEAD, header_style="dim", pad_edge=False, show_edge=False)


def check_table(checks: Sequence[CheckRead]) -> Table:
    """Return the checks of `doctor` as a table, each with its hint below it."""
    table = Table.grid(padding=(0, 2))
    for overflow in ("ellipsis", "ellipsis", "fold"):
        table.add_column(overflow=overflow)
    for check in checks:
        table.add_row(Text(check.status, _CHECK_STYLES[check.status]), check.name, Text(visible(check.detail)))
        if check.hint:
            table.add_row("", "", Text(visible(check.hint), "dim"))
    return table


_CHECK_STYLES = {"ok": "green", "warning": "yellow", "problem": "bold red"}


def markdown(text: str) -> RenderableType:
    """Return Markdown as a terminal shows it."""
    from rich.markdown import Markdown

    return Markdown(text, code_theme="ansi_dark")


Group = Literal["project", "tag", "due"]


def footer(found: TodoItems, among: int, state: str, here: datetime) -> str:
    """Return the line below a list: how many todos there are, and how many of those shown are overdue."""
    kind = {"open": "open", "completed": "completed", "all": "in all", "trash": "in the trash"}[state]
    total = max(among, found.total)
    parts = [f"{total} {kind}" if found.count == total else f"{found.count} of {total} {kind}"]
    late = sum(is_late(todo, here) for todo in found.items)
    return " · ".join([*parts, *([f"{late} overdue"] if late else [])])


def todo_table(
    todos: Sequence[TodoRead],
    *,
    now: datetime,
    width: int,
    dated: str = "created_at",
    group: Group | None = None,
) -> Table:
    """Return todos as a table, without empty columns; with `group`, each group has a heading.

    If the titles have no room, the least important columns are dropped.
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
    """Return the columns that fit into `room`, the most important first."""
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
    """Yield the groups with their names. A todo with several tags is in several groups."""
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
        return day(todo.due_on, here.date()) if todo.due_on else "no due date"

    groups: dict[str, list[TodoRead]] = {"overdue": []}
    for todo in todos:
        groups.setdefault(name(todo), []).append(todo)
    yield from ((heading, members) for heading, members in groups.items() if members)


def _columns(todos: Sequence[TodoRead], now: datetime, dated: str) -> dict[str, list[Text]]:
    """Return the cells of the optional columns, by head."""
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
