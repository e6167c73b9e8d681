"""Puts the commands together. Nothing is made when this module is imported."""

from __future__ import annotations

from typing import Annotated

import typer

from todocli import __version__
from todocli.cli.commands import db, doctor, help, history, organise, profile, serve, todos, token, user, view
from todocli.cli.context import Invocation
from todocli.cli.output import show_list
from todocli.cli.shared_options import EVERYTHING, Root, takes

HELP = """Keep your todos: here at once, or on Neon with your other machines and your team.

`todo` alone shows what is open. QuickAdd need no quotes: todo add buy milk
"""


def build() -> typer.Typer:
    """Return the program."""
    app = typer.Typer(
        name="todo",
        cls=Root,
        help=HELP,
        invoke_without_command=True,
        context_settings={"help_option_names": ["-h", "--help"]},
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
    )
    app.callback()(root)
    for family in (todos, organise, view, history, profile, db, user, token, serve, doctor, help):
        family.register(app)
    return app


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"todo {__version__}")
        raise typer.Exit


@takes(*EVERYTHING)
def root(
    invocation: Invocation,
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", metavar="", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Show what is open, unless there is a command."""
    if context.invoked_subcommand is None:
        show_list(invocation)
