"""What is written in a format is read again, as far as the format holds it."""

from __future__ import annotations

import time as wall_clock
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.factories import NOON, a_todo
from tests.support.formats import entries_of, record_of, written
from tests.support.strategies import drafts, titles
from todocli.domain.records import Record
from todocli.domain.recurrence import anchored, first_date
from todocli.domain.recurrence_phrases import short
from todocli.domain.recurrence_words import AGAIN_FORMS, EVERY_FORMS, parse_again, parse_every
from todocli.formats.reading import MAX_LINE
from todocli.formats.registry import FORMATS, by_name
from todocli.schemas.texts import NOTE_LENGTH
from todocli.schemas.todos import NoteRead, TodoRead

ONLY_DAYS = ("todotxt", "markdown")
"""Formats that have the day of an instant only."""

LINES = ("one\n\n  two", 'C:\\New\\temp "a"', "a; b, c: d", "BEGIN:VTODO\nEND:VTODO", "\\n", "[x] y\tz", "📅")
MARKDOWN_LINES = (
    *("- [ ] a\n1. [x] b", "\\- [ ] a", "```\ncode", "<!-- a", "# a", "a\n> 2026-11-30 10:00 UTC: b"),
    *("> 2026-11-30 10:00 UTC: a", "> a\n\\\\> 2026-11-30 10:00 UTC: b", "---", "a\n---", "- a", "-->", "~~~"),
)

# A title in todo.txt has no word that is a project, a tag or a key, and there and in Markdown it has one line.
TITLES = {
    "todotxt": ("a; b", "#a", "x y", "(A) b", "2026-11-30"),
    "markdown": (
        "#a",
        "a #b",
        "\\#a",
        "a \\\\#b #1",
        "[x] a",
        "- [ ] a",
        "> a",
        "# a",
        "```",
        "a_b: *c* [d](e#f)",
        *(
            "📅",
            "📅 2026-12-01",
            "\\\\📅 2026-12-01",
            "⏫ a",
            "a ⏫\ufe0f",
            "🔁 every week",
            "⏰ 17:00",
            "🆔 a",
            "a ⛔ b",
            "✅ 2026-12-01",
        ),
        *("[due:: 2026-12-01]", "(project:: home) a", "\\[someday:: true]", "a (priority:: high)", "a ^b"),
    ),
    "taskwarrior": LINES,
    "ics": LINES,
}


@pytest.fixture(
    autouse=True,
    params=["Europe/Berlin", *(pytest.param(name, marks=pytest.mark.slow) for name in ("UTC", "America/New_York"))],
)
def zone(request: pytest.FixtureRequest, home: object) -> Iterator[None]:
    """Let the user be in several places."""
    patch = pytest.MonkeyPatch()
    patch.setenv("TZ", request.param)
    wall_clock.tzset()
    yield
    patch.undo()


@st.composite
def todos(draw: st.DrawFn, name: str) -> TodoRead:
    """Give a todo with the fields that a format holds, and its notes."""
    holds = by_name(name).holds or frozenset()
    texts = titles | st.sampled_from(LINES)
    texts |= st.sampled_from(MARKDOWN_LINES) if name == "markdown" else st.nothing()
    fields: dict[str, Any] = draw(drafts()).model_dump()
    fields["title"] = draw(titles | st.sampled_from(TITLES[name]))
    fields["description"] = draw(st.none() | texts)
    moments = st.integers(0, 10_000_000).map(lambda seconds: NOON + timedelta(seconds=seconds))
    ats = sorted(draw(st.sets(moments, max_size=3)))
    fields["notes"] = [NoteRead(at=at, text=draw(texts)) for at in ats]
    fields["created_at"] = draw(moments)
    fields["completed_at"] = draw(st.none() | moments)
    fields["is_completed"] = fields["completed_at"] is not None
    unheld: dict[str, Any] = {"description": None, "is_someday": False, "notes": []}
    return a_todo(draw(st.integers(1, 9)), **fields | {key: unheld[key] for key in unheld if key not in holds})


