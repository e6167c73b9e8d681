"""Texts, instants and documents as they are printed."""

from __future__ import annotations

import json
import time
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tests.support.factories import a_todo
from todocli.errors import Conflict, FieldError, NotFound, TodoError, ValidationError
from todocli.render.dates import ago, local
from todocli.render.documents import document, error_document, json_lines, plain
from todocli.render.text import MAX_MARKS, first_line, visible
from todocli.schemas.base import instant
from todocli.schemas.todos import TodoItems, TodoRead

JOINERS = "\u200c\u200d"
BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
ZERO_WIDTH = "\u00ad\u180e\u200b\u2060\u2061\u2062\u2063\u2064\ufeff\U000e0001\U000e0041"
HIDDEN = [
    *(chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))),
    *BIDI,
    *ZERO_WIDTH,
    *("\u2028", "\u2029", "\ud800", "\udbff", "\udc80", "\udfff", "\ufff9", "\ufffb"),
]
NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)

anything = st.text(st.characters() | st.sampled_from([*HIDDEN, *JOINERS, *"\u0301é👨क"]), max_size=60)


# Text


@given(anything, st.booleans())
def test_visible_text_cannot_control_terminal(text: str, lines: bool) -> None:
    shown = visible(text, lines=lines)
    assert not set(shown) & (set(HIDDEN) - set("\n" if lines else "")), repr(shown)
    assert {unicodedata.category(char) for char in shown if char not in f"\n{JOINERS}"}.isdisjoint(
        {"Cc", "Cf", "Cs", "Zl", "Zp"}
    )
    assert shown.count("\n") == (text.count("\n") if lines else 0)
    shown.encode()


@pytest.mark.parametrize("char", HIDDEN, ids=lambda char: f"{ord(char):04x}")
def test_hidden_character_becomes_escape(char: str) -> None:
    code = ord(char)
    form = f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    escape = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}.get(char, form)
    for before, after in (("", ""), ("a", "b"), ("é", "è"), ("漢", "字")):
        assert visible(f"{before}{char}{after}") == f"{before}{escape}{after}"


harmless = st.text(
    st.characters(categories=["Lu", "Ll", "Lt", "Lm", "Lo", "Mc", "N", "P", "S", "Zs", "Co"])
    | st.sampled_from("a [/]\\漢字ÄΩя"),
    max_size=60,
)


@given(harmless, st.booleans())
@example("[red]no[/red] \\x1b :smile: %s {0}", False)
@example("\u00a0\u3000", False)
@example("Ἀθῆναι", False)
def test_harmless_text_stays_unchanged(text: str, lines: bool) -> None:
    assert visible(text, lines=lines) == text


@given(anything)
def test_visible_is_idempotent(text: str) -> None:
    assume("\ud800" not in text)
    shown = visible(text)
    assert visible(shown) == shown


@pytest.mark.parametrize(
    "word",
    [
        "👨\u200d👩\u200d👧\u200d👦",
        "👩🏽\u200d💻",
        "🏳\ufe0f\u200d🌈",
        "❤\ufe0f\u200d🔥",
        "می\u200cخواهم",
        "क्\u200dष",
        "क्\u200cष",
        "ශ්\u200dරී",
    ],
)
def test_joiners_stay_in_scripts_and_emoji(word: str) -> None:
    assert set(word) & set(JOINERS)
    assert visible(word) == word
    assert visible(f"a {word}, {word}!") == f"a {word}, {word}!"


@pytest.mark.parametrize("joiner", JOINERS)
@pytest.mark.parametrize(
    ("before", "after"),
    [
        *(("", ""), ("a", ""), ("", "b"), ("é", ""), ("", "é"), ("a", "b"), ("é", "b"), ("a", "é")),
        *(("\u00a0", "\u00a0"), ("—", "—"), ("é", "\u00a0"), ("é", "…")),
    ],
)
def test_joiner_beside_no_letter_becomes_escape(before: str, joiner: str, after: str) -> None:
    assert visible(f"{before}{joiner}{after}") == f"{before}\\u{ord(joiner):04x}{after}"


def test_joiner_beside_joiner_becomes_escape() -> None:
    """What is invisible can otherwise be as long as one likes."""
    assert "\u200d" * 2 not in visible("é" + "\u200d" * 40 + "é")
    assert visible("é\x9b\u200d\x9bé") == "é\\x9b\\u200d\\x9bé"


