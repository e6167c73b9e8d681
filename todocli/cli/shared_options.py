"""The options that commands share, as Typer makes them from a signature."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import typer
import typer.main

PANEL = "Global options"


def _shared_options(
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.", rich_help_panel=PANEL)] = False,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help="Print one JSON document per line.", rich_help_panel=PANEL)
    ] = False,
    fields: Annotated[
        str | None,
        typer.Option("--fields", metavar="A,B", help="Print only these fields, as JSON.", rich_help_panel=PANEL),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print numbers only.", rich_help_panel=PANEL)] = False,
    columns: Annotated[
        str | None,
        typer.Option("--columns", metavar="A,B", help="Show these columns of a list.", rich_help_panel=PANEL),
    ] = None,
    all_rows: Annotated[
        bool, typer.Option("--all-rows", help="Show a long list to its end, at a terminal too.", rich_help_panel=PANEL)
    ] = False,
    change: Annotated[
        str | None,
        typer.Option(
            "--change",
            metavar="UUID",
            help="Idempotency key: with the same UUID, a change is made once.",
            rich_help_panel=PANEL,
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Say yes to every question.", rich_help_panel=PANEL)] = False,
    profile: Annotated[
        str | None, typer.Option("--profile", metavar="NAME", help="Use this profile.", rich_help_panel=PANEL)
    ] = None,
    no_input: Annotated[bool, typer.Option("--no-input", help="Fail rather than ask.", rich_help_panel=PANEL)] = False,
    color: Annotated[
        Literal["auto", "always", "never"] | None,
        typer.Option("--color", metavar="WHEN", help="Use colour: auto, always or never.", rich_help_panel=PANEL),
    ] = None,
    debug: Annotated[
        bool, typer.Option("--debug", help="Print versions, timings and SQL on stderr.", rich_help_panel=PANEL)
    ] = False,
) -> None:
    """Declare the shared options."""


def parameters_of(declaration: Callable[..., object]) -> dict[str, Any]:
    """Return the parameters that Typer makes of a signature, by name."""
    app = typer.Typer(add_completion=False)
    app.command()(declaration)
    return {str(p.name): p for p in typer.main.get_command(app).params if p.name != "help"}


SHARED = parameters_of(_shared_options)
"""The parameters, by name."""
