"""The answers of a command for a person at a terminal: tables and sentences."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from todocli import clock
from todocli.cli import terminal
from todocli.cli.colour import wants_colour
from todocli.cli.output import SHOWN, Note, Noted, Output, Row, TodoListing
from todocli.cli.shared import command_line, with_option

if TYPE_CHECKING:
    from datetime import datetime

    from pydantic import BaseModel
    from rich.console import RenderableType

    from todocli.cli.verbs import Verb
    from todocli.domain.references import References
    from todocli.render.todo_table import TodoTable
    from todocli.schemas.changes import ChangeList, LogLine
    from todocli.schemas.operations import HealthRead
    from todocli.schemas.todos import TodoLine, TodoRead
    from todocli.services.history.log import LogQuery
    from todocli.services.history.purge import TrashPreview
    from todocli.services.resolve import Result
    from todocli.services.todos import Overview
    from todocli.services.workspace import Workspace

TREE_ROWS = 2_000
"""How many todos are read at least to make a tree, however few of its lines are shown."""

_AROUND_TABLE = 5
"""The lines of its head, of the footer, of the note below it, and of the shell's prompt."""


class TableOutput(Output):
    """Tables and sentences, for a person at a terminal."""

    is_for_person = True
    todos_per_change = 3
    todos_per_purge = SHOWN

    def _print(self, what: RenderableType) -> None:
        from todocli.render.tables import rendered

        unicode = (sys.stdout.encoding or "").lower().startswith("utf")
        colour = wants_colour(sys.stdout, self._shared.color)
        sys.stdout.write(rendered(what, width=terminal.width(), colour=colour, unicode=unicode))

    def for_person(self, notes: Callable[[], list[str]]) -> list[str]:
        """Return the notes."""
        return notes()

    def todo_list(self, workspace: Workspace, listing: TodoListing) -> Noted:
        """Print a table of what fits the terminal, and below it how many todos there are.

        A pager would take the list away when the next command needs its numbers; so it is cut instead. What is cut
        off is the least urgent.
        """
        query = listing.query
        lines = None if query.limit or self._shared.all_rows else self.lines_left
        found = _first(workspace, listing, query.limit or (lines and lines + 1))
        if not found.items:
            self.note(*listing.nothing(found.among))
            for note in _hidden(found):
                self.note(*note)
            return Noted([], is_whole=not _hidden(found))
        from todocli.render.todo_table import todo_table

        def draw(lines: int | None) -> TodoTable:
            return todo_table(
                found.items,
                now=clock.now(),
                width=terminal.width(),
                lines=lines,
                dated={"trash": "removed", "completed": "done"}.get(query.state, "added"),
                columns=listing.columns,
                layout=listing.layout,
            )

        drawn = draw(lines)
        footer = _footer(found, drawn, listing, clock.here())
        rest = ("todo", *with_option(self._shared.arguments, "--all-rows"))
        below = f"{footer}\n{found.total} more: {command_line(rest, self._shared.profile)}"
        if lines and (wrapped := terminal.fit(below, sys.stderr).count("\n") - 1):
            drawn = draw(max(lines - wrapped, 1))
        self._print(drawn.table)
        self.note(footer)
        if lines and (more := found.total - drawn.count):
            self.note(f"{more} more", rest)
        return Noted(found.items, is_whole=drawn.count == found.total and not _hidden(found))

    @property
    def lines_left(self) -> int | None:
        """How many lines of a table fit between its head and what follows it; None if the terminal does not end."""
        if not sys.stdout.isatty():
            return None
        return max(terminal.height() - _AROUND_TABLE, 1)

    def show(self, workspace: Workspace, references: References) -> None:
        """Print all fields, and the newest changes."""
        from todocli.render.tables import RECENT_CHANGES, todo_detail

        found = workspace.log.of_todos(references, RECENT_CHANGES)
        noted = workspace.todos.with_notes([todo for todo, _ in found])
        others = _linked(workspace, noted)
        for todo, (_, changes) in zip(noted, found, strict=True):
            self._print(todo_detail(todo, changes, others, now=clock.now()))

    def _result(self, result: Result, verb: Verb, *, single: bool) -> None:
        if not result.items and not result.is_repeat:
            self.note("Nothing to change.")
        from todocli.render.text import first_line, visible
        from todocli.render.todos import describe_fields

        echoes = verb.name in ("add", "edit", "skip", "claim")
        can_undo = result.changed and verb.name not in ("add", "claim", "release") and not result.is_repeat
        undo = ("todo", "undo") if can_undo else ()
        along = _along(result)
        last = next((todo for todo in reversed(result.items) if todo.number in result.changed), None)
        for todo in result.items[:SHOWN]:
            name = f"{todo.number} {visible(todo.title)}"
            if todo.number not in result.changed:
                self.line(f"{name} {verb.already}")
                continue
            fields = describe_fields(todo, clock.today()) if echoes else _followed(result, todo)
            fields += [along] if along and len(result.items) == 1 else []
            self.line(" · ".join([f"{verb.past} {name}", *fields]), undo if todo is last else ())
            if echoes and todo.due_on and todo.starts_on and todo.starts_on > todo.due_on:
                self.note(f"note: {todo.number} starts after it is due.")
            if echoes and todo.description:
                self.line(" " * (len(verb.past) + len(str(todo.number)) + 2) + first_line(todo.description))
        if more := result.items[SHOWN:]:
            self.line(f"and {len(more)} more, up to {more[-1].number}", undo)
        if along and len(result.items) > 1:
            self.line(along)
        for todo in result.along:
            for following in _followed(result, todo):
                self.line(f"{todo.number} {visible(todo.title)} · {following}")
        for note in _notes_on_others(result, verb):
            self.note(note)

    def preview(self, result: Result, verb: Verb) -> None:
        """Print a sentence for each todo."""
        todos = [*result.items, *result.along]
        if not todos:
            self.note("No todos match; nothing would be changed.")
        from todocli.render.text import visible
        from todocli.render.todos import describe_fields

        what = verb.imperative[0].lower() + verb.imperative[1:].replace(" {}", "")
        for todo in todos[:SHOWN]:
            fields = describe_fields(todo, clock.today()) if verb.name == "add" else _followed(result, todo, "then")
            self.line(" · ".join([f"Would {what}: {todo.number} {visible(todo.title)}", *fields]))
        if len(todos) > SHOWN:
            self.line(f"and {len(todos) - SHOWN} more")

    def log(self, workspace: Workspace, query: LogQuery, *, nothing: str, more: Sequence[str]) -> None:
        """Print a table, which needs all changes at once."""
        changes = workspace.log.find(query)
        if not changes.items:
            self.note(nothing)
            return
        from todocli.render.tables import change_table

        ids = workspace.log.short_ids([change.id for change in changes.items])
        self._print(change_table(changes.items, ids, now=clock.now(), width=terminal.width()))
        if more and changes.has_more:
            self.note("There are more", more)

    def _log_line(self, line: LogLine) -> None:
        from todocli.render.history import headline

        kind = "" if line.change.kind == "change" else f"{line.change.kind}: "
        self.line(f"{line.change.made_at.astimezone():%H:%M:%S}  {kind}{headline(line.change)}")

    def _reversed(self, changes: ChangeList, verb: Literal["undo", "redo"]) -> None:
        from todocli.render.history import summary

        back = ["todo", "redo" if verb == "undo" else "undo", *([str(changes.count)] if changes.count > 1 else [])]
        for change in changes.items:
            last = change is changes.items[-1]
            word = {"undo": "Undone", "redo": "Redone"}[verb]
            self.line(f"{word}: {summary(change, clock.now())}", back if last else ())

    def would_purge(self, preview: TrashPreview) -> None:
        """Print a sentence for each todo."""
        from todocli.render.text import visible

        for todo in preview.first[:SHOWN]:
            self.line(f"Would delete for good: {todo.number} {visible(todo.title)}")
        if more := preview.count - len(preview.first[:SHOWN]):
            self.line(f"and {more} more")

    def purged(self, changes: ChangeList, todos: Sequence[TodoRead], *, nothing: str) -> None:
        """Print a sentence for each todo."""
        if not changes.items:
            self.note(nothing)
        from todocli.render.text import visible

        titles = {todo.number: visible(todo.title) for todo in todos}
        for change in changes.items:
            for item in change.items[:SHOWN]:
                self.line(f"Purged {item.number} {titles.get(item.number, '')}".rstrip())
            if change.count > SHOWN:
                self.line(f"and {change.count - SHOWN} more")

    def rows(
        self,
        document: BaseModel,
        head: Sequence[str],
        rows: Sequence[Row],
        *,
        plain: Iterable[Row] | None = None,
        nothing: Note | None = None,
    ) -> None:
        """Print a table."""
        if nothing and not rows:
            self.note(*nothing)
            return
        from todocli.render.tables import plain_table

        self._print(plain_table(head, rows))

    def checks(self, health: HealthRead) -> None:
        """Print a line for each check, and its hint below it."""
        from todocli.render.tables import check_table

        self._print(check_table(health.checks))

    def guide(self, text: str) -> None:
        """Print Markdown for a terminal."""
        from todocli.render.tables import markdown

        self._print(markdown(text))


