"""The commands of the panel Organise: today, next, tags, projects, view."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer

from todocli import clock
from todocli.cli.commands.todos import count
from todocli.cli.context import Invocation
from todocli.cli.output import show_list
from todocli.cli.shared_options import READING, Command, takes

PANEL = "Organise"


def register(app: typer.Typer) -> None:
    """Add the commands of this family."""
    for name, body in (("today", today), ("next", next_), ("tags", tags), ("projects", projects)):
        app.command(name, cls=Command, rich_help_panel=PANEL)(body)


@takes(*READING)
def today(invocation: Invocation) -> None:
    """List what matters today: what is overdue, due today, or starts today."""
    from todocli.domain.filters.ast import Between, any_of

    day = clock.today()
    matters = any_of(Between("due", None, day), Between("start", day, day))
    show_list(invocation, "open", matters, nothing="Nothing for today.")


@takes(*READING)
def next_(
    invocation: Invocation,
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", metavar="N", parser=count, help="Show so many; 1 if not given.")
    ] = None,
) -> None:
    """Show what is to be done next."""
    show_list(invocation, limit=limit or 1)


@takes("json", "jsonl", "quiet", "profile", "no_input", "color")
def tags(invocation: Invocation) -> None:
    """List your tags: how much is open, and how much is done."""
    _tally(invocation, "tags")


@takes("json", "jsonl", "quiet", "profile", "no_input", "color")
def projects(invocation: Invocation) -> None:
    """List your projects, each with its parts: how much is open, and how much is done."""
    _tally(invocation, "projects")


def _tally(invocation: Invocation, what: Literal["tags", "projects"]) -> None:
    with invocation.owned() as (store, owner), store.session() as session:
        from todocli.services.summaries import Summaries

        tallies = Summaries(session, owner)
        found = tallies.tags() if what == "tags" else tallies.projects()
    names = [tally.name for tally in found.items]
    if what == "tags":
        invocation.remember(tags=names)
    else:
        invocation.remember(projects=names)
    if invocation.machine:
        invocation.document(found)
    elif not found.items:
        example = "+bills" if what == "tags" else "project:home"
        invocation.note(f"There are no {what} yet. Give one to a todo: todo add Pay rent {example}")
    elif invocation.table:
        from todocli.render.tables import plain_table

        rows = [(t.name, str(t.open), str(t.completed), f"{t.done_share:.0%}") for t in found.items]
        invocation.show(plain_table(("Tag" if what == "tags" else "Project", "Open", "Done", "Share done"), rows))
    else:
        from todocli.render.text import visible

        lines = (f"{visible(t.name)}\t{t.open}\t{t.completed}\t{t.done_share:.0%}" for t in found.items)
        sys.stdout.writelines(f"{line}\n" for line in (map(visible, names) if invocation.quiet else lines))
