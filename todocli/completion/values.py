"""Suggestions from the user's data and the date: todo numbers with titles, tags, projects, views, profiles and days.

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

_PLAIN_WORD = re.compile(r"\+?[A-Za-z0-9][A-Za-z0-9._/-]*")

_DAYS = ("today", "tomorrow", "mon", "tue", "wed", "thu", "fri", "sat", "sun", "1w", "2w", "1m", "eow", "eom", "eoy")
_FIXED = {
    "priority": ("high", "medium", "low", "none"),
    "sort": ("due", "priority", "project", "title", "created", "completed", "number", "start", "urgency"),
}


def suggestions(kind: str, begun: str, words: Sequence[str]) -> list[tuple[str, str]]:
    """Return values of `kind` that start with `begun`, each with its description.

    `words` is the line so far; it may name a profile. Never raises: what cannot be read is not offered.
    """
    try:
        pairs = list(_pairs(kind, begun, _profile_name(words)))
    except Exception:
        return []
    return [
        (value, shell_safe(about)) for value, about in pairs if value.startswith(begun) and _PLAIN_WORD.fullmatch(value)
    ]


def shell_safe(text: str) -> str:
    """Return `text` without anything but letters, digits, spaces and `,._/-`, cut to `MAX_DESCRIPTION`."""
    kept = "".join(char for char in text if char.isalnum() or char in " ,._/-")
    short = " ".join(kept.split())
    return short if len(short) <= MAX_DESCRIPTION else f"{short[: MAX_DESCRIPTION - 3].rstrip()}..."


def _pairs(kind: str, begun: str, profile: str | None) -> Iterable[tuple[str, str]]:
    if kind in _FIXED:
        return [(value, "") for value in _FIXED[kind]]
    if kind in ("day", "due"):
        return _days(kind)
    if kind in ("view", "profile"):
        from todocli import profiles

        known = profiles.load()
        return sorted(known.views.items()) if kind == "view" else [(name, "") for name in sorted(known.profiles)]
    if kind in ("tag", "+tag", "project"):
        data = _known(profile)
        if kind == "project":
            return [(name, "") for name in data.projects]
        return [(f"+{name}" if kind == "+tag" else name, "") for name in data.tags]
    states = {"todo": ("open",), "any": ("open", "done", "trash")}.get(kind, (kind,))
    todos = ((str(number), title) for number, title, state in _known(profile).todos if state in states)
    return [pair for pair in todos if pair[0].startswith(begun)][:MAX_TODOS]


def _days(kind: str) -> Iterator[tuple[str, str]]:
    from todocli import clock
    from todocli.domain.dates import parse_day

    if kind == "due":
        yield from ((word, "") for word in ("overdue", "week", "month"))
    for word in _DAYS:
        yield word, f"{parse_day(word, 'due', here=clock.here()).on:%a %d %b %Y}"
    yield from ((word, "") for word in (("none", "any") if kind == "due" else ("none",)))


def _profile_name(words: Sequence[str]) -> str | None:
    for word, following in zip(words, [*words[1:], ""], strict=False):
        if word == "--profile":
            return following
        if word.startswith("--profile="):
            return word.partition("=")[2]
    return None


def _known(name: str | None) -> CompletionCache:
    from todocli import profiles
    from todocli.completion import cache

    profile = profiles.resolve(name)
    return cache.of_embedded(profile.user) if profile.embedded else cache.recalled(profile)
