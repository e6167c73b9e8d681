"""The schema: what the migrations make, what the models say, and what the tables refuse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from tests.support.console import REFUSED, Console
from todocli.database import migrations
from todocli.database.engine import postgres_engine
from todocli.database.postgres.url import PostgresURL
from todocli.database.schema import VERSION_TABLE
from todocli.database.target import Target
from todocli.models import complete_metadata

pytestmark = pytest.mark.filterwarnings("ignore:.*expression-based index")
TABLES = {"users", "todos", "notes", "changes", "history", "tokens"}


def engine_of(target: Target) -> sa.Engine:
    if isinstance(target, Path):
        return sa.create_engine(sa.URL.create("sqlite", database=str(target)), poolclass=sa.NullPool)
    engine = postgres_engine(target, sa.NullPool)

    @sa.event.listens_for(engine, "connect")
    def prepare(driver: Any, _record: object) -> None:
        """Make it fit for SQLAlchemy's inspector."""
        driver.execute("SET search_path = todo")
        driver.answers_in_binary = False

    return engine


def index_definitions(engine: sa.Engine, table: str) -> list[str]:
    """Return the statements that would make the indexes of `table`."""
    if engine.dialect.name == "sqlite":
        query = "SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = :name AND sql IS NOT NULL ORDER BY 1"
    else:
        query = "SELECT indexdef FROM pg_indexes WHERE tablename = :name ORDER BY 1"
    with engine.connect() as connection:
        return list(connection.scalars(sa.text(query), {"name": table}))


def described(engine: sa.Engine) -> dict[str, Any]:
    """Return everything that SQLAlchemy can see of the tables."""
    inspector = sa.inspect(engine)
    return {
        table: {
            "columns": [
                {key: str(value) for key, value in column.items() if key != "comment"}
                for column in inspector.get_columns(table)
            ],
            "primary key": inspector.get_pk_constraint(table),
            "foreign keys": inspector.get_foreign_keys(table),
            "unique": sorted(inspector.get_unique_constraints(table), key=str),
            "checks": sorted(inspector.get_check_constraints(table), key=str),
            "indexes": index_definitions(engine, table),
        }
        for table in TABLES
    }


@pytest.fixture
def console(database: Target) -> Iterator[Console]:
    console = Console(database)
    yield console
    console.close()


def test_autogenerate_finds_no_difference(database: Target) -> None:
    with engine_of(database).connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"compare_server_default": connection.dialect.name != "sqlite", "version_table": VERSION_TABLE},
        )
        assert compare_metadata(context, complete_metadata()) == []


def test_migrations_match_the_models(empty_database: Target) -> None:
    """Checks, names and orders too, which autogenerate does not compare."""
    migrations.upgrade(empty_database)
    engine = engine_of(empty_database)
    migrated = described(engine)
    migrations.downgrade(empty_database, "base")
    complete_metadata().create_all(engine)
    assert migrated == described(engine)


def test_constraint_names_follow_the_convention(database: Target) -> None:
    inspector = sa.inspect(engine_of(database))
    for table in TABLES:
        names = [
            (f"pk_{table}", inspector.get_pk_constraint(table)["name"]),
            *((f"fk_{table}_", key["name"]) for key in inspector.get_foreign_keys(table)),
            *((f"uq_{table}_", key["name"]) for key in inspector.get_unique_constraints(table)),
            *((f"ck_{table}_", key["name"]) for key in inspector.get_check_constraints(table)),
            *(
                (f"ix_{table}_", index["name"])
                for index in inspector.get_indexes(table)
                if not index.get("duplicates_constraint")
            ),
        ]
        for start, name in names:
            assert name is not None
            assert name.startswith(start)


def indexed_columns(console: Console, table: str) -> dict[str, list[str]]:
    """Return the key columns of each index of `table`, as Postgres's catalogue has them."""
    return dict(
        console.run(
            "SELECT c.relname, array_agg(pg_get_indexdef(i.indexrelid, k, true)"
            " || CASE WHEN i.indoption[k - 1] & 1 = 1 THEN ' DESC' ELSE '' END ORDER BY k)"
            " FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid,"
            " generate_series(1, i.indnkeyatts) AS k"
            " WHERE i.indrelid = to_regclass(:name) GROUP BY c.relname",
            name=table,
        )
    )


def test_every_foreign_key_has_an_index(postgres_url: PostgresURL) -> None:
    console = Console(postgres_url)
    keys = console.run(
        "SELECT conrelid::regclass::text, conname, array_agg(attname::text ORDER BY place)"
        " FROM pg_constraint, unnest(conkey) WITH ORDINALITY AS k (number, place)"
        " JOIN pg_attribute ON attnum = k.number"
        " WHERE contype = 'f' AND attrelid = conrelid GROUP BY conrelid, conname"
    )
    assert {name for _, name, _ in keys} == {
        "fk_todos_user_id",
        "fk_notes_todo_id",
        "fk_sources_todo_id",
        "fk_changes_user_id",
        "fk_history_change_id_user_id",
        "fk_tokens_user_id",
    }
    for table, name, columns in keys:
        indexes = indexed_columns(console, table).values()
        assert any(index[: len(columns)] == columns for index in indexes), name
    console.close()


