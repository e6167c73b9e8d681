"""What a shell can be told about a command: the words that may follow it."""

from __future__ import annotations

TYPE_CHECKING = False  # `typing` takes longer to import than an answer takes
if TYPE_CHECKING:
    from collections.abc import Mapping


class Option:
    """An option. `values` counts the words that follow it; `choices` are all that may follow, where they are known.

    Where only the user's data tell, `kind` says what may follow (see `todocli.completion.values`).
    """

    __slots__ = ("choices", "help", "hidden", "kind", "names", "repeats", "values")

    def __init__(
        self,
        *names: str,
        help: str = "",  # noqa: A002 - as Typer calls it
        values: int = 0,
        choices: tuple[str, ...] = (),
        repeats: bool = False,
        hidden: bool = False,
        kind: str = "",
    ) -> None:
        self.names = names
        self.kind = kind
        self.help = help
        self.values = values
        self.choices = choices
        self.repeats = repeats
        self.hidden = hidden


class Argument:
    """A word that is no option; with `many`, any number of them. `kind` is as an option's."""

    __slots__ = ("choices", "kind", "many")

    def __init__(self, *choices: str, many: bool = False, kind: str = "") -> None:
        self.choices = choices
        self.kind = kind
        self.many = many


class Command:
    """A command; with `commands`, a group of them, beside which words of a `kind` may stand.

    A `loose` one takes unknown options for words.
    """

    __slots__ = ("arguments", "commands", "help", "hidden", "kind", "loose", "options")

    def __init__(
        self,
        help: str = "",  # noqa: A002 - as Typer calls it
        *,
        options: tuple[Option, ...] = (),
        arguments: tuple[Argument, ...] = (),
        commands: Mapping[str, Command] | None = None,
        loose: bool = False,
        hidden: bool = False,
        kind: str = "",
    ) -> None:
        self.help = help
        self.kind = kind
        self.options = options
        self.arguments = arguments
        self.commands = commands
        self.loose = loose
        self.hidden = hidden