def _seen(name: str, record: Record) -> dict[str, Any]:
    notes = [(note.text, note.made_at) for note in record.notes]
    return {
        **{field: getattr(record, field) for field in ("title", "description", "is_completed", "priority")},
        **{field: getattr(record, field) for field in ("due_on", "due_time", "starts_on", "is_someday")},
        **{field: _moment(name, getattr(record, field)) for field in ("created_at", "completed_at")},
        "project": "/".join(record.project) or None,
        "tags": list(record.tags),
        "notes": notes,
    }


def _expected(name: str, todo: TodoRead) -> dict[str, Any]:
    notes = [(note.text, note.at) for note in todo.notes or ()]
    return {
        **{field: getattr(todo, field) for field in ("title", "description", "is_completed", "priority")},
        **{field: getattr(todo, field) for field in ("due_on", "due_time", "starts_on", "is_someday")},
        **{field: _moment(name, getattr(todo, field)) for field in ("created_at", "completed_at")},
        "project": todo.project,
        "tags": todo.tags,
        "notes": notes,
    }


def _moment(name: str, moment: datetime | None) -> date | datetime | None:
    return moment.astimezone().date() if moment and name in ONLY_DAYS else moment


@pytest.mark.parametrize("name", TITLES)
def test_what_is_written_is_read_again(name: str) -> None:
    @given(st.lists(todos(name), max_size=4))
    def check(drawn: list[TodoRead]) -> None:
        entries = entries_of(name, written(name, *drawn))
        records = [entry for entry in entries if isinstance(entry, Record)]
        assert len(records) == len(entries)
        if name == "markdown":  # it has them by project, in the order of their first todos
            order = [None, *dict.fromkeys(todo.project for todo in drawn)]
            drawn = sorted(drawn, key=lambda todo: order.index(todo.project))
        assert [_seen(name, record) for record in records] == [_expected(name, todo) for todo in drawn]
        assert [dict(record.unheld) for record in records] == [{}] * len(drawn)

    check()


WORDS = (
    *("a", "+home", "@b", "x", "(A)", "due:2026-12-01", "key:value", "uuid:1", "rec:1w", "every:mon", "2026-12-01"),
    *(
        "- [ ] a",
        "#a",
        "\\#a",
        "📅",
        "⏫",
        "[due:: 2026-12-01]",
        "\\",
        "\\;",
        "\\n",
        "\r",
        "\n",
        "\x07",
        "+",
        "@",
        "  ",
    ),
)


@pytest.mark.parametrize("name", [each.name for each in FORMATS if each.is_written])
def test_title_that_is_kept_is_read_again(name: str) -> None:
    @example("\x07")
    @example("\x07\n\x07")
    @given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join).map(str.strip).filter(bool))
    def check(title: str) -> None:
        record = record_of(name, written(name, a_todo(title=title)))
        assert record.title == title or not by_name(name).keeps_title(title)

    check()


@pytest.mark.parametrize(
    ("name", "kept", "other"),
    [
        ("todotxt", ["a; b", "x y", "(A) b", "key:value"], ["a +home", "@b c", "due:2026-12-01 a", "a  b", "a\nb"]),
        ("markdown", ["#a 📅 2026-12-01", "[due:: 2026-12-01]"], ["a  b", "a\nb"]),
        ("ics", ["a\nb", "a  b; c, d"], ["a\x07b", "a\rb"]),
        ("json", ["a\x07b", "a  b"], []),
    ],
)
def test_format_knows_which_titles_it_keeps(name: str, kept: list[str], other: list[str]) -> None:
    titles = [(title, record_of(name, written(name, a_todo(title=title))).title) for title in (*kept, *other)]
    assert [title for title, found in titles if title == found] == kept
    assert [title for title, _ in titles if by_name(name).keeps_title(title)] == kept


def test_line_of_todo_txt_without_words_of_a_title_has_the_others() -> None:
    record = record_of("todotxt", "(A) 2026-07-01 +home @b due:2026-12-01 uuid:1")
    assert (record.title, record.project, record.tags) == ("+home @b due:2026-12-01", ("home",), ("b",))
    assert (record.source_id, record.due_on) == ("1", date(2026, 12, 1))


