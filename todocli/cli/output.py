"""How a command answers. One object, chosen once for each line, knows JSON, plain lines, numbers and tables.

    --json, --jsonl, --fields   JsonOutput    documents of the contract
    --quiet                     QuietOutput   numbers only
    a terminal                  TableOutput   tables and sentences
    a pipe                      Output        tab-separated lines

Commands hand over results and never ask which one it is. stdout has the result, and stderr everything else.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

from todocli import clock
from todocli.cli import terminal
from todocli.cli.colour import wants_colour
from todocli.cli.shared import Shared, command_line
from todocli.errors import OutputLost

if TYPE_CHECKING:
    from pydantic import BaseModel

    from todocli.cli.verbs import Verb
    from todocli.domain.references import References
    from todocli.schemas.changes import ChangeList, ChangeRead, LogLine
    from todocli.schemas.operations import HealthRead
    from todocli.schemas.todos import TodoLine, TodoRead
    from todocli.services.history.log import LogQuery
    from todocli.services.history.purge import TrashPreview
    from todocli.services.queries import TodoQuery
    from todocli.services.resolve import Result
    from todocli.services.workspace import Workspace

SHOWN = 20
"""How many todos a sentence-per-todo answer names; the rest are counted."""

Item = TypeVar("Item")
Group = Literal["project", "tag", "due"]
Layout = Group | Literal["tree"]
Row = Sequence[str]
Note = tuple[str, Sequence[str]]
"""A note, and a command to type next."""


NOTED = 1_000
"""How many todos of a list are kept at most, after they were printed."""


class TodoListing(NamedTuple):
    """What to list, and how.

    `nothing` makes the note for an empty list, given how many todos there are without the filter. `columns` are the
    names of those to show, or None for the usual ones. `profile` is the name to show with the list, if any; `context`
    are the words of the user's context, which the query has already.
    """

    query: TodoQuery
    nothing: Callable[[int], Note]
    layout: Layout | None = None
    columns: Sequence[str] | None = None
    profile: str = ""
    context: str = ""


class Noted(NamedTuple):
    """The todos that were printed, or the first of them; and whether they are the whole list."""

    items: Sequence[TodoLine | TodoRead]
    is_whole: bool


def noting(items: Iterable[Item], noted: list[Any]) -> Iterator[Item]:
    """Return `items`, and add the first of them to `noted` as they go by."""
    for item in items:
        if len(noted) < NOTED:
            noted.append(item)
        yield item


class Output:
    """Plain lines, for a pipe; and what all outputs have in common."""

    is_for_person = False
    """Whether a person reads the answer at a terminal, and not a program."""

    todos_per_change: int | None = None
    """How many todos `log` shows of one change; None: all."""

    todos_per_purge: int | None = None
    """How many todos `purge` shows; None: all."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    # Words

    def note(self, text: str, command: Sequence[str] = ()) -> None:
        """Print something that is not the result, dimly on stderr; `command` is what to type next."""
        from todocli.render.text import visible

        sys.stdout.flush()
        shown = visible(command_line(command, self._shared.profile)) if command else ""
        line = terminal.fit(visible(f"{text}:" if command else text), sys.stderr, command=shown)
        print(self._dim(line, sys.stderr), file=sys.stderr)

    def for_person(self, notes: Callable[[], list[str]]) -> list[str]:
        """Return notes for a person at a terminal. A pipe gets none: each would cost a query."""
        return []

    def line(self, text: str, command: Sequence[str] = ()) -> None:
        """Print a line of the result; a suggested `command` follows it dimly."""
        aside = ""
        if command:
            from todocli.render.text import visible

            aside = f"· {visible(command_line(command, self._shared.profile))}"
        line = terminal.fit(text, sys.stdout, command=aside)
        sys.stdout.write(f"{line.removesuffix(aside)}{self._dim(aside, sys.stdout)}\n" if aside else f"{line}\n")

    def _dim(self, text: str, stream: object) -> str:
        colour = wants_colour(stream, self._shared.color)  # type: ignore[arg-type]
        return f"\x1b[2m{text}\x1b[0m" if colour else text

    # Todos

    def todo_list(self, workspace: Workspace, listing: TodoListing) -> Noted:
        """Find todos and print them; return them, or the first of many."""
        shown: list[TodoLine | TodoRead] = []
        self._todo_list(workspace, listing, shown)
        if not shown:
            self.note(*listing.nothing(0))
        return Noted(shown, is_whole=False)  # an open list may hide some

    def _todo_list(self, workspace: Workspace, listing: TodoListing, shown: list[TodoLine | TodoRead]) -> None:
        query = listing.query
        if listing.columns:
            from todocli.render.columns import plain_columns

            todos = workspace.walk_todos(query) if query.limit is None else workspace.todos.find(query).items
            sys.stdout.writelines(f"{plain_columns(todo, listing.columns)}\n" for todo in noting(todos, shown))
        elif query.limit is None:
            self._lines(noting(workspace.walk_lines(query), shown))
        else:
            self._lines(noting(workspace.todos.find(query).items, shown))

    def todos(self, items: Iterable[TodoRead], *, single: bool, description: bool = False) -> None:
        """Print todos for a program; a `single` one was referenced alone, and is not a list."""
        from todocli.render.documents import plain

        if not description:
            self._lines(items)
            return
        sys.stdout.writelines(f"{plain(todo, todo.description or '')}\n" for todo in items)

    def _lines(self, items: Iterable[TodoLine | TodoRead]) -> None:
        """Print todos, one line each."""
        from todocli.render.documents import plain

        sys.stdout.writelines(f"{plain(todo)}\n" for todo in items)

    def show(self, workspace: Workspace, references: References) -> None:
        """Print everything about the referenced todos."""
        todos = workspace.todos.with_notes(workspace.todos.get(references).items)
        self.todos(todos, single=references.single, description=True)

    def result(self, result: Result, verb: Verb, *, single: bool) -> None:
        """Print the todos that a command was about. Raises `OutputLost` if stdout cannot be written."""
        try:
            if result.is_repeat and not result.items:
                self.note("Already applied; those todos have since been purged.")
            self._result(result, verb, single=single and bool(result.items))
            sys.stdout.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputLost(f"The change was saved, but stdout could not be written: {error.strerror}.") from None

    def _result(self, result: Result, verb: Verb, *, single: bool) -> None:
        self.todos(result.items, single=single)

    def preview(self, result: Result, verb: Verb) -> None:
        """Print the todos that a command would change."""
        todos = [*result.items, *result.along]
        if not todos:
            self.note("No todos match; nothing would be changed.")
        self.todos(todos, single=False)

    def nothing_matched(self, context: str = "") -> None:
        """Say that a filter selected nothing, so that nothing was changed; `context` are the words of the context."""
        place = f" in the context {context}" if context else ""
        self.note(f"No todos match{place}; nothing was changed.")

    def nothing_on_stdin(self, *, changes: bool) -> None:
        """Say that a pipe named no todo, so that there was nothing to do."""
        self.note("There is nothing on stdin, so there was nothing to do.")

    # Changes

    def log(self, workspace: Workspace, query: LogQuery, *, nothing: str, more: Sequence[str]) -> None:
        """Find changes and print them; `nothing` is the note for none, `more` the command that shows the rest."""
        if query.limit is not None:
            self.changes(workspace.log.find(query), nothing=nothing)
            return
        changes = workspace.walk_log(query)
        first = next(changes, None)
        self._all_changes(chain(() if first is None else (first,), changes))
        if first is None:
            self.note(nothing)

    def _all_changes(self, changes: Iterable[ChangeRead]) -> None:
        from todocli.render.history import plain_change

        sys.stdout.writelines(f"{line}\n" for change in changes for line in plain_change(change))

    def log_line(self, line: LogLine) -> None:
        """Print a change of a log that goes on, at once."""
        self._log_line(line)
        sys.stdout.flush()

    def _log_line(self, line: LogLine) -> None:
        self._all_changes([line.change])

    def changes(self, changes: ChangeList, *, nothing: str = "") -> None:
        """Print changes; `nothing` is the note for none."""
        if nothing and not changes.items:
            self.note(nothing)
        self._all_changes(changes.items)

    def reversed(self, changes: ChangeList, verb: Literal["undo", "redo"], *, dry_run: bool) -> None:
        """Print the changes that were undone or redone, or would be."""
        if not changes.items:
            self.note("Already applied; those todos have since been purged.")
        if dry_run:
            self._reversal_preview(changes, verb)
        else:
            self._reversed(changes, verb)

    def _reversed(self, changes: ChangeList, verb: Literal["undo", "redo"]) -> None:
        self.changes(changes)

    def _reversal_preview(self, changes: ChangeList, verb: Literal["undo", "redo"]) -> None:
        from todocli.render.history import effect, summary

        for change in changes.items:
            self.line(f"Would {verb}: {summary(change, clock.now())}")
            for item in change.items[:SHOWN]:
                self.line(f"  {effect(item, verb)}")
            if change.count > SHOWN:
                self.line(f"  and {change.count - SHOWN} more")

    def would_purge(self, preview: TrashPreview) -> None:
        """Print the todos that a purge would destroy, or the first of many."""
        self.todos(preview.first, single=False)
        if more := preview.count - len(preview.first):
            self.note(f"and {more} more")

    def purged(self, changes: ChangeList, todos: Sequence[TodoRead], *, nothing: str) -> None:
        """Print what was purged; `todos` are the todos as they were."""
        self.changes(changes, nothing=nothing)

    # Everything else

    def rows(
        self,
        document: BaseModel,
        head: Sequence[str],
        rows: Sequence[Row],
        *,
        plain: Iterable[Row] | None = None,
        nothing: Note | None = None,
    ) -> None:
        """Print a table: `document` is it in JSON, `plain` its rows in a pipe if they differ, `nothing` the note."""
        if nothing and not rows:
            self.note(*nothing)
        for row in rows if plain is None else plain:
            self._plain_row(row)

    def _plain_row(self, row: Row) -> None:
        from todocli.render.text import visible

        sys.stdout.write("\t".join(map(visible, row)) + "\n")

    def lines(self, document: BaseModel, lines: Iterable[str], command: Sequence[str] = ()) -> None:
        """Print sentences: `document` is what they say in JSON, and `command` what to type next."""
        from todocli.render.text import visible

        *first, last = map(visible, lines)
        for line in first:
            self.line(line)
        self.line(last, command)

    def checks(self, health: HealthRead) -> None:
        """Print what `doctor` found."""
        for check in health.checks:
            self._plain_row((check.status, check.name, check.detail, check.hint or ""))

    def guide(self, text: str) -> None:
        """Print a help topic, which is Markdown."""
        sys.stdout.write(text)


class QuietOutput(Output):
    """Numbers only."""

    def note(self, text: str, command: Sequence[str] = ()) -> None:
        """Print nothing."""

    def todos(self, items: Iterable[TodoRead], *, single: bool, description: bool = False) -> None:
        """Print the numbers."""
        self._lines(items)

    def _lines(self, items: Iterable[TodoLine | TodoRead]) -> None:
        """Print the numbers."""
        sys.stdout.writelines(f"{todo.number}\n" for todo in items)

    def _todo_list(self, workspace: Workspace, listing: TodoListing, shown: list[TodoLine | TodoRead]) -> None:
        super()._todo_list(workspace, listing._replace(columns=None), shown)

    def _all_changes(self, changes: Iterable[ChangeRead]) -> None:
        """Print the numbers of all todos that the changes touched, each once."""
        numbers = dict.fromkeys(item.number for change in changes for item in change.items)
        sys.stdout.writelines(f"{number}\n" for number in numbers)

    def _reversal_preview(self, changes: ChangeList, verb: Literal["undo", "redo"]) -> None:
        self.changes(changes)

    def _plain_row(self, row: Row) -> None:
        super()._plain_row(row[:1])
