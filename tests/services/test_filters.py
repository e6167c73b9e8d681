"""Filters: how they are read and written, and what they find, on both engines."""

from __future__ import annotations

import inspect
import time as wall_clock
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import fields
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support import strategies
from tests.support.client import Client
from tests.support.console import Console
from tests.support.strategies import HERE, TODAY, fits, in_plan_order
from todocli.api.todos import find
from todocli.cli.filter_options import FilterOptions
from todocli.database.store import Store, open_store
from todocli.database.target import Target
from todocli.domain.dates import MONTHS, WEEKDAYS
from todocli.domain.filters.ast import Between, Filter, Not, Overdue, Tagged, format_filter
from todocli.domain.filters.parser import MAX_TERMS, OPTIONS, parse_option, parse_options, parse_where, parse_words
from todocli.domain.filters.terms import past_day
from todocli.errors import ValidationError
from todocli.schemas.todos import TodoCreate
from todocli.services.owner import Owner
from todocli.services.queries import TodoQuery
from todocli.services.users import Users

# Reading and writing


@given(strategies.filters)
def test_formatted_filter_parses_to_itself(condition: Filter) -> None:
    for today in (TODAY, date(2000, 2, 29)):
        assert parse_where(format_filter(condition), today=today) == condition


@given(st.text(max_size=20) | st.text('()"\\ +-:a.or not and due pri', max_size=30))
def test_any_text_parses_or_is_refused_with_a_spot(text: str) -> None:
    try:
        found = parse_where(text, today=TODAY)
    except ValidationError as error:
        line, start, end = error.spot or ("", 0, 0)
    else:
        assert parse_where(format_filter(found), today=TODAY) == found
        return
    assert line == text
    assert 0 <= start <= end <= len(text)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("+home", "+home"),
        ("-home", "not +home"),
        ("tags:none", "not tags:any"),
        ("tag:Home", "+home"),
        ("a b", '"a" and "b"'),
        ('"a b"', '"a b"'),
        ('"or" "a\\"b\\\\"', '"or" and "a\\"b\\\\"'),
        ("a AND b OR NOT c", '"a" and "b" or not "c"'),
        ("a (b or c)", '"a" and ("b" or "c")'),
        ("not (a b)", 'not ("a" and "b")'),
        ("((a))", '"a"'),
        ("not not a", 'not not "a"'),
        ("project:Home.Garden", "project:home/garden"),
        ("project:none", "not project:any"),
        ("pri:1", "pri:high"),
        ("p:none", "not pri:any"),
        ("due:overdue", "due:overdue"),
        ("due:none", "not due:any"),
        ("due:someday", "due:someday"),
        ("start:someday", "due:someday"),
        ("due:today", "due:2026-11-23"),
        ("due:fri", "due:2026-11-27"),
        ('due:"next fri"', "due:2026-12-04"),
        ("due:week", "due:2026-11-23..2026-11-29"),
        ("due:month", "due:2026-11-01..2026-11-30"),
        ("due:year", "due:2026-01-01..2026-12-31"),
        ("due:tue..thu", "due:2026-11-24..2026-11-26"),
        ("due:fri..mon", "due:2026-11-27..2026-11-30"),
        ("due:mon..wed", "due:2026-11-30..2026-12-02"),
        ("due:..fri", "due:..2026-11-27"),
        ("due:fri..", "due:2026-11-27.."),
        ("start:later", "start:2026-11-24.."),
        ("due:last-week", "due:2026-11-16..2026-11-22"),
        ("done:week", "done:2026-11-23..2026-11-29"),
        ("completed:any", "done:any"),
        ("done:none", "not done:any"),
        ("done:2026-11-01..", "done:2026-11-01.."),
        ("added:today", "added:2026-11-23"),
        ("created:mon", "added:2026-11-23"),
        ("added:tue", "added:2026-11-17"),
        ("changed:3d..", "changed:2026-11-20.."),
        ("changed:2w..1w", "changed:2026-11-09..2026-11-16"),
        ("changed:1m", "changed:2026-10-23"),
        ('added:"3 days"', "added:2026-11-20"),
        ("updated:15th", "changed:2026-11-15"),
        ("done:24", "done:2026-10-24"),
        ("done:31", "done:2026-10-31"),
        ("done:27-nov", "done:2025-11-27"),
        ("done:1.12.", "done:2025-12-01"),
        ("done:29-feb", "done:2024-02-29"),
        ("done:fri..mon", "done:2026-11-20..2026-11-23"),
        ("done:tue..sun", "done:2026-11-17..2026-11-22"),
        ("added:tomorrow", "added:2026-11-24"),
        ("number:12", "number:12"),
        ("number:5-7", "number:5-7"),
        ("not Number:007", "not number:7"),
    ],
)
def test_expression_is_parsed(text: str, written: str) -> None:
    assert format_filter(parse_where(text, today=TODAY)) == written


