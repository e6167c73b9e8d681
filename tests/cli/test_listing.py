"""Lists that fit the terminal, and the columns that they have."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.test_fields import monday as monday
from tests.support.terminal import Terminal
from todocli import paths
from todocli.profiles import LOCAL
from todocli.render.columns import COLUMNS


@pytest.fixture
def todo(monkeypatch: pytest.MonkeyPatch, embedded_file: Path) -> Terminal:
    return Terminal(monkeypatch)


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch, embedded_file: Path) -> Terminal:
    monkeypatch.setenv("NO_COLOR", "1")
    return Terminal(monkeypatch, terminal=True, width=120, lines=24)


def _configure(text: str) -> None:
    paths.config_file().parent.mkdir(parents=True, exist_ok=True)
    paths.config_file().write_text(text)
    paths.config_file().chmod(0o600)


def _titles(out: str) -> list[str]:
    return [line.split("   ")[1] for line in out.splitlines()[2:]]


def test_list_shows_what_fits_and_says_how_many_more(person: Terminal) -> None:
    person.ok("add -", stdin="\n".join(f"title-{i}" for i in range(1, 101)))
    ran = person("list")
    assert _titles(ran.out) == [f"title-{i}" for i in range(1, 20)]
    assert ran.err == "100 open\n81 more: todo list --all-rows\n"
    assert len((ran.out + ran.err).splitlines()) == person.lines - 1  # the prompt comes below
    assert len(_titles(person.ok("list --all-rows"))) == 100
    assert person("list title-1 --sort title").err == "12 of 100 open\n"
    assert person("-- list").code == 0
    assert person("list -n 30").err == "30 of 100 open\n"


def test_wrapped_titles_take_their_lines(person: Terminal) -> None:
    person.width = 40
    person.ok("add -", stdin="\n".join(f"{i} is a title that needs two lines or so" for i in range(1, 41)))
    ran = person("")
    assert "31 more: todo --all-rows\n" in ran.err
    assert len((ran.out + ran.err).splitlines()) <= person.lines - 1


@pytest.mark.parametrize("width", [20, 29, 30, 40])
def test_footer_of_several_lines_leaves_room(person: Terminal, width: int) -> None:
    titles = "\n".join(f"title-{i} pri:high project:home/garden +tag -d" for i in range(1, 41))
    person.ok("add -", stdin=f"{titles}\na due:someday\nb start:1m\n")
    person.width = width
    ran = person("list")
    assert len((ran.out + ran.err).splitlines()) <= person.lines - 1
    assert ran.out.splitlines()[0].split()[0] == "#"


@pytest.mark.parametrize("width", [40, 60])
def test_columns_that_were_asked_for_are_all_there(person: Terminal, width: int) -> None:
    person.ok("add Pay the rent of this month due:fri-17:00")
    person.width = width
    out = person.ok("list --columns number,title,due,id")
    assert len(out.splitlines()[0].split()) == 4
    assert max(map(len, out.splitlines())) <= width


def test_groups_are_cut_between_todos(person: Terminal) -> None:
    person.ok("add -", stdin="\n".join(f"title-{i} project:p{i}" for i in range(1, 41)))
    ran = person("list --group project")
    assert len((ran.out + ran.err).splitlines()) <= person.lines - 1
    assert ran.out.splitlines()[-1].split()[-1].startswith("title-") or "title-" in ran.out.splitlines()[-1]


def test_pipe_has_all_rows(todo: Terminal) -> None:
    todo.ok("add -", stdin="\n".join(f"title-{i}" for i in range(1, 101)))
    assert len(todo.ok("list").splitlines()) == len(todo.ok("list --all-rows").splitlines()) == 100


@pytest.mark.parametrize(
    ("width", "heads", "hidden"),
    [
        (40, ["#", "Title", "Due"], "pri, project, tags, added"),
        (80, ["#", "Title", "Due", "Pri", "Project"], "tags, added"),
        (120, ["#", "Title", "Due", "Pri", "Project", "Tags", "Added"], ""),
    ],
)
def test_least_important_columns_go_first(person: Terminal, width: int, heads: list[str], hidden: str) -> None:
    person.ok("add Renew the passport before the trip due:fri-17:00 pri:high project:home/papers +travel")
    person.width = width
    ran = person("list")
    assert ran.out.splitlines()[0].split() == heads
    footer = f"1 open · hidden: {hidden}" if hidden else "1 open"
    assert " ".join(ran.err.split()) == footer
    assert "Fri 27 Nov" in ran.out


def test_columns_are_those_of_the_line(person: Terminal, todo: Terminal) -> None:
    person.ok("add Pay rent due:fri-17:00 project:home +bills -d 'by transfer'")
    person.ok("add Buy milk")
    person.ok("done 2")
    assert person.ok("list --columns due,title,start,number") == (
        "Due                Title       Starts   #\n"
        "─────────────────────────────────────────\n"
        "Fri 27 Nov 17:00   Pay rent*            1\n"
    )
    assert todo.ok("list --columns number,due,start,tags,description") == "1\t2026-11-27 17:00\t\t+bills\tby transfer\n"
    every = todo.ok(["list", "--all", "--columns", ",".join(COLUMNS)]).splitlines()
    assert [len(line.split("\t")) for line in every] == [len(COLUMNS)] * 2
    assert todo.ok("list -c --columns done,added") == "2026-11-23T12:00:00.000000Z\t2026-11-23T12:00:00.000000Z\n"


def test_columns_of_the_configuration_file(person: Terminal, todo: Terminal) -> None:
    person.ok("add Pay rent due:fri project:home")
    _configure('columns = ["number", "project"]')
    assert todo.ok("list") == "1\thome\n"
    assert person.ok("today --columns number") == ""
    assert person.ok("list").splitlines()[0].split() == ["#", "Project"]
    assert todo.ok("list --columns title") == "Pay rent\n"
    assert todo.ok("list -q") == "1\n"
    assert '"title":"Pay rent"' in todo.ok("list --json")
    _configure('columns = ["titel"]')
    assert todo.ok("list -q") == "1\n"
    assert '"title":"Pay rent"' in todo.ok("list --json")


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("list --columns number,titel", "error: --columns: there is no column 'titel'.\n hint: Did you mean title?"),
        ("list --columns ,", "error: --columns names no column.\n hint: The columns are number, state, title"),
        ("list --columns title --json", '{"detail":"--columns and JSON cannot be combined."'),
        ("list --columns title -q", "error: --columns and --quiet cannot be combined.\n"),
        ("show 1 --columns title", "error: No such option: --columns"),
    ],
)
def test_bad_columns_are_refused(todo: Terminal, line: str, error: str) -> None:
    ran = todo(line)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(error)


def test_columns_may_be_named_as_their_heads(todo: Terminal) -> None:
    todo.ok("add Pay rent pri:high")
    assert todo.ok("list --columns '#,pri'") == "1\thigh\n"


def test_footer_counts_all_that_are_overdue(person: Terminal) -> None:
    titles = "".join(f"late-{i} due:yesterday\n" for i in range(30)) + "".join(f"a-{i} due:fri\n" for i in range(30))
    person.ok("add -", stdin=titles)
    assert person("list --sort -due").err.startswith("60 open · 30 overdue\n")
    assert person("list").err.startswith("60 open · 20+ overdue\n")
    assert person("list -n 5").err == person("list -n5").err
    assert person("list -n5").err.startswith("5 of 60 open · 5 overdue\n")


def test_bad_columns_in_the_configuration_file(todo: Terminal) -> None:
    todo.ok("add Pay rent")
    _configure('columns = ["number", "prio"]')
    assert "config.toml: columns: there is no column 'prio'.\n hint: Did you mean priority?" in todo("list").err
    _configure('columns = "number"')
    assert "columns must be a list of names, each in quotes" in todo("list").err


def test_empty_list_says_what_starts_later(person: Terminal) -> None:
    person.ok("add Plan the holiday start:1m")
    assert (
        person("list").err == "Nothing to do. Add something: todo add buy milk\n1 starts later: todo list start:later\n"
    )
    assert person("list holiday").err.splitlines()[1] == "1 starts later: todo list start:later"
    assert person("list start:later").err == "1 open\n"


def test_footer_names_another_profile(person: Terminal) -> None:
    person.ok("add Pay rent")
    _configure('active = "work"\n[profiles.work]\nuser = "ada"\n')
    person.ok("add Write the report")
    assert person("list").err == "work · 1 open\n"
    assert person("list", profile=LOCAL).err == "1 open\n"


def test_long_answers_break_between_words(person: Terminal) -> None:
    person.width = 40
    title = "Ask the landlord about the broken heating before winter comes"
    ran = person(["add", title, "due:fri"])
    assert max(map(len, ran.out.splitlines())) <= 40
    assert " ".join(ran.out.split()) == f"Added 1 {title} · due Fri 27 Nov (in 4 days)"
    assert person("done 1").out.splitlines()[-1] == "· todo undo" or person("reopen 1").out.endswith("· todo undo\n")
    ran = person("list --where 'milk and (eggs'")
    assert [line for line in ran.err.splitlines() if len(line) > 40] == []
    ran = person("add due:1/12/2026 Call")
    assert [line for line in ran.err.splitlines() if len(line) > 40] == []
