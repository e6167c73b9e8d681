"""Completion of the user's own data: harmless in real shells, and without the network."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.shells import REAL_SHELLS, SHELLS, after_tab, environment, listed_by_bash
from tests.support.terminal import Terminal
from todocli.completion.answer import answer
from todocli.completion.values import MAX_DESCRIPTION, shell_safe, suggestions
from todocli.database.postgres.url import PostgresURL

HOSTILE = [
    r"x \$(touch P)",
    "`touch P`",
    "$(touch P)",
    "'; touch P; '",
    '"; touch P; "',
    "a\\nb\\\\ \\",
    "new\nline\ttab",
    "${IFS}$HOME *?[a-z]{1,2}~",
    ")) (( :desc:",
    "\x1b]0;x\x07\u202e \u200b",
    "!!event #comment %n",
    "Grüße 漢字",
]


@pytest.fixture
def todo(monkeypatch: pytest.MonkeyPatch, embedded_file: Path) -> Terminal:
    return Terminal(monkeypatch)


def in_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let shells start in an empty folder, with the program on their PATH; return the folder."""
    folder = tmp_path / "there"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    return folder


def values(kind: str, begun: str = "", *line: str) -> list[str]:
    return [value for value, _ in suggestions(kind, begun, line)]


@pytest.mark.slow
@pytest.mark.parametrize("complete", REAL_SHELLS)
def test_hostile_titles_run_nothing_in_real_shells(
    todo: Terminal,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    complete: Callable[[str], list[str]],
) -> None:
    for title in HOSTILE:
        todo.ok(["add", "--literal", title])
    todo.ok("add plain +bills project:home/garden")
    folder = in_folder_of_its_own(tmp_path, monkeypatch)
    numbers = [str(number) for number in range(1, len(HOSTILE) + 2)]
    assert sorted(set(complete("todo done ")), key=int) == numbers
    assert sorted(set(complete("todo done 1"))) == sorted(number for number in numbers if number[0] == "1")
    assert set(complete("todo list --project ")) == {"home", "home/garden", "any", "none"}
    assert set(complete("todo list --no-tag ")) == {"bills"}
    assert {word.removeprefix("project:") for word in complete("todo add x project:")} == {"home", "home/garden"}
    assert set(complete("todo add x +")) == {"+bills"}
    assert {path.name for path in folder.iterdir()} <= {"start.zsh"}


@given(st.text() | st.sampled_from(HOSTILE))
def test_description_keeps_only_safe_characters(text: str) -> None:
    shown = shell_safe(text)
    assert len(shown) <= MAX_DESCRIPTION
    assert re.fullmatch(r"[\w ,./-]*", shown)
    assert shown.isprintable()


@pytest.mark.parametrize("shell", SHELLS)
def test_todo_is_offered_in_form_of_each_shell(todo: Terminal, shell: str) -> None:
    todo.ok(["add", "it's: `x`"])
    expected = {
        "bash": "1",
        "zsh": "local -a todo_words=('1:its x'); _describe -V todo todo_words;",
        "fish": "1\tits x",
        "powershell": "1:::its x",
    }
    assert answer(environment(shell, "todo done ")) == f"{expected[shell]}\n"


def test_zsh_is_asked_for_no_space_after_key(todo: Terminal) -> None:
    answered = answer(environment("zsh", "todo add p"))
    assert answered == "local -a todo_keys=('pri\\:' 'project\\:'); _describe -V todo todo_keys -S '';\n"
    answered = answer(environment("zsh", "todo list pri:l"))
    assert answered == "local -a todo_words=('pri\\:low'); _describe -V todo todo_words;\n"


def test_numbers_fit_command(todo: Terminal) -> None:
    todo.ok("add -", stdin="a\nb\nc\nd\n")
    todo.ok("done 2")
    todo.ok("rm 3")
    assert values("todo") == ["1", "4"]
    assert values("done") == ["2"]
    assert values("trash") == ["3"]
    assert values("any") == ["1", "2", "3", "4"]
    for line, rows in (("reopen", "2\tb"), ("restore", "3\tc"), ("purge", "3\tc"), ("edit", "1\ta\n4\td")):
        assert answer(environment("fish", f"todo {line} ")) == f"{rows}\n"


