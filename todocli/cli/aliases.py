"""Words that stand for a line: the aliases of the configuration file, and the names of saved views.

    [aliases]
    inbox = "list project:none"    # todo inbox +home: todo list project:none +home

A command comes first, then an alias, then a view. The text of an alias begins with a command, so that none leads to
another.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from todocli import paths
from todocli.errors import ValidationError

if TYPE_CHECKING:
    from todocli.profiles import Profiles


def line_of(words: Sequence[str], settings: Profiles, commands: Collection[str]) -> list[str] | None:
    """Return the line that the first of the words stands for, followed by the others; None if it stands for none.

    Raises `ValidationError` for an alias that is no line.
    """
    name, *rest = words
    if name in commands:
        return None
    if name in settings.aliases:
        return [*_words(name, settings.aliases[name], commands), *rest]
    return ["view", "show", name, *rest] if name in settings.views else None


def ignored(settings: Profiles, commands: Collection[str]) -> Iterator[str]:
    """Yield what to say of each alias that has the name of a command."""
    for name in settings.aliases:
        if name in commands:
            yield f'{paths.config_file().name}: "aliases.{name}" is ignored: {name} is a command'


def _words(name: str, text: str, commands: Collection[str]) -> list[str]:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise _invalid(name, f"cannot be split into words: {str(error).lower()}") from None
    if not words or words[0] not in commands:
        raise _invalid(name, f"must begin with a command, not {words[0][:40]!r}" if words else "is empty")
    return words


def _invalid(name: str, fault: str) -> ValidationError:
    key = f"aliases.{name}"
    return ValidationError.of(
        key, f"{paths.config_file()}: {key} {fault}.", hint='Write what follows todo, such as "list project:none".'
    )
