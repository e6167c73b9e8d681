"""How a task of Obsidian repeats: the English of its plugin Tasks after the sign 🔁
(https://publish.obsidian.md/tasks/Getting+Started/Recurring+Tasks).

every 2 weeks on Monday, Thursday      by the calendar
every month on the last Friday
every January on the 15th
every 3 days when done                 counted from completion

Tasks has no place for an end, nor for the date of a rule that is not that of the task.
"""

from __future__ import annotations

import re

from todocli.domain.dates import MONTHS, WEEKDAYS
from todocli.domain.recurrence import Repetition, distance
from todocli.domain.recurrence_phrases import ordinal
from todocli.domain.recurrence_rules import Rule, read_rule
from todocli.domain.recurrence_words import LAST, ON_WORKDAYS, UNIT_NAMES
from todocli.formats.recurrence_fields import parsed_if_valid
from todocli.schemas.todos import TodoRead

_PHRASE = re.compile(r"every (?P<words>[a-z0-9, ]+?)(?P<is_chained> when done)?")
_DAY_OF_YEAR = re.compile(rf"(?P<month>{'|'.join(MONTHS)}) on (?P<day>\S+)")


def read(text: str) -> Repetition | None:
    """Return the repetition that words mean, or None if they mean none that todo has."""
    phrase = _PHRASE.fullmatch(" ".join(text.lower().split()))
    if phrase is None:
        return None
    words = re.sub(r"\bthe ", "", re.sub(r",? (?:and|or) ", ", ", phrase["words"]))
    if phrase["is_chained"]:
        return parsed_if_valid("again", words)
    return parsed_if_valid("every", _DAY_OF_YEAR.sub(r"year on \g<day> \g<month>", words))


def words(todo: TodoRead) -> str | None:
    """Return the words for an open todo that repeats, or None if there are none that mean the same."""
    repetition, on = todo.repetition, todo.due_on or todo.starts_on
    if todo.is_completed or repetition is None or on is None or on != todo.repeat_on:
        return None
    if repetition.ends_on or repetition.times:
        return None
    if repetition.rule == str(ON_WORKDAYS):
        return "every weekday"
    plain = distance(repetition, on)
    rule = plain or read_rule(repetition.rule)
    days = "" if plain else _days(rule)
    if days is None:
        return None
    unit = UNIT_NAMES[rule.freq]
    length = unit if rule.interval == 1 else f"{rule.interval} {unit}s"
    done = " when done" if repetition.mode == "completion" else ""
    return f"every {length}{f' on {days}' if days else ''}{done}"


def _days(rule: Rule) -> str | None:
    """Return the days of a rule, or None if Tasks has no words for them."""
    if rule.months or rule.positions or rule.week_start or bool(rule.weekdays) == bool(rule.month_days):
        return None
    if rule.freq == "WEEKLY":
        return ", ".join(WEEKDAYS[day].title() for _, day in rule.weekdays)
    if rule.freq != "MONTHLY" or any(nth not in range(LAST, 6) for nth, _ in rule.weekdays):
        return None
    days = [_ordinal(day) for day in rule.month_days if day >= LAST]
    days += [f"{_ordinal(nth)} {WEEKDAYS[day].title()}" for nth, day in rule.weekdays if nth]
    return f"the {', '.join(days)}" if len(days) == len(rule.month_days + rule.weekdays) else None


def _ordinal(number: int) -> str:
    """Return a place as Tasks has it: 1st, 22nd, last."""
    return "last" if number == LAST else ordinal(number)
