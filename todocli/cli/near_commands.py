"""Guesses the command if the first word is not one: `todo 12 done`, `todo und`, `todo delete 3`.

Words of other programs, and unique beginnings of commands, are answered with the right command. It runs at once only
if the user agrees: the word may be a slip. Numbers before a command are no slip, and run.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import takewhile

SYNONYMS = {
    **dict.fromkeys(("do", "complete", "finish", "close", "check"), "done"),
    **dict.fromkeys(("del", "delete", "remove", "erase"), "rm"),
    **dict.fromkeys(("mod", "modify", "change", "set", "update", "append"), "edit"),
    **dict.fromkeys(("search", "find", "grep", "ll", "all"), "list"),
    **dict.fromkeys(("new", "create"), "add"),
    **dict.fromkeys(("annotate", "comment"), "note"),
    **dict.fromkeys(("undone", "uncomplete", "uncheck"), "reopen"),
    **dict.fromkeys(("info", "view-todo", "cat"), "show"),
    **dict.fromkeys(("history",), "log"),
}
"""The words that other programs use, and the commands that they stand for."""

AFTER_NUMBERS = ("done", "edit", "note", "rm", "reopen", "show", "restore", "log", "purge")
"""The commands that may follow numbers: `todo 12 done`."""


def numbers_first(words: Sequence[str]) -> list[str] | None:
    """Return a line that begins with references in the usual order; None if it does not, or names no command.

    Without a command, the todos are shown; with quick words alone, edited.
    """
    from todocli.domain.quick_add import is_change_word
    from todocli.domain.references import is_reference

    named = list(takewhile(is_reference, words))
    if not named:
        return None
    command, *rest = words[len(named) :] or ["show"]
    if command.startswith("-"):
        return ["show", *words]
    if all(map(is_change_word, (command, *rest))):
        return ["edit", *words]
    return [command, *named, *rest] if command in AFTER_NUMBERS else None


def beginning_with(name: str, commands: Collection[str]) -> list[str]:
    """Return the commands that a word is the beginning of."""
    return [command for command in commands if command.startswith(name.lower())]


def nearest(words: Sequence[str], commands: Collection[str]) -> list[str] | None:
    """Return the line that was probably intended; None if there is no single one."""
    from todocli.domain.filters.words import is_key_word

    word, *rest = words
    if is_key_word(word):
        return ["list", *words]
    name = word.lower()
    if name in SYNONYMS:
        return [SYNONYMS[name], *rest]
    beginning = beginning_with(name, commands)
    if len(beginning) > 1:
        return None
    if beginning:
        return [*beginning, *rest]
    import difflib

    alike = difflib.get_close_matches(name, [*commands, *SYNONYMS], 1, 0.7)
    return [SYNONYMS.get(alike[0], alike[0]), *rest] if alike else None
