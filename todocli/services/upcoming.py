"""The dates on which open todos that repeat will be due: computed, as only one of each series is stored."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from heapq import merge
from itertools import chain, islice

from todocli.domain.filters.ast import Filter, Repeats, all_of
from todocli.domain.recurrence import Next, upcoming
from todocli.schemas.occurrences import OccurrenceRead
from todocli.schemas.todos import TodoRead
from todocli.services.queries import TodoQuery
from todocli.services.series import as_series
from todocli.services.todos import Todos

MOST = 1_000
"""How many dates of one todo there are at most."""


def occurrences(
    todos: Todos, condition: Filter, until: date, here: datetime, limit: int | None = None
) -> list[OccurrenceRead]:
    """Return the dates of the todos that fulfil a condition, in their order, and at most `limit` of them.

    They go from the local time `here` up to the day `until`.
    """
    found = todos.find(TodoQuery(filter=all_of(condition, Repeats()), here=here)).items
    each = (_of(todo, here.date(), until) for todo in found)
    return list(islice(merge(*each, key=lambda occurrence: (occurrence.on, occurrence.number)), limit))


def _of(todo: TodoRead, today: date, until: date) -> Iterator[OccurrenceRead]:
    """Yield the dates of a todo, in their order."""
    repetition, on = todo.repetition, todo.due_on or todo.starts_on
    if repetition is None or todo.repeat_on is None or todo.series_place is None:
        return
    first = Next(on or todo.repeat_on, todo.series_place, 0)
    later = upcoming(repetition, todo.repeat_on, since=today, until=until, place=first.place, limit=MOST, due_was=on)
    series = as_series(todo)
    for day, place, _ in chain([first] if first.on <= until else [], later):
        shown = todo if place == first.place else series
        yield OccurrenceRead(number=todo.number, title=shown.title, on=day, at=shown.due_time, place=place)
