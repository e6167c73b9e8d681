"""The table of a list, which fits the terminal.

    columns   the least important go first, then the longest names are shortened; the date and the title stay
    rows      as many as there are lines, each title on as many lines as it needs

Imported for a terminal only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from todocli.render.columns import COLUMNS, Cell, nested_title
from todocli.render.dates import day
from todocli.render.tables import bare_table
from todocli.render.text import visible
from todocli.render.todos import is_late
from todocli.render.tree import as_tree
from todocli.schemas.todos import TodoRead

Group = Literal["project", "tag", "due"]
Layout = Group | Literal["tree"]

DATED = {"added", "changed"}
"""The columns that go before a title is wrapped or a name shortened."""

DROPPED = ("tags", "project", "priority", "done", "removed")
"""The columns that a narrow terminal does without, the first ones first."""

SHORTENED = ("description", "tags", "project")
"""The columns that may be shortened, the first ones first."""

WRAPPED = {"title", "due"}
"""The columns whose text wraps."""

SHORTEST = 10
"""The width below which no column is shortened."""

_NARROWEST = 4
"""The width below which a column has no meaning."""

_GAP = 3

_Rows = list[tuple[str, TodoRead | None]]
"""The rows of a table: a heading, or a todo; neither is an empty line."""


@dataclass(frozen=True)
class TodoTable:
    """A table, how many of the todos are in it, and the heads of the columns that had no room."""

    table: Table
    count: int
    hidden: tuple[str, ...]


def todo_table(
    todos: Sequence[TodoRead],
    *,
    now: datetime,
    width: int,
    lines: int | None = None,
    dated: str = "added",
    columns: Sequence[str] | None = None,
    layout: Layout | None = None,
) -> TodoTable:
    """Return todos as a table of at most `lines` lines below its head, or a single todo's.

    Without `columns`, it has those that are not empty and have room; `dated` is the one for an instant. Each group
    has a heading; in a tree, subtasks are below their parents.
    """
    here = now.astimezone()
    group = None if layout == "tree" else layout
    branches: Sequence[str] = ()
    if layout == "tree":
        todos, branches = as_tree(todos)
    names = tuple(columns) if columns else _default(todos, dated, group)
    cells = {name: [COLUMNS[name].shown(todo, here) for todo in todos] for name in names}
    if "title" in cells and branches:
        own = [
            nested_title(todo) if branch else cell
            for todo, branch, cell in zip(todos, branches, cells["title"], strict=True)
        ]
        cells["title"] = [(branch + text, style) for branch, (text, style) in zip(branches, own, strict=True)]
    if "title" in cells and len({todo.is_completed for todo in todos}) == 1:
        cells["title"] = [(text, "") for text, _ in cells["title"]]  # nothing to tell apart
    natural = {name: max(map(cell_len, (COLUMNS[name].head, *(text for text, _ in cells[name])))) for name in names}
    if not columns:
        natural = {name: most for name, most in natural.items() if any(text for text, _ in cells[name])}
    widths = _fitting(natural, width, may_drop=not columns)
    if branches and "title" in widths:
        cells["title"] = [
            (_hanging(text, branch, widths["title"]), style)
            for (text, style), branch in zip(cells["title"], branches, strict=True)
        ]
    rows = _rows(todos, group, here)
    by_number = {todo.number: [cells[name][i] for name in widths] for i, todo in enumerate(todos)}
    if lines is not None:
        rows = _cut(rows, lines, widths, by_number)
    shown = {todo.number for _, todo in rows if todo}
    hidden = tuple(COLUMNS[name].head.lower() for name in natural if name not in widths)
    return TodoTable(_draw(widths, rows, by_number), len(shown), hidden)


def _hanging(text: str, branch: str, width: int) -> str:
    """Return a title in lines that fit beside its branch, which goes on to the next subtask below it."""
    below = branch.replace("├─", "│ ").replace("└─", "  ")
    if not branch or cell_len(text) <= width or width - len(branch) < _NARROWEST:
        return text
    lines = Text(text.removeprefix(branch)).wrap(Console(), width - len(branch), overflow="fold")
    return f"\n{below}".join([branch + lines[0].plain.rstrip(), *(line.plain.rstrip() for line in lines[1:])])


def _default(todos: Sequence[TodoRead], dated: str, group: Group | None) -> tuple[str, ...]:
    states = {todo.state for todo in todos}
    has_state = len(states) > 1 or (dated == "added" and states != {"open"})
    grouped = {"project": "project", "tag": "tags"}.get(group or "")
    names = ("number", *(("state",) if has_state else ()), "title", "due", "priority", "project", "tags", dated)
    return tuple(name for name in names if name != grouped)


def _fitting(natural: dict[str, int], width: int, *, may_drop: bool) -> dict[str, int]:
    """Return the widths of the columns that fit into `width`, given how wide each would like to be."""
    left = dict(natural)
    longest = left.pop("title", 0)
    title = min(longest, max(width * 2 // 5, 16))

    def excess(title: int) -> int:
        return title + sum(left.values()) + _GAP * len(left) - width

    while may_drop and DATED & left.keys() and excess(min(longest, width * 3 // 4)) > 0:
        left = {name: most for name, most in left.items() if name not in DATED}
    for name in DROPPED if may_drop else ():
        if excess(title) > sum(max(most - _shortest(each), 0) for each, most in left.items() if each in SHORTENED):
            left.pop(name, None)
    for name in (*SHORTENED, "due"):  # a date goes on in the next line
        if name in left and excess(title) > 0:
            left[name] = max(left[name] - excess(title), min(left[name], _shortest(name)))
    while excess(min(longest, 2 * _NARROWEST)) > 0 and (name := _widest(left)):  # as many columns as were asked for
        left[name] -= 1
    if "title" in natural:
        left["title"] = max(min(longest, longest - excess(longest)), 1)
    return {name: left[name] for name in natural if name in left}


def _widest(widths: dict[str, int]) -> str:
    """Return the widest column that can be narrower; empty if there is none."""
    name = max(widths, key=lambda each: widths[each] if each != "number" else 0, default="")
    return name if name and widths[name] > _NARROWEST else ""


def _shortest(name: str) -> int:
    return max(SHORTEST, len(COLUMNS[name].head))


def _rows(todos: Sequence[TodoRead], group: Group | None, here: datetime) -> _Rows:
    if group is None:
        return [("", todo) for todo in todos]
    rows: _Rows = []
    for heading, members in _grouped(todos, group, here):
        rows += [("", None)] if rows else []
        rows += [(heading, None), *(("", todo) for todo in members)]
    return rows


def _cut(rows: _Rows, lines: int, widths: dict[str, int], cells: dict[int, list[Cell]]) -> _Rows:
    """Return the rows that fit into `lines`, but at least one todo; no heading is left alone at the end."""
    console = Console()
    wrapped = [(i, width) for i, (name, width) in enumerate(widths.items()) if name in WRAPPED]

    def height(todo: TodoRead) -> int:
        texts = ((Text(cells[todo.number][i][0]), width) for i, width in wrapped)
        return max((len(text.wrap(console, width)) for text, width in texts if text.cell_len > width), default=1)

    found: _Rows = []
    for heading, todo in rows:
        lines -= height(todo) if todo else 1
        if lines < 0 and any(kept for _, kept in found):
            break
        found.append((heading, todo))
    while found and found[-1][1] is None:
        found.pop()
    return found


def _draw(widths: dict[str, int], rows: _Rows, cells: dict[int, list[Cell]]) -> Table:
    table = bare_table()
    for name, width in widths.items():
        table.add_column(
            COLUMNS[name].head,
            justify="right" if name == "number" else "left",
            no_wrap=name not in WRAPPED,
            overflow="fold" if name in WRAPPED else "ellipsis",
            width=width,
        )
    headed = "title" if "title" in widths else next(iter(widths))
    for heading, todo in rows:
        if todo:
            table.add_row(*(Text(text, style) for text, style in cells[todo.number]))
        else:
            table.add_row(*(Text(heading, "bold underline") if name == headed else "" for name in widths))
    return table


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