def test_marks_on_one_character_are_limited() -> None:
    assert MAX_MARKS == 30
    fine = "e" + "\u0301" * 30
    assert visible(fine * 3) == fine * 3
    assert visible("e\u0301" * 50) == "e\u0301" * 50
    assert visible("e" + "\u0301" * 31 + "x") == f"{fine}…x"
    assert visible("e" + "\u0301\u20dd" * 500 + "x") == "e" + "\u0301\u20dd" * 15 + "…x"
    assert visible("क" + "\u0301" * 500 + "क") == "क" + "\u0301" * 30 + "…क"


def test_joiners_do_not_restart_count_of_marks() -> None:
    """A joiner belongs to the same cluster, so the marks on both of its sides stand on one character."""
    shown = visible("é" + ("\u0301" * 31 + "\u200d") * 7 + "\u0301é")
    assert (shown.count("\u0301"), shown.count("…")) == (30, 1)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("one", "one"),
        ("one\n", "one"),
        ("one\n \n", "one"),
        ("one\ntwo", "one …"),
        ("one\r\ntwo", "one …"),
        ("one\n\n\nfour", "one …"),
        ("a\x1b[2Jb\ntwo", "a\\x1b[2Jb …"),
        ("a\tb", "a\\tb"),
        ("one\u2028two", "one …"),
    ],
)
def test_first_line_is_cut_with_ellipsis(text: str, shown: str) -> None:
    assert first_line(text) == shown


