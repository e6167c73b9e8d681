"""Dates of several words: where they end, and which titles must survive whole."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todocli.domain.dates import FORMS, parse_day
from todocli.domain.quick_add import join_option_dates, parse_quick_add

HERE = datetime(2026, 11, 23, 9, 30)  # a Monday


def understood(line: str) -> tuple[str, str]:
    """Return the title of a line, and its due date."""
    together, apart = (parse_quick_add(words, {}, here=HERE) for words in ([line], line.split()))
    assert together == apart
    on, at = apart.fields.get("due_on"), apart.fields.get("due_time")
    return apart.title, " ".join(f"{part:{form}}" for part, form in ((on, "%Y-%m-%d"), (at, "%H:%M")) if part)


@pytest.mark.parametrize(
    ("line", "title", "due"),
    [
        ("Renew passport due:27 jan", "Renew passport", "2027-01-27"),
        ("due:27 jan Renew passport", "Renew passport", "2027-01-27"),
        ("due:27th january Renew passport", "Renew passport", "2027-01-27"),
        ("Renew passport due:jan 27 pri:high", "Renew passport", "2027-01-27"),
        ("Renew due:27 jan 2028", "Renew", "2028-01-27"),
        ("Renew due:27 jan 2028 5pm +id", "Renew", "2028-01-27 17:00"),
        ("Renew due:27 jan at noon", "Renew", "2027-01-27 12:00"),
        ("Plan due:2 weeks", "Plan", "2026-12-07"),
        ("Plan due:in 2 weeks trip", "Plan trip", "2026-12-07"),
        ("Plan due:3 days 17:00 trip", "Plan trip", "2026-11-26 17:00"),
        ("Call due:2 hours", "Call", "2026-11-23 11:30"),
        ("Call due:next fri Bob", "Call Bob", "2026-12-04"),
        ("Call due:next week Bob", "Call Bob", "2026-11-30"),
        ("Call due:fri 17:00 Bob", "Call Bob", "2026-11-27 17:00"),
        ("Call due:fri 5 pm Bob", "Call Bob", "2026-11-27 17:00"),
        ("Call due:fri at 5pm Bob", "Call Bob", "2026-11-27 17:00"),
        ("Call due:5 pm Bob", "Call Bob", "2026-11-23 17:00"),
        ("Call due:tomorrow noon Bob", "Call Bob", "2026-11-24 12:00"),
        ("Hike due:27 march", "Hike", "2027-03-27"),
        ("Hike due:27 may 2027", "Hike", "2027-05-27"),
        ("Hike due:27 march 9:00 +sport", "Hike", "2027-03-27 09:00"),
        ("due:27 mar Hike", "Hike", "2027-03-27"),
    ],
)
def test_following_words_join(line: str, title: str, due: str) -> None:
    assert understood(line) == (title, due)


TITLES = [
    # after the name of a day
    *(
        ("fri", title)
        for title in ("5 apples", "13 guests for dinner", "3 days off", "2 weeks of plans", "at the bank")
    ),
    *(
        ("fri", title)
        for title in ("at 5th avenue", "17 emails", "1700 words", "5:1 odds", "pm report", "march", "may")
    ),
    *(("tomorrow", title) for title in ("never dies", "morning run", "and friday", "fri", "27 jan", "in 3 acts")),
    *(("mon", title) for title in ("2026 budget", "10k run", "12 monkeys", "noonday demon", "next steps", "week 48")),
    *(("today", title) for title in ("show recording", "24:00 movie", "7.30 news", "at noonday", "at", "hours")),
    # after a number of a day
    *(("27", title) for title in ("march past the bank", "may call back", "march on", "May have to move", "dresses")),
    *(
        ("27", title)
        for title in ("5 apples", "monday meetings", "days", "decks of cards", "novels", "january's bill")[:2]
    ),
    *(("15th", title) for title in ("days of rain", "anniversary", "week of term", "century paintings", "floor tiles")),
    *(("1", title) for title in ("apple", "more coffee", "marchpane", "amp", "pmc order", "mint tea", "yearbook")),
    # after a day and a month
    *(
        ("27-jan", title)
        for title in ("2027 budget", "27 candles", "1984 essay", "5 jan", "and feb", "2027 17:00 show")
    ),
    *(("2026-11-27", title) for title in ("jan", "5 apples", "weeks", "T-shirt", "17 syllables", "am I late?")),
    # after a time, an end or a distance
    *(("17:00", title) for title in ("tomorrow never dies", "fri fries", "18:00 reminder", "pm me")),
    *(("eom", title) for title in ("report 5", "days", "march past", "may day parade", "2027 plan")),
    *(("3d", title) for title in ("printer", "5 models", "weeks", "movie at home", "jan")),
    *(("2h", title) for title in ("17:00 train", "walk", "noon gun")),
    *(("tonight", title) for title in ("8pm show", "noon", "at 9 sharp")),
]


def test_there_are_enough_titles() -> None:
    assert len(set(TITLES)) >= 60


@pytest.mark.parametrize(("value", "title"), TITLES, ids=[" ".join(each) for each in TITLES])
def test_title_survives_whole(value: str, title: str) -> None:
    """Beside a date that is complete, the title keeps every word."""
    due = parse_day(value, "due", here=HERE)
    assert understood(f"due:{value} {title}") == (title, f"{due.on}{f' {due.at:%H:%M}' if due.at else ''}")


def test_start_takes_no_time() -> None:
    found = parse_quick_add(["start:mon", "9:00", "standup"], {}, here=HERE)
    assert (found.title, found.fields) == ("9:00 standup", {"starts_on": date(2026, 11, 30)})


@pytest.mark.parametrize("form", [form for form in FORMS if not form.startswith("2026-11-27T")])
def test_every_form_may_be_several_words(form: str) -> None:
    day = parse_day(form, "due", here=HERE)
    found = parse_quick_add(["a", *f"due:{form}".split(), "+b", "c"], {}, here=HERE)
    assert (found.title, found.fields["due_on"], found.fields["due_time"]) == ("a c", day.on, day.at)


@pytest.mark.parametrize(
    ("line", "joined"),
    [
        ("Renew --due 27 jan", ["Renew", "--due", "27 jan"]),
        ("--due=27 jan Renew", ["--due=27 jan", "Renew"]),
        ("--due next fri --tag id Renew", ["--due", "next fri", "--tag", "id", "Renew"]),
        ("--due fri 17:00 Renew +id", ["--due", "fri 17:00", "Renew", "+id"]),
        ("--start mon 9:00 standup", ["--start", "mon", "9:00", "standup"]),
        ("--due fri 5 apples", ["--due", "fri", "5", "apples"]),
        ("-- --due 27 jan", ["--", "--due", "27", "jan"]),
        ("Renew --due", ["Renew", "--due"]),
        ("--title 27 jan", ["--title", "27", "jan"]),
    ],
)
def test_date_of_an_option_may_be_several_words(line: str, joined: list[str]) -> None:
    assert join_option_dates(line.split(), {"--due", "--start"}) == joined


WORDS = st.sampled_from(
    (
        *(
            "27",
            "5",
            "jan",
            "march",
            "may",
            "fri",
            "next",
            "week",
            "in",
            "3",
            "days",
            "17:00",
            "pm",
            "5pm",
            "at",
            "noon",
        ),
        *("2027", "the", "bank", "due:x"),
    )
)


@given(
    value=st.sampled_from(["fri", "27", "27-jan", "next", "in", "2026-11-27", "5pm"]), words=st.lists(WORDS, max_size=6)
)
def test_no_word_is_lost_or_doubled(value: str, words: list[str]) -> None:
    joined = join_option_dates(["--due", value, *words], {"--due"})
    assert " ".join(joined) == " ".join(["--due", value, *words])
    assert joined[0] == "--due"


def test_time_of_the_option_is_kept() -> None:
    found: dict[str, Any] = parse_quick_add(["x"], {"due": ["next fri 5 pm"]}, here=HERE).fields
    assert found == {"due_on": date(2026, 12, 4), "due_time": time(17)}
