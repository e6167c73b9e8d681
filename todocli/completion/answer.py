"""Answer a shell that completes a command line.

The scripts that `--install-completion` installs speak Typer's protocol: `_TODO_COMPLETE` names the shell, and other
variables hold the line. Importing the commands takes too long for a key press, so the answer comes from a generated
table. Files are offered only where a command takes one.
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


def answer(environ: Mapping[str, str], table: Command | None = None) -> str | None:
    """Return the text to print, or None if `environ` asks for no completion of a known shell.

    `table` defaults to the program's own. Never raises, whatever the line is.
    """
    instruction, _, shell = environ.get("_TODO_COMPLETE", "").partition("_")
    if instruction != "complete" or shell not in _SHELLS:
        return None
    line_of, text_of = _SHELLS[shell]
    words, begun = line_of(environ)
    items = list(offers(table or _own_table(), words, begun))
    return f"{text_of(items, begun, environ)}\n" if items else ""


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

    at = (argument for place, argument in enumerate(command.arguments) if place >= filled or argument.many)
    argument = next(at, None)
    if awaiting:
        yield from _values(awaiting, begun, words)
    elif begun.startswith("-") and not options_end:
        name, equals, value = begun.partition("=")
        if not equals:
            unused = (option for option in command.options if option.repeats or option not in given)
            yield from ((name, option.help) for option in unused for name in option.names if name.startswith(begun))
            if argument and begun[1:2].isalpha() and not _option(command, begun[:2]):
                yield from _user_data(argument.kind, begun, words)  # a tag to exclude
        elif option := _option(command, name):
            yield from ((f"{name}={found}", about) for found, about in _values(option, value, words))
    elif command.commands:
        yield from _user_data(command.kind, begun, words)
        listed = ((name, below) for name, below in command.commands.items() if not below.hidden)
        found = [(name, below.help) for name, below in listed if name.startswith(begun)]
        yield from found or _user_data(command.otherwise, begun, words)
    elif argument:
        yield from _values(argument, begun, words)


def _option(command: Command, name: str) -> Option | None:
    return next((option for option in command.options if name in option.names), None)


def _values(taker: Option | Argument, begun: str, words: list[str]) -> Iterator[Item]:
    before, comma, last = begun.rpartition(",") if isinstance(taker, Option) and taker.many else ("", "", begun)
    given = [word.lstrip("-") for word in before.split(",")]
    for choice in taker.choices:
        has_sign = choice[0] == "-"
        if choice.startswith(last) and (last or not has_sign) and choice.lstrip("-") not in given:
            yield f"{before}{comma}{choice}", ""
    yield from _user_data(taker.kind, begun, words)


def _user_data(kinds: str, begun: str, words: list[str]) -> Iterator[Item]:
    if kinds:
        from todocli.completion.values import suggestions

        first, *others = kinds.split()
        for kind in (first, *(others if begun else ())):  # too many to offer before a letter is typed
            yield from suggestions(kind, begun, words)


# Read the line


def _line(environ: Mapping[str, str]) -> Line:
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


def _for_bash(items: list[Item], begun: str, environ: Mapping[str, str]) -> str:
    """Write one row for each word, without what stands before a colon or `=` that bash takes for a word of its own.

    Bash lists the rows if there are several, and inserts what they begin with alike. So descriptions do no harm then.
    """
    replaced = environ.get("_TYPER_COMPLETE_WORD_TO_COMPLETE", begun)
    skipped = len(begun) - len(replaced) if begun.endswith(replaced) else 0
    names = [name[skipped:] for name, _ in items]
    if len(items) == 1 or environ.get("COMP_TYPE") in _INSERT_WHOLE_ROWS or not any(about for _, about in items):
        return "\n".join(names)
    columns = _number(environ.get("COLUMNS", "")) or 80
    width = max(map(len, names))
    room = max(0, columns - width - 3)
    rows = [f"{name:<{width}}  {about[:room]}" for name, (_, about) in zip(names, items, strict=True)]
    return "\n".join(row.ljust(columns // 2) for row in rows)  # too wide for two columns


_INSERT_WHOLE_ROWS = ("37", "42")
"""The kinds of completion in bash, `%` and `*`, that insert what is offered, even if it is one of several."""


def _for_zsh(items: list[Item], *_: object) -> str:
    """Write a command that the script evaluates. A key gets no space after it, and neither does a folder."""
    lines = []
    for array, options, is_key in (("todo_words", "", False), ("todo_keys", " -S ''", True)):
        listed = [(name.replace(":", "\\:"), about) for name, about in items if name.endswith((":", "/")) == is_key]
        rows = [f"{name}:{about}" if about else name for name, about in listed]
        if rows:
            quoted = " ".join("'" + row.replace("'", "'\\''") + "'" for row in rows)
            lines.append(f"local -a {array}=({quoted}); _describe -V todo {array}{options};")
    return "\n".join(lines)


def _for_fish(items: list[Item], *_: object) -> str:
    """Write one row for each word. Fish itself puts no space after a colon."""
    return "\n".join(f"{name}\t{about}" if about else name for name, about in items)


def _for_powershell(items: list[Item], *_: object) -> str:
    return "\n".join(f"{name}:::{about or ' '}" for name, about in items)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 5 else 0


_SHELLS: dict[str, tuple[Callable[[Mapping[str, str]], Line], Callable[[list[Item], str, Mapping[str, str]], str]]] = {
    "bash": (_line, _for_bash),
    "zsh": (_line, _for_zsh),
    "fish": (_line, _for_fish),
    "powershell": (_powershell_line, _for_powershell),
    "pwsh": (_powershell_line, _for_powershell),
}