def test_changes_are_offered_with_the_title_of_a_todo(todo: Terminal) -> None:
    todo.ok("add Pay rent")
    todo.ok("done 1")
    todo.ok("undo")
    rows = (answer(environment("fish", "todo undo --only ")) or "").splitlines()
    assert [row.split("\t")[1] for row in rows] == ["Pay rent", "Pay rent"]
    added = rows[1].split("\t")[0]
    assert answer(environment("bash", f"todo undo --only {added}")) == f"{added}\n"
    assert todo.ok(f"undo --only {added}").split("\t")[2] == "added"


def test_values_of_each_kind_are_offered(todo: Terminal) -> None:
    todo.ok("add a +bills +über project:home.garden")
    todo.ok("add b +gone")
    todo.ok("rm 2")
    todo("view save week due:week")
    todo.ok("profile add work --user eve --embedded")
    assert values("tag") == ["bills"]
    assert values("project", "home/") == ["home/garden"]
    assert values("view") == ["week"]
    assert values("profile") == ["local", "work"]
    assert values("tag", "", "list", "--profile", "work") == values("tag", "", "--profile=work") == []
    assert {"today", "fri", "weekend"} <= set(values("due")) == set(values("start")) == {*values("date"), "someday"}
    assert not {"none", "any", "overdue", "week"} & set(values("due"))
    assert values("due-edit", "no") == ["none"]
    assert values("due-filter")[:2] == ["overdue", "week"]
    assert values("start-filter")[:2] == ["later", "week"]
    assert values("priority") == ["high", "medium", "low"]
    assert values("priority-filter") == ["high", "medium", "low", "any", "none"]
    assert values("project-filter") == ["home", "home/garden", "any", "none"]
    assert answer(environment("bash", "todo view w")) == "week\n"


