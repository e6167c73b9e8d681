"""The command help: of a command, or of a topic that is no command."""

from __future__ import annotations

import json
import textwrap
from typing import Annotated

import typer

from todocli import clock
from todocli.cli import exits
from todocli.cli.context import Invocation
from todocli.cli.shared_options import Command, takes
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
    """Explain a command or a topic: dates, exit-codes, json-schema."""
    topic = " ".join(words or [])
    if topic == "exit-codes":
        _exit_codes(invocation)
    elif topic == "dates":
        _dates(invocation)
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
                hint="todo --help shows the commands; the topics are dates, exit-codes and json-schema.",
            )
        current = type(current)(commands[word], info_name=word, parent=current)
    return current.command.get_help(current).rstrip()


def _dates(invocation: Invocation) -> None:
    from todocli.domain.dates import FORMS, RULES, format_day, parse_day

    today = clock.today()
    days = [(form, parse_day(form, "due", today=today)) for form in FORMS]
    if not invocation.table:
        for form, found in days:
            invocation.line(f"{form}\t{format_day(found)}")
        return
    from todocli.render.tables import plain_table
    from todocli.render.todos import clock_time, day, distance

    rows = [(form, f"{day(d.on, today)}{clock_time(d.at)}", distance(d.on, today)) for form, d in days]
    invocation.show(plain_table(("Write", f"On {day(today, today)} that is", ""), rows))
    invocation.line("")
    for rule in RULES:
        invocation.line(textwrap.fill(rule, invocation.width, initial_indent="- ", subsequent_indent="  "))


def _exit_codes(invocation: Invocation) -> None:
    rows = [(str(row.code), row.meaning, ", ".join(row.error_codes)) for row in exits.TABLE]
    if invocation.table:
        from todocli.render.tables import plain_table

        invocation.show(plain_table(("Exit", "Meaning", "error_code"), rows))
    else:
        for row in rows:
            invocation.line("\t".join(row))