# Instants


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[None]:
    """The user's time zone, as POSIX writes it: what is east of Greenwich has a minus."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        *((-3600, "now"), (0, "now"), (59.999999, "now"), (60, "1 min ago"), (119, "1 min ago"), (120, "2 min ago")),
        *((3599, "59 min ago"), (3600, "1 h ago"), (7199, "1 h ago"), (86399, "23 h ago"), (86400, "yesterday")),
        *((129_600, "yesterday"), (129_601, "2 days ago"), (561_600, "6 days ago"), (561_601, "2026-06-24")),
    ],
)
def test_ago_counts_minutes_hours_and_days(seconds: float, expected: str) -> None:
    """It is noon, so that the days change at 12, 36, 60, … hours ago."""
    assert ago(NOW - timedelta(seconds=seconds), NOW) == expected


@pytest.mark.parametrize(
    ("zone", "then", "shown"),
    [
        ("UTC", datetime(2026, 1, 5, 23, 59, 59, 999_999, tzinfo=UTC), "2026-01-05 23:59"),
        ("XXX-5:30", datetime(2026, 1, 5, 23, 59, tzinfo=UTC), "2026-01-06 05:29"),
        ("XXX+11", datetime(2026, 1, 1, 10, tzinfo=UTC), "2025-12-31 23:00"),
        ("CET-1CEST,M3.5.0,M10.5.0/3", datetime(2026, 3, 29, 0, 59, tzinfo=UTC), "2026-03-29 01:59"),
        ("CET-1CEST,M3.5.0,M10.5.0/3", datetime(2026, 3, 29, 1, 0, tzinfo=UTC), "2026-03-29 03:00"),
        ("CET-1CEST,M3.5.0,M10.5.0/3", datetime(2026, 10, 25, 1, 0, tzinfo=UTC), "2026-10-25 02:00"),
    ],
    indirect=["zone"],
)
@pytest.mark.usefixtures("zone")
def test_instant_is_shown_in_local_time(then: datetime, shown: str) -> None:
    assert local(then) == shown
    assert ago(then, then + timedelta(days=30)) == shown[:10]


@pytest.mark.parametrize(
    ("zone", "expected"), [("UTC", "yesterday"), ("XXX+11", "2 days ago"), ("XXX-13", "2 days ago")], indirect=["zone"]
)
@pytest.mark.usefixtures("zone")
def test_yesterday_depends_on_time_zone(expected: str) -> None:
    """40 hours before 20:00 in Greenwich: 04:00 of the day before there; two days before in the other zones."""
    assert ago(datetime(2026, 6, 30, 4, tzinfo=UTC), datetime(2026, 7, 1, 20, tzinfo=UTC)) == expected


# Documents


def _todo(title: str = "Pay rent", description: str | None = None, *, done: bool = False) -> TodoRead:
    at = datetime(2026, 7, 1, 12, 0, 0, 5, tzinfo=UTC)
    return a_todo(
        12, title, description=description, state="done" if done else "open", at=at, id=UUID(int=1), version=1
    )


WHOLE = (
    '{"id":"00000000-0000-0000-0000-000000000001","number":12,"title":"漢字 \\"é\\" \\u001b [red]","description":null,'
    '"is_completed":false,"completed_at":null,"created_at":"2026-07-01T12:00:00.000005Z",'
    '"updated_at":"2026-07-01T12:00:00.000005Z","deleted_at":null,"version":1,'
    '"change_id":"00000000-0000-0000-0000-000000000002","user_id":"00000000-0000-0000-0000-000000000003",'
    '"due_on":null,"due_time":null,"starts_on":null,"priority":null,"project":null,"tags":[],'
    '"is_someday":false,"note_count":0,"claimed_by":null,"claimed_until":null,"needs":[],"blocked_by":[],'
    '"parent":null,"subtasks":[],"open_subtasks":[],'
    '"every":null,"again":null,"rrule":null,"repeat_from":null,"repeat_on":null,"ends_on":null,"times":null,'
    '"series_id":null,"series_place":null,"series_values":null,"notes":[]}'
)


def test_document_is_compact_json_in_field_order() -> None:
    todo = _todo('漢字 "é" \x1b [red]')
    assert document(todo) == WHOLE
    assert document(TodoItems(items=[todo], count=1, total=5)) == f'{{"items":[{WHOLE}],"count":1,"total":5}}'
    assert list(json_lines([todo, todo])) == [WHOLE, WHOLE]


def test_selected_fields_keep_given_order() -> None:
    todo = _todo("漢字\n")
    assert document(todo, ["title", "description", "number"]) == '{"title":"漢字\\n","description":null,"number":12}'
    many = TodoItems(items=[todo, todo], count=2, total=9)
    assert document(many, ["number"]) == '{"items":[{"number":12},{"number":12}],"count":2,"total":9}'
    assert list(json_lines([todo], ["created_at"])) == ['{"created_at":"2026-07-01T12:00:00.000005Z"}']


@given(anything.filter(lambda text: not any("\ud800" <= char <= "\udfff" for char in text)))
def test_document_keeps_any_text(text: str) -> None:
    for line in (document(_todo(text, text)), document(_todo(text, text), ["title", "description"])):
        assert "\n" not in line
        assert "\x1b" not in line
        read = json.loads(line)
        assert (read["title"], read["description"]) == (text, text)


@pytest.mark.parametrize(
    ("error", "written"),
    [
        (NotFound("There is no todo 9."), '{"detail":"There is no todo 9.","error_code":"NOT_FOUND"}'),
        (Conflict("Taken: é.", hint="x"), '{"detail":"Taken: é.","error_code":"CONFLICT","hint":"x"}'),
        (TodoError("Fault."), '{"detail":"Fault.","error_code":"SERVER_ERROR"}'),
        (
            ValidationError("Wrong.", hint="x", field_errors=(FieldError("title", "is empty"),)),
            '{"detail":"Wrong.","error_code":"VALIDATION_ERROR",'
            '"field_errors":[{"field":"title","message":"is empty"}],"hint":"x"}',
        ),
    ],
)
def test_error_document_leaves_out_empty_keys(error: TodoError, written: str) -> None:
    assert error_document(error) == written


def test_plain_line_has_tabs_only_between_columns() -> None:
    todo = _todo("a\tb\nc\x1b", "two\nlines\t", done=True)
    assert plain(todo) == "12\tdone\ta\\tb\\nc\\x1b"
    assert plain(todo, todo.description or "") == "12\tdone\ta\\tb\\nc\\x1b\t\t\t\t\ttwo\\nlines\\t"
    assert plain(_todo(), "") == "12\topen\tPay rent"


@pytest.mark.parametrize(
    ("moment", "written"),
    [
        (datetime(2026, 7, 1, 12, tzinfo=UTC), "2026-07-01T12:00:00.000000Z"),
        (datetime(987, 6, 5, 4, 3, 2, 1, tzinfo=UTC), "0987-06-05T04:03:02.000001Z"),
    ],
)
def test_instant_is_written_as_rfc_3339(moment: datetime, written: str) -> None:
    assert instant(moment) == written
