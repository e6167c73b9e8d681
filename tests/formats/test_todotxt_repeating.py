"""How a line of todo.txt repeats."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from tests.support.factories import a_todo
from tests.support.formats import fault_of, record_of, written
from todocli.domain.records import Repeats
from todocli.domain.recurrence import Repetition

MONDAY = date(2026, 11, 23)


def words(**fields: Any) -> list[str]:
    """Return the words of a line that say when a todo is, and how it repeats."""
    whole: dict[str, Any] = {
        "rrule": "FREQ=WEEKLY;BYDAY=MO",
        "repeat_from": "due",
        "repeat_on": MONDAY,
        "due_on": MONDAY,
        "series_id": UUID(int=1),
        "series_place": 1,
    }
    line = written("todotxt", a_todo(**whole | fields))
    return [word for word in line.split() if ":" in word and not word.startswith("uuid:")]


@pytest.mark.parametrize(
    ("keys", "repetition"),
    [
        ("rec:+1w", Repetition("FREQ=WEEKLY")),
        ("rec:1w", Repetition("FREQ=WEEKLY", "completion")),
        ("rec:+12m", Repetition("FREQ=MONTHLY;INTERVAL=12")),
        ("rec:3d", Repetition("FREQ=DAILY;INTERVAL=3", "completion")),
        ("rec:+2y", Repetition("FREQ=YEARLY;INTERVAL=2")),
        ("rec:+1b", Repetition("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR")),
        ("every:month-on-31", Repetition("FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1")),
        ("every:FREQ=MONTHLY;BYDAY=-1FR", Repetition("FREQ=MONTHLY;BYDAY=-1FR")),
        ("again:2w", Repetition("FREQ=WEEKLY;INTERVAL=2", "completion")),
        ("rec:+1w ends:2027-01-01 times:5", Repetition("FREQ=WEEKLY", "due", date(2027, 1, 1), 5)),
    ],
)
def test_keys_say_how_a_line_repeats(keys: str, repetition: Repetition) -> None:
    record = record_of("todotxt", f"Water the plants due:2026-11-23 {keys} today")
    assert (record.title, record.unheld) == ("Water the plants today", {})
    assert record.repeats == Repeats(repetition)


@pytest.mark.parametrize("rec", ["1h", "+0d", "9999d", "1b", "+2b", "weekly", "++1w"])
def test_recurrence_that_is_no_rule_of_ours_is_not_held(rec: str) -> None:
    record = record_of("todotxt", f"Water rec:{rec}")
    assert (record.title, record.repeats, record.unheld) == ("Water", None, {"rec": rec})


@pytest.mark.parametrize(
    "word", ["every:one", "again:soon", "ends:badly", "times:10", "place:2", "series:x", "repeat_on:monday"]
)
def test_word_of_ours_that_repeats_nothing_is_a_part_of_the_title(word: str) -> None:
    record = record_of("todotxt", f"The film {word} tonight")
    assert (record.title, record.repeats, record.unheld) == (f"The film {word} tonight", None, {})


@pytest.mark.parametrize("keys", ["ends:never", "times:0", "times:x", "place:0", "series:x", "repeat_on:monday"])
def test_end_that_is_not_valid_is_a_fault(keys: str) -> None:
    assert fault_of("todotxt", f"Water rec:+1w {keys}")[:2] == ("line 1", keys.partition(":")[0])


def test_plain_distance_is_written_as_others_have_it() -> None:
    assert words() == ["due:2026-11-23", "rec:+1w"]
    assert words(rrule="FREQ=WEEKLY;INTERVAL=2;BYDAY=MO") == ["due:2026-11-23", "rec:+2w"]
    assert words(rrule="FREQ=DAILY;INTERVAL=3", repeat_from="completion") == ["due:2026-11-23", "rec:3d"]
    assert words(rrule="FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR") == ["due:2026-11-23", "rec:+1b"]
    assert words(due_on=None, starts_on=MONDAY) == ["t:2026-11-23", "rec:+1w"]


def test_what_others_cannot_say_is_written_in_words_of_ours() -> None:
    assert words(rrule="FREQ=WEEKLY;BYDAY=MO,TH") == ["due:2026-11-23", "every:mon,thu"]
    put_off = words(due_on=date(2026, 11, 25), times=5, series_place=2, series_id=UUID(int=9), ends_on=date(2027, 1, 1))
    assert put_off == [
        *("due:2026-11-25", "every:mon", "repeat_on:2026-11-23", "ends:2027-01-01", "times:5"),
        *(f"series:{UUID(int=9)}", "place:2"),
    ]


def test_copy_of_a_subtask_keeps_its_place_in_a_series() -> None:
    copied = {"rrule": None, "repeat_from": None, "repeat_on": None, "series_id": UUID(int=9), "series_place": 3}
    assert words(**copied) == ["due:2026-11-23", f"series:{UUID(int=9)}", "place:3"]
    record = record_of("todotxt", f"Water series:{UUID(int=9)} place:3")
    assert (record.title, record.repeats) == ("Water", Repeats(None, None, 3, UUID(int=9)))
