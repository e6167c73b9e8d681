"""Quick words: what is read, what stays in the title, what is refused."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todocli.domain.quick_add import KEYS, parse_quick_add
from todocli.errors import ValidationError

HERE = datetime(2026, 11, 23, 9, 30)
FRIDAY = {"due_on": date(2026, 11, 27), "due_time": None}


@pytest.mark.parametrize(
    ("words", "title", "fields"),
    [
        (["Pay", "rent", "due:fri"], "Pay rent", FRIDAY),
        (["due:fri", "Pay", "rent"], "Pay rent", FRIDAY),
        (["Pay rent due:fri"], "Pay rent", FRIDAY),
        (["Pay", "due:fri-17:00", "rent"], "Pay rent", FRIDAY | {"due_time": time(17)}),
        (["call", "due:next fri"], "call", {"due_on": date(2026, 12, 4), "due_time": None}),
        (["call", "due:27 nov 5pm"], "call", FRIDAY | {"due_time": time(17)}),
        (["due:fri Pay rent"], "Pay rent", FRIDAY),
        (["x", "start:mon"], "x", {"starts_on": date(2026, 11, 30)}),
        (["x", "starts:none"], "x", {"starts_on": None}),
        (["x", "due:none"], "x", {"due_on": None, "due_time": None}),
        (["x", "pri:high"], "x", {"priority": "high"}),
        (["x", "p:1"], "x", {"priority": "high"}),
        (["x", "priority:m"], "x", {"priority": "medium"}),
        (["x", "p:3"], "x", {"priority": "low"}),
        (["x", "pri:none"], "x", {"priority": None}),
        (["x", "project:home/garden"], "x", {"project": "home/garden"}),
        (["x", "proj:Home.Garden"], "x", {"project": "home/garden"}),
        (["x", "project:none"], "x", {"project": None}),
        (["x", "+bills", "+Über-1"], "x", {"add_tags": ["bills", "über-1"]}),
        (["x", "tag:bills"], "x", {"add_tags": ["bills"]}),
        (["x", "Due:FRI", "P:1", "Project:None"], "x", FRIDAY | {"priority": "high", "project": None}),
        (["x", "tags:none", "+a"], "x", {"tags": [], "add_tags": ["a"]}),
    ],
)
def test_words_become_fields(words: list[str], title: str, fields: dict[str, Any]) -> None:
    found = parse_quick_add(words, {}, here=HERE)
    assert (found.title, found.fields) == (title, fields)


@pytest.mark.parametrize(
    "title",
    [
        "Buy 40th birthday gift",
        "Meet at 5pm on friday, tomorrow",
        "Learn C++ and +",
        "Call +49 30 1234",
        "Read https://example.org/due:fri",
        "Due: soon",
        "Due: fri",
        "due:",
        "due: fri",
        "x+bills",
        "(+bills)",
        "overdue:fri",
        "p: 1",
        "12:30 lunch",
        "a  b",
        "+1",
    ],
)
def test_prose_stays_title(title: str) -> None:
    for words in ([title], title.split(" ")):
        found = parse_quick_add(words, {}, here=HERE)
        assert (found.title, found.fields) == (title, {})


@pytest.mark.parametrize(
    ("words", "field", "detail"),
    [
        ("due:whenever", "due_on", "'whenever' is not a day."),
        ("due:next time", "due_on", "'next' is not a day."),
        ("due:31 nov", "due_on", "'31 nov' is not a day of the calendar."),
        ("start:fri-17:00", "starts_on", "The start is a date, but 'fri-17:00' has a time."),
        ("pri:urgent", "priority", "The priority 'urgent' must be high, medium, low or none."),
        ("p:0", "priority", "The priority '0' must be high, medium, low or none."),
        ("project:a//b", "project", "The project 'a//b' may have only letters"),
        ("project:any", "project", "The project 'any' must not be 'any'"),
        ("+none", "tags", "The tag '+none' must not be 'none'"),
        ("tag:1", "tags", "The tag '1' must begin with a letter"),
        ("due:fri due:sat", "due_on", "due is given twice."),
        ("p:1 pri:2", "priority", "priority is given twice."),
    ],
)
def test_bad_word_names_field(words: str, field: str, detail: str) -> None:
    with pytest.raises(ValidationError) as raised:
        parse_quick_add(words.split(), {}, here=HERE)
    assert raised.value.detail.startswith(detail)
    assert [error.field for error in raised.value.field_errors] == [field]
    assert raised.value.hint
    assert raised.value.hint.startswith("To keep the word in the title, add --literal. ")


def test_options_equal_words() -> None:
    options = {"due": ["fri"], "priority": ["1"], "project": ["home"], "tag": ["a", "+b"], "start": ["tomorrow"]}
    words = ["x", "due:fri", "p:1", "project:home", "+a", "tag:b", "start:tomorrow"]
    assert parse_quick_add(["x"], options, here=HERE).fields == parse_quick_add(words, {}, here=HERE).fields
    with pytest.raises(ValidationError, match="given twice"):
        parse_quick_add(["due:fri"], options, here=HERE)


@given(st.lists(st.text(min_size=1, max_size=12), max_size=4))
def test_literal_words_are_title(words: list[str]) -> None:
    found = parse_quick_add([*words, "due:fri", "+a"], {}, here=HERE, literal=True)
    assert (found.title, found.fields) == (" ".join([*words, "due:fri", "+a"]), {})


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=12), max_size=4))
def test_words_without_key_stay_title(words: list[str]) -> None:
    prose = [word for word in words if "+" not in word and not any(f"{key}:" in word for key in KEYS)]
    found = parse_quick_add(prose, {}, here=HERE)
    assert (found.title, found.fields) == (" ".join(prose), {})
