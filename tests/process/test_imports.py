"""What a run of the program loads and touches: imports are most of what a short command costs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from todocli.cli.app import build

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]

RUN = """
import sys
report, *sys.argv[1:] = sys.argv[1:]
before = set(sys.modules)
import atexit
atexit.register(lambda: open(report, "w").write("\\n".join(set(sys.modules) - before)))
sys.argv[0] = "todo"
from todocli.__main__ import main
main()
"""
"""Runs the program, and writes into the file that its first argument names which modules were loaded."""

RUN_MANY = """
import json, sys
from todocli.__main__ import main
report, *lines = sys.argv[1:]
found = []
for line in lines:
    before = set(sys.modules)
    sys.argv = ["todo", *line.split()]
    try:
        main()
    except SystemExit as stop:
        assert not stop.code, line
    found.append((line, sorted(set(sys.modules) - before if found else sys.modules)))
with open(report, "w") as file:
    json.dump(found, file)
"""
"""Runs the program once for each argument, and writes which modules each loaded that those before it had not."""

WALK = """
import importlib, json, os, pkgutil, sys
import rich.console, sqlalchemy
import todocli

done, reads = [], []

def hook(event, arguments):
    if event == "open" and (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        done.append(f"opens {arguments[0]} to write")
    elif event.split(".")[0] in ("sqlite3", "socket", "subprocess", "shutil", "tempfile") or event in (
        "os.mkdir", "os.remove", "os.rename", "os.chmod", "os.putenv", "os.system", "os.exec", "os.fork", "os.truncate"
    ):
        done.append(event)

class Environment(type(os.environ)):
    def __getitem__(self, name):
        reads.append((name, asker()))
        return super().__getitem__(name)
    def __contains__(self, name):
        reads.append((name, asker()))
        return super().__contains__(name)
    def __iter__(self):
        reads.append(("all", asker()))
        return super().__iter__()

def asker():
    "Return the module of ours whose body asks, by whatever it calls; None if a library asks as it is imported itself."
    frame, names = sys._getframe(2), []
    while frame and not frame.f_globals.get("__name__", "").startswith("importlib"):
        names.append(frame.f_globals.get("__name__", ""))
        frame = frame.f_back
    ours = [name for name in names if name.startswith("todocli")]
    return ours[0] if ours and not any(name.startswith("pydantic.") for name in names) else None

def made(kind):
    def init(self, *args, **options):
        done.append(f"makes {kind}")
        return original(self, *args, **options)
    original = kind.__init__
    kind.__init__ = init

made(sqlalchemy.Engine)
made(rich.console.Console)
sys.addaudithook(hook)
os.environ.__class__ = Environment
names = ["todocli", *(module.name for module in pkgutil.walk_packages(todocli.__path__, "todocli."))]
for name in names:
    importlib.import_module(name)
real = len(reads)
ours = {"__name__": "todocli", "os": os}
exec("os.environ.get('ONE'); 'TWO' in os.environ; os.getenv('THREE'); list(os.environ)", ours)
open("trial", "w").close()
os.remove("trial")
rich.console.Console()
found = {"names": names, "done": done[:-3], "reads": [read for read in reads[:real] if read[1]]}
found["trial"] = [sorted({name for name, asker in reads[real:] if asker == "todocli"}), done[-3:]]
sys.stdout.write(json.dumps(found))
"""
"""Imports every module of the program, and prints what that did."""


class Process:
    """Runs the program in processes of their own, in empty folders."""

    def __init__(self, folder: Path) -> None:
        self.home, self.here, self.report = folder / "home", folder / "here", folder / "report"
        self.home.mkdir()
        self.here.mkdir()
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "TODO_HOME": str(self.home / "todo"),
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def python(self, code: str, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run `code` with the arguments `words`, all in pipes."""
        return subprocess.run(
            [sys.executable, "-c", code, *words],
            cwd=self.here,
            env=self.environment | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )

    def loaded(self, line: str, code: int = 0, **variables: str) -> set[str]:
        """Run `todo LINE`, which must exit with `code`, and return the modules that it loaded."""
        ran = self.python(RUN, str(self.report), *line.split(), **variables)
        assert ran.returncode == code, ran.stderr
        return set(self.report.read_text().split())


@pytest.fixture
def process(tmp_path: Path) -> Process:
    """A machine on which the program never ran."""
    (tmp_path / "machine").mkdir()
    return Process(tmp_path / "machine")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of somebody who has one todo."""
    process = Process(tmp_path_factory.mktemp("template"))
    assert "alembic" in process.loaded("add there"), "what the other tests look for can be found"
    return process.home


@pytest.fixture
def ready(process: Process, template: Path) -> Process:
    """A machine with an embedded database that has one todo."""
    shutil.copytree(template, process.home, dirs_exist_ok=True)
    return process


DATABASE = {"sqlalchemy", "sqlmodel", "psycopg", "alembic", "sqlite3", "greenlet"}
TESTS = {"pytest", "hypothesis", "jsonschema", "mypy"}


@pytest.mark.parametrize(
    ("line", "variables"),
    [
        ("--version", {}),
        ("", {"_TODO_COMPLETE": "complete_bash", "_TYPER_COMPLETE_ARGS": "todo li"}),
        ("", {"_TODO_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "todo list --s"}),
        ("", {"_TODO_COMPLETE": "complete_fish", "_TYPER_COMPLETE_ARGS": "todo "}),
    ],
    ids=["version", "bash", "zsh", "fish"],
)
def test_fast_answers_load_no_library(process: Process, line: str, variables: dict[str, str]) -> None:
    loaded = process.loaded(line, 0, **variables)
    libraries = {name.split(".")[0] for name in loaded} - sys.stdlib_module_names
    assert libraries == {"todocli"}
    assert not loaded & {"json", "pathlib", "typing", "re", "inspect", "dataclasses", "argparse"}


def _lines(group: Any, before: str = "") -> Iterator[str]:
    for name, command in group.commands.items():
        yield f"{before}{name}"
        if hasattr(command, "commands"):
            yield from _lines(command, f"{before}{name} ")


def _every_command() -> list[str]:
    return list(_lines(build()))


def test_help_loads_no_database(process: Process) -> None:
    lines = ["--help", "-h", "help", *(f"{command} -h" for command in _every_command())]
    assert len(lines) > 25
    ran = process.python(RUN_MANY, str(process.report), *lines)
    assert ran.returncode == 0, ran.stderr
    for line, loaded in json.loads(process.report.read_text()):
        ours = [name for name in loaded if re.match(r"todocli\.(database|services|schemas|models)", name)]
        assert (ours, set(loaded) & (DATABASE | TESTS)) == ([], set()), line
        lines.remove(line)
    assert lines == []
    assert not any(process.home.iterdir())


@pytest.mark.parametrize(
    ("line", "code"),
    [
        *(("frob", 2), ("list --frob", 2), ("list --sort size", 2), ("add", 2), ("done", 2), ("add x -dashes", 2)),
        *(("list --quiet --json", 2), ("list --all --completed", 2), ("help nope", 2), ("db frob", 2), ("done 0", 2)),
        *(("frob --json", 2), ("list --json -n 0", 2), ("add x due:soon", 2)),
    ],
)
def test_usage_error_loads_no_database(process: Process, line: str, code: int) -> None:
    loaded = process.loaded(line, code)
    assert not loaded & (DATABASE | TESTS | {"rich"})
    assert not any(process.home.iterdir())


@pytest.mark.parametrize(("line", "code"), [("help", 0), ("help undo", 0), ("list --frob", 2), ("add", 2)])
def test_what_runs_no_command_loads_no_pydantic(process: Process, line: str, code: int) -> None:
    assert "pydantic" not in process.loaded(line, code)


def test_filter_error_loads_no_database(process: Process) -> None:
    """Of Rich only what knows how wide a character is."""
    assert not process.loaded("list duee:fri", 2) & (DATABASE | TESTS | {"rich.console"})


NEVER_IN_A_PIPE = {
    *("psycopg", "alembic", "mako", "sqlalchemy.dialects.postgresql", "rich", "tomllib", "tomlkit", "markdown_it"),
    *("pygments", "fastapi", "httpx", "mcp", "todocli.cli.debug", *TESTS),
}


@pytest.mark.parametrize(
    "line",
    [
        *("", "list", "list --json", "list --jsonl", "list --fields id,title", "list -q", "list --all --sort title"),
        *("add x", "add x --json", "done 1", "done 1 --json", "show 1", "edit 1 -t y", "rm 1", "trash", "db ping"),
        *("user list", "user list --json"),
    ],
)
def test_common_command_loads_only_what_it_uses(ready: Process, line: str) -> None:
    assert not ready.loaded(line) & NEVER_IN_A_PIPE


def test_json_with_colour_loads_no_tables(ready: Process) -> None:
    assert "rich" in ready.loaded("list --color always")
    assert "rich" not in ready.loaded("list --color always --json")


def test_reading_config_does_not_load_tomlkit(ready: Process) -> None:
    ready.loaded("profile add other --embedded")
    loaded = ready.loaded("list --profile other")
    assert "tomllib" in loaded
    assert not loaded & (NEVER_IN_A_PIPE - {"tomllib"})


@pytest.mark.parametrize("line", ["profile list", "profile show", "profile list --json"])
def test_embedded_profiles_load_no_database(process: Process, line: str) -> None:
    assert not process.loaded(line) & (DATABASE - {"sqlite3"} | {"rich"})


@pytest.mark.parametrize("line", ["db current", "db check", "db history", "db current --json"])
def test_db_commands_on_embedded_file_load_no_postgres(ready: Process, line: str) -> None:
    assert not ready.loaded(line) & {"psycopg", "rich", *TESTS}


def test_imports_have_no_side_effects(process: Process) -> None:
    ran = process.python(WALK)
    assert (ran.returncode, ran.stderr) == (0, "")
    found = json.loads(ran.stdout)
    files = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in (ROOT / "todocli").rglob("*.py")
    }
    assert set(found["names"]) == files
    assert found["trial"] == [
        ["ONE", "THREE", "TWO", "all"],
        ["opens trial to write", "os.remove", "makes <class 'rich.console.Console'>"],
    ], "what is looked for would have been seen"
    assert (found["done"], found["reads"]) == ([], [])
    assert not [*process.home.iterdir(), *process.here.iterdir()]