@pytest.mark.parametrize(
    ("text", "spot", "detail", "hint"),
    [
        ("", "", "A term is missing here.", "Write"),
        ("a or", "", "A term is missing here.", "Write"),
        ("a and and b", "and", "A term is missing here.", "Write"),
        ("()", ")", "A term is missing here.", "Write"),
        ("a (b", "(", "This parenthesis is never closed.", "Close it"),
        ("a) b", ")", "This parenthesis closes nothing.", "Remove it"),
        ('a "b c', '"b c', "This quote is never closed.", "Close it"),
        ("a duee:fri", "duee:fri", "There is no filter key 'duee'.", "Did you mean due:fri?"),
        ("http://x", "http://x", "There is no filter key 'http'.", "The keys are due"),
        ("a due:soonish b", "due:soonish", "'soonish' is not a day.", "Write a day, or overdue"),
        ("start:soonish", "start:soonish", "'soonish' is not a day.", "Write a day, or later"),
        ("due:fri-17:00", "due:fri-17:00", "'fri-17:00' has a time", "Leave the time out."),
        ("due:..", "due:..", "A span needs a day", "Write"),
        ("due:2026-12-01..2026-11-01", "due:2026-12-01..2026-11-01", "'2026-12-01..2026-11-01' runs backwards", "Swap"),
        ("done:overdue", "done:overdue", "'overdue' is not a day.", "Write a day, or week"),
        ("added:9999y", "added:9999y", "'9999y' is too long ago.", "Write a day."),
        ("due.before:fri", "due.before:fri", "'due.before:fri' is written differently", "Write due:..fri for before"),
        ("is:done", "is:done", "There is no filter is:done.", "There are is:claimed"),
        ("status:pending", "status:pending", "There is no filter key 'status'.", "Lists have open todos; --completed"),
        ("pri:urgent", "pri:urgent", "'urgent' is not a priority.", "Write pri:high"),
        ("+1", "+1", "A tag must begin with a letter", "Write"),
        ("number:0", "number:0", "'0' is not a todo number", "See"),
        ("number:5,6", "number:5,6", "'5,6' is several numbers", "Write number: once"),
        ("number:7-5", "number:7-5", "The range '7-5' runs backwards.", "Write 5-7."),
        ("project:a//b", "project:a//b", "A project may have only", "Write"),
        ("a\0", "a\0", "Search text must be valid UTF-8 without NUL", "Search for other text."),
        ("a\udcff", "a\udcff", "Search text must be valid UTF-8 without NUL", "Search for other text."),
        ('""', '""', "The search text is empty.", "Write a word."),
    ],
)
def test_refused_expression_marks_the_spot(text: str, spot: str, detail: str, hint: str) -> None:
    with pytest.raises(ValidationError) as raised:
        parse_where(text, today=TODAY)
    error = raised.value
    assert error.detail.startswith(detail)
    assert error.hint
    assert error.hint.startswith(hint)
    assert error.spot
    line, start, end = error.spot
    assert line[start:end] == spot
    if not spot:
        assert start == len(text)