MONDAY = date(2026, 11, 23)
FIRST = (MONDAY, date(2024, 2, 29), date(2026, 12, 31))
RULES = (*EVERY_FORMS, "FREQ=DAILY;BYMONTH=6", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU;WKST=SU", "FREQ=YEARLY;BYDAY=20MO")


@st.composite
def repeating(
    draw: st.DrawFn,
    rules: Sequence[str] = RULES,
    lengths: Sequence[str] = AGAIN_FORMS,
    *,
    is_regular: bool = False,
) -> TodoRead:
    """Give an open todo that repeats: with an end or two, and somewhere in its series.

    It may have been put off, unless it `is_regular`: then it is due on a date of its rule, and has one end.
    """
    every, again = (
        [parse(words) for words in forms] for parse, forms in ((parse_every, rules), (parse_again, lengths))
    )
    repetition = draw(st.sampled_from([*every, *again]))
    on = draw(st.sampled_from(FIRST))
    if is_regular:
        on = first_date(repetition, on) or on
    repetition = anchored(repetition, on)
    near = st.integers(-3, 3).map(lambda days: on + timedelta(days=days))
    due_on = on if is_regular else draw(st.none() | st.just(on) | near)
    place = draw(st.integers(1, 9))
    has_one_end = is_regular or draw(st.booleans())
    times = draw(st.none() | st.integers(place, 12))
    fields: dict[str, Any] = {
        "every" if repetition.mode == "due" else "again": short(repetition),
        "rrule": repetition.rule,
        "repeat_from": repetition.mode,
        "repeat_on": on,
        "ends_on": None if has_one_end and times else draw(st.none() | st.just(on + timedelta(days=400))),
        "times": times,
        "series_id": UUID(int=99),
        "series_place": place,
        "due_on": due_on,
        "due_time": draw(st.none() | st.sampled_from([time(), time(17, 30)])) if due_on else None,
        "starts_on": draw(st.none() | near) if due_on else on,
    }
    return a_todo(draw(st.integers(1, 9)), **fields)


@pytest.mark.parametrize("name", ["json", "jsonl", "ics", "todotxt", "csv", "tsv"])
def test_how_a_todo_repeats_is_read_again(name: str) -> None:
    @given(repeating())
    def check(todo: TodoRead) -> None:
        record = record_of(name, written(name, todo))
        assert record.repeats is not None
        on = record.repeats.on or record.due_on or record.starts_on
        repetition = record.repeats.repetition and anchored(record.repeats.repetition, on or MONDAY)
        assert (repetition, on) == (todo.repetition, todo.repeat_on)
        assert (record.repeats.place, record.repeats.series_id) == (todo.series_place, todo.series_id)
        dates = ("due_on", "due_time", "starts_on")
        assert [getattr(record, each) for each in dates] == [getattr(todo, each) for each in dates]
        assert record.unheld == {}

    check()


def test_how_a_todo_repeats_is_read_again_of_markdown_as_far_as_it_has_words() -> None:
    held: list[bool] = []

    @given(repeating() | repeating(is_regular=True))
    def check(todo: TodoRead) -> None:
        record = record_of("markdown", written("markdown", todo))
        held.append("rrule" not in by_name("markdown").lacking(todo))
        assert (record.repeats is not None) == held[-1]
        if record.repeats and record.repeats.repetition:
            on = record.due_on or record.starts_on or MONDAY
            assert (anchored(record.repeats.repetition, on), on) == (todo.repetition, todo.repeat_on)
        assert record.unheld == {}

    check()
    assert {*held} == {True, False}


@pytest.mark.parametrize("name", ["json", "jsonl"])
def test_todo_with_more_notes_than_a_line_of_text_holds_is_read_again(name: str) -> None:
    notes = [NoteRead(at=NOON, text="x" * NOTE_LENGTH)] * (MAX_LINE // NOTE_LENGTH + 1)
    [record] = entries_of(name, written(name, a_todo(1, notes=notes)))
    assert isinstance(record, Record)
    assert len(record.notes) == len(notes)
