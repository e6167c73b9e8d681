"""Answers a shell that completes a command line, before anything heavy is imported.

The scripts that `--install-completion` installs speak Typer's protocol: `_TODO_COMPLETE` says what is asked, other
variables hold the line. The answers are those that Typer would give, but from a table, which a test compares with the
real commands. What a user wrote gets into them only through `todocli.completion.values`, which makes it shell_safe.
"""

from __future__ import annotations

from todocli.completion.model import Argument, Command, Option

TYPE_CHECKING = False  # `typing` takes longer to import than an answer takes
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Line = tuple[list[str], str]
    """The whole words after the program's name, and the begun one, which may be empty."""

    Items = list[tuple[str, str]]
    """The words to offer, each with its description, which may be empty."""


def answer(environ: Mapping[str, str], table: Command | None = None) -> tuple[str, int] | None:
    """Return what to print and the exit status; None if Typer has to answer (or nothing was asked).

    `environ` is the environment; a variable that is missing counts as empty. `table` is the program's, unless another
    is given. Raises nothing, whatever the line is.
    """
    instruction, _, shell = environ.get("_TODO_COMPLETE", "").partition("_")
    if instruction != "complete" or shell not in _SHELLS:
        return None
    line_of, written = _SHELLS[shell]
    items = list(_offers(_the_programs() if table is None else table, *line_of(environ)))
    action = environ.get("_TYPER_COMPLETE_FISH_ACTION", "")
    if shell == "fish" and action == "is-args":
        return "", 0 if items else 1
    if shell == "fish" and action != "get-args":
        return "\n", 0
    return f"{written(items)}\n", 0


def _the_programs() -> Command:
    from todocli.completion.table import TABLE

    return TABLE


# What may follow


def _offers(command: Command, words: list[str], begun: str) -> Iterator[tuple[str, str]]:
    line = words
    given, rest = _read(command, words)
    while rest and command.commands is not None and rest[0] in command.commands:
        command = command.commands[rest[0]]
        given, rest = _read(command, rest[1:])

    # Shells differ in what they make of `--name=value`: one word, two, or three.
    if begun == "=":
        begun = ""
    elif begun.startswith("-") and "=" in begun:
        name, _, begun = begun.partition("=")
        words = [*words, name]

    if not begun.startswith("-") or "--" in words:
        for option in command.options:
            if _awaits_value(option, words):
                return _begun_with(begun, option, line)
        for argument in command.arguments:
            if argument not in given:
                return _begun_with(begun, argument, line)
    return _names(command, given, begun, line)


def _begun_with(begun: str, taker: Option | Argument | Command, line: list[str]) -> Iterator[tuple[str, str]]:
    if taker.kind:
        from todocli.completion.values import suggestions

        for kind in taker.kind.split():
            yield from suggestions(kind, begun, line)
    elif not isinstance(taker, Command):
        yield from ((choice, "") for choice in taker.choices if choice.startswith(begun))


def _names(command: Command, given: set[Option | Argument], begun: str, line: list[str]) -> Iterator[tuple[str, str]]:
    if command.kind:
        yield from _begun_with(begun, command, line)
    for name, below in (command.commands or {}).items():
        if name.startswith(begun) and not below.hidden:
            yield name, below.help
    if begun and not begun[0].isalnum():
        for option in command.options:
            if not option.hidden and (option.repeats or option not in given):
                yield from ((name, option.help) for name in option.names if name.startswith(begun))


def _awaits_value(option: Option, words: list[str]) -> bool:
    """Tell whether the last option on the line is this one, and not all of its values are there."""
    for word in reversed(words[-option.values :] if option.values else []):
        if word.startswith("-"):
            return word in option.names
    return False


# What is there already


def _read(command: Command, words: list[str]) -> tuple[set[Option | Argument], list[str]]:
    """Return which options and arguments of `command` are on the line, and the words that are left for its commands.

    It reads as Typer's parser does; at a fault (an unknown option, a value that is missing) it stops.
    """
    known = {name: option for option in command.options for name in option.names}
    given: set[Option | Argument] = set()
    queue = list(words)
    plain: list[str] = []
    while queue:
        word = queue.pop(0)
        if word == "--":
            break
        if word.startswith("-") and len(word) > 1:
            read = _read_long if word.startswith("--") else _read_short
            unknown = read(known, word, queue, given, loose=command.loose)
            if unknown is None:
                return given, plain
            plain += [unknown] if unknown else []
        elif command.commands is None:
            plain.append(word)
        else:
            queue.insert(0, word)
            break
    return given, _read_arguments(command, plain + queue, given)


