"""The options that select todos by what they are, not by their numbers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from todocli import clock
from todocli.errors import UsageError

if TYPE_CHECKING:
    from todocli.domain.filters.ast import Filter
    from todocli.services.queries import ListState

PANEL = "Filter"

Given = list[str] | None
"""The values of an option, which may be repeated."""


def _option(*names: str, metavar: str = "", help: str) -> Any:  # noqa: A002 - as Typer calls it
    return typer.Option(*names, metavar=metavar, help=help, rich_help_panel=PANEL)


@dataclass(frozen=True)
class FilterOptions:
    """The filter options of a line. In `edit`, beside a reference, some of them say what to change."""

    tag: Annotated[Given, _option("--tag", metavar="NAME", help="With this tag, or with any or none.")] = None
    no_tag: Annotated[Given, _option("--no-tag", metavar="NAME", help="Without this tag.")] = None
    project: Annotated[
        list[str] | None,
        _option("--project", metavar="NAME", help="In this project or a sub-project, or in any or none."),
    ] = None
    priority: Annotated[
        list[str] | None,
        _option("--priority", metavar="PRI", help="With this priority: high, medium, low, any or none."),
    ] = None
    due: Annotated[
        list[str] | None,
        _option("--due", metavar="WHEN", help="By due date: overdue, today, week, mon..fri, any or none."),
    ] = None
    start: Annotated[Given, _option("--start", metavar="WHEN", help="By start date: later, next-mon.")] = None
    needs: Annotated[Given, _option("--needs", metavar="N", help="Needing this todo, or any or none.")] = None
    parent: Annotated[Given, _option("--parent", metavar="N", help="Subtasks of this todo, or of any or none.")] = None
    done: Annotated[Given, _option("--done", metavar="WHEN", help="Done then: today, week, fri.., 7d.., or any.")] = (
        None
    )
    added: Annotated[Given, _option("--added", metavar="WHEN", help="Added then: today, last-week.")] = None
    changed: Annotated[Given, _option("--changed", metavar="WHEN", help="Changed last then.")] = None
    before: Annotated[Given, _option("--before", metavar="DAY", help="Due before this day.")] = None
    after: Annotated[Given, _option("--after", metavar="DAY", help="Due after this day.")] = None
    search: Annotated[
        Given, _option("--search", metavar="TEXT", help="With this text in the title, details or notes.")
    ] = None
    where: Annotated[
        Given, _option("--where", metavar="EXPR", help="An expression: +home and not (due:none or pri:low).")
    ] = None
    everything: Annotated[bool, _option("--all", "-a", help="Open and completed, started or not.")] = False
    completed: Annotated[bool, _option("--completed", "-c", help="Completed todos only.")] = False

    def as_given(self) -> dict[str, Any]:
        """Return the options that were given, by field."""
        return {name: value for name, value in asdict(self).items() if value not in (None, False, [], ())}

    @property
    def given(self) -> list[str]:
        """The options that were given, as they are written on the line."""
        return [f"--{'all' if name == 'everything' else name.replace('_', '-')}" for name in self.as_given()]

    def state(self, condition: Filter, default: ListState = "open") -> ListState:
        """Return which lists are meant: a filter by when todos were done means completed ones.

        Raises `UsageError` for two at once.
        """
        from todocli.domain.filters.ast import asks_for_done, may_be_done

        if self.everything and self.completed:
            raise UsageError("--all and --completed cannot be combined.", hint="Use only one of them.")
        if self.everything or self.completed:
            return "all" if self.everything else "completed"
        if asks_for_done(condition):
            return "completed"
        return "all" if may_be_done(condition) else default

    def filter(self, words: list[str] | None = None) -> Filter:
        """Return the filter that the options and the words of a line mean together. Raises `ValidationError`."""
        from todocli.domain.filters import parser

        given = {name: value for name, value in self.as_given().items() if name not in ("everything", "completed")}
        return parser.parse_options(given, words or [], today=clock.today())
