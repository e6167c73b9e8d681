"""Markdown."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from tests.support.factories import NOON, a_todo
from tests.support.formats import entries_of, fault_of, record_of, written
from todocli.domain.records import Entry, LeftOut, Record, RecordNote, Repeats
from todocli.domain.recurrence import Repetition
from todocli.errors import ValidationError
from todocli.formats.registry import by_name
from todocli.schemas.todos import NoteRead


def _records(text: str) -> list[Record]:
    entries = entries_of("markdown", text)
    assert all(isinstance(entry, Record) for entry in entries), entries
    return [entry for entry in entries if isinstance(entry, Record)]


def _titles(text: str) -> list[str]:
    return [record.title for record in _records(text)]


def _paths(text: str) -> dict[str, tuple[str, ...]]:
    return {record.title: record.project for record in _records(text)}


@pytest.mark.parametrize(
    ("line", "is_completed"),
    [
        *[("- [ ] Pay", False), ("* [x] Pay", True), ("+ [X] Pay", True), ("1. [ ] Pay", False), ("2) [/] Pay", False)],
        *[("  - [ ]  Pay  ", False), ("\t-\t[x]\tPay", True), ("> - [ ] Pay", False), ("> > * [x] Pay\r", True)],
    ],
)
def test_an_item_with_a_box_is_a_todo(line: str, is_completed: bool) -> None:
    record = record_of("markdown", line)
    assert (record.place, record.title, record.is_completed, record.unheld) == ("line 1", "Pay", is_completed, {})


@pytest.mark.parametrize(
    "text",
    [
        *[
            "",
            "\r\n",
            "Pay",
            "- Pay",
            "- [ ]",
            "- [ ] ",
            "- [Pay](https://example.org)",
            "- [1] Pay",
            "-[ ] Pay",
            "[ ] Pay",
        ],
        *["```\n- [ ] Pay\n```\n", "~~~~ md\n- [ ] Pay\n~~~\n- [ ] Pay\n~~~~\n", "<!-- \n- [ ] Pay\n-->\n"],
        "```\n- [ ] Pay",
    ],
)
def test_other_text_has_no_todos(text: str) -> None:
    assert entries_of("markdown", text) == []


def test_a_todo_after_code_or_a_comment_is_read() -> None:
    text = "```\n- [ ] one\n```\n- [ ] two\n<!-- a comment -->\n- [ ] three\n<!--\n- [ ] four -->\n- [ ] five\n"
    assert _titles(text) == ["two", "three", "five"]


def test_a_cancelled_todo_is_left_out() -> None:
    assert entries_of("markdown", "- [-] Pay ❌ 2026-11-01\n") == [LeftOut("line 1", "cancelled tasks")]


def test_another_status_is_not_held() -> None:
    record = record_of("markdown", "- [>] Pay")
    assert (record.is_completed, record.unheld) == (False, {"status": ">"})


def test_headings_are_the_project() -> None:
    text = (
        "- [ ] a\n# Home\n- [ ] b\n### Roof ##\n- [ ] c\n## Garden\n- [ ] d\n# work/x\n- [ ] e\nTitle\n=====\n- [ ] f\n"
    )
    assert _paths(text) == {
        "a": (),
        "b": ("Home",),
        "c": ("Home", "Roof"),
        "d": ("Home", "Garden"),
        "e": ("work", "x"),
        "f": ("Title",),
    }


def test_a_heading_with_spaces_and_a_slash_is_one_name() -> None:
    assert _paths("# A / B\n- [ ] a\n") == {"a": ("A / B",)}


def test_front_matter_has_no_headings() -> None:
    assert _paths("---\ntitle: x\n# a comment\n---\n- [ ] a\n") == {"a": ()}


@pytest.mark.parametrize("text", ["text\n\n---\n\n", "```\ncode\n```\n---\n", "# \n", "####### seven\n", "#tag\n"])
def test_a_rule_and_an_empty_heading_name_no_project(text: str) -> None:
    assert _paths(f"{text}- [ ] a\n") == {"a": ()}


def _parents(text: str) -> dict[str, str | None]:
    records = _records(text)
    titles = {record.source_id: record.title for record in records}
    return {record.title: record.parent and titles[record.parent] for record in records}


def test_task_below_another_is_its_subtask() -> None:
    text = "# Home\n- [ ] a #tag 📅 2026-12-01\n  - [ ] b\n\t\t- [ ] c\n  - [ ] d\n"
    text += "- Plan\n    - [ ] e\n\nText\n  - [ ] f\n"
    assert _paths(text) == {
        **dict.fromkeys("abcdf", ("Home",)),
        "e": ("Home", "Plan"),
    }
    assert _parents(text) == {"a": None, "b": "a", "c": "b", "d": "a", "e": None, "f": None}


def test_subtasks_are_those_of_the_list_that_they_are_in() -> None:
    text = (
        "- Plan\n  - [ ] a\n    1. [x] b\n  - [ ] c\n- [ ] d\n  - text\n    - [ ] e\n# f\n  - [ ] g\n- [ ]\n  - [ ] h\n"
    )
    assert _parents(text) == {"a": None, "b": "a", "c": None, "d": None, "e": "d", "g": None, "h": None}
    assert _paths(text) == {**dict.fromkeys("abc", ("Plan",)), **dict.fromkeys("de", ()), **dict.fromkeys("gh", ("f",))}


def test_task_below_a_bad_or_cancelled_one_refers_to_what_is_not_there() -> None:
    bad, below_bad, cancelled, below_cancelled = entries_of(
        "markdown", "- [ ] a 📅 2026-02-30\n  - [ ] b\n- [-] c\n  - [ ] d\n"
    )
    assert isinstance(below_bad, Record)
    assert isinstance(below_cancelled, Record)
    assert (below_bad.parent, below_cancelled.parent) == (bad.place, cancelled.place)


def test_subtask_says_in_which_project_it_is_if_that_is_another() -> None:
    text = "# Home\n- [ ] a\n  - [ ] b [project:: work/x]\n  - [ ] c (project:: none)\n  - [ ] d [project:: [[Note]]]\n"
    assert _paths(text) == {"a": ("Home",), "b": ("work", "x"), "c": (), "d [project:: [[Note]]]": ("Home",)}


def test_text_below_an_item_is_its_description() -> None:
    text = "- [ ] a\n  one\n\n    two\n  - three\n\n\nnot this\n- [ ] b\n\tfour\n"
    first, second = _records(text)
    assert (first.description, second.description) == ("one\n\n  two\n- three", "four")


def test_code_below_an_item_is_part_of_its_description() -> None:
    text = "- [ ] a\n  ```\n  - [ ] b\n  ```\n  - [ ] c\n- [ ] d\n  ```\n- [ ] e\n"
    assert [(record.title, record.description) for record in _records(text)] == [
        ("a", "```\n- [ ] b\n```"),
        ("c", None),
        ("d", "```"),
        ("e", None),
    ]


def test_a_note_after_code_without_an_end_is_a_note() -> None:
    record = record_of("markdown", "- [ ] a\n  ```\n  code\n  > 2026-11-30 10:00 UTC: one\n")
    assert (record.description, [note.text for note in record.notes]) == ("```\ncode", ["one"])


def test_quotes_with_a_time_are_notes() -> None:
    text = "- [ ] a\n  > a quote\n  > 2026-11-30 10:00 UTC: one\n  > more\n  >\n"
    text += "  > 2026-11-30 10:00:05 UTC: two\n  text\n"
    record = record_of("markdown", text)
    assert record.description == "> a quote\ntext"
    assert record.notes == (
        RecordNote("one\nmore", datetime(2026, 11, 30, 10, tzinfo=UTC)),
        RecordNote("two", datetime(2026, 11, 30, 10, 0, 5, tzinfo=UTC)),
    )


@pytest.mark.parametrize(
    "text",
    [
        "Pay #bills ⏰ 17:00 ⏫ ➕ 2026-11-01 🛫 2026-11-28 📅 2026-12-01 #über ^block-1",
        "Pay 📆2026-12-01 ⏰ 17:00 #bills 🛫️ 2026-11-28 🔺 #über ➕ 2026-11-01",
        "Pay [due:: 2026-12-01] (priority:: high) [start:: 2026-11-28]  [created::2026-11-01] "
        "(time:: 17:00) #bills #über",
    ],
)
def test_signs_and_fields_are_read_wherever_they_are(text: str) -> None:
    record = record_of("markdown", f"- [ ] {text}")
    assert (record.title, record.tags, record.priority) == ("Pay", ("bills", "über"), "high")
    assert (record.due_on, record.due_time, record.starts_on) == (date(2026, 12, 1), time(17), date(2026, 11, 28))
    assert (record.created_at, record.unheld) == (datetime(2026, 11, 1, tzinfo=UTC), {})


@pytest.mark.parametrize(
    ("text", "priority"),
    [
        *[("🔺", "high"), ("⏫", "high"), ("🔼", "medium"), ("🔽", "low"), ("⏬️", "low"), ("", None)],
        *[("[priority:: highest]", "high"), ("[priority:: normal]", None), ("(priority:: lowest)", "low")],
    ],
)
def test_a_priority_is_one_of_three(text: str, priority: str | None) -> None:
    assert record_of("markdown", f"- [ ] Pay {text}").priority == priority


@pytest.mark.parametrize("text", ["✅ 2026-11-05", "[completion:: 2026-11-05]"])
def test_a_done_date_is_when_it_was_completed(text: str) -> None:
    assert record_of("markdown", f"- [x] Pay {text}").completed_at == datetime(2026, 11, 5, tzinfo=UTC)
    assert record_of("markdown", f"- [ ] Pay {text}").completed_at is None


def test_scheduled_is_the_start_without_a_start() -> None:
    only = record_of("markdown", "- [ ] Pay ⏳ 2026-12-01")
    both = record_of("markdown", "- [ ] Pay ⏳ 2026-12-01 🛫 2026-12-02")
    assert (only.starts_on, only.unheld) == (date(2026, 12, 1), {})
    assert (both.starts_on, both.unheld) == (date(2026, 12, 2), {"scheduled": "2026-12-01"})


def test_what_a_todo_has_no_field_for_is_not_held() -> None:
    record = record_of("markdown", "- [ ] Pay 🔁 every full moon 🆔 abc-1 ⛔ x1, y2 🏁 delete 📅 2026-12-01")
    assert (record.title, record.source_id, record.due_on) == ("Pay", "abc-1", date(2026, 12, 1))
    assert record.unheld == {"repeat": "every full moon", "dependsOn": "x1, y2", "onCompletion": "delete"}


@pytest.mark.parametrize(
    ("words", "repetition"),
    [
        ("every day", Repetition("FREQ=DAILY")),
        ("every 3 days when done", Repetition("FREQ=DAILY;INTERVAL=3", "completion")),
        ("every weekday", Repetition("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR")),
        ("every week on Sunday", Repetition("FREQ=WEEKLY;BYDAY=SU")),
        ("Every 2 weeks on Tuesday, Friday", Repetition("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,FR")),
        ("every Monday and Thursday", Repetition("FREQ=WEEKLY;BYDAY=MO,TH")),
        ("every month on the 1st", Repetition("FREQ=MONTHLY;BYMONTHDAY=1")),
        ("every 6 months on the 1st Wednesday", Repetition("FREQ=MONTHLY;INTERVAL=6;BYDAY=1WE")),
        ("every month on the last", Repetition("FREQ=MONTHLY;BYMONTHDAY=-1")),
        ("every month on the last Friday", Repetition("FREQ=MONTHLY;BYDAY=-1FR")),
        ("every January on the 15th", Repetition("FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=15")),
        ("every year", Repetition("FREQ=YEARLY")),
    ],
)
def test_words_of_tasks_repeat(words: str, repetition: Repetition) -> None:
    for line in (f"- [ ] Pay 🔁 {words} 📅 2026-12-01", f"- [ ] Pay [repeat:: {words}] [due:: 2026-12-01]"):
        record = record_of("markdown", line)
        assert (record.title, record.repeats, record.unheld) == ("Pay", Repeats(repetition), {})


def test_task_that_is_done_is_followed_by_a_task_of_its_own() -> None:
    following, done = _records(
        "- [ ] Pay 🔁 every day 📅 2026-12-02\n- [x] Pay 🔁 every day 📅 2026-12-01 ✅ 2026-12-01\n"
    )
    assert (following.repeats, done.repeats, done.unheld) == (Repeats(Repetition("FREQ=DAILY")), None, {})


TUESDAY = date(2026, 12, 1)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("FREQ=WEEKLY;BYDAY=TU", "every week"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,FR", "every 2 weeks on Tuesday, Friday"),
        ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "every weekday"),
        ("FREQ=MONTHLY;BYMONTHDAY=1", "every month"),
        ("FREQ=MONTHLY;BYMONTHDAY=1,22,-1", "every month on the 1st, 22nd, last"),
        ("FREQ=MONTHLY;BYDAY=1TU,-1TU", "every month on the 1st Tuesday, last Tuesday"),
        ("FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=1", "every year"),
    ],
)
def test_repetition_is_written_in_the_words_of_tasks(rule: str, words: str) -> None:
    todo = a_todo(rrule=rule, repeat_from="due", repeat_on=TUESDAY, due_on=TUESDAY, every="x")
    assert f" 🔁 {words} ➕" in written("markdown", todo)
    assert "rrule" not in by_name("markdown").lacking(todo)


@pytest.mark.parametrize(
    "more",
    [
        {"ends_on": date(2027, 1, 1)},
        {"times": 3},
        {"repeat_on": date(2026, 11, 30)},
        {"rrule": "FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1"},
        {"rrule": "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1"},
        {"rrule": "FREQ=YEARLY;BYDAY=1TU;BYMONTH=12"},
    ],
)
def test_repetition_that_tasks_has_no_words_for_is_not_held(more: dict[str, Any]) -> None:
    fields: dict[str, Any] = {
        "rrule": "FREQ=WEEKLY;BYDAY=TU",
        "repeat_from": "due",
        "repeat_on": TUESDAY,
        "due_on": TUESDAY,
    }
    todo = a_todo(**fields | more)
    assert "🔁" not in written("markdown", todo)
    assert by_name("markdown").lacking(todo) == ["rrule"]


@pytest.mark.parametrize(
    "title",
    [
        *[
            "see #12",
            "C# and F#",
            "a#b",
            "[a](https://example.org/#b)",
            "[[note#part]]",
            "**bold** `code`",
            "(std::vector)",
        ],
        *["✅ check", "📅 tomorrow", "⏰ soon", "x ^ y", "a: b"],
    ],
)
def test_other_markup_stays_in_the_title(title: str) -> None:
    record = record_of("markdown", f"- [ ] {title}")
    assert (record.title, record.tags, record.unheld) == (title, (), {})


def test_equal_lines_get_different_ids_that_stay() -> None:
    first, second = _records("- [ ] a\n- [ ] a\n")
    assert first.source_id != second.source_id
    assert [record.source_id for record in _records("# b\n- [ ] a\n- [ ] a\n")] == [first.source_id, second.source_id]


@pytest.mark.parametrize(
    ("text", "field"),
    [
        *[("Pay 📅 2026-02-30", "due"), ("Pay 🛫 0000-01-01", "start"), ("Pay [due:: soon]", "due")],
        *[("Pay ⏰ 25:00", "time"), ("Pay [priority:: urgent]", "priority"), ("#tag", "title")],
        ("Pay\n  > 2026-02-30 10:00 UTC: x", "note"),
    ],
)
def test_a_value_that_is_not_valid_is_a_fault_and_the_next_todo_is_read(text: str, field: str) -> None:
    data = f"- [ ] {text}\n"
    place, name, _ = fault_of("markdown", data)
    assert (place, name) == ("line 1", field)
    following: Entry = entries_of("markdown", f"{data}- [ ] Next\n")[-1]
    assert isinstance(following, Record)
    assert following.title == "Next"


@pytest.mark.parametrize(
    "data",
    [b"\x00\x01", "- [ ] Pay".encode("utf-16"), "- [ ] über".encode("latin-1"), b"- [ ] " + b"x" * 1_000_001],
    ids=lambda data: repr(data[:12]),
)
def test_another_file_is_refused(data: bytes) -> None:
    with pytest.raises(ValidationError):
        entries_of("markdown", data)


@pytest.mark.parametrize("piece", ["> ", "#", "# ", "\\", "(due:: ", "🔁 a", "📅 ", " ", "`", "^a ", "- [ ] ", "\t"])
def test_a_long_line_is_read_at_once(piece: str) -> None:
    line = piece * (300_000 // len(piece.encode()))
    entries_of("markdown", f"{line}\n- [ ] {line}\n  {line}\n# {line}x\n- [ ] end\n")  # or it takes minutes


def test_todos_are_written_below_their_projects() -> None:
    todos = [
        a_todo(1, "One", project="home/garden"),
        a_todo(2, "Two"),
        a_todo(3, "Three", project="work"),
        a_todo(4, "Four", project="home/garden", state="done"),
    ]
    assert written("markdown", *todos) == (
        "- [ ] Two ➕ 2026-07-01\n\n"
        "# home/garden\n\n- [ ] One ➕ 2026-07-01\n- [x] Four ➕ 2026-07-01 ✅ 2026-07-01\n\n"
        "# work\n\n- [ ] Three ➕ 2026-07-01\n"
    )


def test_a_file_without_todos_outside_of_projects_begins_with_a_heading() -> None:
    assert written("markdown", a_todo(1, "One", project="home")) == "# home\n\n- [ ] One ➕ 2026-07-01\n"


def test_a_todo_is_written_with_all_its_fields() -> None:
    todo = a_todo(
        title="Buy\nmilk #1 #now",
        description="oat\n\nor soy",
        due_on=date(2026, 12, 1),
        due_time=time(17),
        starts_on=date(2026, 11, 28),
        priority="medium",
        tags=["a", "b"],
        notes=[NoteRead(at=NOON, text="or\nrice")],
    )
    assert written("markdown", todo) == (
        "- [ ] Buy milk \\#1 \\#now ⏰ 17:00 #a #b 🔼 ➕ 2026-07-01 🛫 2026-11-28 📅 2026-12-01\n"
        "  oat\n\n  or soy\n"
        "  > 2026-07-01 12:00:00 UTC: or\n  > rice\n"
    )


def test_no_todos_are_an_empty_file() -> None:
    assert written("markdown") == ""


def test_subtasks_are_written_below_their_parents_wherever_they_come() -> None:
    todos = [
        a_todo(4, "Grout", parent=3, project="home", notes=[NoteRead(at=NOON, text="grey")]),
        a_todo(1, "Bath", project="home", description="all of it"),
        a_todo(3, "Tiles", parent=1),
        a_todo(2, "Plan", parent=1, project="home", state="done"),
        a_todo(9, "Alone", parent=8, project="work"),
    ]
    assert written("markdown", *todos) == (
        "# home\n\n- [ ] Bath ➕ 2026-07-01\n  all of it\n"
        "  - [ ] Tiles [project:: none] ➕ 2026-07-01\n"
        "    - [ ] Grout ➕ 2026-07-01\n      > 2026-07-01 12:00:00 UTC: grey\n"
        "  - [x] Plan ➕ 2026-07-01 ✅ 2026-07-01\n\n"
        "# work\n\n- [ ] Alone ➕ 2026-07-01\n"
    )


@pytest.mark.parametrize(
    "description",
    [
        "```\ncode",
        "<!-- a",
        "```\na\n```\n~~~",
        "\\```\n```",
        "~~~~\n~~~\n```",
        "<!--\n-->\n<!--\n```",
        "a\n  ```\n\\\\<!--",
    ],
)
def test_code_or_a_comment_without_an_end_takes_no_subtask_away(description: str) -> None:
    text = written("markdown", a_todo(1, "a", description=description), a_todo(2, "b", parent=1))
    first, second = _records(text)
    assert (first.description, second.title, second.parent) == (description, "b", first.source_id)