@pytest.mark.parametrize(
    ("name", "columns", "condition"),
    [
        ("ix_todos_open", ["user_id", "due_on", "due_time", "number"], "completed_at IS NULL AND deleted_at IS NULL"),
        (
            "ix_todos_completed",
            ["user_id", "completed_at DESC", "number"],
            "completed_at IS NOT NULL AND deleted_at IS NULL",
        ),
        ("ix_todos_trash", ["user_id", "number"], "deleted_at IS NOT NULL"),
    ],
)
def test_lists_have_their_indexes(postgres_url: PostgresURL, name: str, columns: list[str], condition: str) -> None:
    console = Console(postgres_url)
    assert indexed_columns(console, "todos")[name] == columns
    where = console.value(
        "SELECT pg_get_expr(indpred, indrelid) FROM pg_index WHERE indexrelid = to_regclass(:name)", name=name
    )
    assert where.replace("(", "").replace(")", "") == condition
    console.close()


def test_instants_are_stored_in_utc(console: Console) -> None:
    user = console.add_user()
    console.add(user, 1)
    if console.is_sqlite:
        stored = console.value("SELECT made_at FROM changes")
        assert console.value("SELECT typeof(made_at) FROM changes") == "text"
        assert len(stored) == len("2026-11-27 12:00:00.123456")
        assert abs(console.value("SELECT julianday(made_at) - julianday('now') FROM changes")) < 1
    else:
        types = console.run(
            "SELECT DISTINCT data_type FROM information_schema.columns"
            " WHERE table_schema = 'todo' AND column_name LIKE '%\\_at'"
        )
        assert types == [("timestamp with time zone",)]
        assert console.value("SELECT abs(extract(epoch FROM made_at - now())) < 86400 FROM changes")


@pytest.mark.parametrize(
    ("column", "value", "constraint"),
    [
        ("title", "", "ck_todos_title"),
        ("title", "   ", "ck_todos_title"),
        ("description", "x" * 2001, "ck_todos_description"),
        ("number", 0, "ck_todos_number"),
        ("number", -1, "ck_todos_number"),
        ("due_time", "17:00:00", "ck_todos_due_time"),
        ("priority", "urgent", "ck_todos_priority"),
        ("project", "", "ck_todos_project"),
        ("project", "x" * 101, "ck_todos_project"),
    ],
)
def test_invalid_value_is_refused(console: Console, column: str, value: Any, constraint: str) -> None:
    user = console.add_user()
    # For a text that is too long, Postgres answers by the type before it looks at the constraint.
    with pytest.raises((*REFUSED, console.too_long), match=f"{constraint}|value too long"):
        console.add(user, **{"number": 1, "title": "Pay rent", column: value})
    assert console.value("SELECT count(*) FROM todos") == 0


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("due_on", ["2026-02-30", "soon", "20261127"]),
        ("starts_on", ["", "2026-13-01"]),
        ("due_time", ["25:00:00", "noon", "17:00"]),
        ("tags", ["[]", "bills", '{"a": 1}', "{}"]),
        ("needs", ["1", "[1.5]", "[1e3]", '["1"]', "[true]", "[1, 2]", '{"1":2}', f"[{10**18}]"]),
    ],
)
def test_sqlite_refuses_malformed_dates_and_lists(console: Console, column: str, values: list[str]) -> None:
    """Postgres has types for them, and reads more forms than one; SQLite has a check for each."""
    user = console.add_user()
    refused = 0
    for number, value in enumerate(values, 1):
        try:
            plan: dict[str, Any] = {"due_on": "2026-11-27", column: value}
            console.add(user, number, **plan)
        except (*REFUSED, psycopg.DataError):
            refused += 1
    assert refused == len(values) if console.is_sqlite else refused >= 2


@pytest.mark.parametrize("needs", [[], [0], [2, -1], [2, None], [[1], [2]], [*range(1, 102)]], ids=str)
def test_needs_that_are_no_numbers_of_todos_are_refused(console: Console, needs: list[Any]) -> None:
    user = console.add_user()
    console.add(user, 1)
    value = json.dumps(needs, separators=(",", ":")) if console.is_sqlite else needs
    with pytest.raises(REFUSED, match="ck_todos_needs"):
        console.run("UPDATE todos SET needs = :needs", needs=value)


def test_long_title_is_refused(console: Console) -> None:
    user = console.add_user()
    console.add(user, 1, "é" * 255, description="é" * 2000)
    with pytest.raises((*REFUSED, console.too_long)):
        console.add(user, 2, "é" * 256)


@pytest.mark.parametrize("name", ["", "x" * 65])
def test_invalid_user_name_is_refused(console: Console, name: str) -> None:
    console.add_user("x" * 64)
    with pytest.raises((*REFUSED, console.too_long), match=r"ck_users_name|value too long"):
        console.add_user(name)


def test_user_names_are_unique(console: Console) -> None:
    console.add_user("ada")
    with pytest.raises(REFUSED, match=r"uq_users_name|users\.name"):
        console.add_user("ada")


def test_numbers_are_unique_per_user(console: Console) -> None:
    user, other = console.add_user("ada"), console.add_user("bob")
    console.add(user, 1)
    console.add(other, 1)
    with pytest.raises(REFUSED, match=r"uq_todos_user_id_number|todos\.number"):
        console.add(user, 1)


def test_history_outlives_todo_but_not_change(console: Console) -> None:
    user = console.add_user()
    todo = console.add(user, 1)
    console.run("DELETE FROM todos WHERE id = :todo", todo=todo)
    assert [value.todo for value in console.history(user)] == [todo, todo]
    console.run("DELETE FROM changes WHERE user_id = :user", user=user)
    assert console.value("SELECT count(*) FROM history") == 0
    console.run("DELETE FROM users WHERE id = :user", user=user)