def test_words_are_combined_with_and() -> None:
    assert parse_words(["+home", "due:next fri", "buy milk"], today=TODAY) == parse_where(
        '+home due:"next fri" "buy milk"', today=TODAY
    )
    with pytest.raises(ValidationError, match="'or' is part of an expression") as raised:
        parse_words(["a", "or", "b"], today=TODAY)
    assert (raised.value.hint, raised.value.spot) == ('Write --where "a or b"', ("a or b", 2, 4))
    with pytest.raises(ValidationError, match="part of an expression") as raised:
        parse_words(["(a", "b)"], today=TODAY)
    assert raised.value.hint == 'Write --where "(a b)"'


@pytest.mark.parametrize("today", [date(2026, 1, 1), date(2026, 3, 1), date(2027, 3, 31), date(2028, 2, 29)])
def test_past_day_is_the_last_one(today: date) -> None:
    """Compared with looking at each day before today."""
    before = [today - timedelta(days=count) for count in range(8 * 366 + 7)]
    for number in range(1, 32):
        expected = next(day for day in before if day.day == number)
        assert past_day(str(number), today) == expected
        for month in (1, 2, 12):
            if number <= (29 if month == 2 else 31):
                expected = next(day for day in before if (day.day, day.month) == (number, month))
                assert past_day(f"{number} {MONTHS[month - 1]}", today) == expected
    for weekday in range(7):
        expected = next(day for day in before if day.weekday() == weekday)
        assert past_day(WEEKDAYS[weekday], today) == expected


@pytest.mark.parametrize(
    ("words", "state"),
    [
        (["done:week"], "completed"),
        (["+a", "done:any"], "completed"),
        (["done:none"], "open"),
        (["added:today"], "open"),
    ],
)
def test_filter_by_when_todos_were_done_lists_them(words: list[str], state: str) -> None:
    assert FilterOptions().state(parse_words(words, today=TODAY)) == state
    assert FilterOptions().state(parse_where("done:today or +a", today=TODAY)) == "all"
    assert FilterOptions(completed=True).state(parse_words(words, today=TODAY)) == "completed"


def test_repeated_key_means_any_and_repeated_tag_all() -> None:
    for words, expression in (
        (["project:home", "+a", "proj:work", "+b"], "(project:home or project:work) +a +b"),
        (["due:today", "due:overdue", "start:none"], "(due:today or due:overdue) start:none"),
        (["milk", "eggs"], "milk eggs"),
        (["-a", "-b"], "-a -b"),
    ):
        assert parse_words(words, today=TODAY) == parse_where(expression, today=TODAY)
    options = {"tag": ["a", "b"], "project": ["home", "work"], "search": ["x", "y"], "where": ["+c", "pri:any"]}
    assert parse_options(options, today=TODAY) == parse_where(
        "+a +b (project:home or project:work) (x or y) +c pri:any", today=TODAY
    )


def test_lone_parenthesis_is_searched_for() -> None:
    """It is not an expression, so `--where` would not take it either."""
    with pytest.raises(ValidationError, match="part of an expression") as raised:
        parse_words(["milk)"], today=TODAY)
    assert raised.value.hint == 'To search for the text, write --search "milk)"'


def test_unknown_option_selects_nothing() -> None:
    with pytest.raises(TypeError, match="url"):
        parse_options({"url": "x"}, today=TODAY)


def test_each_way_in_has_every_filter() -> None:
    names = {field.name for field in fields(FilterOptions)} - {"everything", "completed"}
    assert names == OPTIONS
    assert set(inspect.signature(find).parameters) >= OPTIONS


def test_options_are_parsed() -> None:
    assert parse_option("before", "fri", today=TODAY) == Between("due", None, date(2026, 11, 26))
    assert parse_option("after", "fri", today=TODAY) == Between("due", date(2026, 11, 28))
    assert parse_option("tag", "+a", today=TODAY) == Tagged("a")
    assert parse_option("tag", "none", today=TODAY) == Not(Tagged(None))
    assert parse_option("due", "overdue", today=TODAY) == Overdue()
    with pytest.raises(ValidationError, match="--before: 'x' is not a day") as raised:
        parse_option("before", "x", today=TODAY)
    assert [error.field for error in raised.value.field_errors] == ["before"]


