"""Todos and filters at random, and what a filter and an order mean: said again in plain Python, one todo at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, get_args

from hypothesis import strategies as st

from todocli.domain.case_folding import fold
from todocli.domain.fields import PRIORITIES
from todocli.domain.filters.ast import (
    And,
    Between,
    Blocked,
    Claimed,
    Contains,
    DateField,
    Filter,
    HasPriority,
    InProject,
    Needs,
    Not,
    Numbered,
    Or,
    Overdue,
    Repeats,
    Someday,
    Tagged,
    Under,
    all_of,
    any_of,
)
from todocli.schemas.todos import TodoCreate, TodoRead

HERE = datetime(2026, 11, 23, 12, 0, 0, 500, tzinfo=UTC)
TODAY = HERE.date()

TAGS = ("a", "ab", "über", "x-1", "x_1")
PROJECTS = ("home", "home/garden", "home/gar", "homer", "über", "h_me", "work/a/b")
TEXTS = ("Milk", "milk", "MILK", "%", "_", "ÜBER", "über", "'", '"', "\\", "il", "a b", "0", "ſ", "K", "İ")

TIMES = (time(0), time(11, 59), time(12), time(12, 1), time(23, 59))

days = st.dates(TODAY - timedelta(days=9), TODAY + timedelta(days=12))
titles = st.lists(st.sampled_from(TEXTS), min_size=1, max_size=3).map(" ".join)

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=3).filter(str.strip)


@st.composite
def drafts(draw: st.DrawFn) -> TodoCreate:
    """Give a todo to be added."""
    fields: dict[str, Any] = {
        "title": draw(titles),
        "description": draw(st.none() | titles),
        "due_on": draw(st.none() | days),
        "starts_on": draw(st.none() | days),
        "priority": draw(st.sampled_from([None, *PRIORITIES])),
        "project": draw(st.none() | st.sampled_from(PROJECTS)),
        "tags": draw(st.lists(st.sampled_from(TAGS), max_size=3)),
    }
    if not fields["due_on"] and not fields["starts_on"]:
        fields["is_someday"] = draw(st.booleans())
    if fields["due_on"]:
        fields["due_time"] = draw(st.none() | st.sampled_from(TIMES))
    return TodoCreate(**fields)


@st.composite
def spans(draw: st.DrawFn) -> Between:
    """Give a span of days, open at either end or at both."""
    first, last = draw(st.none() | days), draw(st.none() | days)
    if first and last and first > last:
        first, last = last, first
    return Between(draw(st.sampled_from(get_args(DateField))), first, last)


terms = (
    st.builds(Tagged, st.none() | st.sampled_from(TAGS))
    | st.builds(InProject, st.none() | st.sampled_from(PROJECTS))
    | st.builds(HasPriority, st.sampled_from([None, *PRIORITIES]))
    | spans()
    | st.just(Overdue())
    | st.just(Someday())
    | st.tuples(st.integers(1, 9), st.integers(0, 3)).map(lambda pair: Numbered(pair[0], sum(pair)))
    | st.builds(Needs, st.none() | st.integers(1, 9))
    | st.just(Blocked())
    | st.builds(Contains, st.sampled_from(TEXTS) | texts)
)
filters: st.SearchStrategy[Filter] = st.recursive(
    terms,
    lambda inner: (
        st.builds(Not, inner)
        | st.lists(inner, min_size=2, max_size=3).map(lambda parts: all_of(*parts))
        | st.lists(inner, min_size=2, max_size=3).map(lambda parts: any_of(*parts))
    ),
    max_leaves=6,
)


def fits(condition: Filter, todo: TodoRead, here: datetime = HERE) -> bool:
    """Return whether a todo fits a filter."""
    match condition:
        case And(parts):
            return all(fits(part, todo, here) for part in parts)
        case Or(parts):
            return any(fits(part, todo, here) for part in parts)
        case Not(part):
            return not fits(part, todo, here)
        case Tagged(tag):
            return tag in todo.tags if tag else todo.tags != []
        case InProject(project):
            parts_of = (todo.project or "").split("/")
            return todo.project is not None and (
                not project or parts_of[: len(project.split("/"))] == project.split("/")
            )
        case HasPriority(priority):
            return todo.priority == priority if priority else todo.priority is not None
        case Between(field, first, last):
            local = {"done": todo.completed_at, "added": todo.created_at, "changed": todo.updated_at}
            at = local.get(field)
            day = at.astimezone(here.tzinfo).date() if at else {"due": todo.due_on, "start": todo.starts_on}.get(field)
            return day is not None and (first or date.min) <= day <= (last or date.max)
        case Overdue():
            if todo.due_on is None:
                return False
            over = datetime.combine(todo.due_on, todo.due_time) if todo.due_time else None
            end = over or datetime.combine(todo.due_on + timedelta(days=1), time())
            return end < here.replace(tzinfo=None) if over else end <= here.replace(tzinfo=None)
        case Someday():
            return todo.is_someday
        case Claimed():
            return todo.claimed_until is not None and todo.claimed_until > datetime.now(UTC)
        case Needs(number):
            return number in todo.needs if number else todo.needs != []
        case Under():
            return todo.parent is not None  # which todo that is, only the others tell
        case Repeats():
            return todo.rrule is not None
        case Blocked():
            return todo.blocked_by != []
        case Numbered(first, last):
            return first <= todo.number <= last
        case Contains(text):
            return any(folded(text) in folded(field) for field in (todo.title, todo.description) if field)


def folded(text: str) -> str:
    """Return a text with each letter in one form."""
    return "".join(map(fold, text))


def in_plan_order(todos: Sequence[TodoRead], today: date = TODAY) -> list[TodoRead]:
    """Return todos in the order in which they should be done."""

    def place(todo: TodoRead) -> tuple[Any, ...]:
        due = (todo.due_on or date.max, todo.due_time is None, todo.due_time or time.max)
        is_soon = todo.due_on is not None and todo.due_on <= today + timedelta(days=7)
        rank = ("high", "medium", None, "low").index(todo.priority)
        return (not is_soon, due if is_soon else (), rank, due, todo.number)

    return sorted(todos, key=place)
