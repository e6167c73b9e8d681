"""How tasks repeat in Taskwarrior: a template, which is no task to do, and the children that are made of it.

    {"uuid": "t", "status": "recurring", "recur": "weekly", "due": …, "mask": "+-"}     + done, - pending, X deleted
    {"uuid": "a", "status": "completed", "recur": "weekly", "parent": "t", "imask": 0, …}
    {"uuid": "b", "status": "pending", "recur": "weekly", "parent": "t", "imask": 1, …}

Here it is the first pending child that repeats, and the series is that of the template. Only children that came from
Taskwarrior are written as such. A template would be made again of each export: Taskwarrior loses the mask, and makes
children that are there already.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, NamedTuple

from todocli.domain.ids import uuid_or_none
from todocli.domain.records import Repeats
from todocli.domain.recurrence import Repetition, anchored, distance, next_occurrence
from todocli.domain.recurrence_rules import MAX_INTERVAL, Rule
from todocli.domain.recurrence_words import ON_WORKDAYS
from todocli.formats import reading
from todocli.formats.reading import Unreadable, local_day, parse_instant, text_of
from todocli.schemas.exports import TodoLeaving
from todocli.schemas.todos import TodoRead

_UNITS = {
    **dict.fromkeys(("d", "day", "days", "daily", "D"), Rule("DAILY")),
    **dict.fromkeys(("w", "wk", "wks", "week", "weeks", "weekly", "sennight", "W"), Rule("WEEKLY")),
    **dict.fromkeys(("biweekly", "fortnight"), Rule("WEEKLY", 2)),
    **dict.fromkeys(("m", "mo", "mos", "mth", "mths", "month", "months", "monthly", "M"), Rule("MONTHLY")),
    "bimonthly": Rule("MONTHLY", 2),
    **dict.fromkeys(("q", "qtr", "qtrs", "qrtr", "qrtrs", "quarter", "quarters", "quarterly"), Rule("MONTHLY", 3)),
    "semiannual": Rule("MONTHLY", 6),
    **dict.fromkeys(("y", "yr", "yrs", "year", "years", "yearly", "annual", "Y"), Rule("YEARLY")),
    **dict.fromkeys(("biannual", "biyearly"), Rule("YEARLY", 2)),
}
_LETTERS = {"DAILY": "d", "WEEKLY": "w", "MONTHLY": "mo", "YEARLY": "y"}
_LENGTH = re.compile(r"(\d{0,4}) ?([a-z]+)|P(\d{1,4})([DWMY])", re.ASCII)

MAX_MASK = 1_000
"""How many children of a template are counted, of which none is in the file."""


class Child(NamedTuple):
    """A pending child: how many there were before, and its place in the file."""

    imask: int
    place: str


def first_children(items: Iterable[tuple[str, Any]]) -> Mapping[str, Child]:
    """Return the first pending child of each template, by the UUID of that."""
    found: dict[str, Child] = {}
    for place, task in items:
        if isinstance(task, Mapping) and task.get("status") in (None, "pending", "waiting") and _rule(task):
            try:
                child = Child(_imask(task), place)
            except Unreadable:
                continue
            parent = task.get("parent")
            if isinstance(parent, str):
                found[parent] = min(child, found.get(parent, child))
    return found


def _rule(task: Mapping[str, Any]) -> Rule | None:
    """Return the rule of `recur`; None if there is none that todo has."""
    text = task.get("recur")
    if text == "weekdays":
        return ON_WORKDAYS
    match = _LENGTH.fullmatch(text.strip()) if isinstance(text, str) else None
    unit = _UNITS.get(match[2] or match[4]) if match else None
    if match is None or unit is None:
        return None
    interval = int(match[1] or match[3] or 1) * unit.interval
    return replace(unit, interval=interval) if 1 <= interval <= MAX_INTERVAL else None


def _imask(task: Mapping[str, Any]) -> int:
    """Return how many children there were before. Taskwarrior 2.6 writes 1.000000 for what was imported."""
    value = task.get("imask") or 0
    if type(value) not in (int, float) or not 0 <= value < 2**50 or value != int(value):
        raise Unreadable("imask", "must be a number from 0 on")
    return int(value)


def taken(task: dict[str, Any], due_on: date | None) -> Repeats | None:
    """Return how a task repeats, and take that out of `task`; None if it does not, or if todo has no such rule."""
    rule = _rule(task)
    if rule is None or due_on is None:
        return None
    until = text_of(task, "until")
    ends_on = local_day(parse_instant(until, "until"))[0] if until else None
    is_chained = task.get("rtype") == "chained"  # each is made when the one before is done
    if is_chained and rule == ON_WORKDAYS:
        return None
    repetition = Repetition(str(rule), "completion" if is_chained else "due", ends_on)
    series_id = uuid_or_none(text_of(task, "parent"))
    place = _imask(task) + 1
    for name in ("recur", "until", "rtype", "parent", "imask"):
        task.pop(name, None)
    return Repeats(repetition, None, place if series_id else 1, series_id)


def template(task: dict[str, Any], due_on: date) -> tuple[Repeats, date] | None:
    """Return how a template repeats of which the file has no pending child, and the date of the next; None: it is over.

    What it says of it is taken out of `task`.
    """
    repeats = taken(task, due_on)
    if repeats is None or repeats.repetition is None:
        return None
    mask = text_of(task, "mask") or ""
    pending = min((mask.index(sign) for sign in "-W" if sign in mask), default=len(mask))
    if pending > MAX_MASK:
        return None
    task.pop("mask", None)
    repetition, on, place = anchored(repeats.repetition, due_on), due_on, 1
    for _ in range(pending):
        found = next_occurrence(repetition, on, completed_on=on, place=place)
        if found is None:
            return None
        on, place = found.on, found.place
    return Repeats(repetition, on, place, uuid_or_none(text_of(task, "uuid"))), on


def attributes(todo: TodoRead) -> dict[str, Any]:
    """Return the attributes of a child that came from Taskwarrior; none for any other todo."""
    repetition = todo.repetition
    if not _is_child(todo) or repetition is None or todo.due_on is None or todo.series_place is None:
        return {}
    rule = distance(repetition, todo.repeat_on or todo.due_on)
    if rule is None and repetition.rule != str(ON_WORKDAYS):
        return {}
    recur = _length(rule) if rule else "weekdays"
    due = reading.local_instant(reading.wall_moment(todo.due_on, todo.due_time))
    until = max(reading.start_of(repetition.ends_on), due) if repetition.ends_on else None
    return {
        "recur": recur,
        "rtype": "chained" if repetition.mode == "completion" else "periodic",
        "parent": str(todo.series_id),
        "imask": todo.series_place - 1,
        "until": reading.utc_stamp(until) if until else None,
    }


def _length(rule: Rule) -> str:
    return f"{rule.interval}{_LETTERS[rule.freq]}" if rule.interval > 1 else rule.freq.lower()


def _is_child(todo: TodoRead) -> bool:
    """Whether a todo came from Taskwarrior as a child: then its series is that of a template, which is no todo."""
    source = todo.source_id if isinstance(todo, TodoLeaving) else None
    return source is not None and todo.series_id not in (None, todo.id, uuid_or_none(source))


def id_of(todo: TodoRead) -> str:
    """Return the id that a task leaves with.

    It is the todo's own where Taskwarrior has a child or a template of that id, and this is none: `task import` fails
    for it.
    """
    source = uuid_or_none(todo.source_id) if isinstance(todo, TodoLeaving) else None
    is_from_template = source is not None and todo.series_id == source
    is_child_no_more = _is_child(todo) and not attributes(todo)
    return str(todo.id) if is_from_template or is_child_no_more else reading.id_of(todo)
