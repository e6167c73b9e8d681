"""Tables and details on terminals of any width.

The expected tables are written by hand: columns are three blanks apart, numbers are aligned right, the rule below the
heading is as wide as the table, and no line ends in blanks.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from scripts.write_screens import FOLDER, screens
from tests.support.factories import a_todo
from todocli.render.tables import plain_table, rendered, todo_detail
from todocli.render.text import visible
from todocli.render.todo_table import todo_table
from todocli.schemas.todos import TodoRead

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
FAMILY = "👨\u200d👩\u200d👧\u200d👦"
TITLES = {
    "long": "Ask the landlord about the broken heating before winter comes, and then again in spring " * 2,
    "long without blanks": "https://example.org/" + "path/" * 40,
    "wide": "漢字を勉強する" * 30,
    "emoji": f"🎉 party {FAMILY} " * 12,
    "marks": "e\u0301a\u0308" * 60,
    "markup": "[red]no[/red] [/nope] [link=x]y[/link] :smile: [b" * 4,
    "hostile": "a\x1b[31mb\x07\u202ec\t" * 10,
}


def _todo(
    number: int,
    title: str,
    description: str | None = None,
    *,
    state: str = "open",
    age: timedelta = timedelta(),
) -> TodoRead:
    return a_todo(number, title, description=description, state=state, at=NOW - age)


def _table(todos: list[TodoRead], width: int, *, colour: bool = False, dated: str = "added") -> str:
    return rendered(todo_table(todos, now=NOW, width=width, dated=dated).table, width=width, colour=colour)


def _screen(text: str) -> str:
    return "".join(f"{line}\n" for line in text.strip("\n").split("\n"))


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _without_escapes(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


# Screens


def test_narrow_table_wraps_titles() -> None:
    todos = [
        _todo(1, "buy milk"),
        _todo(12, "漢字を勉強"),
        _todo(3, "Ask the landlord about the broken heating before winter", "by phone"),
    ]
    assert _table(todos, 40) == _screen("""
 #   Title
────────────────────────────────────────
 1   buy milk
12   漢字を勉強
 3   Ask the landlord about the broken
     heating before winter*
""")


def test_wide_table_adds_age_and_differing_state() -> None:
    todos = [
        _todo(9, "buy milk", state="done", age=timedelta(days=1)),
        _todo(12, "[red]Pay rent[/red]", age=timedelta(hours=2)),
    ]
    assert _table(todos, 80) == _screen("""
 #   State   Title                 Added
────────────────────────────────────────────
 9   done    buy milk              yesterday
12   open    [red]Pay rent[/red]   2 h ago
""")


def test_table_marks_todos_with_description() -> None:
    todos = [_todo(1, "buy milk", "oat\nor soy"), _todo(2, "漢字", None, age=timedelta(minutes=5))]
    assert _table(todos, 80) == _screen("""
#   Title       Added
─────────────────────────
1   buy milk*   now
2   漢字        5 min ago
""")


@pytest.mark.parametrize(
    ("state", "dated", "heading"),
    [("open", "added", "Added"), ("done", "done", "Done"), ("trash", "removed", "Removed")],
)
def test_heading_names_date_of_state(state: str, dated: str, heading: str) -> None:
    rule = "─" * (17 + len(heading))
    shown = _table([_todo(1, "buy milk!!", state=state)], 80, dated=dated)
    assert shown == f"#   Title        {heading}\n{rule}\n1   buy milk!!   now\n"


def test_table_without_unicode_is_ascii() -> None:
    shown = rendered(plain_table(("User", "Id"), [("ada", "1")]), width=40, colour=False, unicode=False)
    assert shown.isascii()
    heading, rule, row = shown.splitlines()
    assert (re.findall(r"\w+", heading), re.findall(r"\w+", row)) == (["User", "Id"], ["ada", "1"])
    assert set(rule) <= set("-+| ")


def test_detail_of_completed_todo() -> None:
    todo = _todo(12, "Pay [b]rent", "by transfer\n[i]soon", age=timedelta(days=30)).model_copy(
        update={"is_completed": True, "completed_at": NOW, "updated_at": NOW, "version": 2}
    )
    assert (
        rendered(todo_detail(todo, now=NOW), width=80, colour=False)
        == _screen("""
 12       Pay [b]rent
          by transfer
          [i]soon
 State    done
 Added    2026-06-01 12:00
 Done     2026-07-01 12:00 (now)
 Changed  2026-07-01 12:00 (now)
 Id       00000000-0000-0000-0000-00000000000c
""")
        + "\n"
    )


def test_empty_columns_are_left_out() -> None:
    shown = rendered(plain_table(("User", "", "Id"), [("ada", "", "1"), ("bob", "", "2")]), width=80, colour=False)
    assert shown == _screen("""
