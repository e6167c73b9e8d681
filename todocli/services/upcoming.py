"""The dates on which open todos that repeat will be due: computed, as only one of each series is stored."""

from __future__ import annotations

from datetime import date

from todocli import clock
from todocli.domain.filters.ast import Filter, Repeats, all_of
from todocli.domain.recurrence import upcoming
from todocli.schemas.occurrences import OccurrenceRead
from todocli.schemas.todos import TodoRead
from todocli.services.queries import TodoQuery
from todocli.services.todos import Todos

MOST = 1_000
"""How many dates of one todo there are at most."""


def occurrences(todos: Todos, condition: Filter, until: date) -> list[OccurrenceRead]:
    """Return the dates of the todos that fulfil a condition, up to the day `until`, in their order."""
    here = clock.here()
    found = todos.find(TodoQuery(filter=all_of(condition, Repeats()), here=here)).items
    each = [occurrence for todo in found for occurrence in _of(todo, here.date(), until)]
    return sorted(each, key=lambda occurrence: (occurrence.on, occurrence.number, occurrence.place))


def _of(todo: TodoRead, today: date, until: date) -> list[OccurrenceRead]:
    repetition, on = todo.repetition, todo.due_on or todo.starts_on
    if repetition is None or todo.repeat_on is None or todo.series_place is None:
        return []
    days = [(on or todo.repeat_on, todo.series_place)] if (on or todo.repeat_on) <= until else []
    later = upcoming(
        repetition, todo.repeat_on, since=today, until=until, place=todo.series_place, limit=MOST, due_was=on
    )
    days += [(each.on, each.place) for each in later]
    return [
        OccurrenceRead(number=todo.number, title=todo.title, on=day, at=todo.due_time, place=place)
        for day, place in days
    ]
