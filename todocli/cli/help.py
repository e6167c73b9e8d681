"""The command help: of a command, or of a topic that is no command."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from todocli.cli import exits
from todocli.cli.context import Invocation
from todocli.cli.options import Command, takes
from todocli.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("help", cls=Command, rich_help_panel="You")(help_)


@takes("color", "profile", "no_input")
def help_(
    invocation: Invocation,
    context: typer.Context,
    words: Annotated[list[str] | None, typer.Argument(metavar="TOPIC")] = None,
) -> None:
    """Explain a command or a topic: exit-codes, json-schema."""
    topic = " ".join(words or [])
    if topic == "exit-codes":
        _exit_codes(invocation)
    elif topic == "json-schema":
        from todocli.schemas.contract import contract

        typer.echo(json.dumps(contract(), indent=2))
    else:
        typer.echo(_command_help(context, words or []))


def _command_help(context: typer.Context, words: list[str]) -> str:
    current = context.find_root()
    for word in words:
        commands = getattr(current.command, "commands", {})
        if word not in commands:
            raise UsageError(
                f"There is no command or topic {' '.join(words)!r}.",
                hint="todo --help shows the commands; the topics are exit-codes and json-schema.",
            )
        current = type(current)(commands[word], info_name=word, parent=current)
    return current.command.get_help(current).rstrip()


def _exit_codes(invocation: Invocation) -> None:
    rows = [(str(row.code), row.meaning, ", ".join(row.error_codes)) for row in exits.TABLE]
    if invocation.table:
        from todocli.render.tables import plain_table

        invocation.show(plain_table(("Exit", "Meaning", "error_code"), rows))
    else:
        for row in rows:
            invocation.line("\t".join(row))
