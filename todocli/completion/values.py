"""Suggestions from the user's data and the date: todo numbers with titles, tags, projects, views, profiles and days.

A kind of values is one of these; the completion table names them:

    todo, done, trash, any                      numbers of todos in this state
    view, profile                               names
    file                                        files and folders
    line                                        aliases and views
    change                                      beginnings of ids of changes, of an embedded database
    due, start, priority, project, tag          values that set a field
    due-edit, …                                 the same, and what clears it
    due-filter, …                               values that select todos by a field
    date                                        days alone
    set-words, edit-words, filter-words         words that do the same: `due:fri`, `+bills`
    -tag                                        a tag to exclude or to remove

zsh evaluates the answer, and a title is arbitrary text. So only plain words are offered, and descriptions keep little
but letters and digits. Nothing here uses the network: the embedded database is read directly, and for a remote one the
cache has what earlier commands showed.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False  # importing `typing` takes longer than the answer
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from todocli.completion.cache import CompletionCache

MAX_TODOS = 200
MAX_DESCRIPTION = 60

_PLAIN_WORD = re.compile(
    r"(?:[+-]|[a-z]+:)?[A-Za-z0-9][A-Za-z0-9._/-]*|[a-z]+:|(?:(?:needs|under|parent):)?(?:-?[0-9]+,)*-?[0-9]+",
    re.IGNORECASE,
)
_PLAIN_PATH = re.compile(r"/?[A-Za-z0-9._+-][A-Za-z0-9._+/-]*")

_STATES = {"todo": ("open",), "done": ("done",), "trash": ("trash",), "any": ("open", "done", "trash")}
_KEYS = ("due:", "start:", "pri:", "project:", "tags:", "needs:", "under:", "every:")
_REPEATING = {
    "every": ("day", "week", "2w", "month", "year", "weekday", "mon,thu"),
    "again": ("1d", "3d", "1w", "2w", "1m"),
}
_STATES_OF_FILTERS = ("is:blocked", "is:claimed", "is:ready")
_PAST_KEYS = ("done:", "added:", "changed:")
_PAST = ("today", "yesterday", "week", "last-week", "month", "last-month", "year", "any", "none")
_PRIORITIES = ("high", "medium", "low")
_DAYS = (
    *("today", "tomorrow", "mon", "tue", "wed", "thu", "fri", "sat", "sun", "weekend", "next-week", "next-month"),
    *("1w", "2w", "1m", "eow", "eom", "eoy"),
)
_SOMEDAY = "someday"
_PERIODS = ("week", "next-week", "month", "next-month", "year")
_FIRST_IN_FILTERS = {"due": ("overdue",), "start": ("later",)}
_LAST = {"edit": ("none",), "filter": ("any", "none")}


def suggestions(kind: str, begun: str, words: Sequence[str]) -> list[tuple[str, str]]:
    """Return values of `kind` that start with `begun`, each with its description.

    `words` is the line so far; it may name a profile. Never raises: what cannot be read is not offered.
    """
    try:
        pairs = list(_pairs(kind, begun, words))
    except Exception:
        return []
    form = _PLAIN_PATH if kind == "file" else _PLAIN_WORD
    return [(value, shell_safe(about)) for value, about in pairs if value.startswith(begun) and form.fullmatch(value)]


def shell_safe(text: str) -> str:
    """Return `text` without anything but letters, digits, spaces and `,._/-`, cut to `MAX_DESCRIPTION`."""
    kept = "".join(char for char in text if char.isalnum() or char in " ,._/-")
    short = " ".join(kept.split())
    return short if len(short) <= MAX_DESCRIPTION else f"{short[: MAX_DESCRIPTION - 3].rstrip()}..."


def _pairs(kind: str, begun: str, words: Sequence[str]) -> Iterable[tuple[str, str]]:
    if kind in _STATES:
        if begun and not begun.isdecimal():
            return []
        todos = ((str(number), title) for number, title, state in _known(words).todos if state in _STATES[kind])
        return [pair for pair in todos if pair[0].startswith(begun)][:MAX_TODOS]
    if kind in ("view", "line", "profile"):
        from todocli import profiles

        known = profiles.load()
        names = {"view": known.views, "line": {**known.views, **known.aliases}}
        return sorted(names[kind].items()) if kind in names else [(name, "") for name in sorted(known.profiles)]
    if kind == "change":
        return _changes(words)
    if kind == "file":
        return _files(begun)
    if kind == "-tag":
        return [(f"-{name}", "") for name in _known(words).tags] if begun[:1] == "-" else []
    if kind == "date":
        return _days(_DAYS)
    field, _, use = kind.partition("-")
    return _quick_words(field, begun, words) if use == "words" else _values(field, use, begun, words)


def _files(begun: str) -> Iterator[tuple[str, str]]:
    """Yield the files in the folder of what is typed, and the folders there, with a slash."""
    import os

    folder = begun[: begun.rfind("/") + 1]
    with os.scandir(folder or ".") as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if not entry.name.startswith(".") or begun != folder:
                yield f"{folder}{entry.name}{'/' if entry.is_dir() else ''}", ""


def _changes(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    from uuid import UUID

    from todocli import profiles
    from todocli.completion import cache
    from todocli.domain.change_ids import shortened

    profile = profiles.resolve(_profile_name(words))
    known = (
        [(UUID(change), title) for change, title in cache.changes_of_embedded(profile.user)] if profile.embedded else []
    )
    ids = [change for change, _ in known]
    yield from ((shortened(change, ids), title or "") for change, title in known)


def _quick_words(use: str, begun: str, words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield tags and keys, or the values of the key that is typed already."""
    key, colon, value = begun.partition(":")
    if colon:
        from todocli.domain.filters.terms import KEYS

        if key.lower() == "is":
            yield from ((name, "") for name in _STATES_OF_FILTERS)
            return
        if use == "edit" and not any(word == "set" or word[:1].isdecimal() for word in words):
            use = "filter"  # the words before `set` select todos
        values = _values(KEYS[key.lower()], use, value, words)
        yield from ((f"{key}:{each}", about) for each, about in values)
        return
    yield from ((name, "") for name in (*_KEYS, *((*_PAST_KEYS, *_STATES_OF_FILTERS) if use == "filter" else ())))
    if begun[:1] in ("", "+"):
        yield from ((f"+{name}", "") for name in _known(words).tags)


