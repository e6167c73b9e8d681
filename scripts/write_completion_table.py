"""Write `todocli/completion/table.py` from the commands: `python -m scripts.write_completion_table`."""

from __future__ import annotations

import re
import subprocess
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import typer
from rich.text import Text
from typer.core import TyperArgument, TyperGroup, TyperOption

from todocli.cli.commands.help import TOPICS
from todocli.completion.model import Argument, Command, Option
from todocli.domain.sorting import SortKey
from todocli.render.columns import COLUMNS
from todocli.schemas.todos import TodoRead

PATH = Path(__file__).parent.parent / "todocli" / "completion" / "table.py"

_OFFERED = re.compile(r"[A-Za-z0-9._/-]+")
_OPTION_NAME = re.compile(r"-[A-Za-z0-9]|--[A-Za-z0-9._/-]+")
_HARMFUL = re.compile(r"[^A-Za-z0-9 .,;:!?()/+_=<>%@#&*'-]")
_ASCII = str.maketrans({"‘": "'", "’": "'", "–": "-", "—": "-", "·": "-", "→": "->", "×": "x"})

KINDS = {
    **dict.fromkeys(("--no-tag", "--untag", "add --tag"), "tag"),
    **{f"add --{field}": field for field in ("due", "start", "priority", "project", "needs", "parent")},
    **{f"--{field}": f"{field}-filter" for field in ("due", "start", "priority", "project", "tag", "needs", "parent")},
    **{f"--{field}": f"{field}-filter" for field in ("done", "added", "changed")},
    **dict.fromkeys(("--before", "--after"), "date"),
    "--profile": "profile",
    "undo --only": "change",
    "note REF": "todo",
    "skip REF": "todo",
    "TITLE": "set-words",
    "FILTER": "filter-words -tag",
    **{f"{name} FILTER": "filter-words" for name in ("today", "next", "ready", "blocked", "upcoming", "count")},
    "claim N | FILTER": "todo filter-words",
    "context FILTER": "view filter-words",
    "REF": "todo",
    "REF FILTER": "todo filter-words -tag",
    "REF FILTER set WORDS": "todo edit-words -tag",
    "show REF": "any",
    "log REF | FILTER": "any filter-words -tag",
    "reopen REF FILTER": "done filter-words -tag",
    "restore REF FILTER": "trash filter-words -tag",
    "purge REF": "trash",
    "view": "view",
    **{f"{name} NAME": "view" for name in ("view show", "view rm")},
    **{f"profile {name} NAME": "profile" for name in ("show", "use", "rm")},
    **dict.fromkeys(("profile copy FROM", "profile copy TO"), "profile"),
    "export FILE FILTER": "file filter-words -tag",
    **{f"{name} FILE": "file" for name in ("import", "backup")},
    **{f"import --{field}": field for field in ("project", "tag")},
}
"""The kinds of values that depend on the user's data or on today, by option, argument or group; "add --due" is one
command's option. See `todocli.completion.values`."""


LISTS = {
    "--columns": tuple(COLUMNS),
    "--fields": tuple(TodoRead.model_fields),
    "--sort": (*get_args(SortKey), *(f"-{key}" for key in get_args(SortKey))),
}
"""The options that take a list, each with the values that may stand in it."""

OTHERWISE = {"": "line"}
"""The same for words that are looked up only if no command begins with what was typed: aliases, and views."""


def table_of(program: Any) -> Command:
    """Return the completion table of a program. Raises `TypeError` for a feature that the table cannot express."""
    table = _command(program, "", None)
    if "help" in table.commands:
        table.commands = {**table.commands, "help": _help(table)}
    return table


def _help(table: Command) -> Command:
    """Return the command help, with topics and commands as if they were commands of its own."""
    topics = {name: Command(harmless(title)) for name, title in TOPICS.items()}
    commands = {
        name: Command(
            topics[name].help if name in topics else command.help,
            commands={name: Command(below.help) for name, below in command.commands.items()},
        )
        for name, command in table.commands.items()
        if not command.hidden
    }
    known = table.commands["help"]
    return Command(known.help, options=known.options, commands=topics | commands)


def harmless(text: str | None) -> str:
    """Return `text` as one line of ASCII, without Rich's markup and without characters special to a shell."""
    plain = Text.from_markup(text or "").plain.translate(_ASCII)
    ascii_only = unicodedata.normalize("NFKD", " ".join(plain.split())).encode("ascii", "ignore").decode()
    return " ".join(_HARMFUL.sub("", ascii_only).split())


def source_of(table: Command) -> str:
    """Return the formatted module that defines `table`. An option that several commands share is defined once."""
    counted = Counter(_option_source(option) for command in _all(table) for option in command.options)
    names: dict[str, str] = {}
    for source in (source for source, count in counted.items() if count > 1):
        longest = max(re.findall(r"\"-+([\w-]+)\"", source.partition("=")[0]), key=len)
        name = longest.replace("-", "_").upper()
        taken = sum(other.rstrip("_0123456789") == name for other in names.values())
        names[source] = f"{name}_{taken + 1}" if taken else name
    lines = [
        '"""The completion table of the commands. Written by scripts/write_completion_table.py."""',
        "",
        "from todocli.completion.model import Argument, Command, Option",
        "",
        *(f"{name} = {source}" for source, name in names.items()),
        f"TABLE = {_command_source(table, names)}",
    ]
    ruff = [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(PATH), "-"]
    return subprocess.run(ruff, input="\n".join(lines), capture_output=True, text=True, check=True).stdout


