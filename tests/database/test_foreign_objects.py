"""Objects of others in the same database: nothing outside the schema `todo` is ever picked up.

Other roles may create objects in `public`; up to Postgres 14, every role could by default. An operator or function that
matches the argument types better than the built-in one is used in its place, and runs with the caller's privileges.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import psycopg
import pytest

from tests.support import pgbouncer, postgres
from tests.support.terminal import Terminal
from todocli.database import migrations
from todocli.database.postgres.url import PostgresURL

SHADOWS = {
    "=": [("text", "varchar"), ("varchar", "varchar"), ("text[]", "text[]"), ("bigint", "numeric")],
    "<>": [("text", "varchar"), ("varchar", "varchar"), ("text[]", "text[]")],
    "@>": [("text[]", "text[]")],
    "~": [("text", "varchar"), ("varchar", "varchar"), ("varchar", "text")],
    "<": [("text", "varchar"), ("varchar", "varchar"), ("text[]", "text[]")],
    ">": [("text", "varchar"), ("varchar", "varchar"), ("text[]", "text[]")],
    "->>": [("json", "varchar")],
}
"""Operators that PostgreSQL has for other types only, or for any array."""

FUNCTIONS = {
    "lower": ["varchar"],
    "length": ["varchar"],
    "substr": ["varchar, int, int"],
    "strpos": ["varchar, varchar"],
    "unnest": ["text[]"],
    "array_cat": ["text[], text[]"],
    "cardinality": ["text[]"],
    "json_build_object": ["text, bigint", "text, text", "text, int"],
    "to_char": ["timestamp, varchar"],
    "set_config": ["varchar, varchar, boolean"],
    "quote_ident": ["varchar", "name"],
    "max": [],
}


@pytest.fixture
def attacked(postgres_url: PostgresURL) -> PostgresURL:
    """A database where another role has created such objects in `public`."""
    with postgres.connect(postgres_url, options="-c search_path=public") as eve:
        eve.execute("CREATE TABLE caught (what text)")
        caught = "BEGIN INSERT INTO public.caught VALUES ('{}'); RAISE 'caught by {}'; END"
        for number, (operator, left, right) in enumerate(
            (operator, *types) for operator, pairs in SHADOWS.items() for types in pairs
        ):
            result = "text" if operator == "->>" else "boolean"
            body = caught.replace("{}", f"{left} {operator} {right}")
            eve.execute(
                f"CREATE FUNCTION shadow_{number}({left}, {right}) RETURNS {result} LANGUAGE plpgsql AS $${body}$$"
            )
            eve.execute(
                f"CREATE OPERATOR {operator} (LEFTARG = {left}, RIGHTARG = {right}, FUNCTION = shadow_{number})"
            )
        for name, signatures in FUNCTIONS.items():
            for signature in signatures:
                body = caught.replace("{}", f"{name}({signature})")
                eve.execute(f"CREATE FUNCTION {name}({signature}) RETURNS text LANGUAGE plpgsql AS $${body}$$")
        for table in ("users", "todos", "changes", "history", "tokens", "todo_revision"):
            eve.execute(f"CREATE VIEW {table} AS SELECT 1 / 0 AS id")
    return postgres_url


Route = Callable[[PostgresURL], AbstractContextManager[PostgresURL]]


@pytest.fixture(params=["directly", pytest.param("pooled", marks=pytest.mark.slow)])
def route(request: pytest.FixtureRequest) -> Route:
    """How to reach a server: a pooler's sessions are as the server made them."""
    if request.param == "directly":
        return nullcontext
    if pgbouncer.PROGRAM is None:
        pytest.skip("pgbouncer is not installed")
    return pgbouncer.pooled


