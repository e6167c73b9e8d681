"""Turns the names of other programs into names of tags and projects.

The rule: letters become lower case, and whatever a name may not have becomes one hyphen. A tag that would begin with a
digit, or a name that has a meaning in filters, gets `tag-` or `project-` before it. What is left of `@home` is `home`,
of `2024` is `tag-2024`, and of `next action` is `next-action`. Nothing is left of a name without letters and digits.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from todocli.domain.fields import NO_NAMES, PROJECT_LENGTH, TAG_LENGTH, looks_blank, parse_project, parse_tag

_REFUSED = re.compile(r"[^\w-]+")


@lru_cache(maxsize=1_000)
def usable_tag(name: str) -> str | None:
    """Return the tag for a name of another program, or None if nothing of it can be kept."""
    tag = _usable(name)
    if tag and (tag in NO_NAMES or not tag[0].isalpha()):
        tag = f"tag-{tag}"
    return parse_tag(tag[:TAG_LENGTH].rstrip("-")) if tag else None


@lru_cache(maxsize=1_000)
def usable_project(path: tuple[str, ...]) -> str | None:
    """Return the project for a path of names of another program, or None if nothing of it can be kept."""
    parts = [part for name in path if (part := _usable(name))]
    if not parts:
        return None
    if len(parts) == 1 and parts[0] in NO_NAMES:
        parts = [f"project-{parts[0]}"]
    return parse_project(_shortened(parts))


def _usable(name: str) -> str:
    """Return what our rules allow of a name; empty if that cannot be seen."""
    name = _REFUSED.sub("-", unicodedata.normalize("NFC", name).lower()).strip("-")
    return "" if looks_blank(name) else name


def _shortened(parts: Iterable[str]) -> str:
    path = "/".join(parts)[:PROJECT_LENGTH]
    return path.rstrip("/-")
