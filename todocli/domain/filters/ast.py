"""Filters: which todos are meant, by what they are. `filter_words` reads them as a person writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, TypeAlias

from todocli.domain.fields import Priority


@dataclass(frozen=True)
class Tagged:
    """Has this tag; None: any."""

    tag: str | None


@dataclass(frozen=True)
class InProject:
    """Is in this project, or in a part of it; None: in any."""

    project: str | None


@dataclass(frozen=True)
class HasPriority:
    """Has this priority; None: any."""

    priority: Priority | None


@dataclass(frozen=True)
class Between:
    """Is due, or starts, from `first` to `last`, both included; None: however early or late, but at all."""

    field: Literal["due", "start"]
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True)
class Overdue:
    """The day, or the time of it, when it is due is over."""


@dataclass(frozen=True)
class Contains:
    """Title or description contain this text, ASCII letters without regard to case."""

    text: str


@dataclass(frozen=True)
class Not:
    """The contrary."""

    part: Filter


@dataclass(frozen=True)
class And:
    """All of them; without parts, everything."""

    parts: tuple[Filter, ...] = ()


@dataclass(frozen=True)
class Or:
    """At least one of them."""

    parts: tuple[Filter, ...]


Filter: TypeAlias = Tagged | InProject | HasPriority | Between | Overdue | Contains | Not | And | Or

EVERYTHING = And()


def all_of(*parts: Filter) -> Filter:
    """Return the filter that all of `parts` hold, without needless nesting."""
    flat = tuple(_flat(And, parts))
    return flat[0] if len(flat) == 1 else And(flat)


def any_of(*parts: Filter) -> Filter:
    """Return the filter that one of `parts` holds, without needless nesting."""
    flat = tuple(_flat(Or, parts))
    return flat[0] if len(flat) == 1 else Or(flat)


def _flat(kind: type[And] | type[Or], parts: tuple[Filter, ...]) -> Iterator[Filter]:
    for part in parts:
        if isinstance(part, kind):
            yield from part.parts
        else:
            yield part


def terms(condition: Filter) -> Iterator[Filter]:
    """Give the parts that have no parts themselves."""
    if isinstance(condition, Not):
        yield from terms(condition.part)
    elif isinstance(condition, And | Or):
        for part in condition.parts:
            yield from terms(part)
    else:
        yield condition


def asks_for_start(condition: Filter) -> bool:
    """Return whether a filter says something of when todos start: then what is hidden until then is meant too."""
    return any(isinstance(term, Between) and term.field == "start" for term in terms(condition))


def surely_not(condition: Filter, todo: Mapping[str, Any]) -> bool:
    """Return whether a todo surely did not fit a filter, whatever day it was; `todo` are its columns at that time."""
    return _verdict(condition, todo) is False


def _verdict(condition: Filter, todo: Mapping[str, Any]) -> bool | None:
    match condition:
        case And(parts):
            verdicts = {_verdict(part, todo) for part in parts}
            return False if False in verdicts else None if None in verdicts else True
        case Or(parts):
            verdicts = {_verdict(part, todo) for part in parts}
            return True if True in verdicts else None if None in verdicts else False
        case Not(part):
            verdict = _verdict(part, todo)
            return None if verdict is None else not verdict
        case Tagged(tag):
            return tag in todo["tags"] if tag else bool(todo["tags"])
        case InProject(project):
            name = todo["project"]
            return name is not None and (project is None or name == project or name.startswith(f"{project}/"))
        case HasPriority(priority):
            return todo["priority"] is not None and priority in (None, todo["priority"])
        case _:  # days depend on the day that it was; texts on how the engine compares them
            return None


def format_filter(condition: Filter) -> str:
    """Return a filter as `--where` reads it, whatever day it is today."""
    match condition:
        case And(parts):
            return " and ".join(
                f"({text})" if isinstance(p, Or) else text for p in parts for text in [format_filter(p)]
            )
        case Or(parts):
            return " or ".join(map(format_filter, parts))
        case Not(And() | Or() as part):
            return f"not ({format_filter(part)})"
        case Not(part):
            return f"not {format_filter(part)}"
        case Tagged(tag):
            return f"+{tag}" if tag else "tags:any"
        case InProject(project):
            return f"project:{project or 'any'}"
        case HasPriority(priority):
            return f"pri:{priority or 'any'}"
        case Between(field, first, last):
            return f"{field}:{_span(first, last)}"
        case Overdue():
            return "due:overdue"
        case Contains(text):
            return quoted(text)


def _span(first: date | None, last: date | None) -> str:
    if first is None and last is None:
        return "any"
    if first == last and first is not None:
        return first.isoformat()
    return f"{first.isoformat() if first else ''}..{last.isoformat() if last else ''}"


def quoted(text: str) -> str:
    """Return a text as `--where` reads it, in quotes."""
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'
