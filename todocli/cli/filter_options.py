"""The options by which commands choose todos: what they are, not what their numbers are."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any

import typer

from todocli import clock
from todocli.errors import UsageError

if TYPE_CHECKING:
    from todocli.domain.filters.ast import Filter
    from todocli.services.queries import ListState

PANEL = "Which"

_SINGLE = ("project", "priority", "due", "start", "before", "after", "search")


def _option(*names: str, metavar: str = "", help: str) -> Any:  # noqa: A002 - as Typer calls it
    return typer.Option(*names, metavar=metavar, help=help, rich_help_panel=PANEL)


@dataclass(frozen=True)
class Choice:
    """What the options say. In `edit`, beside a reference, some of them are what is to be changed."""

    tag: Annotated[list[str] | None, _option("--tag", metavar="NAME", help="With this tag; or any, none.")] = None
    no_tag: Annotated[list[str] | None, _option("--no-tag", metavar="NAME", help="Without this tag.")] = None
    project: Annotated[
        str | None, _option("--project", metavar="NAME", help="In this project and its parts; or any, none.")
    ] = None
    priority: Annotated[
        str | None, _option("--priority", metavar="HOW", help="Of this priority: high, medium, low, any, none.")
    ] = None
    due: Annotated[
        str | None, _option("--due", metavar="WHEN", help="Due then: overdue, today, week, mon..fri, any, none.")
    ] = None
    start: Annotated[str | None, _option("--start", metavar="WHEN", help="Starting then: later, next-mon.")] = None
    before: Annotated[str | None, _option("--before", metavar="DAY", help="Due before this day.")] = None
    after: Annotated[str | None, _option("--after", metavar="DAY", help="Due after this day.")] = None
    search: Annotated[
        str | None, _option("--search", metavar="TEXT", help="With this text in title or description.")
    ] = None
    where: Annotated[
        str | None, _option("--where", metavar="EXPR", help="An expression: +home and not (due:none or pri:low).")
    ] = None
    everything: Annotated[bool, _option("--all", "-a", help="Open or completed, started or not.")] = False
    completed: Annotated[bool, _option("--completed", "-c", help="Completed ones only.")] = False

    @property
    def given(self) -> list[str]:
        """The options that were given, by their names on the line."""
        names = {"everything": "all"}
        return [
            f"--{names.get(field.name, field.name).replace('_', '-')}"
            for field in fields(self)
            if getattr(self, field.name) not in (None, False, [])
        ]

    def state(self, otherwise: ListState = "open") -> ListState:
        """Return which lists are meant. Raises `UsageError` for two at once."""
        if self.everything and self.completed:
            raise UsageError("--all and --completed exclude each other.", hint="Give one of them.")
        return "all" if self.everything else "completed" if self.completed else otherwise

    def filter(self, words: list[str] | None = None) -> Filter:
        """Return the filter that the options, and the words of a line, mean together. Raises `ValidationError`."""
        from todocli.domain.filters import parser
        from todocli.domain.filters.ast import Not, all_of

        today = clock.today()
        option = functools.partial(parser.parse_option, today=today)
        single = {name: getattr(self, name) for name in _SINGLE}
        found = all_of(
            *([parser.parse_words(words, today=today)] if words else []),
            *(option("tag", name) for name in self.tag or ()),
            *(Not(option("tag", name)) for name in self.no_tag or ()),
            *(option(name, value) for name, value in single.items() if value is not None),
            *([parser.parse_where(self.where, today=today)] if self.where is not None else []),
        )
        return parser.bounded(found)


def chooses(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command's body the options of `Choice`, in place of its parameter `choice`."""
    own = inspect.signature(function, eval_str=True)
    options = inspect.signature(Choice, eval_str=True).parameters.values()
    names = [option.name for option in options]

    @functools.wraps(function)
    def body(*arguments: Any, **values: Any) -> None:
        choice = Choice(**{name: values.pop(name) for name in names})
        function(*arguments, choice=choice, **values)

    kept = [parameter for parameter in own.parameters.values() if parameter.name != "choice"]
    keyword = [option.replace(kind=inspect.Parameter.KEYWORD_ONLY) for option in options]
    body.__signature__ = own.replace(parameters=[*kept, *keyword])  # type: ignore[attr-defined]
    return body
