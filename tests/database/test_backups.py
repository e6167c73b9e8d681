"""Backups of the embedded database: whole, never over a file, and taken back as one transaction."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.console import Console
from todocli.database import backups, engine, migrations, sqlite_file
from todocli.database.schema import HEAD
from todocli.errors import Conflict, NotFound, SchemaOutdated, SchemaTooNew, ServiceUnavailable, TodoError, UsageError


@pytest.fixture
def database(sqlite_path: Path) -> Path:
    """A database with the todo Precious."""
    _add(sqlite_path, "Precious")
    return sqlite_path


@pytest.fixture
def backup(database: Path, tmp_path: Path) -> Path:
    """A backup of it, in a folder of its own."""
    (tmp_path / "backups").mkdir()
    path = tmp_path / "backups" / "todos.db"
    backups.back_up(database, path)
    return path


def _add(path: Path, title: str) -> None:
    console = Console(path)
    try:
        console.add(console.add_user(title), 1, title)
    finally:
        console.close()


def _titles(path: Path) -> list[str]:
    with closing(sqlite_file.connect(path)) as connection:
        return [row[0] for row in connection.execute("SELECT title FROM todos ORDER BY title")]


def _names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def _run(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement)


# Made


def test_backup_is_private_ours_and_alone(database: Path, backup: Path) -> None:
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert _names(backup.parent) == ["todos.db"]
    with closing(sqlite3.connect(backup)) as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (sqlite_file.APPLICATION_ID,)
        assert connection.execute("PRAGMA user_version").fetchone() == (int(HEAD),)
        assert connection.execute("SELECT title FROM todos").fetchall() == [("Precious",)]


def test_backup_has_what_is_committed_in_the_log_only(database: Path, tmp_path: Path) -> None:
    with closing(sqlite_file.connect(database)) as other:
        other.execute("UPDATE todos SET title = 'Newer'")
        assert database.with_name("todo.db-wal").stat().st_size > 0
        other.execute("BEGIN IMMEDIATE")
        other.execute("UPDATE todos SET title = 'Not committed'")
        backups.back_up(database, tmp_path / "copy.db")
    assert _titles(tmp_path / "copy.db") == ["Newer"]


def test_backup_under_a_name_that_is_not_utf8(database: Path, tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9 ?#%")
    folder.mkdir()
    target = folder / os.fsdecode(b"b\xff.db")
    backups.back_up(database, target)
    assert backups.check(target).todos == 1


def test_existing_file_is_kept(database: Path, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("mine")
    with pytest.raises(Conflict):
        backups.back_up(database, taken)
    assert taken.read_text() == "mine"


@pytest.mark.parametrize("has_links", [True, False])
def test_file_created_meanwhile_is_kept(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_links: bool
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    monkeypatch.setattr(backups, "_sync", lambda part: (folder / "todos.db").write_text("mine"))
    if not has_links:
        monkeypatch.setattr(os, "link", _without_links)
    with pytest.raises(Conflict):
        backups.back_up(database, folder / "todos.db")
    assert (folder / "todos.db").read_text() == "mine"
    assert _names(folder) == ["todos.db"]


def _without_links(part: Path, target: Path) -> None:
    raise PermissionError(1, "Operation not permitted")


def test_backup_without_links_is_made(database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", _without_links)
    folder = tmp_path / "stick"
    folder.mkdir()
    backups.back_up(database, folder / "todos.db")
    assert (_names(folder), backups.check(folder / "todos.db").todos) == (["todos.db"], 1)


def test_link_to_nothing_is_not_followed(database: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    with pytest.raises(Conflict):
        backups.back_up(database, tmp_path / "link")
    assert not (tmp_path / "nothing").exists()


def test_backup_over_the_database_is_refused(database: Path) -> None:
    with pytest.raises(Conflict):
        backups.back_up(database, database)
    assert _titles(database) == ["Precious"]


def test_folder_as_the_file_and_missing_folder_are_refused(database: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder"):
        backups.back_up(database, tmp_path)
    with pytest.raises(NotFound, match="no folder"):
        backups.back_up(database, tmp_path / "missing" / "todos.db")
    assert not (tmp_path / "missing").exists()


def test_without_database_nothing_is_created(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no database"):
        backups.back_up(tmp_path / "home" / "todo.db", tmp_path / "copy.db")
    (tmp_path / "todo.db").touch()
    with pytest.raises(NotFound, match="no database"):
        backups.back_up(tmp_path / "todo.db", tmp_path / "copy.db")
    assert _names(tmp_path) == ["todo.db"]


def test_foreign_database_is_not_backed_up(tmp_path: Path) -> None:
    _run(tmp_path / "music.db", "CREATE TABLE songs (id)")
    with pytest.raises(TodoError, match="not a todo database"):
        backups.back_up(tmp_path / "music.db", tmp_path / "copy.db")
    assert not (tmp_path / "copy.db").exists()


def test_full_disk_leaves_no_file(database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite's own limit on the number of pages stands for the disk: the error is the same SQLITE_FULL."""

    def copy(_: sqlite3.Connection, part: Path) -> None:
        part.write_bytes(b"some of it")
        part.with_name(f"{part.name}-journal").touch()
        with closing(sqlite3.connect(":memory:")) as small:
            small.execute("PRAGMA max_page_count = 1")
            small.execute("CREATE TABLE a AS SELECT zeroblob(100000)")

    folder = tmp_path / "full"
    folder.mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(sqlite_file, "write_copy", copy)
        with pytest.raises(TodoError) as raised:
            backups.back_up(database, folder / "todos.db")
    assert raised.value.detail == f"The disk is full: {folder}/todos.db needs space; no backup was made."
    assert _names(folder) == []
    backups.back_up(database, folder / "todos.db")


