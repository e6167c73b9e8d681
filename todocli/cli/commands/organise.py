"""The commands of the panel Organise: today, next, tags, projects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from todocli import clock
from todocli.cli.command import Reading, Summary
from todocli.cli.commands.todos import positive
from todocli.cli.context import Context
from todocli.cli.listing import show_list

if TYPE_CHECKING:
    from todocli.schemas.summaries import SummaryList

PANEL = "Organise"


def register(app: typer.Typer) -> None:
    """Add the commands of this family."""
    for name, cls, body in (
        ("today", Reading, today),
        ("next", Reading, next_),
        ("tags", Summary, tags),
        ("projects", Summary, projects),
    ):
        app.command(name, cls=cls, rich_help_panel=PANEL)(body)


def today(context: Context) -> None:
    """List what is overdue, due today or starting today."""
    from todocli.domain.filters.ast import Between, any_of

    day = clock.today()
    condition = any_of(Between("due", None, day), Between("start", day, day))
    show_list(context, "open", condition, nothing=("Nothing for today.", ()))


def next_(
    context: Context,
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", metavar="N", parser=positive, help="Show N; 1 by default.")
    ] = None,
) -> None:
    """Show the most urgent todo, or the N most urgent.

    todo next -n 3
    """
    show_list(context, limit=limit or 1)


def tags(context: Context) -> None:
    """List your tags, with their open and completed todos."""
    with context.workspace() as workspace:
        found = workspace.summaries.tags()
    context.remember(tags=[summary.name for summary in found.items])
    nothing = "There are no tags yet. Add one to a todo", ("todo", "add", "Pay", "rent", "+bills")
    _print(context, "Tag", found, nothing)


def projects(context: Context) -> None:
    """List your projects, with their open and completed todos."""
    with context.workspace() as workspace:
        found = workspace.summaries.projects()
    context.remember(projects=[summary.name for summary in found.items])
    nothing = "There are no projects yet. Add a todo to one", ("todo", "add", "Pay", "rent", "project:home")
    _print(context, "Project", found, nothing)


def _print(context: Context, head: str, found: SummaryList, nothing: tuple[str, tuple[str, ...]]) -> None:
    rows = [(s.name, str(s.open), str(s.completed), f"{s.done_share:.0%}") for s in found.items]
    context.output.rows(found, (head, "Open", "Done", "% done"), rows, nothing=nothing)