def _first(workspace: Workspace, listing: TodoListing, count: int | None) -> Overview:
    """Return the first todos of a list, or all. Of a tree, they are the first with their parents above them."""
    if listing.layout != "tree" or count is None:
        return workspace.todos.overview(replace(listing.query, limit=count))
    from todocli.render.todos import is_late
    from todocli.render.tree import as_tree

    found = workspace.todos.overview(replace(listing.query, limit=max(count, TREE_ROWS)))
    late = sum(is_late(todo, clock.here()) for todo in found.items)
    overdue = late if len(found.items) == found.total else found.overdue
    return found._replace(items=as_tree(found.items)[0][:count], overdue=overdue)


def _linked(workspace: Workspace, todos: Sequence[TodoRead]) -> dict[int, TodoLine]:
    """Return the todos, by number, that others are subtasks of, have as subtasks, or need; read only if there are."""
    numbers = {number for todo in todos for number in (*todo.needs, *todo.subtasks, *filter(None, [todo.parent]))}
    if not numbers:
        return {}
    from todocli.services.queries import TodoQuery
    from todocli.services.resolve import LINE

    return {line.number: line for line in workspace.todos.numbered(TodoQuery("all"), sorted(numbers), LINE)}


def _followed(result: Result, todo: TodoRead, begin: str = "") -> list[str]:
    """Return what follows a todo that repeats: `next 31, due Mon 30 Nov (skipped 2)`.

    What would only follow has no number: it has words to `begin` with.
    """
    from todocli.render.dates import day
    from todocli.render.todos import progress

    for each in result.followed:
        if each.after == todo.number:
            on = each.todo.due_on or each.todo.starts_on
            when = f"{'due' if each.todo.due_on else 'starts'} {day(on, clock.today())}" if on else ""
            skipped = f" (skipped {each.skipped})" if each.skipped else ""
            if begin:
                return [f"{begin} {when}{skipped}"]
            subtasks = f" ({progress(each.todo)})" if each.todo.subtasks else ""
            return [f"next {each.todo.number}{subtasks}, {when}{skipped}"]
    return []