def test_files_are_offered_where_a_command_takes_one(
    todo: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = in_folder_of_its_own(tmp_path, monkeypatch)
    (folder / "sub").mkdir()
    for name in ("tasks.json", "todo.txt", ".hidden", "$(touch P)", "a b", "sub/inner.csv"):
        (folder / name).touch()
    assert values("file") == ["sub/", "tasks.json", "todo.txt"]
    assert values("file", "t") == ["tasks.json", "todo.txt"]
    assert values("file", "sub/") == ["sub/inner.csv"]
    assert values("file", "./.h") == ["./.hidden"]
    assert values("file", f"{folder}/to") == [f"{folder}/todo.txt"]
    assert values("file", "nowhere/") == []


def test_days_are_described_and_offered_once(todo: Terminal) -> None:
    offered = suggestions("due-filter", "next-", ())
    assert offered == [("next-week", ""), ("next-month", "")]
    (day,) = suggestions("due", "2w", ())
    assert re.fullmatch(r"\w{3} \d\d \w{3} \d{4}", day[1])


def test_numbers_are_offered_for_what_a_todo_needs_one_after_the_other(todo: Terminal) -> None:
    todo.ok("add -", stdin="".join(f"a{i}\n" for i in range(12)))
    assert suggestions("add-words", "needs:1", ()) == [
        ("needs:1", "a0"),
        *((f"needs:1{i}", f"a{9 + i}") for i in range(3)),
    ]
    assert values("add-words", "needs:3,12") == ["needs:3,12"]
    assert values("edit-words", "needs:3,-2", "todo", "edit", "3") == ["needs:3,-2"]
    assert values("needs-edit", "3,n") == []
    assert values("needs-edit", "n") == ["none"]
    assert values("filter-words", "is:") == ["is:blocked", "is:claimed", "is:ready"]


@pytest.mark.parametrize(
    "kind", ["due-filter", "start-filter", "priority-filter", "tag-filter", "project-filter", "needs-filter"]
)
def test_every_value_of_filter_selects(todo: Terminal, kind: str) -> None:
    todo.ok("add a +bills project:home")
    option = f"--{kind.removesuffix('-filter')}"
    for value in values(kind):
        assert todo(f"list {option} {value} --quiet").code == 0, value


KEYS = "due: start: pri: project: tags: needs: under: every:"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("add ", f"{KEYS} +bills +home"),
        ("add buy pr", "pri: project:"),
        ("add buy x", ""),
        ("add +", "+bills +home"),
        ("add +b", "+bills"),
        ("add due:tom", "due:tomorrow"),
        ("add due:o", ""),
        ("add start:wee", "start:weekend"),
        ("add pri:", "pri:high pri:medium pri:low"),
        ("add p:h", "p:high"),
        ("add PRI:h", "PRI:high"),
        ("add project:ho", "project:home project:home/garden"),
        ("add proj:home/", "proj:home/garden"),
        ("add tag:b", "tag:bills"),
        ("add urgent:", ""),
        ("add x -b", ""),
        ("add x -- due:tom", "due:tomorrow"),
        ("list ", f"{KEYS} done: added: changed: is:blocked is:claimed is:ready +bills +home"),
        ("list due:o", "due:overdue"),
        ("list start:l", "start:later"),
        ("list pri:", "pri:high pri:medium pri:low pri:any pri:none"),
        ("list tags:", "tags:bills tags:home tags:any tags:none"),
        ("list project:n", "project:none"),
        ("list -b", "-bills"),
        ("list -h", "-h"),
        ("list -- -h", "-home"),
        ("today p", "pri: project:"),
        ("today -b", ""),
        ("next due:ov", "due:overdue"),
        ("done ", "1"),
        ("done p", "pri: project:"),
        ("done +b", "+bills"),
        ("rm due:ov", "due:overdue"),
        ("rm -b", "-bills"),
        ("reopen pri:a", "pri:any"),
        ("edit ", "1"),
        ("edit pri:a", "pri:any"),
        ("edit 1 pri:a", ""),
        ("edit 1 pri:n", "pri:none"),
        ("edit +bills set pri:a", ""),
        ("edit +bills set due:n", "due:next-week due:next-month due:none"),
        ("edit 1 -b", "-bills"),
        ("view show week p", "pri: project:"),
        ("add --priority ", "high medium low"),
        ("add every:w", "every:week every:weekday"),
        ("list every:", "every:any every:none"),
        ("edit 1 needs:", "needs:1 needs:none"),
        ("list is:r", "is:ready"),
        ("list --before n", "next-week next-month"),
        ("done --due o", "overdue"),
        ("done --change ", ""),
        ("list --fields du", "due_on due_time"),
        ("list --fields due_on,number,du", "due_on,number,due_time"),
        ("list --fields=id,tit", "--fields=id,title"),
        ("list --fields -", ""),
        ("list --sort ", "urgency number title created completed changed due start priority project"),
        ("list --columns number,ti", "number,title"),
        ("list done:l", "done:last-week done:last-month"),
        ("add done:", ""),
        ("list --added y", "yesterday year"),
        ("log +b", "+bills"),
        ("context pro", "project:"),
        ("list --sort pr", "priority project"),
        ("list --sort -pr", "-priority -project"),
        ("list --sort due,-pri", "due,-priority"),
        ("list --sort -due,d", ""),
        ("list --group ", "project tag due"),
        ("help f", "filters follow"),
        ("help do", "done doctor"),
        ("help db g", "grant"),
        ("help l", "list log"),
        ("help nothing ", ""),
    ],
)
def test_words_of_a_line_are_offered(todo: Terminal, line: str, expected: str) -> None:
    todo.ok("add a +bills +home project:home.garden")
    answered = answer(environment("fish", f"todo {line}"))
    assert answered is not None
    assert [row.split("\t")[0] for row in answered.splitlines()] == expected.split()


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("todo done 1", "todo done 1 "),
        ("todo add pro", "todo add project:"),
        ("todo add project:ho", "todo add project:home"),
        ("todo add project:home/", "todo add project:home/garden "),
        ("todo add project:", "todo add project:home"),
        ("todo list due:ov", "todo list due:overdue "),
        ("todo list -b", "todo list -bills "),
        ("todo list +", "todo list +bills "),
        ("todo edit 1 pri:hi", "todo edit 1 pri:high "),
        ("todo add start", "todo add start:"),
        ("todo list --fields id,tit", "todo list --fields id,title "),
        ("todo list --sort=due,-pri", "todo list --sort=due,-priority "),
        ("todo help filt", "todo help filters "),
        ("todo import tas", "todo import tasks.json "),
        ("todo import ./su", "todo import ./sub/"),
        ("todo export --format csv tas", "todo export --format csv tasks.json "),
    ],
)
def test_tab_inserts_values(
    todo: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: str, line: str, expected: str
) -> None:
    todo.ok("add a +bills project:home/garden")
    in_folder_of_its_own(tmp_path, monkeypatch)
    for name in ("start-of-a-name", "tasks.json"):
        Path(name).touch()
    Path("sub").mkdir()
    assert after_tab(shell, line) == expected


