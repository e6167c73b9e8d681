"""Assembles the commands. Importing this module does nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer
import typer.main
from typer.models import CommandInfo, TyperInfo

from todocli import __version__
from todocli.cli.command import LISTING, Root, enter
from todocli.cli.commands import (
    backup,
    claims,
    config,
    copies,
    daemon,
    db,
    doctor,
    export_files,
    help,
    history,
    import_files,
    mcp,
    organise,
    profile,
    serve,
    todos,
    token,
    user,
    view,
)
from todocli.cli.context import Context
from todocli.cli.listing import show_list

HELP = """A todo manager for the terminal, on this machine alone or on Neon for all your machines and your team.

Without a command, it lists your open todos. Words need no quotes: todo add buy milk"""


def build() -> Root:
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
    program: Any = typer.main.get_command(app)
    for family in (
        todos,
        organise,
        view,
        claims,
        history,
        import_files,
        export_files,
        backup,
        profile,
        copies,
        config,
        db,
        user,
        token,
        serve,
        mcp,
        daemon,
        doctor,
        help,
    ):
        family.register(app)
    program.commands = Commands(app)
    return program  # type: ignore[no-any-return]


class Commands(Mapping[str, Any]):
    """The commands of an app. Each is built when it is used: that takes long, and a line has one of them."""

    def __init__(self, app: typer.Typer) -> None:
        parts: list[CommandInfo | TyperInfo] = [*app.registered_commands, *app.registered_groups]
        self._parts = {str(part.name): part for part in parts}
        self._built: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._built:
            self._built[name] = _build(self._parts[name])
        return self._built[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def helps(self) -> dict[str, str]:
        """Return the help of each command that is not hidden, by its name, and build none."""
        found = {}
        for name, part in self._parts.items():
            if not getattr(part.hidden, "value", part.hidden):  # a group's may be a placeholder
                found[name] = part.callback.__doc__ or "" if part.callback else ""
        return found

    def __len__(self) -> int:
        return len(self._parts)


def _build(part: CommandInfo | TyperInfo) -> Any:
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    if isinstance(part, CommandInfo):
        app.registered_commands.append(part)
        return typer.main.get_command(app)
    app.registered_groups.append(part)
    group: Any = typer.main.get_command(app)
    return group.commands[part.name]


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
        context.shared.check(LISTING)
        enter(context, is_for_daemon=True)
        show_list(context)
