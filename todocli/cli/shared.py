"""The options that every command shares, wherever they stand on a line; and commands to type next."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from todocli.errors import UsageError

if TYPE_CHECKING:
    from todocli.daemon.child import Handover
    from todocli.profiles import Profiles


@dataclass
class Shared:
    """The options that may stand anywhere on a line; `given` are the names of those that do."""

    json: bool = False
    jsonl: bool = False
    fields: tuple[str, ...] | None = None
    quiet: bool = False
    columns: str | None = None
    all_rows: bool = False
    change: UUID | None = None
    yes: bool = False
    profile: str | None = None
    no_input: bool = False
    color: str = "auto"
    debug: bool = False
    arguments: Sequence[str] = ()
    handover: Handover | None = None
    """The client that handed the line over, if this process is a child of the daemon."""
    is_for_daemon: bool = False
    """Whether the line has led to a command that could run in the daemon."""
    given: set[str] = field(default_factory=set)
    settings: Profiles | None = None
    """What the configuration file says, once it was read."""
    warnings: list[str] = field(default_factory=list)
    """What is odd about that file, to be printed after the answer."""
    unshown: list[str] = field(default_factory=list)
    """The same, as long as no command has looked at the file."""

    def merge(self, values: dict[str, Any]) -> None:
        """Add what was given in one place to what was given before."""
        for name, value in values.items():
            if value not in (None, False):
                setattr(self, name, value)
                self.given.add(name)

    def check(self, taken: Collection[str]) -> None:
        """Raise `UsageError` for options that exclude each other, or that the command does not take."""
        if foreign := sorted(self.given - set(taken)):
            option = f"--{foreign[0].replace('_', '-')}"
            raise UsageError(f"This command does not take {option}.", hint=f"Leave {option} out.")
        if self.quiet and (self.json or self.jsonl or self.fields):
            raise UsageError("--quiet and JSON cannot be combined.", hint="Use only one of them.")
        if self.columns is not None and (self.quiet or self.json or self.jsonl or self.fields):
            other = "--quiet" if self.quiet else "JSON"
            raise UsageError(
                f"--columns and {other} cannot be combined.", hint="For JSON, name the fields: --fields A,B."
            )
        if self.json and self.jsonl:
            raise UsageError("--json and --jsonl cannot be combined.", hint="Use only one of them.")


def with_profile(command: Sequence[str], profile: str | None) -> list[str]:
    """Return a suggested command for the profile that the line named, unless the command names one itself."""
    words = list(command)
    named = any(word.partition("=")[0] == "--profile" for word in words)
    takes_profile = words[0] == "todo" and words[1:2] != ["profile"] and words[1:3] != ["view", "save"]
    if profile and not named and takes_profile:
        words[1:1] = ["--profile", profile]
    return words


def with_option(arguments: Sequence[str], option: str) -> list[str]:
    """Return a command line with one more option."""
    end = len(options_of(arguments))
    return [*arguments[:end], option, *arguments[end:]]


def command_line(command: Sequence[str], profile: str | None) -> str:
    """Return a suggested command as a shell reads it."""
    return shlex.join(with_profile(command, profile))


def options_of(arguments: Sequence[str]) -> Sequence[str]:
    """Return the words of a command line before `--`, even of one that cannot be parsed."""
    return arguments[: arguments.index("--")] if "--" in arguments else arguments


def color_option(arguments: Sequence[str]) -> str:
    """Return what the last --color of a command line says, even of one that cannot be parsed."""
    options = options_of(arguments)
    choice = "auto"
    for word, following in zip(options, (*options[1:], ""), strict=False):
        name, glued, value = word.partition("=")
        given = value if glued else following
        if name == "--color" and given in ("auto", "always", "never"):
            choice = given
    return choice


def wants_debug(arguments: Sequence[str]) -> bool:
    """Return whether a command line asks for a record of itself, even one that cannot be parsed."""
    return "--debug" in options_of(arguments)


def wants_json(arguments: Sequence[str]) -> bool:
    """Return whether a command line asks for JSON, even one that cannot be parsed."""
    return any(word in ("--json", "--jsonl") or word.split("=")[0] == "--fields" for word in options_of(arguments))
