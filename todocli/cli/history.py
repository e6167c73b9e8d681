"""The commands of the panel History: trash, restore."""

from __future__ import annotations

import typer

from todocli.cli import todos
from todocli.cli.answers import show_list
from todocli.cli.context import Invocation
from todocli.cli.options import READING, WRITING, Command, takes

PANEL = "History"


def register(app: typer.Typer) -> None:
    """Add the commands of this family."""
    app.command("trash", cls=Command, rich_help_panel=PANEL)(trash)
    app.command("restore", cls=Command, rich_help_panel=PANEL)(restore)


@takes(*READING)
def trash(invocation: Invocation) -> None:
    """List what is in the trash."""
    show_list(invocation, "trash")


@takes(*WRITING)
def restore(invocation: Invocation, references: todos.NumbersToTake) -> None:
    """Take todos out of the trash."""
    todos.step(
        invocation, references, lambda mine, named: mine.restore(named, change=invocation.change), "Restored", "rm"
    )
