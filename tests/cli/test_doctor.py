"""The command doctor: its checks, its hints and its exit status."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import uuid
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support import postgres
from tests.support.terminal import Terminal
from todocli import paths
from todocli.database import health
from todocli.database.health import Check
from todocli.database.inspection import created_by
from todocli.database.postgres.url import PostgresURL
from todocli.errors import ServiceUnavailable


@pytest.fixture
def todo(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("LOGNAME", "ada")
    return Terminal(monkeypatch)


def checks(todo: Terminal, code: int) -> dict[str, dict[str, str]]:
    ran = todo("doctor --json")
    document = json.loads(ran.out)
    assert (ran.code, ran.err, document["healthy"]) == (code, "", code == 0), str(ran)
    return {check["name"]: check for check in document["checks"]}


def test_doctor_on_new_machine_creates_nothing(todo: Terminal, home: Path) -> None:
    found = checks(todo, 0)
    assert {name: check["status"] for name, check in found.items()} == dict.fromkeys(
        ("todo", "libraries", "configuration", "profile", "daemon", "database", "file"), "ok"
    )
    assert "does not exist yet" in found["file"]["detail"]
    assert not home.exists()


def test_doctor_checks_embedded_file(todo: Terminal, home: Path) -> None:
    todo.ok("add a")
    assert checks(todo, 0)["schema"]["status"] == "ok"
    (home / "todo.db").chmod(0o644)
    assert checks(todo, 0)["file"]["status"] == "warning"
    (home / "todo.db").write_bytes(b"no database" * 100)
    assert checks(todo, 1)["file"]["status"] == "problem"


def test_doctor_reads_the_whole_embedded_file(todo: Terminal, home: Path) -> None:
    todo.ok("add a")
    assert checks(todo, 0)["integrity"]["status"] == "ok"
    with closing(sqlite3.connect(home / "todo.db")) as connection:
        [page] = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'ix_history_number'").fetchone()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray((home / "todo.db").read_bytes())
    data[4096 * (page - 1) : 4096 * page] = b"\xff" * 4096
    (home / "todo.db").write_bytes(data)
    assert todo("list").code == 0
    found = checks(todo, 1)["integrity"]
    assert (found["status"], "todo backup --restore FILE" in found["hint"]) == ("problem", True)


def test_doctor_guides_setup_of_postgres(todo: Terminal, empty_postgres_url: PostgresURL) -> None:
    todo.use(empty_postgres_url)
    found = checks(todo, 8)
    assert found["schema"]["hint"] == "Create it: todo db upgrade"
    todo.ok("db upgrade")
    assert checks(todo, 6)["user"]["hint"] == "todo user add ada"
    todo.ok("user add ada")
    found = checks(todo, 0)
    assert {check["status"] for check in found.values()} == {"ok"}
    assert found.keys() >= {"server", "connecting", "encryption", "schema", "role", "user", "clock"}
    assert "IPv4, directly" in found["server"]["detail"]
    with postgres.connect(empty_postgres_url) as console:
        console.execute("UPDATE todo_revision SET version_num = '9999'")
        assert "9999, newer" in checks(todo, 0)["schema"]["detail"]
        console.execute("UPDATE todo_revision SET oldest_writer = '9999'")
    assert checks(todo, 8)["schema"]["status"] == "problem"


@pytest.mark.parametrize(
    ("url", "code", "name"),
    [
        ("postgresql://ada:S3CRET@nope.invalid/x", 7, "server"),
        ("postgresql://ada:S3CRET@h:port/x", 2, "profile"),
        ("mysql://ada:S3CRET@h/x", 2, "profile"),
    ],
)
def test_problem_has_status_of_command_and_no_secret(
    todo: Terminal, monkeypatch: pytest.MonkeyPatch, url: str, code: int, name: str
) -> None:
    monkeypatch.setenv("TODO_DATABASE_URL", url)
    found = checks(todo, code)
    assert (found[name]["status"], bool(found[name]["hint"])) == ("problem", True)
    assert todo("list").code == code
    assert "S3CRET" not in json.dumps(found) + todo("doctor").out


def test_unknown_profile_is_problem(todo: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TODO_PROFILE", "nope")
    assert checks(todo, 3)["profile"]["status"] == "problem"


@pytest.mark.parametrize(
    ("spoil", "code", "name"),
    [
        ("REVOKE UPDATE ON todos FROM {}", 6, "role"),
        ("REVOKE INSERT ON history FROM {}", 6, "role"),
        ("ALTER ROLE {} SET default_transaction_read_only = on", 1, "writing"),
        ("UPDATE users SET id = gen_random_uuid()", 6, "user"),
    ],
)
def test_failure_of_commands_is_problem(
    todo: Terminal, postgres_url: PostgresURL, monkeypatch: pytest.MonkeyPatch, spoil: str, code: int, name: str
) -> None:
    role = f"doctor_{uuid.uuid4().hex}"
    theirs = replace(postgres_url, user=role, password="secret")
    with postgres.connect(postgres_url) as console:
        console.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'secret'")
        console.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA todo TO {role}")
        console.execute(f"GRANT USAGE ON SCHEMA todo TO {role}")
        try:
            todo.ok("profile add work --user ada --url-stdin", stdin=postgres_url.text())
            todo.ok("--profile work user add ada")
            config = paths.config_file()
            todo.ok("--profile work list")  # from now on the profile knows the user's id
            config.write_text(config.read_text().replace(postgres_url.text(), theirs.text()))
            monkeypatch.setenv("TODO_PROFILE", "work")
            checks(todo, 0)
            console.execute(spoil.format(role))
            assert checks(todo, code)[name]["status"] == "problem"
            assert code in {todo("add x").code, todo("done 1").code}
        finally:
            console.execute(f"DROP OWNED BY {role}")
            console.execute(f"DROP ROLE {role}")


def test_different_clocks_are_warning(
    todo: Terminal, postgres_url: PostgresURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    todo.use(postgres_url)
    todo.ok("user add ada")
    monkeypatch.setattr(health, "MAX_SKEW", -1.0)
    assert checks(todo, 0)["clock"]["status"] == "warning"


@pytest.mark.parametrize(
    ("query", "encrypted", "is_local", "status"),
    [
        ("", False, True, "ok"),
        ("", False, False, "warning"),
        ("?sslmode=require", True, False, "warning"),
        ("?sslmode=require", True, True, "ok"),
        ("?sslmode=verify-full", True, False, "ok"),
        ("?sslmode=require&channel_binding=require", True, False, "ok"),
    ],
)
def test_unverified_encryption_is_warning(query: str, encrypted: bool, is_local: bool, status: str) -> None:
    url = PostgresURL.parse(f"postgresql://a:b@h/d{query}")
    check = health._encryption(url, encrypted=encrypted, is_local=is_local)
    assert (check.status, bool(check.hint)) == (status, status == "warning")


def test_doctor_at_terminal_prints_lines(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setenv("LOGNAME", "ada")
    todo = Terminal(monkeypatch, terminal=True, width=60)
    shown = todo.ok("doctor --color never")
    assert "ok  profile        local: ada on the embedded database\n" in shown
    assert str(home / "todo.db") in shown.replace("\n", "").replace(" ", "")
    assert isinstance(Check("a", "ok", "b"), tuple)


def inspected(todo: Terminal) -> dict[str, Any]:
    ran = todo("doctor --json")
    assert ran.code == 0
    found: dict[str, Any] = json.loads(ran.out)["database"]
    return found


def test_doctor_reports_what_embedded_database_holds(todo: Terminal, home: Path) -> None:
    assert inspected(todo) is None
    todo.ok("add a")
    todo.ok("done 1")
    found = inspected(todo)
    assert {table["name"]: table["rows"] for table in found["tables"]} == {
        "users": 1,
        "todos": 1,
        "notes": 0,
        "changes": 2,
        "history": 2,
        "tokens": 0,
    }
    assert (found["missing"], found["changed"], found["invalid"]) == ([], [], [])
    assert found["connections"] is None
    assert found["oldest_change_at"].startswith("2")
    with closing(sqlite3.connect(home / "todo.db", isolation_level=None)) as console:
        console.execute("DROP INDEX ix_todos_open")
        console.execute("DROP TRIGGER todos_refuse")
        console.execute("CREATE TRIGGER todos_refuse AFTER DELETE ON todos BEGIN SELECT 1; END")
    found = inspected(todo)
    assert (found["missing"], found["changed"]) == (["index ix_todos_open"], ["trigger todos_refuse"])
    assert checks(todo, 0)["objects"]["status"] == "warning"


def test_doctor_reports_what_postgres_holds(todo: Terminal, postgres_url: PostgresURL) -> None:
    todo.use(postgres_url)
    todo.ok("user add ada")
    todo.ok("add a")
    found = inspected(todo)
    assert {table["name"]: table["rows"] for table in found["tables"]}["changes"] == 1
    assert all(table["bytes"] > 0 for table in found["tables"])
    assert (found["missing"], found["changed"], found["invalid"], found["privileges"]) == ([], [], [], [])
    assert 0 < found["connections"]["used"] <= found["connections"]["limit"]
    with postgres.connect(postgres_url) as console:
        console.execute("DROP INDEX todo.ix_todos_trash")
        console.execute("ALTER TABLE todo.todos DISABLE TRIGGER todos_delete")
        body = "BEGIN RETURN NEW; END"
        console.execute(
            f"CREATE OR REPLACE FUNCTION todo.todos_refuse() RETURNS trigger LANGUAGE plpgsql AS $${body}$$"
        )
    found = inspected(todo)
    assert (found["missing"], found["changed"]) == (["index ix_todos_trash"], ["function todos_refuse"])
    assert found["invalid"] == ["trigger todos_delete"]


def test_objects_dropped_by_a_later_revision_are_not_expected() -> None:
    script = """
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$;
CREATE TRIGGER t AFTER INSERT ON x EXECUTE FUNCTION f();
CREATE UNIQUE INDEX i ON x (a);
DROP TRIGGER t ON x;
CREATE FUNCTION g() RETURNS int LANGUAGE sql AS $$SELECT 1$$;
DROP FUNCTION f();
"""
    assert created_by(script) == {"index i": "", "function g": "SELECT 1"}


@pytest.mark.own_process  # it pretends that the disk is full
def test_doctor_notices_what_would_stop_a_change(todo: Terminal, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    todo.ok("add a")
    usage = shutil.disk_usage(home)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
        assert "1,000 bytes are free" in checks(todo, 1)["writing"]["detail"]
    for place, name in ((home, "folder"), (home / "todo.db", "file")):
        with monkeypatch.context() as patch:
            patch.setattr(os, "access", lambda path, mode, refused=place: path != refused)
            assert checks(todo, 1)["writing"]["detail"] == f"The {name} {place} is read-only."
    assert "writing" not in checks(todo, 0)


def test_doctor_notices_password_that_others_can_read(todo: Terminal, home: Path) -> None:
    home.mkdir()
    config = home / "config.toml"
    config.write_text('[profiles.work]\nuser = "ada"\nurl = "postgresql://ada:S3CRET@h/x"\n')
    config.chmod(0o644)
    ran = todo("doctor --json")
    found = [check for check in json.loads(ran.out)["checks"] if check["name"] == "configuration"]
    assert [check["status"] for check in found] == ["ok", "warning"]
    assert found[1]["hint"] == f"Restrict it: chmod 600 {config}"
    config.chmod(0o600)
    assert checks(todo, 0)["configuration"]["status"] == "ok"
    todo("profile rm work --yes")
    config.chmod(0o644)
    assert checks(todo, 0)["configuration"]["status"] == "ok"


def test_doctor_keeps_its_checks_if_the_inspection_fails(
    todo: Terminal, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    todo.ok("add a")

    def fail(_: object) -> None:
        raise ServiceUnavailable("A table is locked.")

    monkeypatch.setattr("todocli.database.inspection.inspect", fail)
    found = checks(todo, 0)
    assert (found["objects"]["status"], found["objects"]["detail"]) == ("warning", "A table is locked.")
    assert inspected(todo) is None


def test_doctor_does_not_compare_a_newer_schema(todo: Terminal, home: Path) -> None:
    todo.ok("add a")
    with closing(sqlite3.connect(home / "todo.db", isolation_level=None)) as console:
        console.execute("UPDATE todo_revision SET version_num = '9999'")
        console.execute("DROP INDEX ix_todos_trash")
        console.execute("PRAGMA user_version = 9999")
    assert checks(todo, 0)["objects"]["status"] == "ok"
    assert inspected(todo)["missing"] == []
