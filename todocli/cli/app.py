"""Assembles the commands. Importing this module does nothing else."""

from __future__ import annotations

from typing import Annotated

import typer

from todocli import __version__
from todocli.cli.command import READING, Root
from todocli.cli.commands import daemon, db, doctor, help, history, organise, profile, serve, todos, token, user, view
from todocli.cli.context import Context
from todocli.cli.listing import show_list

HELP = """A todo manager for the terminal, on this machine alone or on Neon for all your machines and your team.

Without a command, it lists your open todos. Words need no quotes: todo add buy milk"""


def build() -> typer.Typer:
    """Return the program."""
    app = typer.Typer(
        name="todo",
        cls=Root,
        help=HELP,
        invoke_without_command=True,
        context_settings={"help_option_names": ["-h", "--help"]},
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(root)
    for family in (todos, organise, view, history, profile, db, user, token, serve, daemon, doctor, help):
        family.register(app)
    return app


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"todo {__version__}")
        raise typer.Exit


def root(
    context: Context,
    version: Annotated[
        bool, typer.Option("--version", metavar="", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """List the open todos, unless a command follows."""
    if context.invoked_subcommand is None:
        context.shared.check(READING)
        show_list(context)