def test_folder_that_refuses_files_is_reported(database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(sqlite_file, "write_copy", refuse)
    with pytest.raises(TodoError, match=r"Cannot write '.*': permission denied; no backup was made\."):
        backups.back_up(database, tmp_path / "copy.db")


def test_copy_that_another_process_is_writing_stays(database: Path, tmp_path: Path) -> None:
    theirs = tmp_path / f".copy.db.{os.getppid()}.part"
    theirs.touch()
    backups.back_up(database, tmp_path / "copy.db")
    assert theirs.exists()


# Checked


def test_check_counts_and_leaves_no_trace(database: Path, backup: Path) -> None:
    backup.chmod(0o400)
    before = backup.stat()
    content = backups.check(backup)
    assert (content.users, content.todos, content.revision, content.is_outdated) == (1, 1, HEAD, False)
    assert content.bytes == before.st_size
    assert backup.stat() == before
    assert _names(backup.parent) == ["todos.db"]


def test_check_of_a_copied_file_in_wal_mode_leaves_no_trace(database: Path, tmp_path: Path) -> None:
    (tmp_path / "by hand").mkdir()
    copy = tmp_path / "by hand" / "todo.db"
    copy.write_bytes(database.read_bytes())
    assert backups.check(copy).todos == 1
    assert _names(copy.parent) == ["todo.db"]


def test_copy_with_a_log_beside_it_is_refused(database: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    with closing(sqlite_file.connect(database)) as other:
        other.execute("UPDATE todos SET title = 'Newer'")
        copy.write_bytes(database.read_bytes())
        copy.with_name("copy.db-wal").write_bytes(database.with_name("todo.db-wal").read_bytes())
    with pytest.raises(TodoError, match="is not whole without") as raised:
        backups.check(copy)
    assert raised.value.command
    assert raised.value.command[:2] == ("sqlite3", str(copy))
    _run(copy, raised.value.command[2])
    copy.with_name("copy.db-shm").unlink(missing_ok=True)
    assert backups.check(copy).todos == 1


@pytest.mark.parametrize("kept", [1, 99, 4096, 4096 * 9, -4096, -1])
def test_truncated_backup_is_refused(backup: Path, kept: int) -> None:
    backup.write_bytes(backup.read_bytes()[:kept])
    with pytest.raises(TodoError, match=r"is damaged|is no backup"):
        backups.check(backup)


def test_backup_with_wrong_bytes_is_refused(backup: Path) -> None:
    data = bytearray(backup.read_bytes())
    data[4096 * 4 : 4096 * 8] = b"\xff" * 4096 * 4
    backup.write_bytes(data)
    with pytest.raises(TodoError, match="is damaged"):
        backups.check(backup)


def test_row_without_its_user_is_found(backup: Path) -> None:
    _run(backup, "DELETE FROM users")  # without foreign keys, as SQLite's shell does it
    with pytest.raises(TodoError, match="refers to a missing row of users"):
        backups.check(backup)


def test_other_files_are_no_backups(tmp_path: Path) -> None:
    _run(tmp_path / "music.db", "CREATE TABLE songs (id)")
    (tmp_path / "diary.txt").write_text("My dear diary, " * 100)
    (tmp_path / "empty").touch()
    for name, reason in (("music.db", "another program"), ("diary.txt", "something else"), ("empty", "is empty")):
        with pytest.raises(TodoError, match=f"is no backup.*{reason}") as raised:
            backups.check(tmp_path / name)
        assert "todo backup" in str(raised.value.hint)
    with pytest.raises(TodoError, match="is a directory"):
        backups.check(tmp_path)
    with pytest.raises(NotFound):
        backups.check(tmp_path / "missing.db")
    assert _names(tmp_path) == ["diary.txt", "empty", "music.db"]


def test_newer_backup_is_refused(backup: Path) -> None:
    _run(backup, "UPDATE todo_revision SET (version_num, oldest_reader, oldest_writer) = ('0777', '0777', '0777')")
    with pytest.raises(SchemaTooNew):
        backups.check(backup)


def test_backup_of_a_development_version_is_refused(backup: Path) -> None:
    _run(backup, "UPDATE todo_revision SET version_num = '0101'")
    with pytest.raises(SchemaOutdated):
        backups.check(backup)


def test_backup_without_schema_is_refused(backup: Path) -> None:
    migrations.downgrade(backup, "base")
    with pytest.raises(TodoError, match="its schema is gone"):
        backups.check(backup)


# Restored


def test_restore_replaces_and_keeps(database: Path, backup: Path) -> None:
    _add(database, "Later")
    kept = backups.restore(backup, database)
    assert kept == database.with_name("todo.db.before-restore")
    assert _titles(kept) == ["Later", "Precious"]
    assert _titles(database) == ["Precious"]
    with closing(sqlite_file.connect(database)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert backups.check(database).todos == 1


def test_second_restore_keeps_both(database: Path, backup: Path) -> None:
    for name in ("todo.db.before-restore", "todo.db.before-restore-2"):
        assert backups.restore(backup, database) == database.with_name(name)
    assert _titles(database) == ["Precious"]


def test_restore_without_database_creates_it(backup: Path, tmp_path: Path) -> None:
    database = tmp_path / "new" / "todo.db"
    assert backups.restore(backup, database) is None
    assert _titles(database) == ["Precious"]
    assert stat.S_IMODE(database.stat().st_mode) == 0o600
    with closing(sqlite_file.connect(database)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_restored_older_backup_is_upgraded(database: Path, backup: Path) -> None:
    migrations.downgrade(backup, "0102")
    assert backups.check(backup).is_outdated
    backups.restore(backup, database)
    assert migrations.current(database) == "0102"
    migrations.upgrade(database)
    assert _titles(database) == ["Precious"]


def test_open_reader_sees_one_state_and_then_the_other(database: Path, backup: Path) -> None:
    _run(database, "UPDATE todos SET title = 'Later'")
    with closing(sqlite_file.connect(database)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT title FROM todos").fetchall() == [("Later",)]
        backups.restore(backup, database)
        assert reader.execute("SELECT title FROM todos").fetchall() == [("Later",)]
        reader.execute("COMMIT")
        assert reader.execute("SELECT title FROM todos").fetchall() == [("Precious",)]


def test_restore_gives_up_while_another_process_writes(
    database: Path, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.01)
    with closing(sqlite_file.connect(database)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with pytest.raises(ServiceUnavailable, match="nothing was changed"):
            backups.restore(backup, database)
        writer.execute("UPDATE todos SET title = 'Later'")
        writer.execute("COMMIT")
    assert _titles(database) == ["Later"]
    assert not database.with_name("todo.db.before-restore").exists()
    backups.restore(backup, database)
    assert _titles(database) == ["Precious"]


def test_nobody_writes_between_the_kept_copy_and_the_restore(
    database: Path, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_copy = sqlite_file.keep_copy

    def keep(path: Path, name: str) -> Path:
        copy = keep_copy(path, name)
        with closing(sqlite_file.connect(path)) as writer:
            writer.execute("PRAGMA busy_timeout = 1")
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                writer.execute("UPDATE todos SET title = 'Lost'")
        return copy

    monkeypatch.setattr(sqlite_file, "keep_copy", keep)
    assert backups.restore(backup, database) is not None


@pytest.fixture
def without_log(database: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The database on a file system that does not support WAL."""
    _run(database, "PRAGMA journal_mode = DELETE")
    monkeypatch.setattr(sqlite_file, "use_write_ahead_log", lambda connection: None)
    return database


def test_restore_without_wal_replaces_and_keeps(without_log: Path, backup: Path) -> None:
    _run(without_log, "UPDATE todos SET title = 'Later'")
    kept = backups.restore(backup, without_log)
    assert kept
    assert (_titles(kept), _titles(without_log)) == (["Later"], ["Precious"])


def test_change_after_the_kept_copy_stops_a_restore_without_wal(
    without_log: Path, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_copy = sqlite_file.keep_copy

    def keep(path: Path, name: str) -> Path:
        copy = keep_copy(path, name)
        _run(path, "UPDATE todos SET title = 'Just now'")
        return copy

    monkeypatch.setattr(sqlite_file, "keep_copy", keep)
    with pytest.raises(ServiceUnavailable, match="nothing was changed"):
        backups.restore(backup, without_log)
    assert _titles(without_log) == ["Just now"]
    assert not without_log.with_name("todo.db.before-restore").exists()


def test_restore_that_cannot_keep_a_copy_changes_nothing(
    database: Path, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _run(database, "UPDATE todos SET title = 'Later'")

    def keep(path: Path, name: str) -> Path:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(sqlite_file, "keep_copy", keep)
        with pytest.raises(TodoError):
            backups.restore(backup, database)
    assert _titles(database) == ["Later"]
    backups.restore(backup, database)
    assert _titles(database) == ["Precious"]


@pytest.mark.parametrize("damage", ["text", "pages", "truncated"])
def test_damaged_database_is_moved_away(database: Path, backup: Path, damage: str) -> None:
    data = bytearray(database.read_bytes())
    if damage == "text":
        data[:] = b"My dear diary, " * 100
    elif damage == "pages":
        data[4096 : 4096 * 30] = b"\xff" * 4096 * 29
    else:
        del data[4096 * 3 :]
    database.write_bytes(data)
    kept = backups.restore(backup, database)
    assert kept
    assert kept.read_bytes() == data
    assert _titles(database) == ["Precious"]


def test_damaged_backup_is_not_restored(database: Path, backup: Path) -> None:
    backup.write_text("My dear diary")
    with pytest.raises(TodoError, match="is no backup"):
        backups.restore(backup, database)
    assert _titles(database) == ["Precious"]


def test_foreign_database_is_not_replaced(backup: Path, tmp_path: Path) -> None:
    _run(tmp_path / "music.db", "CREATE TABLE songs (id)")
    with pytest.raises(TodoError, match="not a todo database"):
        backups.restore(backup, tmp_path / "music.db")
    with closing(sqlite3.connect(tmp_path / "music.db")) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("songs",)]


def test_database_is_not_restored_from_itself(database: Path) -> None:
    link = database.with_name("link.db")
    link.symlink_to(database)
    for path in (database, link):
        with pytest.raises(UsageError, match="is the database itself"):
            backups.restore(path, database)


# Other processes, and processes that are killed

WRITE_IN_A_LOOP = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)
for i in range(1, 1_000_000):
    connection.execute("INSERT INTO users (id, name, created_at) VALUES (?, ?, '2026-01-01 00:00:00')", (f"{i:032}", i))
    if i == 20:
        print("going", flush=True)
"""

KILLED_WHILE = """
import sys
from pathlib import Path
from todocli.database import backups, sqlite_file

def stop(*_):
    print("there", flush=True)
    sys.stdin.readline()

if sys.argv[1] == "backing up":
    backups._sync = stop
    backups.back_up(Path(sys.argv[2]), Path(sys.argv[3]))
else:
    keep_copy = sqlite_file.keep_copy
    sqlite_file.keep_copy = lambda *names: (keep_copy(*names), stop())
    backups.restore(Path(sys.argv[3]), Path(sys.argv[2]))
"""


def _started(code: str, *words: object) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, words)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() in ("going\n", "there\n")
    return process


@pytest.mark.slow
def test_backup_while_another_process_writes_has_a_prefix_of_it(database: Path, tmp_path: Path) -> None:
    process = _started(WRITE_IN_A_LOOP, database)
    try:
        counts = []
        for i in range(5):
            content = backups.back_up(database, tmp_path / f"{i}.db")
            assert backups.check(tmp_path / f"{i}.db") == content
            with closing(sqlite3.connect(tmp_path / f"{i}.db")) as connection:
                names = [row[0] for row in connection.execute("SELECT name FROM users WHERE name != 'Precious'")]
            assert sorted(map(int, names)) == list(range(1, len(names) + 1))
            counts.append(len(names))
        assert counts[0] >= 20
        assert counts == sorted(counts)
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_restore_while_another_process_writes_loses_nothing_unseen(database: Path, backup: Path) -> None:
    process = _started(WRITE_IN_A_LOOP, database)
    try:
        kept = backups.restore(backup, database)
        assert kept
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate()

    def numbers(path: Path) -> list[int]:
        with closing(sqlite3.connect(path)) as connection:
            rows = connection.execute("SELECT name FROM users WHERE name != 'Precious'").fetchall()
        return sorted(int(name) for (name,) in rows)

    before, after = numbers(kept), numbers(database)
    assert before + after == list(range(1, len(before) + len(after) + 1))
    assert backups.current(database)


@pytest.mark.slow
def test_killed_backup_leaves_no_file_of_that_name(database: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    process = _started(KILLED_WHILE, "backing up", database, target)
    process.kill()
    process.communicate()
    assert not target.exists()
    assert [name for name in _names(tmp_path) if name.endswith(".part")] == [f".copy.db.{process.pid}.part"]
    assert backups.back_up(database, target).todos == 1
    assert [name for name in _names(tmp_path) if name.endswith(".part")] == []


@pytest.mark.slow
def test_killed_restore_changes_nothing(database: Path, backup: Path) -> None:
    _run(database, "UPDATE todos SET title = 'Later'")
    process = _started(KILLED_WHILE, "restoring", database, backup)
    process.kill()
    process.communicate()
    assert _titles(database) == ["Later"]
    backups.restore(backup, database)
    assert _titles(database) == ["Precious"]
