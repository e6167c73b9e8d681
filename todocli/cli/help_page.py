"""Prints help: the everyday part first, the options of every command last. Readable at 40 columns or more.

Typer's own pages list all global options before the first command, and draw boxes into pipes.
The help of a command is the docstring of its function: a summary, examples (lines that begin with `todo`), details.
"""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from typing import Any

from todocli.cli.colour import wants_colour
from todocli.cli.shared import color_option
from todocli.errors import TodoError

EVERYDAY = ("add", "list", "today", "done", "edit", "show", "rm", "undo")
"""The commands on the first page."""

MAX_WIDTH = 100
_NAMES_WIDTH = 24

Rows = list[tuple[str, str]]


class _Page:
    def __init__(self, ctx: Any) -> None:
        self._width = min(max(shutil.get_terminal_size().columns, 40), MAX_WIDTH)
        self._colour = wants_colour(sys.stdout, color_option(ctx.shared.arguments))
        self._lines: list[str] = []

    def text(self, text: str) -> None:
        """Add paragraphs. One whose lines all begin with the program's name is a list of examples."""
        for paragraph in text.split("\n\n"):
            lines = paragraph.splitlines()
            if all(line.startswith("todo ") for line in lines):
                self._lines += [f"  {line}" for line in lines]
            else:
                self._lines += textwrap.wrap(" ".join(lines), self._width)
            self._lines.append("")

    def heading(self, text: str) -> None:
        self._lines.append(f"\x1b[1m{text}:\x1b[0m" if self._colour else f"{text}:")

    def table(self, rows: Rows) -> None:
        """Add names with their descriptions, side by side if there is room."""
        longest = max((len(name) for name, _ in rows if len(name) <= _NAMES_WIDTH), default=0)
        indent = longest + 4
        for name, about in rows:
            if self._width - indent < 20:
                self._lines += [f"  {name}", *textwrap.wrap(about, self._width - 6, **_INDENT_6)]
                continue
            first, *rest = textwrap.wrap(about, self._width - indent) or [""]
            if len(name) > longest:
                self._lines.append(f"  {name}")
                name = ""
            self._lines += [f"  {name:<{longest}}  {first}".rstrip(), *(f"{'':{indent}}{line}" for line in rest)]
        self._lines.append("")

    def words(self, words: Iterable[str]) -> None:
        """Add words that wrap, but are never cut."""
        text = "  ".join(word.replace(" ", "\1") for word in words)
        wrapped = textwrap.wrap(text, self._width - 2, break_on_hyphens=False, break_long_words=False)
        self._lines += [f"  {line}".replace("\1", " ") for line in wrapped]
        self._lines.append("")

    def print(self) -> None:
        text = "\n".join(self._lines).rstrip("\n")
        sys.stdout.write(f"{text}\n")


_INDENT_6: dict[str, Any] = {"initial_indent": " " * 6, "subsequent_indent": " " * 6}


def print_root(command: Any, ctx: Any, shared_options: Collection[Any]) -> None:
    """Print the first page: everyday commands, the names of the others, and the global options."""
    page = _Page(ctx)
    page.text(command.help)
    page.heading("Everyday commands")
    helps = command.commands.helps()
    page.table([(name, _summary(helps[name])) for name in EVERYDAY])
    page.heading("More commands")
    page.words(name for name in helps if name not in EVERYDAY)
    if aliases := _aliases(command):
        page.heading("Aliases")
        page.table(aliases)
    page.heading("Global options")
    page.table(_options(_shared(command, ctx, shared_options)))
    page.heading("More help")
    page.table(
        [
            ("todo COMMAND --help", "Explain a command."),
            ("todo help commands", "List every command."),
            ("todo help", "List the topics: dates, filters, neon and more."),
        ]
    )
    page.print()


def print_all(command: Any, ctx: Any) -> None:
    """Print every command, by family."""
    page = _Page(ctx)
    panels: dict[str, Rows] = {}
    for name, below in command.commands.items():
        if below.hidden:
            continue
        rows = panels.setdefault(below.rich_help_panel, [])
        if hasattr(below, "commands"):
            rows += [(f"{name} {each}", _summary(inner.help)) for each, inner in below.commands.items()]
        else:
            rows.append((name, _summary(below.help)))
    for panel, rows in panels.items():
        page.heading(panel)
        page.table(rows)
    page.print()


def print_group(command: Any, ctx: Any) -> None:
    """Print the commands grouped under one word."""
    page = _Page(ctx)
    page.text(f"Usage: {ctx.command_path} COMMAND")
    page.text(command.help)
    page.heading("Commands")
    page.table([(name, _summary(below.help)) for name, below in command.commands.items()])
    page.print()


def print_command(command: Any, ctx: Any, shared_options: Collection[Any]) -> None:
    """Print the help of one command."""
    page = _Page(ctx)
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    usage = [ctx.command_path, *(_argument(p) for p in arguments), "[OPTIONS]"]
    page.text(f"Usage: {' '.join(usage)}")
    page.text(command.help)
    if described := [(re.sub(r"[][.]", "", _argument(p)), p.help) for p in arguments if p.help]:
        page.heading("Arguments")
        page.table(described)
    panels: dict[str, list[Any]] = {}
    shared = _shared(command, ctx, shared_options)
    for parameter in command.params:
        if parameter.param_type_name == "option" and parameter not in shared and not parameter.hidden:
            panels.setdefault(parameter.rich_help_panel or "Options", []).append(parameter)
    for panel, parameters in sorted(panels.items(), key=lambda item: item[0] != "Options"):
        page.heading(panel)
        page.table(_options(parameters))
    page.heading("Global options")
    page.words(name.rpartition(", ")[2] for name, _ in _options(shared))
    page.print()


def _argument(parameter: Any) -> str:
    name = parameter.metavar or parameter.name.upper()
    return name if parameter.required or name.startswith("[") else f"[{name}]"


def _shared(command: Any, ctx: Any, shared_options: Collection[Any]) -> list[Any]:
    help_option = [p for p in command.get_params(ctx) if p.name == "help"]
    return [p for p in [*command.params, *help_option] if p in shared_options or p in help_option]


def _options(parameters: Sequence[Any]) -> Rows:
    rows = []
    for parameter in parameters:
        names = ", ".join(sorted(parameter.opts, key=len))
        value = "" if getattr(parameter, "is_flag", False) else f" {parameter.metavar or parameter.name.upper()}"
        rows.append((f"{names}{value}", (parameter.help or "").strip()))
    return rows


def _aliases(command: Any) -> Rows:
    """Return the aliases with what they stand for; none if the configuration file is not valid."""
    from todocli import paths

    with suppress(TodoError, OSError):
        if b"aliases" not in paths.config_file().read_bytes():
            return []  # to understand the file takes longer than the help
        from todocli import profiles
        from todocli.render.text import visible

        lines = profiles.load().aliases
        return [(name, visible(f"todo {line}")) for name, line in lines.items() if name not in command.commands]
    return []


def _summary(text: str | None) -> str:
    """Return the first sentence of a help text."""
    paragraph = (text or "").split("\n\n")[0]
    return " ".join(paragraph.split()).split(". ")[0].rstrip(".")
