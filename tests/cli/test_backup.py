"""The command backup: its words, its question, its exit status."""

from __future__ import annotations

import json
import shlex
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.terminal import Terminal
from todocli.database import migrations
from todocli.database.postgres.url import PostgresURL


@pytest.fixture
def todo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Terminal:
    monkeypatch.chdir(tmp_path)
    return Terminal(monkeypatch)


@pytest.fixture
def backup(todo: Terminal, embedded_file: Path) -> Path:
    """A backup of one todo, whose change was made at 2026-11-30 10:12."""
    todo.ok("add a")
    with closing(sqlite3.connect(embedded_file)) as connection:
        connection.execute("UPDATE changes SET made_at = '2026-11-30 10:12:59.000000'")
        connection.commit()
    todo.ok("backup b.db")
    return Path("b.db").absolute()


def test_backup_says_what_it_holds(todo: Terminal, backup: Path) -> None:
    assert todo.ok("backup c.db") == "Backed up 1 todo (newest change 2026-11-30 10:12) to c.db\n"
    assert todo.ok("backup --check c.db") == "c.db is whole: 1 todo (newest change 2026-11-30 10:12)\n"


def test_json_has_numbers(todo: Terminal, backup: Path) -> None:
    assert json.loads(todo.ok("backup --check b.db --json")) == {
        "file": "b.db",
        "bytes": backup.stat().st_size,
        "revision": "0109",
        "users": 1,
        "todos": 1,
        "changes": 1,
        "newest_change_at": "2026-11-30T10:12:59.000000Z",
    }


@pytest.mark.parametrize(
    ("line", "code", "error"),
    [
        ("backup", 2, "Missing argument"),
        ("backup - ", 2, "A backup is a file, not a stream."),
        ("backup --check -", 2, "A backup is a file, not a stream."),
        ("backup --check --restore b.db", 2, "--check and --restore exclude each other."),
        ("backup home", 2, "is a folder"),
        ("backup b.db", 4, "There is already a file 'b.db'; no backup was made."),
        ("backup missing/b.db", 3, "There is no folder"),
        ("backup --check missing.db", 3, "There is no file 'missing.db'."),
        ("backup --restore missing.db --yes", 3, "There is no file 'missing.db'."),
        ("backup --restore home/todo.db --yes", 2, "is the database itself"),
    ],
)
def test_mistake_is_reported(todo: Terminal, backup: Path, line: str, code: int, error: str) -> None:
    before = backup.read_bytes()
    ran = todo(line)
    assert (ran.code, ran.out) == (code, ""), ran
    assert error in ran.err
    assert backup.read_bytes() == before
    assert todo.ok("list") == "1\topen\ta\n"


def test_backup_without_database_creates_nothing(todo: Terminal, home: Path) -> None:
    ran = todo("backup b.db")
    assert (ran.code, "There is no database" in ran.err) == (3, True)
    assert not home.exists()
    assert not Path("b.db").exists()


def test_restore_asks_what_is_lost(todo: Terminal, backup: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    todo.ok("add -", stdin="b\nc\n")
    with closing(sqlite3.connect(home / "todo.db")) as connection:
        connection.execute("UPDATE changes SET made_at = '2026-12-01 08:00:00' WHERE seq > 1")
        connection.commit()
    ran = todo("backup --restore b.db")
    assert ran.code == 5
    assert (
        "nothing was changed: Replace the 3 todos of this machine (newest change 2026-12-01 08:00)"
        " by the 1 todo of b.db (newest change 2026-11-30 10:12)?\n"
    ) in ran.err
    assert todo.ok("list --quiet") == "1\n2\n3\n"
    person = Terminal(monkeypatch, terminal=True)
    assert person("backup --restore b.db", stdin="n\n").code == 5
    assert todo.ok("list --quiet") == "1\n2\n3\n"
    assert person("backup --restore b.db", stdin="y\n").code == 0
    assert todo.ok("list --quiet") == "1\n"


def test_restore_says_where_the_previous_database_is(todo: Terminal, backup: Path, home: Path) -> None:
    todo.ok("add b")
    assert todo.ok("backup --restore b.db --yes") == (
        "Restored 1 todo (newest change 2026-11-30 10:12) from b.db\n"
        f"The previous database is in {home}/todo.db.before-restore\n"
    )
    assert todo.ok("list") == "1\topen\ta\n"
    todo.ok(shlex.join(["backup", "--restore", f"{home}/todo.db.before-restore", "--yes"]))
    assert todo.ok("list") == "1\topen\ta\n2\topen\tb\n"


def test_restore_on_a_new_machine_asks_nothing(
    todo: Terminal, backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TODO_HOME", str(tmp_path / "new"))
    read = json.loads(todo.ok("backup --restore b.db --json"))
    assert (read["kept"], read["location"]) == (None, str(tmp_path / "new" / "todo.db"))
    assert todo.ok("list") == "1\topen\ta\n"


def test_restore_over_a_damaged_database(todo: Terminal, backup: Path, home: Path) -> None:
    (home / "todo.db").write_bytes(b"\xff" * 5000)
    assert "Replace the damaged database" in todo("backup --restore b.db").err
    todo.ok("backup --restore b.db --yes")
    assert todo.ok("list") == "1\topen\ta\n"
    assert (home / "todo.db.before-restore").read_bytes() == b"\xff" * 5000


def test_outdated_backup_is_upgraded_by_the_next_command(todo: Terminal, backup: Path) -> None:
    migrations.downgrade(backup, "0103")
    assert "after a restore, the next command upgrades it" in todo.ok("backup --check b.db")
    assert "Its schema is 0103; the next command upgrades it" in todo.ok("backup --restore b.db --yes")
    assert todo.ok("list") == "1\topen\ta\n"


def test_damaged_backup_is_refused(todo: Terminal, backup: Path) -> None:
    backup.write_bytes(backup.read_bytes()[:9000])
    for line in ("backup --check b.db", "backup --restore b.db --yes"):
        ran = todo(line)
        assert (ran.code, ran.out) == (1, "")
        assert ran.err.startswith("error: 'b.db' is damaged: ")
    assert todo.ok("list") == "1\topen\ta\n"


@pytest.mark.parametrize(
    ("host", "explained"), [("ep-cool-name.neon.tech", "Neon makes branches"), ("localhost:1", "pg_dump")]
)
def test_postgres_is_not_copied(todo: Terminal, host: str, explained: str) -> None:
    todo.use(PostgresURL.parse(f"postgresql://ada:secret@{host}/todo"))
    for line, command in (
        ("backup b.db", "todo export --history FILE.json"),
        ("backup --restore b.db --yes", "todo import --restore FILE.json"),
    ):
        ran = todo(line)
        assert (ran.code, ran.out) == (2, "")
        assert explained in ran.err
        assert command in ran.err
        assert "secret" not in ran.err
    assert not Path("b.db").exists()


def test_backup_is_checked_on_any_profile(todo: Terminal, backup: Path) -> None:
    todo.use(PostgresURL.parse("postgresql://ada:secret@localhost:1/todo"))
    assert "b.db is whole" in todo.ok("backup --check b.db")