@pytest.fixture
def todo(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("LOGNAME", "ada")
    return Terminal(monkeypatch)


@pytest.mark.slow
def test_shadows_in_public_are_not_used(
    attacked: PostgresURL, route: Route, todo: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with route(attacked) as url:
        monkeypatch.setenv("TODO_DATABASE_URL", url.text())
        use_everything(todo)
    with postgres.connect(attacked) as console:
        assert console.execute("SELECT * FROM public.caught").fetchall() == []


def use_everything(todo: Terminal) -> None:
    for line in (
        *("db current", "db check", "db ping", "user add ada", "user list", "doctor"),
        *("add Pay rent +home +bills due:fri p:1 project:home/flat", "add b", "add c +home"),
        *("list +home", "list -- -home", "list --project home", "list --where '+bills or pri:low'", "list RENT"),
        *("list --sort title,project,-priority --all", "list --all --json", "today", "next", "show 1", "log", "log 1"),
        *("edit 1 +new --untag home -t Other", "edit --tag new --yes set +more", "edit 1 tags:none", "edit 1 +a"),
        *("edit 1 +a", "done 1 2", "done 3", "done 3", "list --completed -n 2", "undo", "redo", "reopen 1-2", "rm 3"),
        *("restore 3", "rm 2", "trash", "purge --yes", "log 2", "tags", "projects", "token create t", "token list"),
        *("token revoke t", "user rename ada eve"),
    ):
        todo.ok(line)


@pytest.mark.parametrize("style", ["German, DMY", "SQL, DMY", "Postgres, MDY"])
def test_date_style_of_the_role_does_not_matter(
    postgres_url: PostgresURL, route: Route, todo: Terminal, monkeypatch: pytest.MonkeyPatch, style: str
) -> None:
    with postgres.connect(postgres_url) as console:
        console.execute(f"ALTER DATABASE {postgres_url.database} SET DateStyle = '{style}'")
        console.execute(f"ALTER DATABASE {postgres_url.database} SET TimeZone = 'Asia/Kathmandu'")
    with route(postgres_url) as url:
        monkeypatch.setenv("TODO_DATABASE_URL", url.text())
        for line in (
            "user add ada",
            "add a due:2026-12-24 start:2026-02-01",
            "edit 1 -t b",
            "done 1",
            "undo 2",
            "redo",
        ):
            todo.ok(line)
        [found] = json.loads(todo.ok("list --all --json"))["items"]
        assert (found["due_on"], found["starts_on"]) == ("2026-12-24", "2026-02-01")
        assert found["created_at"].endswith("Z")
        assert len(json.loads(todo.ok("log --json"))["items"]) == 6


# A schema under another name


ADD = (
    "INSERT INTO {0}.todos (id, user_id, number, title, created_at, updated_at, version, change_id, change_source)"
    " SELECT gen_random_uuid(), id, {1}, 'a', now(), now(), 1, gen_random_uuid(), 'cli' FROM {0}.users"
)
OTHER = '"Other one"'


@pytest.fixture
def console(postgres_url: PostgresURL) -> Iterator[psycopg.Connection[Any]]:
    """A console at a database with a user, and with no search_path at all."""
    with postgres.connect(postgres_url, options="-c search_path=") as console:
        console.execute("INSERT INTO todo.users (id, name, created_at) VALUES (gen_random_uuid(), 'ada', now())")
        yield console


def recorded(console: psycopg.Connection[Any], schema: str) -> tuple[Any, ...]:
    """Return how many changes, rows of history, and open todos by its own count, a schema has."""
    (counts,) = console.execute(
        f"SELECT (SELECT count(*) FROM {schema}.changes), (SELECT count(*) FROM {schema}.history),"
        f" (SELECT sum(open_count) FROM {schema}.users)"
    )
    return tuple(map(int, counts))


def test_triggers_follow_a_renamed_schema(console: psycopg.Connection[Any]) -> None:
    console.execute(f"ALTER SCHEMA todo RENAME TO {OTHER}")
    console.execute(ADD.format(OTHER, 1))
    assert recorded(console, OTHER) == (1, 1, 1)
    console.execute(f"UPDATE {OTHER}.todos SET title = 'b'")
    console.execute(f"DELETE FROM {OTHER}.todos")
    assert recorded(console, OTHER) == (3, 3, 0)


def test_restored_schema_leaves_the_original_alone(console: psycopg.Connection[Any], postgres_url: PostgresURL) -> None:
    console.execute(ADD.format("todo", 1))
    console.execute(f"ALTER SCHEMA todo RENAME TO {OTHER}")
    migrations.upgrade(postgres_url)
    console.execute(ADD.format(OTHER, 2))
    assert recorded(console, OTHER) == (2, 2, 2)
    console.execute(f"INSERT INTO todo.users SELECT * FROM {OTHER}.users")
    console.execute(ADD.format("todo", 3))
    assert recorded(console, OTHER) == (2, 2, 2)


def test_restoring_data_records_nothing_twice(console: psycopg.Connection[Any], postgres_url: PostgresURL) -> None:
    """As pg_restore --data-only does it: table by table, while the triggers are there."""
    for number in (1, 2):
        console.execute(ADD.format("todo", number))
    console.execute("UPDATE todo.todos SET completed_at = now() WHERE number = 2")
    before = recorded(console, "todo")
    console.execute(f"ALTER SCHEMA todo RENAME TO {OTHER}")
    migrations.upgrade(postgres_url)
    for table in ("users", "changes", "history", "todos"):
        override = "OVERRIDING SYSTEM VALUE" if table == "changes" else ""
        console.execute(f"INSERT INTO todo.{table} {override} SELECT * FROM {OTHER}.{table}")
    assert recorded(console, "todo") == before == (3, 3, 1)
