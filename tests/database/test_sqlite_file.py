"""The embedded file: whose it is, what a migration keeps of it, and what is not ours."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest

from tests.support.console import Console
from todocli.database import migrations, sqlite_file
from todocli.database.schema import HEAD
from todocli.errors import TodoError


def test_new_file_is_private(tmp_path: Path) -> None:
    path = tmp_path / "a b%20#?" / "ü%(x)s" / "todo.db"
    previous = os.umask(0)
    try:
        migrations.upgrade(path)
    finally:
        os.umask(previous)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.parent.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == ["todo.db"]
    with closing(sqlite_file.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_switch_to_wal_waits_for_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "todo.db"
    sqlite_file.create_file(path)
    with closing(sqlite_file.connect(path)) as reader, closing(sqlite_file.connect(path)) as connection:
        reader.execute("CREATE TABLE anything (id)")
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM anything").fetchall()
        connection.execute("PRAGMA busy_timeout = 1")
        monkeypatch.setattr("todocli.database.sqlite_file.time.sleep", lambda _: reader.execute("COMMIT"))
        sqlite_file.use_write_ahead_log(connection)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_file_behind_link_is_private(tmp_path: Path) -> None:
    path = tmp_path / "todo.db"
    path.symlink_to(tmp_path / "elsewhere" / "todo.db")
    migrations.upgrade(path)
    assert path.is_symlink()
    assert stat.S_IMODE((tmp_path / "elsewhere" / "todo.db").stat().st_mode) == 0o600


def test_migration_keeps_a_copy(sqlite_path: Path) -> None:
    console = Console(sqlite_path)
    console.add(console.add_user(), 1, "Precious")
    copy = sqlite_path.with_name(f"todo.db.bak-{HEAD}")
    copy.write_text("an older copy")
    migrations.upgrade(sqlite_path)
    copies: list[Path] = []
    migrations.downgrade(sqlite_path, "base", on_copy=copies.append)
    console.close()
    assert copy.read_text() == "an older copy"
    [copy] = copies
    assert copy.name == f"todo.db.bak-{HEAD}-2"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with closing(sqlite3.connect(copy)) as kept:
        assert kept.execute("SELECT title FROM todos").fetchall() == [("Precious",)]
        assert kept.execute("PRAGMA user_version").fetchone() == (int(HEAD),)
    assert sorted(entry.name for entry in sqlite_path.parent.glob("todo.db*")) == [
        "todo.db",
        f"todo.db.bak-{HEAD}",
        copy.name,
    ]


def test_failed_copy_stops_the_migration(sqlite_path: Path) -> None:
    sqlite_path.with_name(f"todo.db.bak-{HEAD}.part").mkdir()
    with pytest.raises(TodoError):
        migrations.downgrade(sqlite_path, "base")
    assert migrations.current(sqlite_path) == HEAD


def test_database_of_another_program_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "photos.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE photos (id)")
    before = path.read_bytes()
    with pytest.raises(TodoError, match=r"not a todo database.*photos"):
        migrations.upgrade(path)
    assert path.read_bytes() == before


def test_file_that_is_not_a_database_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("buy milk\n" * 100)
    for look in (migrations.current, migrations.upgrade):
        with pytest.raises(TodoError, match="not a todo database"):
            look(path)
    assert path.read_text() == "buy milk\n" * 100


def test_broken_foreign_keys_stop_a_migration(sqlite_path: Path) -> None:
    console = Console(sqlite_path)
    console.run("PRAGMA foreign_keys = OFF")
    console.run(
        "INSERT INTO changes (user_id, id, seq, made_at, source) VALUES (:a, :b, 1, '', '')", a=uuid4(), b=uuid4()
    )
    console.run("CREATE TABLE other (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES other (id))")
    console.run("INSERT INTO other (parent) VALUES (7)")
    console.close()
    with pytest.raises(TodoError, match="other refers to a missing row of other"):
        migrations.downgrade(sqlite_path, "base")
    assert migrations.current(sqlite_path) == HEAD


# Where nothing can be created beside the file


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep SQLite from opening the file for writing, as in another user's folder."""

    def refuse(path: Path) -> sqlite3.Connection:
        raise sqlite3.OperationalError(f"unable to open {path}")

    monkeypatch.setattr(sqlite_file, "connect", refuse)


def test_unused_file_is_read_into_memory(sqlite_path: Path, refused: None) -> None:
    with closing(sqlite_file.connect_for_reading(sqlite_path)) as connection:
        assert connection.execute("SELECT count(*) FROM todos").fetchone() == (0,)
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            connection.execute("DELETE FROM todos")


@pytest.mark.parametrize("kind", ["wal", "journal", "shm"])
@pytest.mark.parametrize("link", [False, True])
def test_file_in_use_is_not_read_into_memory(
    sqlite_path: Path, refused: None, tmp_path: Path, kind: str, link: bool
) -> None:
    sqlite_path.with_name(f"{sqlite_path.name}-{kind}").touch()
    path = sqlite_path
    if link:
        (tmp_path / "elsewhere").mkdir()
        path = tmp_path / "elsewhere" / "link.db"
        path.symlink_to(sqlite_path)
    with pytest.raises(sqlite3.OperationalError):
        sqlite_file.connect_for_reading(path)


def test_file_that_changes_while_it_is_read_is_refused(
    sqlite_path: Path, refused: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Path.read_bytes

    def change(path: Path) -> bytes:
        data = read(path)
        path.write_bytes(data + b"x")
        return data

    monkeypatch.setattr(Path, "read_bytes", change)
    with pytest.raises(sqlite3.OperationalError):
        sqlite_file.connect_for_reading(sqlite_path)
