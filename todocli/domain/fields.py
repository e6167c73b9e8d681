"""Priorities, projects and tags: their limits and how they are parsed; and when a todo is overdue."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, time
from typing import Literal

Priority = Literal["high", "medium", "low"]

DateOrder = Literal["dmy", "mdy", "ymd"]
"""The order of day, month and year in the dates of a file."""

PRIORITIES: tuple[Priority, ...] = ("high", "medium", "low")
PROJECT_LENGTH = 100
TAG_LENGTH = 40
MAX_TAGS = 20
MAX_NEEDS = 100
MAX_LEVELS = 5
MAX_TIMES = 10_000
RULE_LENGTH = 200
SOON = 7
"""A todo is due soon from this many days before its date."""

NO_NAMES = ("none", "any")
"""Words with a meaning in filters: no tag or project has such a name."""

UNSEEN = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0"
)
"""Characters that show nothing, besides spaces, as a regular expression has them in brackets.

They are the default-ignorable code points (https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point) of the
Basic Multilingual Plane, and the blank of Braille.
"""

_SEEN = re.compile(rf"[^\x00\s{UNSEEN}]")
_PART = r"\w[\w-]*"
_PROJECT = re.compile(rf"{_PART}(?:[/.]{_PART})*")
_TAG = re.compile(r"[^\W\d_][\w-]*")
_PRIORITY_WORDS: dict[str, Priority] = {
    **{word: name for name in PRIORITIES for word in (name, name[0])},
    **{str(place): name for place, name in enumerate(PRIORITIES, 1)},
    "med": "medium",
}


def parse_priority(text: str) -> Priority:
    """Return the priority of a text: high, medium or low, the first letter, or 1 to 3. Raises `ValueError`."""
    if (found := _PRIORITY_WORDS.get(text.lower())) is None:
        raise ValueError("must be high, medium, low or none")
    return found


def parse_project(text: str) -> str:
    """Return a project as it is stored: lower case, with `/` before sub-projects. Raises `ValueError`."""
    name = unicodedata.normalize("NFC", text).lower()
    if not _PROJECT.fullmatch(name):
        raise ValueError("may have only letters, digits, - and _, with / or . before sub-projects, as in home/garden")
    return _usable(name.replace(".", "/"), PROJECT_LENGTH)


def parse_tag(text: str) -> str:
    """Return a tag as it is stored: lower case, without the `+`. Raises `ValueError`."""
    name = unicodedata.normalize("NFC", text).removeprefix("+").lower()
    if not _TAG.fullmatch(name):
        raise ValueError("must begin with a letter, followed by letters, digits, - or _, as in +bills")
    return _usable(name, TAG_LENGTH)


def looks_blank(text: str) -> bool:
    """Whether nothing of `text` can be seen."""
    return not _SEEN.search(text)


def _usable(name: str, length: int) -> str:
    if any(map(looks_blank, name.split("/"))):
        raise ValueError("must have something that can be seen")
    if name in NO_NAMES:
        raise ValueError(f"must not be {name!r}, which has a meaning in filters")
    if len(name) > length:
        raise ValueError(f"has {len(name)} characters; at most {length} are allowed")
    return name


def is_overdue(due_on: date | None, due_time: time | None, now: datetime) -> bool:
    """Whether a date or time has passed; `now` is an aware local time."""
    if due_on is None or due_on >= now.date():
        return due_on == now.date() and due_time is not None and due_time < now.time()
    return True
