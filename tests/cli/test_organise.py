"""The commands of the panel Organise: today, next, tags, projects and view."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.test_fields import SEVEN, monday, numbers, person, todo
from tests.support.terminal import Terminal
from todocli.database.postgres.url import PostgresURL

__all__ = ["monday", "person", "todo"]


def test_today_has_due_and_starting(todo: Terminal) -> None:
    assert todo("today").err == "Nothing for today.\n"
    todo.ok("add -", stdin=SEVEN + "Starts today start:today\nDue tonight due:today-23:00 start:tomorrow\n")
    assert numbers(todo.ok("today")) == [3, 2, 9, 8]
    assert json.loads(todo.ok("today --json"))["count"] == 4
    assert numbers(todo.ok("today tonight")) == [9]
    assert numbers(todo.ok("today project:home")) == [3]
    todo.ok("done 2 3 8 9")
    assert todo.ok("today") == ""


def test_next_has_most_urgent(todo: Terminal) -> None:
    todo.ok("add -", stdin=SEVEN)
    assert numbers(todo.ok("next")) == [3]
    assert numbers(todo.ok("next -n 3")) == [3, 2, 5]
    assert numbers(todo.ok("next +bills")) == [5]
    assert numbers(todo.ok("next -n 2 due:next-week..")) == numbers(todo.ok("list due:next-week.. -n 2"))
    assert json.loads(todo.ok("next --json"))["total"] == 6


def test_tags_and_projects_are_counted(todo: Terminal, person: Terminal) -> None:
    assert todo("tags").err == "There are no tags yet. Add one to a todo: todo add Pay rent +bills\n"
    todo.ok("add -", stdin=SEVEN)
    todo.ok("done 1 3")
    assert todo.ok("tags") == "bills\t1\t1\t50%\nfamily\t1\t0\t0%\ngifts\t1\t0\t0%\n"
    assert todo.ok("tags -q") == "bills\nfamily\ngifts\n"
    assert todo.ok("projects") == "home\t0\t2\t100%\nhome/garden\t0\t1\t100%\nwork\t1\t0\t0%\nwork/reports\t1\t0\t0%\n"
    assert json.loads(todo.ok("projects --json"))["items"][0] == {
        "name": "home",
        "open": 0,
        "completed": 2,
        "done_share": 1.0,
    }
    assert [line.split() for line in person.ok("tags").splitlines()[2:]] == [
        ["bills", "1", "1", "50%"],
        ["family", "1", "0", "0%"],
        ["gifts", "1", "0", "0%"],
    ]


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_summaries_count_own_todos_only(todo: Terminal, database: str, request: pytest.FixtureRequest) -> None:
    option, url = "--embedded", ""
    if database == "postgres":
        option, url = "--url-stdin", request.getfixturevalue("postgres_url").text()
    for name, words in (("ada", "+über +b project:home/garden"), ("bob", "+his project:work"), ("eve", "")):
        todo.ok(f"profile add {name} --user {name} {option}", stdin=url)
        todo.ok(f"add a {words}", profile=name)
    assert todo.ok("tags -q", profile="ada") == "b\nüber\n"
    assert todo.ok("projects -q", profile="ada") == "home\nhome/garden\n"
    assert todo.ok("tags", profile="eve") == todo.ok("projects", profile="eve") == ""


def test_summaries_of_unknown_user_are_error(
    todo: Terminal, postgres_url: PostgresURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TODO_DATABASE_URL", postgres_url.text())
    assert (todo("tags").code, todo("projects").code) == (6, 6)


def test_view_shows_saved_list(todo: Terminal, home: Path) -> None:
    todo.ok("add -", stdin=SEVEN)
    assert todo("view").err == "There are no views yet. Save one: todo view save NAME +home\n"
    assert todo("view save bills +bills --sort -due").err == "Saved. Show it: todo bills\n"
    assert (home / "config.toml").read_text() == '[views]\nbills = "+bills --sort -due"\n'
    assert numbers(todo.ok("view bills")) == numbers(todo.ok("view show bills")) == [1, 5]
    assert numbers(todo.ok("view bills call")) == [5]
    assert numbers(todo.ok("view bills --reverse -n 1")) == [5]
    assert json.loads(todo.ok("view bills --json")) == json.loads(todo.ok("list +bills --sort -due --json"))
    assert json.loads(todo.ok("--json view bills"))["count"] == 2
    todo.ok(["view", "save", "both", "--where", 'bank or "40th birthday"', "due:any"])
    assert numbers(todo.ok("view both")) == [2, 5]
    assert (
        todo.ok("view list")
        == todo.ok("view")
        == ("bills\t+bills --sort -due\nboth\t--where 'bank or \"40th birthday\"' due:any\n")
    )
    assert json.loads(todo.ok("view list --json"))["items"][0] == {"name": "bills", "line": "+bills --sort -due"}
    assert todo("view save bills +bills").err == "Saved (it was: +bills --sort -due). Show it: todo bills\n"
    assert todo("view rm bills").err == "Deleted. To save it again: todo view save bills +bills\n"
    assert todo("view bills").code == 3


@pytest.mark.parametrize(
    ("line", "code", "error"),
    [
        ("view save list +a", 2, "A view cannot be called list: that is a command."),
        ("view save 'a b' +a", 2, "The name of a view must have 1 to 64"),
        ("view save a", 2, "Missing argument 'FILTER'."),
        ("view save a due:soon", 2, "'soon' is not a day."),
        ("view save a --sort size", 2, "Cannot sort by 'size'."),
        ("view save a --frob", 2, "No such option: --frob"),
        ("view save a --all --completed", 2, "--all and --completed cannot be combined."),
        ("view nope", 3, 'There is no view "nope".'),
        ("view rm nope", 3, 'There is no view "nope".'),
    ],
)
def test_bad_view_is_not_saved(todo: Terminal, home: Path, line: str, code: int, error: str) -> None:
    todo("view save there +a")
    before = (home / "config.toml").read_text()
    ran = todo(line)
    assert (ran.code, ran.out) == (code, "")
    assert ran.err.startswith(f"error: {error}")
    assert (home / "config.toml").read_text() == before


def test_views_survive_changes_of_profiles(todo: Terminal, home: Path) -> None:
    todo("view save bills +bills")
    todo.ok("profile add other --embedded --user eve")
    todo.ok("profile use other")
    todo.ok("profile use local")
    todo.ok("profile rm other --yes")
    assert todo.ok("view list") == "bills\t+bills\n"


def test_broken_views_do_not_disturb_other_commands(todo: Terminal, home: Path) -> None:
    config = home / "config.toml"
    config.write_text("[views]\na = 1\nb = '+x'\n")
    config.chmod(0o600)
    assert todo.ok("list") == ""
    assert todo.ok("view list") == "b\t+x\n"
    assert todo("view a").code == 3
    config.write_text("views = 1\n")
    assert todo.ok("list") == ""
    ran = todo("view save a +x")
    assert (ran.code, "views must be a table" in ran.err) == (2, True)


def test_view_cannot_control_terminal(todo: Terminal) -> None:
    todo(["view", "save", "e", "\x1b[31m"])
    assert "\x1b" not in todo("view save e x").err + todo(["view", "save", "e", "\x1b]0;y\x07"]).err
    assert "\x1b" not in todo("view rm e").err


def test_view_may_name_profile(todo: Terminal) -> None:
    todo.ok("profile add other --embedded --user eve")
    todo.ok("--profile other add hers")
    todo("view save hers --profile other")
    assert todo.ok("view hers") == "1\topen\thers\n"
    assert json.loads(todo.ok("view --json"))["count"] == 1
    suggested = todo("--profile other view rm hers").err.partition("To save it again: todo ")[2]
    assert todo(suggested).code == 0
    assert todo.ok("view hers") == "1\topen\thers\n"


def test_broken_view_is_error(todo: Terminal, home: Path) -> None:
    (home / "config.toml").write_text("[views]\na = \"it's\"\nb = 'due:soon'\n")
    (home / "config.toml").chmod(0o600)
    assert todo("view a").err.startswith('error: The view a cannot be parsed: "it\'s".')
    assert todo("view b").err.startswith("error: 'soon' is not a day.\n")