def _along(result: Result) -> str:
    """Return how many subtasks changed with the todos: `with 3 subtasks`."""
    count = len(result.along)
    return f"with {count} subtask{'s' if count > 1 else ''}" if count else ""


def _notes_on_others(result: Result, verb: Verb) -> list[str]:
    """Return what became of the todos that wait for those of a result, and what of these is still open."""
    notes = []
    for todo in result.items[:SHOWN]:
        if verb.name == "done" and todo.number in result.changed:
            for numbers, phrase in (
                (todo.blocked_by, "needed {}, which {} still open."),
                (todo.open_subtasks, "has the subtask{s} {}, which {} still open."),
            ):
                if numbers:
                    is_one = len(numbers) == 1
                    listed = ", ".join(map(str, numbers))
                    sentence = phrase.format(listed, "is" if is_one else "are", s="" if is_one else "s")
                    notes.append(f"note: {todo.number} {sentence}")
    if result.freed:
        *first, last = map(str, result.freed)
        listed = f"{', '.join(first)} and {last} are" if first else f"{last} is"
        notes.append(f"{listed} ready now.")
    return notes


def _footer(found: Overview, drawn: TodoTable, listing: TodoListing, here: datetime) -> str:
    """Return the line below a list: how many todos there are, how many of them are overdue, and what is not shown."""
    from todocli.render.text import visible
    from todocli.render.todos import has_details, is_late

    query = listing.query
    kind = {"open": "open", "completed": "completed", "all": "in all", "trash": "in the trash"}[query.state]
    count = drawn.count if query.limit else found.total
    among = max(found.among, found.total)
    parts = [listing.profile] if listing.profile else []
    parts += [f"context {visible(listing.context)}"] if listing.context else []
    parts.append(f"{among} {kind}" if count == among else f"{count} of {among} {kind}")
    late = sum(is_late(todo, here) for todo in found.items) if found.overdue is None else found.overdue
    if late:
        # The most urgent are shown: if not all of them are late, no more are.
        is_certain = found.overdue is not None or query.limit or not is_late(found.items[-1], here)
        parts.append(f"{late}{'' if is_certain or len(found.items) == found.total else '+'} overdue")
    parts += [count for count, _ in _hidden(found)]
    parts += ["* has details"] if any(map(has_details, found.items[: drawn.count])) else []
    return " · ".join([*parts, *([f"hidden: {', '.join(drawn.hidden)}"] if drawn.hidden else [])])


def _hidden(found: Overview) -> list[Note]:
    """Return how many todos a list hides, in words, and the commands that show them."""
    later = f"{found.later} start{'s' if found.later == 1 else ''} later", ("todo", "list", "start:later")
    someday = f"{found.someday} someday", ("todo", "list", "due:someday")
    return [*([later] if found.later else []), *([someday] if found.someday else [])]
