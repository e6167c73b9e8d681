"""Tables and details for a terminal, drawn by Rich. Imported for a terminal only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from io import StringIO
from types import MappingProxyType
from typing import Literal
from uuid import UUID

from rich import box
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from todocli.render.columns import due_cell, priority_cell, tags_cell
from todocli.render.dates import ago, clock_time, day, distance, local
from todocli.render.history import action_label, detail, series_values
from todocli.render.text import visible
from todocli.render.todos import claim, is_late
from todocli.schemas.changes import ChangeRead
from todocli.schemas.operations import CheckRead
from todocli.schemas.todos import TodoLine, TodoRead

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


MOST_LINKED = 20
"""How many todos a todo's detail names of those that it needs, and of its subtasks."""


def todo_detail(
    todo: TodoRead,
    changes: Sequence[ChangeRead] = (),
    others: Mapping[int, TodoLine] = MappingProxyType({}),
    *,
    now: datetime,
) -> RenderableType:
    """Return everything about one todo, with its newest changes. `others` are the todos it is linked to, by number."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(Text(str(todo.number), "not dim bold"), Text(visible(todo.title), "bold"))
    if todo.description:
        grid.add_row("", Text(visible(todo.description, lines=True)))
    grid.add_row("State", {"done": Text("done", "green"), "trash": Text("in the trash", "red")}.get(todo.state, "open"))
    here = now.astimezone()
    today = here.date()
    if todo.is_someday:
        grid.add_row("Due", "someday")
    if todo.due_on:
        late = "late, " if is_late(todo, here) else ""
        when = f"{day(todo.due_on, today)}{clock_time(todo.due_time)} ({late}{distance(todo.due_on, today)})"
        grid.add_row("Due", Text(when, due_cell(todo, here)[1]))
    if todo.starts_on:
        grid.add_row("Starts", f"{day(todo.starts_on, today)} ({distance(todo.starts_on, today)})")
    for label, (text, style) in (
        ("Priority", priority_cell(todo, here)),
        ("Project", (visible(todo.project or ""), "")),
        ("Tags", tags_cell(todo, here)),
        ("Repeats", (_repeats(todo), "")),
        ("Series", (series_values(todo.series_values or {}), "")),
        ("Claimed", (claim(todo, here), "")),
    ):
        if text:
            grid.add_row(label, Text(text, style))
    for label, numbers in (
        ("Under", [todo.parent] if todo.parent else []),
        ("Subtasks", todo.subtasks),
        ("Needs", todo.needs),
    ):
        for i, line in enumerate(_named(numbers, others)):
            grid.add_row("" if i else label, line)
    for label, instant in (
        ("Added", todo.created_at),
        ("Done", todo.completed_at),
        ("Removed", todo.deleted_at),
        ("Changed", todo.updated_at if todo.version > 1 else None),
    ):
        if instant:
            exact, near = local(instant), ago(instant, now)
            grid.add_row(label, exact if exact.startswith(near) else f"{exact} ({near})")
    for i, note in enumerate(todo.notes or ()):
        grid.add_row(
            "" if i else "Notes", Text.assemble((f"{local(note.at)}  ", "dim"), visible(note.text, lines=True))
        )
    grid.add_row("Id", str(todo.id))
    width = max((len(ago(change.made_at, now)) for change in changes), default=0)
    for i, change in enumerate(changes if len(changes) > 1 else ()):
        more = detail(change, change.items[0])
        words = f"{ago(change.made_at, now):<{width}}  {action_label(change, change.items[0])}"
        grid.add_row("" if i else "Log", f"{words} · {more}" if more else words)
    return Padding(grid, (0, 0, 1, 1))


def _named(numbers: Sequence[int], others: Mapping[int, TodoLine]) -> Iterator[Text]:
    """Yield a line for each of the first todos, with what is known of it, and one for the rest."""
    for number in numbers[:MOST_LINKED]:
        other = others.get(number)
        done = " · done" if other and other.state == "done" else ""
        yield Text(f"{number} {visible(other.title)}{done}" if other else str(number), "dim" if done else "")
    if len(numbers) > MOST_LINKED:
        count = sum(number in others and others[number].state == "done" for number in numbers)
        yield Text(f"and {len(numbers) - MOST_LINKED} more; {count} of {len(numbers)} are done", "dim")


def _repeats(todo: TodoRead) -> str:
    """Return how a todo repeats, in a sentence, and which of its series it is."""
    if todo.repetition is None:
        return ""
    from todocli.domain.recurrence_phrases import sentence

    return f"{sentence(todo.repetition)} (number {todo.series_place})"


ONE_LINE = 20
"""A change of more todos than this takes one line of the log, as imports do."""


def change_table(changes: Sequence[ChangeRead], ids: Mapping[UUID, str], *, now: datetime, width: int) -> Table:
    """Return changes as a table, with a line for each todo; `ids` are the shortest beginnings of their ids."""
    table = bare_table()
    table.add_column("When", no_wrap=True, style="dim")
    table.add_column("Change", overflow="fold")
    table.add_column("#", justify="right", style="bold", no_wrap=True)
    table.add_column("Todo", overflow="fold")
    is_wide = width >= WIDE
    has_details = is_wide and any(detail(change, item) for change in changes for item in change.items)
    if has_details:
        table.add_column("", overflow="fold", style="dim")
    if is_wide:
        table.add_column("Id", no_wrap=True, style="dim")
    row: list[RenderableType]
    for change in changes:
        style = "dim" if change.is_undone else ""
        if change.count > ONE_LINE and change.items:
            label, first = Text(action_label(change, change.items[0]), style), change.items[0]
            title = Text.assemble((visible(first.title or ""), style), (f" and {change.count - 1:,} more", "dim"))
            row = [ago(change.made_at, now), label, str(first.number), title, *([Text()] if has_details else ())]
            table.add_row(*row, *([ids[change.id]] if is_wide else ()))
            continue
        for i, item in enumerate(change.items):
            row = [
                "" if i else ago(change.made_at, now),
                Text(action_label(change, item), style),
                str(item.number),
                Text(visible(item.title or ""), style),
                *([Text(detail(change, item))] if has_details else ()),
                *(["" if i else ids[change.id]] if is_wide else ()),
            ]
            table.add_row(*row)
        if change.count > len(change.items):
            table.add_row("", "", "", Text(f"and {change.count - len(change.items)} more", "dim"))
    return table


def plain_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Return rows of text as a table, without empty columns."""
    table = bare_table()
    shown = [i for i in range(len(columns)) if any(row[i] for row in rows)]
    for i in shown:
        is_number = all(row[i].rstrip("%").isdecimal() for row in rows)
        justify: Literal["left", "right"] = "right" if is_number else "left"
        table.add_column(columns[i], overflow="fold", style="bold" if i == 0 else "", justify=justify)
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
