"""Migrations: up, down and up again with rows; what is not ours."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from uuid import uuid4

import pytest

from tests.database.test_schema import TABLES
from tests.support import postgres
from tests.support.console import Console
from todocli.database import migrations, sqlite_file
from todocli.database.postgres.url import PostgresURL
from todocli.database.schema import HEAD
from todocli.database.store import open_store
from todocli.database.target import Target
from todocli.errors import NotFound, SchemaTooNew, TodoError, UsageError
from todocli.services.history.undo import Undo
from todocli.services.owner import Owner
from todocli.services.queries import TodoQuery
from todocli.services.todos import Todos

FIRST = migrations.Revision("0001", None, "Users, todos and their history")


def objects(target: Target) -> set[str]:
    """Return the names of everything that a migration could have made."""
    if isinstance(target, Path) and sqlite_file.is_blank(target):
        return set()
    console = Console(target)
    if console.is_sqlite:
        rows = console.run("SELECT name FROM sqlite_master")
    else:
        rows = console.run(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " UNION SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
            " UNION SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
        )
    console.close()
    return {name for (name,) in rows} - {"todo_revision", "todo_revision_pkc", "sqlite_autoindex_todo_revision_1"}


# Knowing


def test_the_constant_is_the_head() -> None:
    assert migrations.history()[0].revision == HEAD


def test_the_revisions_are_one_line_of_numbers() -> None:
    line = migrations.history()
    assert line[-1] == FIRST
    assert [revision.down_revision for revision in line[:-1]] == [revision.revision for revision in line[1:]]
    assert [revision.revision for revision in line[::-1]] == [f"{number:04}" for number in range(1, len(line) + 1)]


def test_revisions_import_neither_the_program_nor_sqlmodel() -> None:
    for path in migrations.script_folder().rglob("*.py"):
        if path.name != "env.py":
            text = path.read_text(encoding="utf-8")
            assert "import sqlmodel" not in text
            assert "todocli" not in text
    assert not list(migrations.script_folder().rglob("__init__.py"))


def test_current_creates_nothing(empty_database: Target) -> None:
    assert migrations.current(empty_database) is None
    assert objects(empty_database) == set()
    if isinstance(empty_database, Path):
        assert not empty_database.parent.exists()


def test_current_says_where_the_schema_is(database: Target) -> None:
    assert migrations.current(database) == HEAD


# Moving


def test_up_down_and_up_again_with_rows(empty_database: Target) -> None:
    seen: list[migrations.Revision] = []
    assert migrations.upgrade(empty_database, on_step=seen.append) == seen == migrations.history()[::-1]
    made = objects(empty_database)
    assert made >= TABLES | {"todos_insert", "todos_update", "todos_delete", "todos_console", "todos_refuse"}
    console = Console(empty_database)
    user = console.add_user()
    console.add(user, 1)
    console.run("UPDATE todos SET title = 'New'")
    console.close()

    assert migrations.upgrade(empty_database) == []
    seen.clear()
    assert migrations.downgrade(empty_database, "base", seen.append) == seen == migrations.history()
    assert objects(empty_database) == set()
    assert migrations.current(empty_database) is None

    assert migrations.upgrade(empty_database, HEAD) == migrations.history()[::-1]
    assert objects(empty_database) == made
    console = Console(empty_database)
    user = console.add_user()
    console.add(user, 1)
    assert len(console.history(user)) == 1
    console.close()


def test_a_step_at_a_time(empty_database: Target) -> None:
    assert migrations.upgrade(empty_database, "+1") == [FIRST]
    assert migrations.current(empty_database) == "0001"
    console = Console(empty_database)
    user = console.add_user()
    console.add(user, 1)
    before = (console.run("SELECT * FROM todos"), console.history(user))
    for step in migrations.history()[-2::-1]:
        assert migrations.upgrade(empty_database, "+1") == [step]
    for step in migrations.history()[:-1]:
        assert migrations.downgrade(empty_database, "-1") == [step]
    assert (console.run("SELECT * FROM todos"), console.history(user)) == before
    console.close()
    assert migrations.downgrade(empty_database, "-1") == [FIRST]
    assert migrations.current(empty_database) is None


def test_steps_from_before_a_revision_can_be_undone_after_it(empty_database: Target) -> None:
    migrations.upgrade(empty_database, "0002")
    console = Console(empty_database)
    user = console.add_user("ada")
    console.add(user, 1, "Pay rent")
    console.run("UPDATE todos SET title = 'Pay the rent'")
    migrations.upgrade(empty_database)
    console.run("UPDATE todos SET due_on = '2026-11-27', priority = 'high'")
    with open_store(empty_database) as store:
        owner = Owner("ada", user)
        for title, priority in (("Pay the rent", None), ("Pay rent", None)):
            store.atomically(lambda session: Undo(session, owner).undo(1, change=uuid4()))
            with store.session() as session:
                (todo,) = Todos(session, owner).find(TodoQuery()).items
            assert (todo.title, todo.priority, todo.due_on) == (title, priority, None)
        store.atomically(lambda session: Undo(session, owner).redo(2, change=uuid4()))
        with store.session() as session:
            (todo,) = Todos(session, owner).find(TodoQuery()).items
        assert (todo.title, todo.priority, todo.due_on) == ("Pay the rent", "high", date(2026, 11, 27))
    console.close()


def test_the_file_says_its_number(tmp_path: Path) -> None:
    path = tmp_path / "todo.db"
    assert sqlite_file.schema_number(path) == 0
    migrations.upgrade(path)
    assert sqlite_file.schema_number(path) == int(HEAD)
    migrations.downgrade(path, "base")
    assert sqlite_file.schema_number(path) == 0


@pytest.mark.parametrize("revision", ["9999", "1", "heads", "+1", "-x", "", "ae10"])
def test_an_unknown_revision(empty_database: Target, revision: str) -> None:
    with pytest.raises(NotFound) as caught:
        migrations.downgrade(empty_database, revision)
    assert "todo db history" in str(caught.value.hint)
    with pytest.raises(NotFound):
        migrations.upgrade(empty_database, revision.replace("+", "-"))
    assert objects(empty_database) == set()


def test_the_wrong_direction(database: Target) -> None:
    with pytest.raises(UsageError, match=f"The schema is {HEAD}, newer than base"):
        migrations.upgrade(database, "base")
    with pytest.raises(UsageError, match="leads nowhere"):
        migrations.upgrade(database, "+1")
    with pytest.raises(UsageError, match="leads nowhere"):
        migrations.downgrade(database, "-99")
    migrations.downgrade(database, "base")
    with pytest.raises(UsageError, match="The schema is base, older than 0001"):
        migrations.downgrade(database, "0001")


def test_down_from_nothing_is_nothing(empty_database: Target) -> None:
    assert migrations.downgrade(empty_database, "base") == []
    with pytest.raises(UsageError):
        migrations.downgrade(empty_database, "-1")
    if isinstance(empty_database, Path):
        assert not empty_database.exists()


def test_a_schema_from_the_future(database: Target) -> None:
    console = Console(database)
    console.run("UPDATE todo_revision SET version_num = '9999'")
    console.close()
    before = objects(database)
    assert migrations.current(database) == "9999"
    with pytest.raises(SchemaTooNew, match="9999"):
        migrations.upgrade(database)
    with pytest.raises(SchemaTooNew, match="9999"):
        migrations.downgrade(database, "base")
    assert objects(database) == before


def test_a_step_that_fails_changes_nothing(empty_database: Target) -> None:
    def fail(_revision: migrations.Revision) -> None:
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        migrations.upgrade(empty_database, on_step=fail)
    assert objects(empty_database) == set()
    migrations.upgrade(empty_database)
    with pytest.raises(RuntimeError, match="stop"):
        migrations.downgrade(empty_database, "base", fail)
    assert migrations.current(empty_database) == HEAD
    assert objects(empty_database) >= TABLES


# A database of another program


def test_tables_of_another_program_stay_as_they_are(empty_postgres_url: PostgresURL) -> None:
    postgres.execute(empty_postgres_url, "CREATE TABLE users (id int)")
    with pytest.raises(TodoError, match="tables of another program") as caught:
        migrations.upgrade(empty_postgres_url)
    assert "CREATE DATABASE" in str(caught.value.hint)
    assert objects(empty_postgres_url) == {"users"}
    assert str(empty_postgres_url.password) not in caught.value.detail


# The `alembic` command of a developer


def test_the_developers_command(empty_postgres_url: PostgresURL) -> None:
    def alembic(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "alembic", *words],
            cwd=migrations.script_folder().parent,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    refused = alembic("upgrade", "head")
    assert refused.returncode != 0
    assert "Set TODO_DATABASE_URL" in refused.stdout + refused.stderr
    address = empty_postgres_url.text()
    assert alembic("upgrade", "head", TODO_DATABASE_URL=address).returncode == 0
    assert migrations.current(empty_postgres_url) == HEAD
    checked = alembic("check", TODO_DATABASE_URL=address)
    assert "No new upgrade operations detected" in checked.stdout


def test_the_revision_of_another_program_is_not_ours(empty_postgres_url: PostgresURL) -> None:
    console = Console(empty_postgres_url)
    console.run("CREATE TABLE alembic_version (version_num text)")
    console.run(f"INSERT INTO alembic_version VALUES ('{HEAD}')")
    assert migrations.current(empty_postgres_url) is None
    migrations.upgrade(empty_postgres_url)
    console.run("UPDATE alembic_version SET version_num = 'abc'")
    assert migrations.current(empty_postgres_url) == HEAD
    console.close()
