"""The completion table's types: a command, its options and its arguments.

`choices` are the possible values, where the program knows them; those with a sign are offered once it is typed. `kind`
names values that depend on the user's data or on the date; spaces separate several kinds. `todocli.completion.values`
looks them up.
"""

from __future__ import annotations

TYPE_CHECKING = False  # importing `typing` takes longer than the answer
if TYPE_CHECKING:
    from collections.abc import Mapping


class Option:
    """An option with all its names. With `value` it takes one, as the next word or after `=`; with `many`, a list.

    The values of a list are separated by commas.
    """

    __slots__ = ("choices", "help", "kind", "many", "names", "repeats", "value")

    def __init__(
        self,
        *names: str,
        help: str = "",  # noqa: A002 - Typer's name for it
        value: bool = False,
        choices: tuple[str, ...] = (),
        many: bool = False,
        repeats: bool = False,
        kind: str = "",
    ) -> None:
        self.names = names
        self.help = help
        self.value = value
        self.choices = choices
        self.many = many
        self.repeats = repeats
        self.kind = kind


class Argument:
    """A positional word; with `many`, any number of them."""

    __slots__ = ("choices", "kind", "many")

    def __init__(self, *choices: str, many: bool = False, kind: str = "") -> None:
        self.choices = choices
        self.many = many
        self.kind = kind


class Command:
    """A command, or a group if it has `commands`. A group's `kind` names words that may stand in place of a command.

    `otherwise` does too, but they are looked up only if no command begins with what was typed: that takes longer.
    """

    __slots__ = ("arguments", "commands", "help", "hidden", "kind", "options", "otherwise")

    def __init__(
        self,
        help: str = "",  # noqa: A002 - Typer's name for it
        *,
        options: tuple[Option, ...] = (),
        arguments: tuple[Argument, ...] = (),
        commands: Mapping[str, Command] | None = None,
        hidden: bool = False,
        kind: str = "",
        otherwise: str = "",
    ) -> None:
        self.help = help
        self.options = options
        self.arguments = arguments
        self.commands = commands or {}
        self.hidden = hidden
        self.kind = kind
        self.otherwise = otherwise
