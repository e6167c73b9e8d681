"""Answer a shell that completes a command line.

The scripts that `--install-completion` installs speak Typer's protocol: `_TODO_COMPLETE` names the shell, and other
variables hold the line. Importing the commands takes too long for a key press, so the answer comes from a generated
table.
"""

from __future__ import annotations

from todocli.completion.model import Argument, Command, Option

TYPE_CHECKING = False  # importing `typing` takes longer than the answer
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Line = tuple[list[str], str]
    """The complete words after the program's name, and the word being typed, which may be empty."""

    Item = tuple[str, str]
    """A word to offer and its description, which may be empty."""


def answer(environ: Mapping[str, str], table: Command | None = None) -> tuple[str, int] | None:
    """Return the text to print and the exit status, or None if `environ` asks for no completion of a known shell.

    `table` defaults to the program's own. Never raises, whatever the line is.
    """
    instruction, _, shell = environ.get("_TODO_COMPLETE", "").partition("_")
    if instruction != "complete" or shell not in _SHELLS:
        return None
    line_of, text_of = _SHELLS[shell]
    items = list(offers(table or _own_table(), *line_of(environ)))
    if shell == "fish" and environ.get("_TYPER_COMPLETE_FISH_ACTION") == "is-args":
        return "", 0 if items else 1
    return f"{text_of(items)}\n", 0


def _own_table() -> Command:
    from todocli.completion.table import TABLE

    return TABLE


def offers(command: Command, words: list[str], begun: str) -> Iterator[Item]:
    """Yield what can stand in place of `begun` on a line of `command` that starts with `words`."""
    given: set[Option] = set()
    awaiting: Option | None = None  # the option that takes the next word as its value
    filled = 0  # how many words are arguments
    options_end = False
    for word in words:
        if awaiting:
            awaiting = None
        elif word == "--" and not options_end:
            options_end = True
        elif word.startswith("-") and word != "-" and not options_end:
            name, equals, _ = word.partition("=")
            if option := _option(command, name):
                given.add(option)
                awaiting = option if option.value and not equals else None
        elif not command.commands:
            filled += 1
        elif word in command.commands:
            command, given, options_end = command.commands[word], set(), False
        else:
            return

    if awaiting:
        yield from _values(awaiting, begun, words)
    elif begun.startswith("-") and not options_end:
        name, equals, value = begun.partition("=")
        if not equals:
            unused = (option for option in command.options if option.repeats or option not in given)
            yield from ((name, option.help) for option in unused for name in option.names if name.startswith(begun))
        elif option := _option(command, name):
            yield from ((f"{name}={found}", about) for found, about in _values(option, value, words))
    elif command.commands:
        yield from _user_data(command.kind, begun, words)
        listed = ((name, below) for name, below in command.commands.items() if not below.hidden)
        yield from ((name, below.help) for name, below in listed if name.startswith(begun))
    else:
        for position, argument in enumerate(command.arguments):
            if position >= filled or argument.many:
                yield from _values(argument, begun, words)
                return


def _option(command: Command, name: str) -> Option | None:
    return next((option for option in command.options if name in option.names), None)


def _values(taker: Option | Argument, begun: str, words: list[str]) -> Iterator[Item]:
    yield from ((choice, "") for choice in taker.choices if choice.startswith(begun))
    yield from _user_data(taker.kind, begun, words)


def _user_data(kinds: str, begun: str, words: list[str]) -> Iterator[Item]:
    if kinds:
        from todocli.completion.values import suggestions

        first, *others = kinds.split()
        for kind in (first, *(others if begun else ())):  # the others begin with a sign of their own
            yield from suggestions(kind, begun, words)


# Read the line


def _bash_line(environ: Mapping[str, str]) -> Line:
    """Read the line. Bash makes three words of `--name=value`, and completes the last one."""
    words = _split(environ.get("COMP_WORDS", ""))
    position = environ.get("COMP_CWORD", "")
    at = int(position[:9]) if position.isdecimal() else len(words)
    begun = words[at] if at < len(words) else ""
    return [word for word in words[1:at] if word != "="], "" if begun == "=" else begun


def _zsh_or_fish_line(environ: Mapping[str, str]) -> Line:
    text = environ.get("_TYPER_COMPLETE_ARGS", "")
    words = _split(text)[1:]
    return (words[:-1], words[-1]) if words and not text.endswith(" ") else (words, "")


def _powershell_line(environ: Mapping[str, str]) -> Line:
    words = _split(environ.get("_TYPER_COMPLETE_ARGS", ""))[1:]
    begun = environ.get("_TYPER_COMPLETE_WORD_TO_COMPLETE", "")
    return words[:-1] if begun else words, begun


def _split(text: str) -> list[str]:
    """Split `text` into words as a shell does. An open quote ends with the text."""
    if not any(quote in text for quote in "'\"\\"):
        for space in "\t\r\n":
            text = text.replace(space, " ")
        return [word for word in text.split(" ") if word]
    import shlex

    lexer = shlex.shlex(text, posix=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    words = []
    try:
        for word in lexer:
            words.append(word)
    except ValueError:
        words.append(lexer.token)
    return words


# Write the answer


def _for_bash(items: list[Item]) -> str:
    return "\n".join(name for name, _ in items)


def _for_zsh(items: list[Item]) -> str:
    """Write a command that the script evaluates: the descriptions are in double quotes within single quotes."""
    if not items:
        return "_files"
    escaped = [(name, about.replace("'", "''").replace(":", "\\\\:")) for name, about in items]
    entries = "\n".join(f'"{name}":"{about}"' if about else f'"{name}"' for name, about in escaped)
    return f"_arguments '*: :(({entries}))'"


def _for_fish(items: list[Item]) -> str:
    return "\n".join(f"{name}\t{about}" if about else name for name, about in items)


def _for_powershell(items: list[Item]) -> str:
    return "\n".join(f"{name}:::{about or ' '}" for name, about in items)


_SHELLS: dict[str, tuple[Callable[[Mapping[str, str]], Line], Callable[[list[Item]], str]]] = {
    "bash": (_bash_line, _for_bash),
    "zsh": (_zsh_or_fish_line, _for_zsh),
    "fish": (_zsh_or_fish_line, _for_fish),
    "powershell": (_powershell_line, _for_powershell),
    "pwsh": (_powershell_line, _for_powershell),
}
