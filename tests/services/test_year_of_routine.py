"""A year of todos that repeat, day by day, across both changes of the clocks."""

from __future__ import annotations

import time as clock_of_the_machine
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr

from tests.support.client import Client
from todocli import clock
from todocli.database.store import Store
from todocli.domain.references import References
from todocli.schemas.todos import TodoCreate
from todocli.services.owner import Owner
from todocli.services.queries import TodoQuery
from todocli.services.users import Users

pytestmark = pytest.mark.slow

BERLIN = ZoneInfo("Europe/Berlin")
FIRST = date(2026, 1, 1)
RULES = {
    "day": "FREQ=DAILY",
    "mon,thu": "FREQ=WEEKLY;BYDAY=MO,TH",
    "2w on fri": "FREQ=WEEKLY;INTERVAL=2;BYDAY=FR",
    "weekday": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
    "month on last": "FREQ=MONTHLY;BYMONTHDAY=-1",
    "month on 15": "FREQ=MONTHLY;BYMONTHDAY=15",
    "month on 2nd tue": "FREQ=MONTHLY;BYDAY=2TU",
    "year on 29 mar": "FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=29",
}
"""Words, each with the rule of RFC 5545 that means the same."""


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    clock_of_the_machine.tzset()
    yield
    monkeypatch.undo()
    clock_of_the_machine.tzset()


def test_every_date_and_time_is_as_the_rule_has_it(
    berlin: None, sqlite_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = datetime.combine(FIRST, time(12), BERLIN)
    for name in ("todocli.clock.now", "todocli.services.todos.now"):
        monkeypatch.setattr(name, lambda: moment)
    found: dict[str, list[datetime]] = {words: [] for words in RULES}
    with closing(Store(sqlite_path)) as store, store.session() as session:
        Users(session).ensure("ada")
        ada = Client(session, Owner("ada"))
        ada.add(
            [
                TodoCreate(title=words, every=words, due_on=first(rule), due_time=time(2, 30))
                for words, rule in RULES.items()
            ]
        )
        for days in range(365):
            moment = datetime.combine(FIRST + timedelta(days=days), time(12), BERLIN)
            due = [todo for todo in ada.find(TodoQuery(here=clock.here())).items if todo.due_on == moment.date()]
            for todo in due:
                assert todo.due_on is not None
                assert todo.due_time is not None
                found[todo.title].append(datetime.combine(todo.due_on, todo.due_time))
            if due:
                ada.complete(References(tuple(todo.number for todo in due)))
    for words, rule in RULES.items():
        start = datetime.combine(first(rule), time(2, 30))
        expected = rrulestr(rule, dtstart=start).between(start, datetime(2026, 12, 31, 23, 59), inc=True)
        assert found[words] == expected, words


def first(rule: str) -> date:
    """Return the first date of a rule in the year."""
    begin = datetime.combine(FIRST, time())
    found = rrulestr(rule, dtstart=begin).after(begin, inc=True)
    assert found is not None
    return found.date()
