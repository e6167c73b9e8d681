"""The syntax tree of filters. `todocli.domain.filters.parser` reads it from text."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeAlias

from todocli.domain.fields import Priority

DateField = Literal["due", "start", "done", "added", "changed"]

PAST: Collection[DateField] = ("done", "added", "changed")
"""The fields that are instants in the past."""


@dataclass(frozen=True)
class Tagged:
    """Has this tag; None: any."""

    tag: str | None


@dataclass(frozen=True)
class InProject:
    """Is in this project or a sub-project; None: in any."""

    project: str | None


@dataclass(frozen=True)
class HasPriority:
    """Has this priority; None: any."""

    priority: Priority | None


@dataclass(frozen=True)
class Between:
    """Is due, starts, or was done, added or changed, from `first` to `last`, inclusive.

    None: no limit, but the date is set. The days are those of the user's time zone.
    """

    field: DateField
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True)
class Overdue:
    """Its due date or time has passed."""


@dataclass(frozen=True)
class Claimed:
    """Is claimed by a worker, and the claim has not expired."""


@dataclass(frozen=True)
class Under:
    """Is a subtask of the todo of this number, on any level; None: of any."""

    number: int | None


@dataclass(frozen=True)
class Needs:
    """Needs the todo of this number; None: any."""

    number: int | None


@dataclass(frozen=True)
class Blocked:
    """Needs a todo that is open."""


@dataclass(frozen=True)
class Repeats:
    """Repeats."""


@dataclass(frozen=True)
class Numbered:
    """Has a number from `first` to `last`, inclusive."""

    first: int
    last: int


@dataclass(frozen=True)
class Someday:
    """Is to be done someday, without a date."""


@dataclass(frozen=True)
class Contains:
    """The title, the description or a note contains this text, ignoring case."""

    text: str


@dataclass(frozen=True)
class Not:
    """Does not match `part`."""

    part: Filter


@dataclass(frozen=True)
class And:
    """Matches all of `parts`; without parts, everything."""

    parts: tuple[Filter, ...] = ()


@dataclass(frozen=True)
class Or:
    """Matches at least one of `parts`."""

    parts: tuple[Filter, ...]


Filter: TypeAlias = (
    Tagged
    | InProject
    | HasPriority
    | Between
    | Overdue
    | Someday
    | Claimed
    | Needs
    | Under
    | Blocked
    | Repeats
    | Numbered
    | Contains
    | Not
    | And
    | Or
)

EVERYTHING = And()

READY = Not(Blocked())
"""Needs no todo that is open."""


def all_of(*parts: Filter) -> Filter:
    """Return the conjunction of `parts`, without needless nesting."""
    flat = tuple(_flat(And, parts))
    return flat[0] if len(flat) == 1 else And(flat)


def any_of(*parts: Filter) -> Filter:
    """Return the disjunction of `parts`, without needless nesting."""
    flat = tuple(_flat(Or, parts))
    return flat[0] if len(flat) == 1 else Or(flat)


def _flat(kind: type[And] | type[Or], parts: tuple[Filter, ...]) -> Iterator[Filter]:
    for part in parts:
        if isinstance(part, kind):
            yield from part.parts
        else:
            yield part


def terms(condition: Filter) -> Iterator[Filter]:
    """Yield the leaves of a filter."""
    if isinstance(condition, Not):
        yield from terms(condition.part)
    elif isinstance(condition, And | Or):
        for part in condition.parts:
            yield from terms(part)
    else:
        yield condition


def names_todos(condition: Filter) -> bool:
    """Whether a filter names todos by their numbers, and says nothing else."""
    found = list(terms(condition))
    return bool(found) and all(isinstance(term, Numbered) for term in found)


def dates_in(condition: Filter) -> set[str]:
    """Return the dates that a filter mentions: the fields of `Between`, and `someday`."""
    found = set[str]()
    for term in terms(condition):
        if isinstance(term, Between):
            found.add(term.field)
        elif isinstance(term, Overdue | Someday):
            found.add("due" if isinstance(term, Overdue) else "someday")
    return found


def asks_for_done(condition: Filter) -> bool:
    """Whether a filter finds todos that are done only, by when that was."""
    parts = condition.parts if isinstance(condition, And) else (condition,)
    return any(_is_about_done(part) for part in parts)


def may_be_done(condition: Filter) -> bool:
    """Whether a filter finds todos by when they were done, among others."""
    return any(map(_is_about_done, terms(condition))) and not isinstance(condition, Not)


def _is_about_done(term: Filter) -> bool:
    return isinstance(term, Between) and term.field == "done"


def depends_on_time(condition: Filter) -> bool:
    """Whether a filter finds other todos at another time of the same day, or in another time zone."""
    is_overdue = any(isinstance(term, Overdue | Claimed) for term in terms(condition))
    return is_overdue or not dates_in(condition).isdisjoint(PAST)


def format_filter(condition: Filter) -> str:
    """Return a filter as an expression for `--where`, with absolute dates."""
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
        case Someday():
            return "due:someday"
        case Claimed():
            return "is:claimed"
        case Needs(number):
            return f"needs:{number or 'any'}"
        case Under(number):
            return f"under:{number or 'any'}"
        case Blocked():
            return "is:blocked"
        case Repeats():
            return "every:any"
        case Numbered(first, last):
            return f"number:{first}" if first == last else f"number:{first}-{last}"
        case Contains(text):
            return quoted(text)


def _span(first: date | None, last: date | None) -> str:
    if first is None and last is None:
        return "any"
    if first == last and first is not None:
        return first.isoformat()
    return f"{first.isoformat() if first else ''}..{last.isoformat() if last else ''}"


def quoted(text: str) -> str:
    """Return a text in quotes, as `--where` reads it."""
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'
