"""Writes `docs/man/`, the man pages: `python -m scripts.write_man_pages`.

`todo.1` comes from the commands themselves, and `todo-TOPIC.7` from the help topics. The wheel installs the folder
as `share/man`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from scripts import roff
from scripts.roff import escape, inline
from todocli import __version__
from todocli.cli import exits
from todocli.cli.app import HELP, build
from todocli.cli.command import FILTER
from todocli.cli.commands.help import TOPICS
from todocli.cli.shared_options import SHARED
from todocli.domain.dates import FORMS

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs/man"
GUIDES = ROOT / "todocli/help"

ENVIRONMENT = {
    "TODO_PROFILE": "The profile to use; --profile wins.",
    "TODO_DATABASE_URL": "A database that replaces that of the profile.",
    "TODO_HOME": "A folder for configuration, data and cache.",
    "VISUAL, EDITOR": "The editor that todo edit NUMBER opens.",
    "NO_COLOR, FORCE_COLOR, CLICOLOR, CLICOLOR_FORCE": "Whether to use colour; --color wins.",
}
FILES = {
    "~/.config/todo/config.toml": "Profiles, views and aliases. On macOS it is below ~/Library/Application Support.",
    "~/.local/share/todo/todo.db": "The embedded database. On macOS it is in the same folder as config.toml.",
}


def pages() -> dict[str, str]:
    """Return the text of every page, by its path in `docs/man`."""
    found = {"man1/todo.1": _text(_program())}
    for name, title in TOPICS.items():
        if name != "commands":
            found[f"man7/todo-{name}.7"] = _text(_topic(name, title))
    return found


def _text(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _head(name: str, section: int, about: str) -> Iterator[str]:
    yield f'.TH {escape(name.upper())} {section} "" "todo {__version__}" "todo manual"'
    yield ".nr HY 0"
    yield ".nh"
    yield ".ad l"
    yield ".SH NAME"
    yield f"{escape(name)} \\- {escape(about, dashes=False)}"


# A topic


def _topic(name: str, title: str) -> Iterator[str]:
    body = (GUIDES / f"{name}.md").read_text("utf-8").partition("\n")[2]
    if name == "dates":  # the table of the program depends on the day
        forms = ", ".join(f"`{form}`" for form in FORMS)
        body = f"{body.partition('## Every form')[0]}## Every form\n\n{forms}.\n\n`todo help dates` shows their days.\n"
    yield from _head(f"todo-{name}", 7, title)
    yield ".SH DESCRIPTION"
    yield from roff.convert(body)
    yield ".SH SEE ALSO"
    yield _see("todo", 1)


def _see(name: str, section: int) -> str:
    return f"\\fB{escape(name)}\\fR({section})"


# The program


def _program() -> Iterator[str]:
    root: Any = build()
    summary, *details = HELP.split("\n\n")
    yield from _head("todo", 1, summary.partition(":")[0].removeprefix("A "))
    yield ".SH SYNOPSIS"
    yield "\\fBtodo\\fR [\\fIGLOBAL OPTIONS\\fR] [\\fICOMMAND\\fR] [\\fIARGUMENTS\\fR]"
    yield ".SH DESCRIPTION"
    for text in (summary, *details):
        yield ".PP"
        yield inline(" ".join(text.split()))
    panels: dict[str, list[str]] = {}
    for name, command in root.commands.items():
        if not command.hidden:
            panels.setdefault(command.rich_help_panel, []).extend(_commands(f"todo {name}", command))
    for panel, lines in panels.items():
        yield f".SH COMMANDS: {escape(panel.upper())}"
        yield from lines
    yield ".SH FILTER OPTIONS"
    yield "These select todos. All of them must match. See \\fBtodo\\-filters\\fR(7)."
    yield from _options(FILTER.values())
    yield ".SH GLOBAL OPTIONS"
    yield "These may stand before or after the command."
    yield from _options(SHARED.values())
    yield from _definitions([("--version", "Print the version."), ("-h, --help", "Show the help of a command.")])
    yield ".SH EXIT STATUS"
    yield from _definitions((str(row.code), f"{row.meaning[0].upper()}{row.meaning[1:]}.") for row in exits.TABLE)
    yield ".SH ENVIRONMENT"
    yield from _definitions(ENVIRONMENT.items())
    yield ".SH FILES"
    yield from _definitions(FILES.items())
    yield ".SH SEE ALSO"
    yield ",\n".join(_see(f"todo-{name}", 7) for name in TOPICS if name != "commands")


def _commands(name: str, command: Any) -> Iterator[str]:
    if hasattr(command, "commands"):
        for word, below in command.commands.items():
            yield from _commands(f"{name} {word}", below)
        return
    arguments = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
    names = [_argument(parameter) for parameter in arguments]
    takes_filter = any(parameter in FILTER.values() for parameter in command.params)
    usage = [*names, *(["[FILTER OPTIONS]"] if takes_filter and "[FILTER...]" not in names else [])]
    yield f".SS {escape(' '.join([name, *usage]))}"
    for i, paragraph in enumerate(command.help.split("\n\n")):
        lines = paragraph.splitlines()
        if all(line.startswith("todo ") for line in lines):
            yield from roff.verbatim(lines)
        else:
            yield from [".PP"] * (i > 0)
            yield inline(" ".join(lines))
    yield from _definitions((re.sub(r"[][]|\.{3}", "", _argument(p)), p.help) for p in arguments if p.help)
    shared = [*FILTER.values(), *SHARED.values()]
    yield from _options(p for p in command.params if p not in arguments and p not in shared and not p.hidden)


def _argument(parameter: Any) -> str:
    name: str = parameter.metavar or parameter.name.upper()
    return name if parameter.required or name.startswith("[") else f"[{name}]"


def _options(parameters: Iterable[Any]) -> Iterator[str]:
    return _definitions(
        (
            ", ".join(sorted(parameter.opts, key=len))
            + ("" if parameter.is_flag else f" {parameter.metavar or parameter.name.upper()}"),
            parameter.help or "",
        )
        for parameter in parameters
    )


def _definitions(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    for term, about in pairs:
        yield ".TP"
        yield roff.line(f"\\fB{escape(term)}\\fR")
        yield roff.line(escape(about))


def main() -> None:
    """Write the files, and remove those of topics that are gone."""
    found = pages()
    for path in FOLDER.glob("man*/*"):
        if str(path.relative_to(FOLDER)) not in found:
            path.unlink()
    for name, text in found.items():
        (FOLDER / name).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / name).write_text(text, "ascii")


if __name__ == "__main__":
    main()
