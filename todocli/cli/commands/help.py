"""The command help: of a command, or of a topic."""

from __future__ import annotations

import json
from importlib import resources
from typing import Annotated, ClassVar

import typer

from todocli import clock
from todocli.cli import help_page
from todocli.cli.command import Names, Speaking
from todocli.cli.context import Context
from todocli.errors import UsageError

TOPICS = {
    "agents": "For agents: commands and tools",
    "api": "The HTTP API",
    "commands": "Every command",
    "config": "Settings, and the file that holds them",
    "daemon": "The process that makes commands fast",
    "dates": "How to write dates and times",
    "depends": "What waits for what",
    "exit-codes": "Exit codes and error codes",
    "filters": "How to select todos",
    "follow": "Following changes",
    "import": "Bringing todos along, and taking them with you",
    "json-schema": "The JSON of every command",
    "neon": "Sharing todos on Neon",
    "operators": "Running a shared database",
    "profiles": "Who you are, and which database you use",
    "repeat": "Todos that come back",
    "scripting": "Pipes, JSON and safe retries",
    "serve": "Running the server",
    "spreadsheets": "CSV and TSV, in and out",
    "subtasks": "Todos that belong to others",
    "undo": "Undo, redo and the log",
}
"""The topics, each with its title. All but `commands` are Markdown files in `todocli/help/`."""


class Helping(Speaking):
    """The command help, whose topic json-schema is also a document."""

    takes: ClassVar[Names] = ("json", *Speaking.takes)
    runs_in_daemon = True


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("help", cls=Helping, rich_help_panel="You")(help_)


def help_(
    context: Context,
    words: Annotated[list[str] | None, typer.Argument(metavar="[TOPIC]", help="A topic, or a command.")] = None,
) -> None:
    """Explain a command or a topic. Without either, list the topics.

    todo help dates
    todo help db upgrade
    todo help json-schema --json
    """
    topic = " ".join(words or [])
    if context.shared.json and topic != "json-schema":
        raise UsageError("Only help json-schema takes --json.", hint="Leave --json out.")
    if not topic:
        _list_topics(context)
    elif topic == "commands":
        help_page.print_all(context.find_root().command, context)
    elif context.shared.json:
        from todocli.schemas.contract import contract

        typer.echo(json.dumps(contract(), indent=2))
    elif topic in TOPICS:
        context.output.guide(topic_text(topic))
    else:
        _print_command(context, words or [])


def topic_text(name: str) -> str:
    """Return a help topic as Markdown."""
    text = resources.files("todocli").joinpath("help", f"{name}.md").read_text("utf-8")
    return f"{text.rstrip()}\n\n{_date_table()}" if name == "dates" else text


def _near(topic: str) -> str:
    """Return a question about the topic that is spelt alike; empty if there is none."""
    import difflib

    near = difflib.get_close_matches(topic, TOPICS, 1, 0.7)
    return f"Did you mean {near[0]}? List the topics" if near else ""


def _list_topics(context: Context) -> None:
    width = max(map(len, TOPICS))
    for name, title in TOPICS.items():
        context.output.line(f"{name:<{width}}  {title}")
    context.output.note("To read one", ("todo", "help", "TOPIC"))


def _print_command(context: Context, words: list[str]) -> None:
    current = context.find_root()
    for word in words:
        commands = getattr(current.command, "commands", {})
        if word not in commands:
            raise UsageError(
                f"There is no command or topic {' '.join(words)!r}.",
                hint=_near(" ".join(words)) or "List the topics",
                command=("todo", "help"),
            )
        current = type(current)(commands[word], info_name=word, parent=current)
    current.command.format_help(current, current.make_formatter())


def _date_table() -> str:
    """Return every form of a date, with what it means today, as a Markdown table."""
    from todocli.domain.dates import FORMS, parse_day
    from todocli.render.dates import clock_time, day, distance

    here = clock.here()
    today = here.date()
    lines = [f"| Write | On {day(today, today)} that is | |", "|---|---|---|"]
    for form in FORMS:
        found = parse_day(form, "due", here=here)
        lines.append(f"| `{form}` | {day(found.on, today)}{clock_time(found.at)} | {distance(found.on, today)} |")
    return "\n".join(lines) + "\n"