def _command(command: Any, name: str, parent: typer.Context | None) -> Command:
    context = command.context_class(command, info_name=name, parent=parent, **command.context_settings)
    parameters = command.get_params(context)
    commands: dict[str, Command] = {}
    if isinstance(command, TyperGroup):
        listed = {below: command.get_command(context, below) for below in command.list_commands(context)}
        path = f"{name} ".lstrip()
        commands = {
            below: _command(found, f"{path}{below}", context)
            for below, found in listed.items()
            if _OFFERED.fullmatch(below)
        }
    return Command(
        harmless(command.get_short_help_str()) if parent and not command.hidden else "",
        options=tuple(_option(p, name) for p in parameters if isinstance(p, TyperOption) and not p.hidden),
        arguments=tuple(_argument(p, name) for p in parameters if isinstance(p, TyperArgument)),
        commands=commands,
        hidden=command.hidden,
        kind=KINDS.get(name, ""),
        otherwise=OTHERWISE.get(name, ""),
    )


def _kind(name: str, command: str) -> str:
    return KINDS.get(f"{command} {name}", KINDS.get(name, ""))


def _option(option: TyperOption, command: str) -> Option:
    # Typer takes the help option's names from a set, so their order varies.
    names = sorted(option.opts) if option.name == "help" else option.opts
    names = [*names, *option.secondary_opts]
    if not all(_OPTION_NAME.fullmatch(name) for name in names):
        raise TypeError(f"{names}: the table cannot hold these names")
    if option.nargs != 1:
        raise TypeError(f"{option.name}: the table cannot hold an option with {option.nargs} values")
    return Option(
        *names,
        help=harmless(option.help),
        value=not (option.is_flag or option.count),
        choices=LISTS.get(option.opts[0]) or _choices(option),
        many=option.opts[0] in LISTS,
        repeats=option.multiple or option.count,
        kind="" if option.is_flag else _kind(option.opts[0], command),
    )


def _argument(argument: TyperArgument, command: str) -> Argument:
    if argument.nargs not in (1, -1):
        raise TypeError(f"{argument.name}: the table cannot hold an argument of {argument.nargs} words")
    kind = _kind(re.sub(r"[\[\].]", "", argument.metavar or ""), command)
    return Argument(*_choices(argument), many=argument.nargs == -1, kind=kind)


def _choices(parameter: TyperOption | TyperArgument) -> tuple[str, ...]:
    kind = parameter.type_descriptor
    choices = [str(getattr(choice, "value", choice)) for choice in (kind.choices or ()) if kind.is_choice]
    return tuple(choice for choice in choices if _OFFERED.fullmatch(choice))


def _all(command: Command) -> Iterator[Command]:
    yield command
    for below in command.commands.values():
        yield from _all(below)


def _option_source(option: Option) -> str:
    given = [_text(name) for name in option.names]
    given += [f"help={_text(option.help)}"] if option.help else []
    given += ["value=True"] if option.value else []
    given += [f"choices={option.choices!r}"] if option.choices else []
    given += ["many=True"] if option.many else []
    given += ["repeats=True"] if option.repeats else []
    given += [f"kind={_text(option.kind)}"] if option.kind else []
    return f"Option({', '.join(given)})"


def _command_source(command: Command, names: dict[str, str]) -> str:
    given = [_text(command.help)] if command.help else []
    sources = [_option_source(option) for option in command.options]
    given += [f"options=({''.join(f'{names.get(source, source)}, ' for source in sources)})"] if sources else []
    words = [
        f"Argument({', '.join([*map(_text, argument.choices), *_argument_source(argument)])})"
        for argument in command.arguments
    ]
    given += [f"arguments=({', '.join(words)},)"] if words else []
    if command.commands:
        below = [f"{_text(name)}: {_command_source(found, names)}" for name, found in command.commands.items()]
        given.append(f"commands={{{', '.join(below)}}}")
    given += ["hidden=True"] if command.hidden else []
    given += [f"kind={_text(command.kind)}"] if command.kind else []
    given += [f"otherwise={_text(command.otherwise)}"] if command.otherwise else []
    return f"Command({', '.join(given)})"


def _argument_source(argument: Argument) -> list[str]:
    return [*(["many=True"] if argument.many else []), *([f"kind={_text(argument.kind)}"] if argument.kind else [])]


def _text(text: str) -> str:
    """Return a literal in double quotes. Neither words nor descriptions in the table contain any."""
    return f'"{text}"'


if __name__ == "__main__":
    from todocli.cli.app import build

    PATH.write_text(source_of(table_of(build())))