@pytest.mark.slow
def test_bash_lists_titles_beside_numbers(todo: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    todo.ok("add -", stdin="".join(f"Call {name}\n" for name in "abcdefghijk"))
    in_folder_of_its_own(tmp_path, monkeypatch)
    rows = [row.rstrip() for row in listed_by_bash("todo done ").splitlines()]
    assert [row for row in rows if row[:1].isdecimal()][:3] == ["1   Call a", "2   Call b", "3   Call c"]


def test_unreadable_data_offers_nothing(todo: Terminal, home: Path) -> None:
    todo.ok("add a")
    assert values("todo", "", "--profile", "nope") == []
    (home / "todo.db").write_bytes(b"no database")
    assert values("todo") == values("tag") == []
    (home / "todo.db").unlink()
    assert values("todo") == []
    assert not (home / "todo.db").exists()
    (home / "config.toml").write_text("no TOML")
    assert values("todo") == values("view") == []


def test_remote_database_offers_what_earlier_commands_showed(
    monkeypatch: pytest.MonkeyPatch, home: Path, postgres_url: PostgresURL
) -> None:
    monkeypatch.setenv("LOGNAME", "ada")
    monkeypatch.setenv("TODO_DATABASE_URL", postgres_url.text())
    todo = Terminal(monkeypatch)
    todo.ok("user add ada")
    assert values("todo") == []
    todo.ok("add a +bills project:home/garden")
    todo.ok("add -", stdin="b\nc\nd\n")
    todo.ok("done 2")
    todo.ok("rm 3")
    (cache,) = home.glob("known-*.json")
    assert cache.stat().st_mode & 0o777 == 0o600
    assert "tester" not in cache.name + cache.read_text()

    def refused(*_: object) -> None:
        raise AssertionError("completion must not connect")

    with monkeypatch.context() as patch:
        patch.setattr(socket.socket, "connect", refused)
        assert values("todo") == ["1", "4"]
        assert (values("done"), values("trash")) == (["2"], ["3"])
        assert (values("tag"), values("project")) == (["bills"], ["home", "home/garden"])
    elsewhere = Terminal(monkeypatch)
    elsewhere.ok("done 1")
    cache.write_text(json.dumps({"todos": [[1, "a", "open"], [4, "d", "open"]], "tags": [], "projects": []}))
    todo.ok("list -n 1")
    assert values("todo") == ["1", "4"]
    todo.terminal = True  # where a list knows what it hides
    todo.ok("list")
    assert values("todo") == ["4"]
    todo.ok("add e due:someday")
    todo.ok("list")
    assert values("todo") == ["4", "5"]
    todo.terminal = False
    monkeypatch.setenv("TODO_DATABASE_URL", postgres_url.text().replace("/todo_", "/other_"))
    assert values("todo") == []
    monkeypatch.setenv("TODO_DATABASE_URL", postgres_url.text())
    cache.write_text("{}")
    assert values("todo") == []
    todo.ok("list")
    assert values("todo") == ["4"]
    for broken in ('{"todos":[[Infinity,"a","open"]],"tags":[],"projects":[]}', "[" * 100_000, "[]", "\0"):
        cache.write_text(broken)
        assert values("todo") == []
        todo.ok("list")
        assert values("todo") == ["4"]
    todo.ok("add secret title +sec")
    todo.ok("undo")
    todo.ok("purge --yes")
    assert not cache.exists()
    todo.ok("add x +y project:z")
    todo.ok("tags")
    todo.ok("projects")
    assert (values("tag"), values("project")) == (["bills", "y"], ["home", "home/garden", "z"])
    cache.unlink()
    home.chmod(0o500)
    todo.ok("list")
    home.chmod(0o700)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "expected"),
    [("todo done ", "1"), ("todo add project:h", "home"), ("todo list due:o", "overdue"), ("todo list -b", "-bills")],
)
def test_values_load_no_library(todo: Terminal, line: str, expected: str) -> None:
    todo.ok("add a project:home +bills")
    code = (
        "import sys; from todocli.completion.answer import answer; "
        f"print(answer({environment('bash', line)!r}), *sys.modules, sep='\\n')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    answered, _, *modules = done.stdout.splitlines()
    assert answered == expected
    assert not {"typer", "rich", "pydantic", "sqlalchemy", "sqlmodel", "psycopg", "alembic", "tomlkit"} & set(modules)
