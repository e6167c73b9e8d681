"""The command config: every setting, and where it comes from."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.docs.test_project import READS_THE_ENVIRONMENT
from tests.support.terminal import Terminal
from todocli.cli.commands.config import settings
from todocli.cli.commands.help import topic_text
from todocli.cli.context import Context
from todocli.completion.answer import answer

FILE = """\
active = "work"
daemon = "off"

[profiles.work]
user = "ada"
url = "postgresql://ada:s3cret@ep-calm-sea-12345678-pooler.eu-central-1.aws.neon.tech/todos"
pooled = true
timeout = 3.5

[profiles."a.b"]
user = "eve"
url_env = "NEON_URL"

[views]
week = "due:week"
"""
NEON = "postgresql://ada:***@ep-calm-sea-12345678-pooler.eu-central-1.aws.neon.tech/todos"


@pytest.fixture(autouse=True)
def _machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TODO_DAEMON")
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("LOGNAME", "grace")


@pytest.fixture
def todo(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return Terminal(monkeypatch)


@pytest.fixture
def written(home: Path) -> Path:
    """The file, with two profiles and a view."""
    home.mkdir()
    path = home / "config.toml"
    path.write_text(FILE)
    path.chmod(0o600)
    return path


def found(todo: Terminal, words: str = "") -> dict[str, tuple[Any, str, str | None]]:
    """Return the value, the source and the key of each setting."""
    items = json.loads(todo.ok(f"config --json {words}"))["items"]
    return {item["name"]: (item["value"], item["source"], item["key"]) for item in items}


UNKNOWN = 'activ = "work"\n[profiles.w]\nuser = "ada"\nurll = "postgresql://a:s3cret@h/d"\n[views]\nweek = 7\n'
WARNINGS = """\
warning: config.toml: unknown key "activ"; did you mean "active"?
warning: config.toml: unknown key "profiles.w.urll"; did you mean "url"?
warning: config.toml: "views.week" is ignored: it must be text, in quotes
"""


@pytest.mark.parametrize(
    "line", ["", "list", "config", "profile list", "profile show", "view list", "view rm nope", "doctor", "done 9"]
)
def test_each_unknown_key_is_warned_of_once(todo: Terminal, written: Path, embedded_file: Path, line: str) -> None:
    written.write_text(UNKNOWN)
    ran = todo(line)
    warnings = [text for text in ran.err.splitlines(keepends=True) if text.startswith("warning:")]
    assert "".join(warnings) == WARNINGS
    assert ran.err.endswith(WARNINGS)


@pytest.mark.parametrize("line", ["list --json", "list -q", "done 9 --json", "help", "--help", "--version"])
def test_programs_get_no_warnings(todo: Terminal, written: Path, embedded_file: Path, line: str) -> None:
    written.write_text(UNKNOWN)
    assert "warning" not in todo(line).err


def test_warning_is_printed_with_the_error_that_it_explains(todo: Terminal, written: Path) -> None:
    written.write_text('[profiles.w]\nusr = "ada"\n')
    ran = todo("list")
    assert (ran.code, ran.err.count("warning:")) == (2, 1)
    assert ran.err.endswith('warning: config.toml: unknown key "profiles.w.usr"; did you mean "user"?\n')


def test_key_cannot_control_the_terminal_or_hold_a_password(todo: Terminal, written: Path) -> None:
    written.write_text('"a\\u001b[31m" = 1\n"postgresql://a:s3cret@h/d" = 2\n')
    ran = todo("config")
    assert "\x1b" not in ran.err
    assert "s3cret" not in ran.err
    assert ran.err.count("warning:") == 2


def test_completion_says_nothing_of_unknown_keys(
    todo: Terminal, written: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written.write_text(UNKNOWN)
    asked = {"_TODO_COMPLETE": "complete_bash", "_TYPER_COMPLETE_ARGS": "todo --profile "}
    assert answer(asked) == "local\nw\n"
    assert capsys.readouterr() == ("", "")


def test_edit_warns_and_keeps_the_unknown_key(todo: Terminal, written: Path) -> None:
    written.write_text('colour = "green"\n')
    ran = todo("profile add other --embedded --user eve")
    assert 'warning: config.toml: unknown key "colour"; did you mean "columns"?\n' in ran.err
    assert written.read_text().startswith('colour = "green"\n')


@pytest.mark.own_process  # it has TODO_DAEMON=off
def test_defaults_without_file(todo: Terminal, home: Path) -> None:
    settings = found(todo)
    variable = ("variable", "TODO_HOME")
    assert settings["config_file"] == (str(home / "config.toml"), *variable)
    assert settings["data_folder"] == settings["cache_folder"] == (str(home), *variable)
    assert settings["runtime_folder"][1:] == ("default", None)
    rest = {name: value for name, value in settings.items() if not name.endswith(("_folder", "_file"))}
    assert rest == {
        name: (value, "default", None)
        for name, value in {
            "profile": "local",
            "user": "grace",
            "database": str(home / "todo.db"),
            "pooled": False,
            "timeout": 15.0,
            "PGSSLMODE": None,
            "PGSSLROOTCERT": None,
            "daemon": "auto",
            "columns": None,
            "context": None,
            "public_url": None,
            "actor": None,
            "color": "auto",
            "editor": None,
        }.items()
    }
    assert not home.exists()


def test_file_comes_before_defaults(todo: Terminal, written: Path) -> None:
    settings = found(todo)
    assert settings["profile"] == ("work", "file", "active")
    assert settings["user"] == ("ada", "file", "profiles.work.user")
    assert settings["database"] == (NEON, "file", "profiles.work.url")
    assert settings["pooled"] == (True, "file", "profiles.work.pooled")
    assert settings["timeout"] == (3.5, "file", "profiles.work.timeout")
    assert settings["daemon"] == ("off", "file", "daemon")
    assert settings["views.week"] == ("due:week", "file", "views.week")


@pytest.mark.parametrize(
    ("variables", "words", "expected"),
    [
        ("TODO_PROFILE=local", "", {"profile": ("local", "variable", "TODO_PROFILE")}),
        ("TODO_PROFILE=local", "--profile a.b", {"profile": ("a.b", "flag", "--profile")}),
        ("TODO_PROFILE=", "", {"profile": ("work", "file", "active")}),
        ("TODO_DATABASE_URL=postgresql://u:p4ss@h/d", "", {"database": ("postgresql://u:***@h/d", "variable")}),
        ("NEON_URL=postgresql://u:p4ss@h/d", "--profile a.b", {"database": ("postgresql://u:***@h/d", "variable")}),
        ("NEON_URL=", "--profile a.b", {"database": (None, "file"), "timeout": (15.0, "default", None)}),
        ("TODO_DAEMON=on", "", {"daemon": ("off", "file", "daemon")}),
        ("TODO_DAEMON=off", "", {"daemon": ("off", "variable", "TODO_DAEMON")}),
        ("CI=1", "", {"daemon": ("off", "variable", "CI")}),
        ("NO_COLOR=1 FORCE_COLOR=1", "", {"color": ("never", "variable", "NO_COLOR")}),
        ("NO_COLOR=1", "--color always", {"color": ("always", "flag", "--color")}),
        ("CLICOLOR_FORCE=0 CLICOLOR=1", "", {"color": ("auto", "default", None)}),
        ("CLICOLOR_FORCE=1", "", {"color": ("always", "variable", "CLICOLOR_FORCE")}),
        ("CLICOLOR=0", "", {"color": ("never", "variable", "CLICOLOR")}),
        ("TERM=dumb", "", {"color": ("never", "variable", "TERM")}),
        ("EDITOR=ed", "", {"editor": ("ed", "variable", "EDITOR")}),
        ("EDITOR=ed VISUAL=vi", "", {"editor": ("vi", "variable", "VISUAL")}),
        ("PGSSLMODE=require", "", {"PGSSLMODE": ("require", "variable", "PGSSLMODE")}),
    ],
)
@pytest.mark.own_process  # it has TODO_DAEMON=off
def test_first_place_that_says_something_is_taken(
    todo: Terminal,
    written: Path,
    monkeypatch: pytest.MonkeyPatch,
    variables: str,
    words: str,
    expected: dict[str, tuple[Any, ...]],
) -> None:
    for pair in variables.split():
        monkeypatch.setenv(*pair.split("=", 1))
    settings = found(todo, words)
    for name, value in expected.items():
        assert settings[name][: len(value)] == value


def test_daemon_is_on_by_variable(todo: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TODO_DAEMON", "on")
    assert found(todo)["daemon"] == ("on", "variable", "TODO_DAEMON")


def test_folder_names_the_variable_that_it_is_in(
    todo: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TODO_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "elsewhere"))
    monkeypatch.setattr("todocli.paths.database_file", lambda: tmp_path / "elsewhere" / "todo" / "todo.db")
    settings = found(todo)
    assert settings["data_folder"] == (str(tmp_path / "elsewhere/todo"), "variable", "XDG_DATA_HOME")
    assert settings["config_file"][1:] == ("default", None)


def test_unusable_url_is_explained_without_its_password(
    todo: Terminal, written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = todo("config --profile a.b")
    assert ran.code == 0
    assert ran.err == "The profile a.b takes its database URL from the variable NEON_URL, which is not set.\n"
    monkeypatch.setenv("TODO_DATABASE_URL", "mysql://u:p4ss@h/d")
    ran = todo("config")
    assert ran.code == 0
    assert "database\t\tvariable\tTODO_DATABASE_URL\n" in ran.out
    assert ran.err
    assert "p4ss" not in ran.out + ran.err


def test_no_value_shows_a_password(todo: Terminal, written: Path) -> None:
    written.write_text('[aliases]\nkeep = "add see postgresql://ada:s3cret@h/d"\n')
    assert found(todo)["aliases.keep"] == ("add see postgresql://ada:***@h/d", "file", "aliases.keep")


def test_pipe_has_columns_and_terminal_a_table(todo: Terminal, written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = todo.ok("config").splitlines()
    assert lines[0] == f"config_file\t{written}\tvariable\tTODO_HOME"
    assert {"timeout\t3.5\tfile\tprofiles.work.timeout", "pooled\ttrue\tfile\tprofiles.work.pooled"} <= set(lines)
    assert "PGSSLMODE\t\tdefault" in lines
    table = Terminal(monkeypatch, terminal=True, width=120).ok("config --color never --profile local")
    rows = [re.split(r" {3,}", line) for line in table.splitlines()]
    assert rows[0] == ["Setting", "Value", "From"]
    assert ["profile", "local", "--profile"] in rows
    assert ["daemon", "off", "config.toml"] in rows
    assert ["PGSSLMODE", "–", "default"] in rows


def test_no_database_is_opened(todo: Terminal, written: Path) -> None:
    before = set(written.parent.iterdir())
    todo.ok("config --profile local")
    assert set(written.parent.iterdir()) == before


def test_every_variable_and_setting_is_explained(todo: Terminal) -> None:
    context = Context(todo.program)
    known = settings(context)
    variables = {origin.key for origins in known.values() for origin in origins if origin.source == "variable"} - {""}
    text = topic_text("config") + topic_text("scripting")
    assert {name for name in {*known, *variables} if f"`{name}`" not in text.replace("=dumb", "")} == set()
    named = set(
        re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b|\b(?:PGSSL[A-Z]+|EDITOR)\b", " ".join(READS_THE_ENVIRONMENT.values()))
    )
    assert named - variables == set()