def _read_long(
    known: Mapping[str, Option], word: str, queue: list[str], given: set[Option | Argument], *, loose: bool
) -> str | None:
    """Read `--name` or `--name=value`. Returns what is unknown of it, or None for a fault."""
    name, equals, value = word.partition("=")
    option = known.get(name)
    if option is None:
        return word if loose else None
    if equals:
        if not option.values:
            return None
        queue.insert(0, value)
    return "" if _take(option, queue, given) else None


def _read_short(
    known: Mapping[str, Option], word: str, queue: list[str], given: set[Option | Argument], *, loose: bool
) -> str | None:
    """Read `-a`, `-abc` or `-avalue`. Returns what is unknown of it, or None for a fault."""
    unknown = ""
    for i, letter in enumerate(word[1:], 2):
        option = known.get(f"-{letter}")
        if option is None:
            if not loose:
                return None
            unknown += letter
            continue
        glued = option.values > 0 and i < len(word)
        if glued:
            queue.insert(0, word[i:])
        if not _take(option, queue, given):
            return None
        if glued:
            break
    return f"-{unknown}" if unknown else ""


def _take(option: Option, queue: list[str], given: set[Option | Argument]) -> bool:
    """Take the values of `option` from the line; return whether they were all there."""
    if len(queue) < option.values:
        return False
    del queue[: option.values]
    given.add(option)
    return True


def _read_arguments(command: Command, words: list[str], given: set[Option | Argument]) -> list[str]:
    """Give the words to the arguments; return those that are left. One that takes many never has enough."""
    arguments = command.arguments
    many = next((i for i, argument in enumerate(arguments) if argument.many), None)
    if many is None:
        given.update(arguments[: len(words)])
        return words[len(arguments) :]
    given.update(arguments[:many][: len(words)])
    behind = min(len(arguments) - many - 1, max(len(words) - many, 0))
    given.update(arguments[len(arguments) - behind :])
    return []


# The line, as each shell hands it over


def _bash_line(environ: Mapping[str, str]) -> Line:
    words = _split(environ.get("COMP_WORDS", ""))
    position = environ.get("COMP_CWORD", "")
    at = int(position) if position.isdecimal() else len(words)
    return words[1:at], words[at] if at < len(words) else ""


def _shared_line(environ: Mapping[str, str]) -> Line:
    text = environ.get("_TYPER_COMPLETE_ARGS", "")
    words = _split(text)[1:]
    if words and not text.endswith(" "):
        return words[:-1], words[-1]
    return words, ""


def _powershell_line(environ: Mapping[str, str]) -> Line:
    words = _split(environ.get("_TYPER_COMPLETE_ARGS", ""))
    begun = environ.get("_TYPER_COMPLETE_WORD_TO_COMPLETE", "")
    return words[1:-1] if begun else words[1:], begun


def _split(text: str) -> list[str]:
    """Split into words as a shell does; a quote that is still open ends with the text."""
    if not any(character in text for character in "'\"\\"):
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


# The answer, as each shell reads it


def _for_bash(items: Items) -> str:
    return "\n".join(name for name, _ in items)


def _for_zsh(items: Items) -> str:
    if not items:
        return "_files"
    # Inside of double quotes, inside of single ones; the description begins after a colon.
    described = [(name, about.replace("'", "''").replace(":", "\\\\:")) for name, about in items]
    entries = "\n".join(f'"{name}":"{about}"' if about else f'"{name}"' for name, about in described)
    return f"_arguments '*: :(({entries}))'"


def _for_fish(items: Items) -> str:
    return "\n".join(f"{name}\t{about}" if about else name for name, about in items)


def _for_powershell(items: Items) -> str:
    return "\n".join(f"{name}:::{about or ' '}" for name, about in items)


_SHELLS: dict[str, tuple[Callable[[Mapping[str, str]], Line], Callable[[Items], str]]] = {
    "bash": (_bash_line, _for_bash),
    "zsh": (_shared_line, _for_zsh),
    "fish": (_shared_line, _for_fish),
    "powershell": (_powershell_line, _for_powershell),
    "pwsh": (_powershell_line, _for_powershell),
}
