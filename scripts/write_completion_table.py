"""Writes `todocli/completion/table.py` from the commands: `python -m scripts.write_completion_table`."""

from __future__ import annotations

import re
import subprocess
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer
from rich.text import Text
from typer.core import TyperArgument, TyperGroup, TyperOption
from typer.main import get_command

from todocli.completion.model import Argument, Command, Option

PATH = Path(__file__).parent.parent / "todocli" / "completion" / "table.py"

_OFFERED = re.compile(r"[A-Za-z0-9._/-]+")
_OPTION_NAME = re.compile(r"-[A-Za-z0-9]|--[A-Za-z0-9._/-]+")
_HARMFUL = re.compile(r"[^A-Za-z0-9 .,;:!?()/+_=<>%@#&*'-]")
_PLAIN = str.maketrans({"‘": "'", "’": "'", "–": "-", "—": "-", "·": "-", "→": "->", "×": "x"})


KINDS = {
    **dict.fromkeys(("--tag", "--no-tag", "--untag"), "tag"),
    **dict.fromkeys(("--start", "--before", "--after"), "day"),
    "--project": "project",
    "--priority": "priority",
    "--profile": "profile",
    "--sort": "sort",
    "TITLE": "+tag",
    "FILTER": "+tag",
    "REF": "todo",
    "REF WORDS": "todo +tag",
    "add --due": "day",
    "--due": "due",
    "show REF": "any",
    "log REF": "any",
    "reopen REF": "done",
    "restore REF": "trash",
    "purge REF": "trash",
    "view": "view",
    **{f"{name} NAME": "view" for name in ("view show", "view rm")},
    **{f"profile {name} NAME": "profile" for name in ("show", "use", "rm")},
}
"""Of what kind values are that only the user's data tell: by an option's name, or an argument's; maybe of a command."""


def table_of(app: typer.Typer, *, kinds: bool = False) -> Command:
    """Return what a shell can be told about `app`; with `kinds`, also where values of `KINDS` may stand.

    Raises `TypeError` for a feature that the table cannot express.
    """
    return _command(get_command(app), "", None, KINDS if kinds else {})


def harmless(text: str | None) -> str:
    """Return `text` on one line, without Rich's markup and without what means something to a shell or a terminal."""
    plain = Text.from_markup(text or "").plain.translate(_PLAIN)
    ascii_only = unicodedata.normalize("NFKD", " ".join(plain.split())).encode("ascii", "ignore").decode()
    return " ".join(_HARMFUL.sub("", ascii_only).split())


def plain(command: Command) -> dict[str, Any]:
    """Return all that `command` says, as values that can be compared and printed."""
    return {
        "help": command.help,
        "options": [{name: getattr(option, name) for name in Option.__slots__} for option in command.options],
        "arguments": [{name: getattr(argument, name) for name in Argument.__slots__} for argument in command.arguments],
        "kind": command.kind,
        "commands": None if command.commands is None else {n: plain(below) for n, below in command.commands.items()},
        "loose": command.loose,
        "hidden": command.hidden,
    }


def source_of(table: Command) -> str:
    """Return the module that holds `table`, formatted. Options that several commands take stand there once."""
    counted = Counter(_option_source(option) for command in _all(table) for option in command.options)
    names: dict[str, str] = {}
    for source in (source for source, count in counted.items() if count > 1):
        longest = max(re.findall(r"\"-+([\w-]+)\"", source.partition("=")[0]), key=len)
        name = longest.replace("-", "_").upper()
        taken = sum(other.rstrip("_0123456789") == name for other in names.values())
        names[source] = f"{name}_{taken + 1}" if taken else name
    lines = [
        '"""What the shells are told about the commands. Written by scripts/write_completion_table.py."""',
        "",
        "from todocli.completion.model import Argument, Command, Option",
        "",
        *(f"{name} = {source}" for source, name in names.items()),
        f"TABLE = {_command_source(table, names)}",
    ]
    ruff = [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(PATH), "-"]
    return subprocess.run(ruff, input="\n".join(lines), capture_output=True, text=True, check=True).stdout


