"""Unusable files and full disks: one clear message, the exit code, and nothing half done."""

from __future__ import annotations

import getpass
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.support import scratch
from tests.support.terminal import Terminal
from todocli.database import sqlite_file

pytestmark = pytest.mark.slow

ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


@pytest.fixture
def todo(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    terminal = Terminal(monkeypatch)
    terminal("add a")
    return terminal


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "home"


def first(err: str) -> str:
    assert "Traceback" not in err
    return err.splitlines()[0]


def test_file_that_is_not_a_database_is_kept(todo: Terminal, folder: Path) -> None:
    (folder / "todo.db").write_bytes(b"My dear diary, " * 100)
    for line in ("list", "add b", "db current", "db upgrade", "db check"):
        ran = todo(line)
        assert (ran.code, first(ran.err)) == (
            1,
            f"error: {folder}/todo.db is not a todo database: it contains something else.",
        ), line
    assert (folder / "todo.db").read_bytes() == b"My dear diary, " * 100


def test_newer_file_is_refused(todo: Terminal, folder: Path) -> None:
    with closing(sqlite3.connect(folder / "todo.db", isolation_level=None)) as connection:
        connection.execute(
            "UPDATE todo_revision SET (version_num, oldest_reader, oldest_writer) = ('0777', '0777', '0777')"
        )
        connection.execute("PRAGMA user_version = 777")
    for line in ("list", "add b", "db check", "db upgrade"):
        ran = todo(line)
        assert ran.code == 8, line
        assert "0777" in first(ran.err)
    with closing(sqlite3.connect(folder / "todo.db", isolation_level=None)) as connection:
        assert connection.execute("SELECT count(*) FROM todos").fetchone() == (1,)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")
@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("add b", "The change was saved, but stdout could not be written: No space left on device."),
        ("--version", "The output could not be written: No space left on device."),
    ],
)
def test_full_stdout_is_reported(todo: Terminal, folder: Path, line: str, sentence: str) -> None:
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "todocli", *line.split()], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert (ran.returncode, ran.stderr) == (1, f"error: {sentence}\n")


def test_folder_in_place_of_the_file_is_reported(todo: Terminal, folder: Path) -> None:
    shutil.rmtree(folder)
    (folder / "todo.db").mkdir(parents=True)
    assert todo("list").code == 1