def _values(field: str, use: str, begun: str, words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the values of a field, and those that clear it or select by it."""
    if field == "number":
        return
    if f"{field}:" in _PAST_KEYS:
        yield from ((word, "") for word in (_PAST if use == "filter" else ()))
        return
    if field in ("due", "start"):
        periods = (*_FIRST_IN_FILTERS[field], *_PERIODS) if use == "filter" else ()
        yield from ((word, "") for word in periods)
        yield from _days(word for word in _DAYS if word not in periods)
        yield _SOMEDAY, ""
    elif field == "needs":
        start = begun.rfind(",") + 1
        start += begun[start : start + 1] == "-"
        yield from ((begun[:start] + number, about) for number, about in _pairs("todo", begun[start:], words))
    elif field == "parent":
        yield from _pairs("todo", begun, words)
    elif field in ("every", "again", "ends", "times"):
        yield from ((word, "") for word in (() if use == "filter" else _REPEATING.get(field, ())))
    else:
        names = _PRIORITIES if field == "priority" else getattr(_known(words), f"{field}s")
        yield from ((name, "") for name in names)
    yield from ((word, "") for word in _LAST.get(use, ()))


def _days(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    from todocli import clock
    from todocli.domain.dates import parse_day

    for word in names:
        yield word, f"{parse_day(word, 'due', here=clock.here()).on:%a %d %b %Y}"


def _profile_name(words: Sequence[str]) -> str | None:
    for word, following in zip(words, [*words[1:], ""], strict=False):
        if word == "--profile":
            return following
        if word.startswith("--profile="):
            return word.partition("=")[2]
    return None


def _known(words: Sequence[str]) -> CompletionCache:
    from todocli import profiles
    from todocli.completion import cache

    profile = profiles.resolve(_profile_name(words))
    return cache.of_embedded(profile.user) if profile.embedded else cache.recalled(profile)
