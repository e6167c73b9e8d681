"""What may follow that only this user's data, or today, can tell: numbers with titles, tags, projects, views, days.

Some shells evaluate what they are told, and titles are anybody's text: so what is suggestions has characters of a few kinds
only, and a description letters, digits and little else. Nothing here goes to the network: the embedded database is
read as it is, and of another one what the last commands left (`todocli.completion.cache`).
"""

from __future__ import annotations

import re

TYPE_CHECKING = False  # `typing` takes longer to import than an answer takes
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from todocli.completion.cache import CompletionCache

MAX_TODOS = 200
ABOUT_LENGTH = 60

_OFFERED = re.compile(r"\+?[A-Za-z0-9][A-Za-z0-9._/-]*")

_DAYS = ("today", "tomorrow", "mon", "tue", "wed", "thu", "fri", "sat", "sun", "1w", "2w", "1m", "eow", "eom", "eoy")
_FIXED = {
    "priority": ("high", "medium", "low", "none"),
    "sort": ("due", "priority", "project", "title", "created", "number", "start", "plan"),
}


def suggestions(kind: str, begun: str, words: Sequence[str]) -> list[tuple[str, str]]:
    """Return what of a `kind` begins like `begun`, each with its description, for a line with these `words`.

    Raises nothing: where something cannot be read, nothing is suggestions.
    """
    try:
        pairs = list(_pairs(kind, begun, _profile_name(words)))
    except Exception:
        return []
    return [
        (value, shell_safe(about)) for value, about in pairs if value.startswith(begun) and _OFFERED.fullmatch(value)
    ]


def shell_safe(text: str) -> str:
    """Return letters, digits, spaces and `,._/-` of a text, of no more than one line."""
    kept = "".join(char for char in text if char.isalnum() or char in " ,._/-")
    short = " ".join(kept.split())
    return short if len(short) <= ABOUT_LENGTH else f"{short[: ABOUT_LENGTH - 3].rstrip()}..."


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
        yield word, f"{parse_day(word, 'due', today=clock.today()).on:%a %d %b %Y}"
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