def test_size_of_a_filter_is_limited() -> None:
    many = " ".join("a" for _ in range(MAX_TERMS))
    parse_where(many, today=TODAY)
    deep = "not (" * 15 + "a" + ")" * 15
    parse_where(deep, today=TODAY)
    for text in ("(" * 20_000, "not " * 20_000 + "a", f"({deep})"):
        with pytest.raises(ValidationError, match="more than 30 levels deep"):
            parse_where(text, today=TODAY)
    for text in (f"{many} b", f"{many} or b"):
        with pytest.raises(ValidationError, match=f"at most {MAX_TERMS} terms"):
            parse_where(text, today=TODAY)
    with pytest.raises(ValidationError, match=f"at most {MAX_TERMS} terms"):
        parse_words(["a"] * (MAX_TERMS + 1), today=TODAY)


# Finding


@pytest.fixture
def store(database: Target) -> Iterator[Store]:
    """A database that is opened once for all examples: statements are compiled for each opening."""
    with open_store(database) as opened:
        yield opened


@pytest.mark.slow
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    todos=st.lists(strategies.drafts(), min_size=1, max_size=8),
    conditions=st.lists(strategies.filters, min_size=1, max_size=4),
)
def test_sql_and_python_agree(store: Store, todos: list[TodoCreate], conditions: list[Filter]) -> None:
    check(store, todos, conditions)


def check(store: Store, todos: list[TodoCreate], conditions: list[Filter]) -> None:
    """Add todos for somebody new, and look for them by filters."""
    name = uuid.uuid4().hex
    with store.session() as session:
        user = Users(session).ensure(name)
        mine = Client(session, Owner(name, user))
        added = mine.add(todos).items
        started = [todo for todo in added if todo.starts_on is None or todo.starts_on <= TODAY]
        visible = [todo for todo in started if not todo.is_someday]
        assert mine.find(TodoQuery(here=HERE)).items == in_plan_order(visible)
        assert mine.find(TodoQuery(here=HERE, reverse=True)).items == in_plan_order(visible)[::-1]
        for condition in conditions:
            expected = [todo for todo in added if fits(condition, todo)]
            found = mine.find(TodoQuery("all", condition, here=HERE))
            assert found.items == expected, format_filter(condition)
            limited = mine.overview(TodoQuery("all", condition, limit=1, here=HERE))
            assert (limited.total, limited.among) == (len(expected), len(added))


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Santiago", "Africa/Cairo", "Pacific/Kiritimati", "UTC"])
def test_instants_belong_to_the_days_of_the_time_zone(
    store: Store, database: Target, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also on the other side of a change of summer time, and where the clock has only its current offset."""
    name = uuid.uuid4().hex
    local = ZoneInfo(zone)
    days = [date(2026, 4, 24), date(2026, 7, 1), date(2026, 9, 6), date(2026, 10, 25), date(2026, 11, 22)]
    instants = [
        datetime.combine(day, at, local).astimezone(UTC) for day in days for at in (time(0), time(23, 59, 59, 999_999))
    ]
    with store.session() as session:
        user = Users(session).ensure(name)
        mine = Client(session, Owner(name, user))
        numbers = [todo.number for todo in mine.add([TodoCreate(title=str(at)) for at in instants]).items]
    with closing(Console(database)) as console:
        for number, at in zip(numbers, instants, strict=True):
            console.run(
                "UPDATE todos SET created_at = :at WHERE user_id = :user AND number = :number",
                at=at,
                user=user,
                number=number,
            )
    monkeypatch.setenv("TZ", zone)
    wall_clock.tzset()
    for here in (HERE.astimezone(local), HERE.astimezone()):
        with store.session() as session:
            mine = Client(session, Owner(name, user))
            for i, day in enumerate(days):
                found = mine.find(TodoQuery("all", Between("added", day, day), here=here))
                assert [todo.number for todo in found.items] == numbers[2 * i : 2 * i + 2]
                since = mine.find(TodoQuery("all", Between("added", day), here=here))
                assert [todo.number for todo in since.items] == numbers[2 * i :]
            bounds = Between("added", date.min, date.max)
            assert mine.find(TodoQuery("all", bounds, here=here)).count == len(numbers)
