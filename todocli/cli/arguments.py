"""Prepares the arguments of a command for Typer's parser.

    --due 27 jan    the words of a date become one
    -diy            becomes --no-tag diy, or --untag diy in edit, unless it could be an option
    -20%            is a word, because no option begins with a digit
    -dashes         is refused if it could be an option and its value: it is prose, or a slip

All others are passed on as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from todocli.errors import UsageError

HELD = "\0"
"""Stands before a word with a dash, so that the parser takes it for none of its options; see `released`."""

_DIGITS = re.compile(r"-\d")
_MINUS_TAG = re.compile(r"-([^\W\d_][\w-]+)")


def prepared(
    arguments: list[str],
    parameters: Sequence[Any],
    option_of_minus: Callable[[Sequence[str]], str | None],
    *,
    is_change: bool = False,
) -> list[str]:
    """Return the arguments for the parser of a command with these parameters.

    `option_of_minus` returns the option that `-tag` stands for after some words. Raises `UsageError`, if it `is_change`
    also for an option with one value that is given twice: the first one would be lost.
    """
    takes_value = {
        name: not getattr(parameter, "is_flag", False)
        for parameter in parameters
        for name in parameter.opts
        if name.startswith("-")
    }
    once = {name: parameter for parameter in parameters for name in parameter.opts if not parameter.multiple}
    seen: set[Any] = set()
    found: list[str] = []
    words = iter(_join_dates(arguments, takes_value.keys() & {"--due", "--start"}))
    for word in words:
        if word == "--":
            return [*found, word, *words]
        option = word.partition("=")[0]
        if is_change and takes_value.get(option) and (parameter := once.get(option)):
            if parameter in seen:
                raise UsageError(f"{option} is given twice.", hint="Give it once.")
            seen.add(parameter)
        if takes_value.get(word):
            found += [word, *([value] if (value := next(words, None)) is not None else [])]
            continue
        if _DIGITS.match(word):
            found.append(HELD + word)
            continue
        letters = [f"-{letter}" for letter in word[1:]] if len(word) > 2 and word[0] == "-" and word[1] != "-" else []
        minus = option_of_minus(found) if (tag := _MINUS_TAG.fullmatch(word)) else None
        if minus and tag and letters[0] not in takes_value:
            found += [minus, tag[1]]
            continue
        if letters:
            _refuse_glued(word, letters, takes_value, f"{minus} {word[1:]}" if minus else "")
        found.append(word)
    return found


def released(values: dict[str, Any]) -> None:
    """Take `HELD` from the words among the values of parameters."""
    for name, value in values.items():
        if isinstance(value, list | tuple):
            values[name] = [word.removeprefix(HELD) if isinstance(word, str) else word for word in value]
        elif isinstance(value, str):
            values[name] = value.removeprefix(HELD)


def _refuse_glued(word: str, letters: list[str], takes_value: dict[str, bool], minus: str) -> None:
    """Raise `UsageError` if a word is an option with its value, or no option but for its first letters."""
    about_tag = f" For the tag, write {minus[:60]}." if minus else ""
    for i, letter in enumerate(letters, 1):
        if takes_value.get(letter) and word[i + 1 :].isdecimal():
            return
        if takes_value.get(letter) and i < len(letters):
            raise UsageError(
                f"The value of {letter} is attached to it in {word[:40]!r}.",
                hint=f"Write {letter} {word[i + 1 :][:40]}, or put -- before words that begin with a dash.{about_tag}",
            )
        if minus and letter not in takes_value:
            raise UsageError(f"There is no option {letter} in {word[:40]!r}.", hint=about_tag.strip())


def _join_dates(arguments: list[str], names: set[str]) -> list[str]:
    """Return the arguments with the words of each date in one of them."""
    if not any(word.partition("=")[0] in names for word in arguments):
        return arguments
    from todocli.domain.quick_add import join_option_dates

    return join_option_dates(arguments, names)