def test_file_in_place_of_home_is_reported(todo: Terminal, folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("")
    ran = todo("add b")
    assert (ran.code, ran.out) == (2, "")
    assert str(folder) in first(ran.err)
    assert "ot a directory" in first(ran.err)


@pytest.mark.skipif(ROOT, reason="root may write anywhere; test_unprivileged_user_reads_and_cannot_write covers it")
def test_read_only_file_is_reported(todo: Terminal, folder: Path) -> None:
    (folder / "todo.db").chmod(0o400)
    assert "read-only" in first(todo("add b").err)


AS_NOBODY = """
import contextlib, io, os, sys
from todocli.__main__ import main

def run(line):
    sys.argv = ["todo", *line]
    try:
        main()
    except SystemExit as stop:
        return stop.code

place, other, line = os.environ["TODO_HOME"], sys.argv[1], sys.argv[2:]
os.environ["TODO_HOME"] = other
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    run(["add", "x"])  # modules that are loaded later might not be readable
    run(line)
os.environ["TODO_HOME"] = place
os.setgid(65534)
os.setuid(65534)
sys.exit(run(line))
"""


@pytest.mark.skipif(not ROOT, reason="needs root to become another user; test_read_only_file_is_reported covers it")
def test_unprivileged_user_reads_and_cannot_write(todo: Terminal, folder: Path, tmp_path: Path) -> None:
    """A file and a folder that this user may only read."""
    roots = (scratch.folder(), Path("/tmp"))
    for place in (folder, *folder.parents):
        if place in roots or not any(map(place.is_relative_to, roots)):
            break
        place.chmod(0o755)
    for file in folder.iterdir():
        file.chmod(0o644)
    environment = {**os.environ, "HOME": "/nonexistent", "LOGNAME": getpass.getuser()}

    def run(line: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", AS_NOBODY, str(tmp_path / "other"), *line.split()]
        return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)

    ran = run("add b")
    assert (ran.returncode, ran.stdout) == (1, ""), ran.stderr
    assert "read-only" in first(ran.stderr)
    assert todo.ok("list") == "1\topen\ta\n"
    for line, shown in (("list", "1\topen\ta\n"), ("show 1", "1\topen\ta\n"), ("tags", "")):
        ran = run(line)
        assert (ran.returncode, ran.stdout) == (0, shown), ran
        assert "is read-only" in first(ran.stderr), ran
        assert first(ran.stderr).endswith(" The todos can be read, but not changed.")


def _nothing_fits() -> None:
    """Let every write that extends a file fail, as on a full disk."""
    import resource  # Unix only

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit; CI on Linux covers it")
@pytest.mark.parametrize("log", ["empty", "full"])
def test_todos_are_read_where_nothing_can_be_written(todo: Terminal, folder: Path, tmp_path: Path, log: str) -> None:
    with closing(sqlite3.connect(folder / "todo.db", isolation_level=None)) as reader:
        if log == "full":
            reader.execute("SELECT count(*) FROM todos").fetchall()  # keeps the log from being merged
            todo.ok("add b")
        place = shutil.copytree(folder, tmp_path / "full")
    (place / "todo.db-shm").unlink(missing_ok=True)
    titles = ["a", "b"] if log == "full" else ["a"]
    environment = {**os.environ, "TODO_HOME": str(place)}
    for line in ("list --json", "show 1 --json", "log --json", "add c"):
        ran = subprocess.run(
            [sys.executable, "-m", "todocli", *line.split()],
            capture_output=True,
            env=environment,
            preexec_fn=_nothing_fits,
            check=False,
        )
        assert ran.returncode == (1 if line == "add c" else 0), ran
        if line == "list --json":
            assert [item["title"] for item in json.loads(ran.stdout)["items"]] == titles
        if line == "add c":
            assert b"nothing was changed" in ran.stderr


def test_full_disk_changes_nothing(todo: Terminal, folder: Path) -> None:
    """SQLite's own limit on the number of pages stands for the disk: the error is the same SQLITE_FULL."""
    code = (
        "import sqlite3, sys\n"
        "import todocli.database.engine as engine\n"
        "prepare = engine._prepare_sqlite\n"
        "def tight(connection, record):\n"
        "    prepare(connection, record)\n"
        "    pages = connection.execute('PRAGMA page_count').fetchone()[0]\n"
        "    connection.execute(f'PRAGMA max_page_count = {pages}')\n"
        "engine._prepare_sqlite = tight\n"
        "from todocli.__main__ import main\nmain()"
    )
    lines = "\n".join(f"{i} " + "x" * 200 for i in range(1000))
    ran = subprocess.run(
        [sys.executable, "-c", code, "add", "-"], input=lines, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (1, "")
    assert first(ran.stderr) == f"error: The disk is full: {folder}/todo.db needs space; nothing was changed."
    assert todo.ok("list") == "1\topen\ta\n"


def test_full_stdout_of_a_list_is_reported(todo: Terminal) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("/dev/full is not on this system")
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "todocli", "list"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (ran.returncode, first(ran.stderr)) == (1, "error: Cannot access stdout: No space left on device.")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_unencodable_text_is_escaped(todo: Terminal, encoding: str) -> None:
    todo.ok("add Grüße 漢字")
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    command = [sys.executable, "-m", "todocli", "show", "2"]
    ran = subprocess.run(command, capture_output=True, env=environment, check=True)
    expected = "Gr\\xfc\\xdfe" if encoding == "ascii" else "Grüße"
    assert ran.stdout.decode(encoding) == f"2\topen\t{expected} \\u6f22\\u5b57\n"
    ran = subprocess.run([*command, "--fields", "title"], capture_output=True, env=environment, check=True)
    assert ran.stdout.decode() == '{"title":"Grüße 漢字"}\n'


@pytest.mark.skipif(os.name == "nt", reason="redirections of a POSIX shell")
def test_closed_streams_are_ignored(todo: Terminal) -> None:
    for redirection, status in (("<&-", 0), (">&-", 0), ("2>&-", 0), (">&- 2>&-", 0)):
        ran = subprocess.run(
            f"'{sys.executable}' -m todocli list {redirection}", shell=True, capture_output=True, text=True, check=False
        )
        assert (ran.returncode, ran.stderr) == (status, ""), redirection


@pytest.mark.skipif(os.name == "nt", reason="pipes close otherwise on Windows")
@pytest.mark.parametrize("line", ["list", "list --json", "--help", "help json-schema --json"])
def test_closed_pipe_is_silent(todo: Terminal, line: str) -> None:
    todo("add -", stdin="\n".join(f"todo number {i}" for i in range(4000)))
    read, write = os.pipe()
    os.close(read)
    ran = subprocess.run(
        [sys.executable, "-m", "todocli", *line.split()], stdout=write, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(write)
    assert (ran.returncode, ran.stderr) == (141, "")


def test_locked_database_is_waited_for_and_reported(
    todo: Terminal, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from todocli.database import engine

    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.05)
    other = sqlite3.connect(folder / "todo.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    ran = todo("add b")
    assert ran.code == 7
    assert first(ran.err) == f"error: Another process holds a lock on {folder}/todo.db; nothing was changed."
    assert todo.ok("list") == "1\topen\ta\n"
    other.execute("ROLLBACK")
    other.close()
    assert todo.ok("add b") == "2\topen\tb\n"


@pytest.mark.parametrize(
    ("text", "mode", "code"),
    [
        ("active = ", 0o600, 2),
        ("active = 'nope'\n", 0o600, 2),
        ("[profiles.work]\nuser = 3\n", 0o600, 2),
        ("[profiles.work]\nuser = 'a'\nurl = 'postgresql://ada:PASSWORD@h:x/d'\n", 0o600, 0),
        ("", 0o666, 6),
        ("", 0o620, 6),
    ],
)
def test_untrusted_or_invalid_config_is_refused(todo: Terminal, folder: Path, text: str, mode: int, code: int) -> None:
    config = folder / "config.toml"
    config.write_text(text)
    config.chmod(mode)
    for line in ("list", "profile list --json", "add b"):
        ran = todo(line)
        assert ran.code == code, (line, ran)
        assert "PASSWORD" not in ran.err
        if code:
            assert str(config) in ran.err
    assert config.read_text() == text


def test_internal_error_is_one_sentence(todo: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("postgresql://ada:PASSWORD@db.example/x")

    monkeypatch.setattr("todocli.services.todos.Todos.beginning", broken)
    ran = todo("list")
    assert (ran.code, ran.out) == (1, "")
    assert first(ran.err) == ("error: Internal error: RuntimeError: postgresql://ada:***@db.example/x")


@pytest.mark.parametrize(
    "line",
    [
        *("URL", "db URL", "help URL", "profile add work URL", "db upgrade URL", "db downgrade URL --yes", "done URL"),
        *("show URL", "list URL", "list --sort URL", "list --fields URL", "--color=URL", "add x --change URL"),
        *("user rename URL bob", "user add URL", "profile add w --user URL --embedded", "list --profile URL"),
    ],
)
def test_misplaced_password_is_not_printed(todo: Terminal, line: str) -> None:
    words = line.replace("URL", "postgresql://ada:hunter2@h.example/db").split()
    for given in (words, [*words, "--json"]):
        ran = todo(given)
        assert (ran.code > 0, "hunter2" in ran.out + ran.err) == (True, False), str(ran)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")
def test_unwritable_stderr_keeps_exit_status(todo: Terminal) -> None:
    with Path("/dev/full").open("w") as full:
        for line in ("done 99", "done 99 --json"):
            ran = subprocess.run([sys.executable, "-m", "todocli", *line.split()], stdout=subprocess.PIPE, stderr=full)
            assert (ran.returncode, ran.stdout) == (3, b"")


def test_database_of_another_program_is_kept(todo: Terminal, folder: Path) -> None:
    (folder / "todo.db").unlink()
    for number in (0, 1, 777):
        with closing(sqlite3.connect(folder / "todo.db", isolation_level=None)) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS photos (id)")
            connection.execute(f"PRAGMA user_version = {number}")
        ran = todo("list")
        assert (ran.code, "is not a todo database" in first(ran.err)) == (1, True), str(ran)


def test_link_loop_is_reported(todo: Terminal, folder: Path) -> None:
    (folder / "todo.db").unlink()
    (folder / "todo.db").symlink_to("todo.db")
    ran = todo("list")
    assert (ran.code, "cannot be used: too many levels of symbolic links" in first(ran.err)) == (1, True)


def test_locked_file_is_not_read_around_the_lock(todo: Terminal, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_file, "BUSY_SECONDS", 0)
    attempts: list[Path] = []
    monkeypatch.setattr(sqlite_file, "connect_for_reading", attempts.append)
    with closing(sqlite3.connect(folder / "todo.db", isolation_level=None)) as writer:
        writer.execute("PRAGMA locking_mode = EXCLUSIVE")
        writer.execute("BEGIN EXCLUSIVE")
        ran = todo("list")
    assert (ran.code, attempts) == (7, [])
    assert "Another process holds a lock" in first(ran.err)