User   Id
─────────
ada     1
bob     2
""")
    open_only = _table([_todo(1, "a"), _todo(2, "b")], 200)
    assert "State" not in open_only
    assert "Description" not in open_only


# What holds on every terminal

DESCRIPTIONS = [None, "short", "word " * 60, "漢字" * 100]


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("description", DESCRIPTIONS, ids=["none", "short", "long", "wide"])
@pytest.mark.parametrize("kind", TITLES)
def test_lines_fit_terminal_and_titles_are_whole(kind: str, description: str | None, width: int) -> None:
    todo = _todo(1234, TITLES[kind], description)
    other = _todo(7, "z", state="done", age=timedelta(days=100))
    for name, what in (
        ("alone", todo_table([todo], now=NOW, width=width).table),
        ("mixed", todo_table([todo, other], now=NOW, width=width).table),
        ("detail", todo_detail(todo, now=NOW)),
    ):
        lines = rendered(what, width=width, colour=False).splitlines()
        assert max(map(cell_len, lines)) <= width, name
        assert _squeezed(visible(todo.title)) in _squeezed(_title_column(lines, name)), name
        assert any("1234" in line for line in lines), name
        coloured = rendered(what, width=width, colour=True)
        assert "\x1b" in coloured, name
        assert [line.rstrip() for line in _without_escapes(coloured).splitlines()] == lines, name


def _title_column(lines: list[str], name: str) -> str:
    """Return the text of the column Title; of a detail, the whole text without its number."""
    if name == "detail":
        return "".join(lines).replace(" 1234", "", 1)
    heading, _, *rows = lines
    start = heading.index("Title")
    after = re.search(r"Title\s+(?=\S)", heading)
    end = after.end() if after else 10**6
    return "".join(_cells(row, start, end) for row in rows)


def _cells(line: str, start: int, end: int) -> str:
    """Return the text between two columns of a line."""
    left = next((i for i in range(len(line) + 1) if cell_len(line[:i]) >= start), len(line))
    right = next((i for i in range(len(line), -1, -1) if cell_len(line[:i]) <= end - 3), 0)
    return line[left:right]


@settings(max_examples=60)
@given(
    st.text(st.sampled_from("ab 漢字é[]/🎉\u0301\x1b\u202e"), min_size=1, max_size=255).filter(str.strip),
    st.integers(20, 220),
    st.sampled_from(DESCRIPTIONS),
)
def test_any_title_fits_any_terminal(title: str, width: int, description: str | None) -> None:
    todos = [_todo(1, title.strip(), description), _todo(99, "y", state="done")]
    lines = _table(todos, width).splitlines()
    assert max(map(cell_len, lines)) <= width
    assert _squeezed(visible(title)) in _squeezed(_title_column(lines, "table"))


@pytest.mark.parametrize("dumb", ["dumb", "xterm-256color", ""])
def test_environment_does_not_change_tables(dumb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    todos = [_todo(1, TITLES["long"]), _todo(2, "b", state="done")]
    expected = [(_table(todos, width), _table(todos, width, colour=True)) for width in (40, 200)]
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "JUPYTER_COLUMNS", "TTY_COMPATIBLE"):
        monkeypatch.setenv(name, "33")
    monkeypatch.setenv("TERM", dumb)
    assert [(_table(todos, width), _table(todos, width, colour=True)) for width in (40, 200)] == expected


# Colour is never alone


def _codes(text: str) -> set[str]:
    return set(re.findall(r"\x1b\[([0-9;]*)m", text))


def test_colour_keeps_words() -> None:
    todos = [_todo(1, "a", "note", state="done"), _todo(2, "b")]
    coloured = _table(todos, 80, colour=True)
    assert any("32" in code.split(";") for code in _codes(coloured))
    plain = "".join(f"{line.rstrip()}\n" for line in _without_escapes(coloured).splitlines())
    assert plain == _table(todos, 80)


@pytest.mark.parametrize("width", [40, 80])
@pytest.mark.parametrize("others", [[], ["open"], ["open", "done"]], ids=str)
def test_completed_todo_is_marked_in_words(others: list[str], width: int) -> None:
    """Also if all are completed: the heading does not say so."""
    todos = [_todo(1, "buy milk", state="done"), *(_todo(i, "x", state=state) for i, state in enumerate(others, 2))]
    row = next(line for line in _table(todos, width).splitlines() if "buy milk" in line)
    assert "done" in row


def test_detail_names_state() -> None:
    for state, word in (("open", "open"), ("done", "done"), ("trash", "in the trash")):
        shown = rendered(todo_detail(_todo(1, "x", state=state), now=NOW), width=80, colour=False)
        assert re.search(rf"^ State +{word}$", shown, re.MULTILINE)


def test_screens_match_snapshots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at what `python -m scripts.write_screens` changes in `tests/snapshots/screens/`."""
    seen = {path.stem: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.txt")}
    assert dict(screens(monkeypatch)) == seen
    for text in seen.values():
        for part in text.split("\n── ")[1:]:
            width = int(part.split(" ")[0])
            tables = [line for line in part.splitlines() if line.startswith("─")]
            assert all(cell_len(line) <= width for line in tables)