def _command(command: Any, name: str, parent: typer.Context | None, kinds: Mapping[str, str]) -> Command:
    context = command.context_class(command, info_name=name, parent=parent, **command.context_settings)
    group = isinstance(command, TyperGroup)
    if context.allow_interspersed_args == group or context.token_normalize_func:
        raise TypeError(f"{name}: the table cannot say how this command reads its line")
    parameters = command.get_params(context)
    commands: dict[str, Command] | None = None
    if isinstance(command, TyperGroup):
        listed = {below: command.get_command(context, below) for below in command.list_commands(context)}
        path = f"{name} ".lstrip()
        commands = {
            below: _command(found, f"{path}{below}", context, kinds)
            for below, found in listed.items()
            if _OFFERED.match(below)
        }
    return Command(
        harmless(command.get_short_help_str()) if parent and not command.hidden else "",
        options=tuple(_option(p, name, kinds) for p in parameters if isinstance(p, TyperOption)),
        arguments=tuple(_argument(p, name, kinds) for p in parameters if isinstance(p, TyperArgument)),
        commands=commands,
        loose=context.ignore_unknown_options,
        hidden=command.hidden,
        kind=kinds.get(name, ""),
    )


def _kind(name: str, command: str, kinds: Mapping[str, str]) -> str:
    return kinds.get(f"{command} {name}", kinds.get(name, ""))


def _option(option: TyperOption, command: str, kinds: Mapping[str, str]) -> Option:
    # The names of the help option come out of a set, in another order each time.
    names = sorted(option.opts) if option.name == "help" else option.opts
    names = [*names, *option.secondary_opts]
    if not all(_OPTION_NAME.fullmatch(name) for name in names):
        raise TypeError(f"{names}: the table cannot hold these names")
    return Option(
        *names,
        help="" if option.hidden else harmless(option.help),
        values=0 if option.is_flag or option.count else option.nargs,
        choices=_choices(option),
        repeats=option.multiple,
        hidden=option.hidden,
        kind="" if option.is_flag else _kind(option.opts[0], command, kinds),
    )


def _argument(argument: TyperArgument, command: str, kinds: Mapping[str, str]) -> Argument:
    if argument.nargs not in (1, -1):
        raise TypeError(f"{argument.name}: the table cannot hold an argument of {argument.nargs} words")
    kind = _kind(argument.metavar or "", command, kinds)
    return Argument(*_choices(argument), many=argument.nargs == -1, kind=kind)


def _choices(parameter: TyperOption | TyperArgument) -> tuple[str, ...]:
    kind = parameter.type_descriptor
    choices = [str(getattr(choice, "value", choice)) for choice in (kind.choices or ()) if kind.is_choice]
    return tuple(choice for choice in choices if _OFFERED.fullmatch(choice))


def _all(command: Command) -> Iterator[Command]:
    yield command
    for below in (command.commands or {}).values():
        yield from _all(below)


def _option_source(option: Option) -> str:
    given = [_text(name) for name in option.names]
    given += [f"help={_text(option.help)}"] if option.help else []
    given += [f"values={option.values}"] if option.values else []
    given += [f"choices={option.choices!r}"] if option.choices else []
    given += [f"{name}=True" for name in ("repeats", "hidden") if getattr(option, name)]
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
    if command.commands is not None:
        below = [f"{_text(name)}: {_command_source(found, names)}" for name, found in command.commands.items()]
        given.append(f"commands={{{', '.join(below)}}}")
    given += [f"{name}=True" for name in ("loose", "hidden") if getattr(command, name)]
    given += [f"kind={_text(command.kind)}"] if command.kind else []
    return f"Command({', '.join(given)})"


def _argument_source(argument: Argument) -> list[str]:
    return [*(["many=True"] if argument.many else []), *([f"kind={_text(argument.kind)}"] if argument.kind else [])]


def _text(text: str) -> str:
    """Return a literal in double quotes; what is suggestions and described has none in it."""
    return f'"{text}"'


if __name__ == "__main__":
    from todocli.cli.app import build

    PATH.write_text(source_of(table_of(build(), kinds=True)))
