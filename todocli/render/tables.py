"""What a person sees: tables and details, by Rich. It is imported for a terminal only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from io import StringIO

from rich import box
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from todocli.render.dates import ago, local
from todocli.render.history import action_of, detail
from todocli.render.text import visible
from todocli.render.todos import clock_time, day, distance, is_late, tags
from todocli.schemas.changes import ChangeRead
from todocli.schemas.todos import TodoRead

WIDE = 60
"""From this width on, in columns, there is room for more than number and title."""


def rendered(what: RenderableType, *, width: int, colour: bool, unicode: bool = True) -> str:
    """Return `what` as the text of a terminal of `width` columns; without `colour`, with no escapes at all."""
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


def todo_detail(todo: TodoRead, steps: Sequence[ChangeRead] = (), *, now: datetime) -> RenderableType:
    """Return everything about one todo, and the newest of its steps."""
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
    for i, step in enumerate(steps if len(steps) > 1 else ()):
        more = detail(step, step.items[0])
        words = f"{ago(step.made_at, now)}  {action_of(step, step.items[0])}"
        grid.add_row("" if i else "Log", f"{words} · {more}" if more else words)
    return Padding(grid, (0, 0, 1, 1))


def step_table(steps: Sequence[ChangeRead], *, now: datetime, width: int) -> Table:
    """Return steps as a table, a line for each todo that is shown of them."""
    table = bare_table()
    table.add_column("When", no_wrap=True, style="dim")
    table.add_column("Step", overflow="fold")
    table.add_column("#", justify="right", style="bold", no_wrap=True)
    table.add_column("Todo", overflow="fold")
    wide = width >= WIDE and any(detail(step, item) for step in steps for item in step.items)
    if wide:
        table.add_column("", overflow="fold", style="dim")
    for step in steps:
        style = "dim" if step.is_undone else ""
        for i, item in enumerate(step.items):
            row: list[RenderableType] = [
                "" if i else ago(step.made_at, now),
                Text(action_of(step, item), style),
                str(item.number),
            ]
            row.append(Text(visible(item.title or ""), style))
            table.add_row(*row, *([Text(detail(step, item))] if wide else ()))
        if step.count > len(step.items):
            table.add_row("", "", "", Text(f"and {step.count - len(step.items)} more", "dim"))
    return table


def plain_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Return rows of texts as a table without the columns that would be empty."""
    table = bare_table()
    shown = [i for i in range(len(columns)) if any(row[i] for row in rows)]
    for i in shown:
        table.add_column(columns[i], overflow="fold", style="bold" if i == 0 else "")
    for row in rows:
        table.add_row(*(Text(visible(row[i])) for i in shown))
    return table


def bare_table() -> Table:
    return Table(box=box.SIMPLE_HEAD, header_style="dim", pad_edge=False, show_edge=False)
