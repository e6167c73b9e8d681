"""Migrations: up, down and up again with rows; what is not ours."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import subprocess
import sys
import uuid
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from tests.database.test_schema import TABLES
from tests.support import postgres
from tests.support.client import Client, key
from tests.support.console import Console
from todocli.database import migrations, revisions, sqlite_file
from todocli.database.postgres.url import PostgresURL
from todocli.database.schema import HEAD, UNRELEASED
from todocli.database.setup import ensure_schema
from todocli.database.store import open_store
from todocli.database.target import Target
from todocli.errors import AccessDenied, NotFound, SchemaOutdated, SchemaTooNew, TodoError, UsageError
from todocli.services.history.undo import Undo, Verb
from todocli.services.owner import Owner
from todocli.services.queries import TodoQuery

FIRST = revisions.Revision("0102", None, "Users, todos, their history, and tokens")


def objects(target: Target) -> set[str]:
    """Return the names of everything that a migration could have created."""
    if isinstance(target, Path) and sqlite_file.is_blank(target):
        return set()
    console = Console(target)
    if console.is_sqlite:
        rows = console.run("SELECT name FROM sqlite_master")
    else:
        rows = console.run(
            "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace('todo')"
            " UNION SELECT proname FROM pg_proc WHERE pronamespace = to_regnamespace('todo')"
            " UNION SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
        )
    console.close()
    return {name for (name,) in rows} - {"todo_revision", "todo_revision_pkc", "sqlite_autoindex_todo_revision_1"}


DEFINITIONS = {
    "sqlite": ["SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"],
    "postgres": [
        "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns"
        " WHERE table_schema = 'todo'",
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'todo'::regnamespace",
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'todo'",
        "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
        "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'todo'::regnamespace",
    ],
}
"""What a revision has created, as the database describes it."""

RELEASED = {
    ("0102", "sqlite"): "4c5a31f404995bceba7c20d05e52a03afa14eec6df3ccadf5f90f2efc2cf9856",
    ("0102", "postgres"): "8d0d2658c76ebb77bda629c80ec6f9b1c85bfcbf5c357d377647686bd3ae3276",
    ("0103", "sqlite"): "e869939fb161e6286e2c2bba14484e8685cbc1acf662bbe22d385db4d72dcd7c",
    ("0103", "postgres"): "41b182174d083e4bd0549f56f7814da926b1d3ec7deecdc5dd09ba3224b75c7f",
    ("0104", "sqlite"): "d955e1b9e8904f00e6b8f47d3dabd1bab5ea586a162b0aa827f65278b499bd28",
    ("0104", "postgres"): "1f24d8acd3e7523945b2f471e642285b9362c3274a6a329bdafb85887fc8debb",
    ("0105", "sqlite"): "e1a297b8c6d25935bd57168916b899624e822113660bc20c543d0f5cbd6d5b17",
    ("0105", "postgres"): "41846905121e1f6a25601a03eb83c39f9fd40740bdf89dc1fe9ecab746a01ef1",
    ("0106", "sqlite"): "d9ad9611e957cea0d1d0080ae64aae8f9c6ee1589fa8dac9438a529f6442e386",
    ("0106", "postgres"): "3b202e1c0c5bbf1c5595fcb261c99b356d4b4da39714d5c7722270aa32a85a79",
    ("0107", "sqlite"): "7eafa68d92b6012fc8daf5d19d1bf23f2184cb602aaf141b60f5500c87ed8a42",
    ("0107", "postgres"): "dd51f6c340225804303d6b075ec43b3fdd264bb65b8ceb026e489101d6eb2320",
    ("0108", "sqlite"): "8581a7d35c0477e63b3ff852b9df255fbaa4ed335bd76c68db6c98dd18e10d30",
    ("0108", "postgres"): "e42ea2418d59cf85e645ad0080101730bcf9799fdfffe6135ff2d5d30ce7ee73",
    ("0109", "sqlite"): "2cf51167ca7f923277f1f16652d165a832e27aada881399650551a729cc4480d",
    ("0109", "postgres"): "90b8aa5f41b42ace3a73dab1f1a12da432dca036710a9fd4dcb104c752948e20",
}
"""The SHA-256 of the schema after each revision that may have run somewhere. Those given here never change."""


# Knowing


def test_head_constant_is_newest_revision() -> None:
    assert revisions.history()[0].revision == HEAD


def test_revisions_form_one_line() -> None:
    line = revisions.history()
    assert line[-1] == FIRST
    assert [revision.down_revision for revision in line[:-1]] == [revision.revision for revision in line[1:]]
    assert [revision.revision for revision in line[::-1]] == [f"{number:04}" for number in range(102, 102 + len(line))]


def test_revisions_import_neither_the_program_nor_sqlmodel() -> None:
    for path in revisions.script_folder().rglob("*.py"):
        if path.name != "env.py":
            text = path.read_text(encoding="utf-8")
            assert "import sqlmodel" not in text
            assert "todocli" not in text
    assert not list(revisions.script_folder().rglob("__init__.py"))


@pytest.mark.parametrize("revision", sorted({revision for revision, _ in RELEASED}))
def test_released_revision_does_not_change(empty_database: Target, revision: str) -> None:
    migrations.upgrade(empty_database, revision)
    console = Console(empty_database)
    engine = "sqlite" if console.is_sqlite else "postgres"
    definitions = repr([sorted(console.run(query)) for query in DEFINITIONS[engine]])
    console.close()
    without_layout = " ".join(definitions.replace("\\n", " ").split())
    digest = hashlib.sha256(without_layout.encode()).hexdigest()
    assert digest == RELEASED[revision, engine], "Databases at this revision would not get the change. Add a revision."


def test_current_creates_nothing(empty_database: Target) -> None:
    assert migrations.current(empty_database) is None
    assert objects(empty_database) == set()
    if isinstance(empty_database, Path):
        assert not empty_database.parent.exists()


def test_current_returns_the_revision(database: Target) -> None:
    assert migrations.current(database) == HEAD


# Moving


def test_up_down_and_up_again_with_rows(empty_database: Target) -> None:
    seen: list[revisions.Revision] = []
    assert migrations.upgrade(empty_database, on_revision=seen.append) == seen == revisions.history()[::-1]
    created = objects(empty_database)
    assert created >= TABLES | {"todos_insert", "todos_update", "todos_delete", "todos_console", "todos_refuse"}
    console = Console(empty_database)
    user = console.add_user()
    console.add(user, 1)
    console.run("UPDATE todos SET title = 'New'")
    console.close()

    assert migrations.upgrade(empty_database) == []
    seen.clear()
    assert migrations.downgrade(empty_database, "base", seen.append) == seen == revisions.history()
    assert objects(empty_database) == set()
    assert migrations.current(empty_database) is None

    assert migrations.upgrade(empty_database, HEAD) == revisions.history()[::-1]
    assert objects(empty_database) == created
    console = Console(empty_database)
    user = console.add_user()
    console.add(user, 1)
    assert len(console.history(user)) == 1
    console.close()


def test_upgrade_and_downgrade_one_revision_at_a_time(empty_database: Target) -> None:
    assert migrations.upgrade(empty_database, "+1") == [FIRST]
    assert migrations.current(empty_database) == "0102"
    console = Console(empty_database)
    user = console.add_user()
    console.add(user, 1)
    before = (console.run("SELECT * FROM todos"), console.history(user))
    for revision in revisions.history()[-2::-1]:
        assert migrations.upgrade(empty_database, "+1") == [revision]
    for revision in revisions.history()[:-1]:
        assert migrations.downgrade(empty_database, "-1") == [revision]
    assert (console.run("SELECT * FROM todos"), console.history(user)) == before
    console.close()
    assert migrations.downgrade(empty_database, "-1") == [FIRST]
    assert migrations.current(empty_database) is None


def test_undo_reverses_changes_recorded_before_a_column_existed(database: Target) -> None:
    console = Console(database)
    user = console.add_user("ada")
    console.add(user, 1, "Pay rent")
    console.run("UPDATE todos SET title = 'Pay the rent'")
    for column in ("before", "after"):  # as a revision without these columns would have recorded them
        if console.is_sqlite:
            console.run(f"UPDATE history SET {column} = json_remove({column}, '$.due_on', '$.priority')")
        else:
            console.run(f"UPDATE history SET {column} = ({column}::jsonb - 'due_on' - 'priority')::json")
    console.run("UPDATE todos SET due_on = '2026-11-27', priority = 'high'")
    owner = Owner("ada", user)
    with open_store(database) as store:

        def reverse(verb: Verb, count: int) -> tuple[str, str | None, date | None]:
            request = key(None, verb, count=count)
            store.atomically(lambda session: Undo(session, owner).reverse(verb, count, request))
            with store.session() as session:
                (todo,) = Client(session, owner).find(TodoQuery()).items
            return todo.title, todo.priority, todo.due_on

        assert reverse("undo", 1) == ("Pay the rent", None, None)
        assert reverse("undo", 1) == ("Pay rent", None, None)
        assert reverse("redo", 2) == ("Pay the rent", "high", date(2026, 11, 27))
    console.close()


@pytest.mark.parametrize("revision", UNRELEASED)
def test_schema_of_unreleased_version_is_refused(database: Target, revision: str) -> None:
    console = Console(database)
    console.run("UPDATE todo_revision SET version_num = :revision", revision=revision)
    if console.is_sqlite:
        console.run(f"PRAGMA user_version = {int(revision)}")
    console.close()
    before = objects(database)
    with pytest.raises(SchemaOutdated, match="before the first release"):
        migrations.upgrade(database)
    with pytest.raises(SchemaOutdated, match="before the first release"):
        migrations.downgrade(database, "base")
    if isinstance(database, Path):
        with pytest.raises(SchemaOutdated, match="before the first release"):
            ensure_schema(database)
    assert objects(database) == before


def test_file_header_holds_the_revision(tmp_path: Path) -> None:
    path = tmp_path / "todo.db"
    assert sqlite_file.read_header(path).schema_number == 0
    migrations.upgrade(path)
    assert sqlite_file.read_header(path).schema_number == int(HEAD)
    migrations.downgrade(path, "base")
    assert sqlite_file.read_header(path).schema_number == 0


def test_header_of_a_database_in_use_is_the_newest(sqlite_path: Path) -> None:
    with closing(sqlite_file.connect(sqlite_path)) as other:
        other.execute("PRAGMA user_version = 99")
        assert sqlite_file.read_header(sqlite_path) == (99, True)


def test_header_of_another_program_is_not_ours(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a.db")) as other:
        other.execute("PRAGMA user_version = 3")
    assert sqlite_file.read_header(tmp_path / "a.db") == (3, False)


@pytest.mark.parametrize("revision", ["9999", "1", "heads", "+1", "-x", "", "ae10"])
def test_unknown_revision_is_not_found(empty_database: Target, revision: str) -> None:
    with pytest.raises(NotFound) as caught:
        migrations.downgrade(empty_database, revision)
    assert caught.value.command == ("todo", "db", "history")
    with pytest.raises(NotFound):
        migrations.upgrade(empty_database, revision.replace("+", "-"))
    assert objects(empty_database) == set()


def test_wrong_direction_is_a_usage_error(database: Target) -> None:
    with pytest.raises(UsageError, match=f"The schema is {HEAD}, newer than base"):
        migrations.upgrade(database, "base")
    with pytest.raises(UsageError, match=f"There is no revision \\+1 from {HEAD}"):
        migrations.upgrade(database, "+1")
    with pytest.raises(UsageError, match=f"There is no revision -99 from {HEAD}"):
        migrations.downgrade(database, "-99")
    migrations.downgrade(database, "base")
    with pytest.raises(UsageError, match="The schema is base, older than 0102"):
        migrations.downgrade(database, "0102")


def test_downgrade_of_missing_schema_does_nothing(empty_database: Target) -> None:
    assert migrations.downgrade(empty_database, "base") == []
    with pytest.raises(UsageError):
        migrations.downgrade(empty_database, "-1")
    if isinstance(empty_database, Path):
        assert not empty_database.exists()


def test_newer_schema_is_refused(database: Target) -> None:
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


def test_failed_migration_changes_nothing(empty_database: Target) -> None:
    def fail(_revision: revisions.Revision) -> None:
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        migrations.upgrade(empty_database, on_revision=fail)
    assert objects(empty_database) == set()
    migrations.upgrade(empty_database)
    with pytest.raises(RuntimeError, match="stop"):
        migrations.downgrade(empty_database, "base", fail)
    assert migrations.current(empty_database) == HEAD
    assert objects(empty_database) >= TABLES


# A database of another program


def test_tables_of_another_program_are_no_obstacle(empty_postgres_url: PostgresURL) -> None:
    postgres.execute(empty_postgres_url, "CREATE TABLE public.users (id int)")
    migrations.upgrade(empty_postgres_url)
    migrations.downgrade(empty_postgres_url, "base")
    with postgres.connect(empty_postgres_url) as console:
        assert console.execute("SELECT to_regclass('public.users') IS NOT NULL").fetchone() == (True,)


def test_tables_of_an_unreleased_version_are_recognised(empty_postgres_url: PostgresURL) -> None:
    """They were in `public`."""
    postgres.execute(empty_postgres_url, "CREATE TABLE public.todo_revision (version_num text)")
    with pytest.raises(SchemaOutdated, match="before the first release"):
        migrations.upgrade(empty_postgres_url)
    assert objects(empty_postgres_url) == set()


def test_schema_of_another_program_is_kept(empty_postgres_url: PostgresURL) -> None:
    postgres.execute(empty_postgres_url, "CREATE SCHEMA todo CREATE TABLE users (id int)")
    with pytest.raises(TodoError, match="tables of another program") as caught:
        migrations.upgrade(empty_postgres_url)
    assert "CREATE DATABASE" in str(caught.value.hint)
    assert objects(empty_postgres_url) == {"users"}
    assert str(empty_postgres_url.password) not in caught.value.detail


@pytest.mark.parametrize(("encoding", "refused"), [("LATIN1", True), ("SQL_ASCII", False)])
def test_database_must_store_every_character(postgres_server: PostgresURL, encoding: str, *, refused: bool) -> None:
    url = replace(postgres_server, database=f"todo_{uuid.uuid4().hex}")
    create = f"CREATE DATABASE {{}} TEMPLATE template0 ENCODING '{encoding}' LOCALE_PROVIDER libc LOCALE 'C'"
    postgres.execute(postgres_server, create, url.database)
    try:
        if refused:
            with pytest.raises(TodoError, match=f"has the encoding {encoding}"):
                migrations.upgrade(url)
        else:
            migrations.upgrade(url)
        assert bool(objects(url)) is not refused
    finally:
        postgres.execute(postgres_server, "DROP DATABASE {} WITH (FORCE)", url.database)


def test_schema_of_another_role_is_refused(empty_postgres_url: PostgresURL) -> None:
    """Its owner could change the functions, and would read whatever is written."""
    owner, upgrader = (f"{name}_{uuid.uuid4().hex}" for name in ("eve", "ada"))
    with postgres.connect(empty_postgres_url) as console:
        for statement in (
            f"CREATE ROLE {owner}",
            f"CREATE ROLE {upgrader} LOGIN PASSWORD 'secret'",
            f"GRANT CREATE ON DATABASE {empty_postgres_url.database} TO {upgrader}",
            f"CREATE SCHEMA todo AUTHORIZATION {owner}",
            f"GRANT ALL ON SCHEMA todo TO {upgrader}",
        ):
            console.execute(statement)
        with pytest.raises(AccessDenied, match=f"belongs to the role {owner}"):
            migrations.upgrade(replace(empty_postgres_url, user=upgrader, password="secret"))
        assert objects(empty_postgres_url) == set()
        console.execute(f"DROP SCHEMA todo; DROP OWNED BY {upgrader}")
        console.execute(f"DROP ROLE {owner}, {upgrader}")


# The `alembic` command of a developer


@pytest.mark.slow
def test_alembic_command_runs_and_finds_no_drift(empty_postgres_url: PostgresURL) -> None:
    def alembic(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "alembic", *words],
            cwd=revisions.script_folder().parent,
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


def test_alembic_version_of_another_program_is_ignored(empty_postgres_url: PostgresURL) -> None:
    console = Console(empty_postgres_url)
    console.run("CREATE TABLE alembic_version (version_num text)")
    console.run(f"INSERT INTO alembic_version VALUES ('{HEAD}')")
    assert migrations.current(empty_postgres_url) is None
    migrations.upgrade(empty_postgres_url)
    console.run("UPDATE alembic_version SET version_num = 'abc'")
    assert migrations.current(empty_postgres_url) == HEAD
    console.close()
