"""Poolers in transaction mode: everything works, and Neon's is bypassed unless a profile asks for it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import pgbouncer
from tests.support.client import Client
from tests.support.terminal import Terminal
from todocli import profiles
from todocli.database import migrations
from todocli.database.postgres.url import PostgresURL
from todocli.database.schema import HEAD
from todocli.database.store import open_store
from todocli.database.target import resolve_target
from todocli.profiles import Profile
from todocli.schemas.todos import TodoCreate
from todocli.services.owner import Owner
from todocli.services.users import Users

POOLED = "postgresql://a:b@ep-cool-name-123456-pooler.eu-central-1.aws.neon.tech/db"


@pytest.fixture
def pooled(empty_postgres_url: PostgresURL) -> Iterator[PostgresURL]:
    if pgbouncer.PROGRAM is None:
        pytest.skip("pgbouncer is not installed")
    with pgbouncer.pooled(empty_postgres_url) as url:
        yield url


@pytest.mark.slow
def test_every_command_works_through_a_pooler(
    pooled: PostgresURL, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LOGNAME", "ada")
    monkeypatch.setenv("TODO_DATABASE_URL", pooled.text())
    monkeypatch.setenv("PGOPTIONS", "-c geqo=off")
    todo = Terminal(monkeypatch)
    for line in ("db upgrade", "db check", "user add ada", "add a -d b", "edit 1 -t c", "done 1", "reopen 1", "rm 1"):
        todo.ok(line)
    for line in ("trash", "restore 1", "list", "show 1", "db ping", "user rename ada eve"):
        todo.ok(line)
    monkeypatch.setenv("LOGNAME", "eve")
    assert [item["title"] for item in json.loads(todo.ok("list --json"))["items"]] == ["c"]
    (tmp_path / "todo.txt").write_text("one\ntwo\n")
    for line in (f"import {tmp_path}/todo.txt", f"import {tmp_path}/todo.txt --update", "undo", "redo"):
        todo.ok(line)
    monkeypatch.setenv("POOLED_URL", pooled.text())
    todo.ok("profile add far --user bob --url-env POOLED_URL --pooled --no-check")
    todo.ok("profile add near --user bob --embedded --no-check")
    todo.ok("user add bob")
    with monkeypatch.context() as patch:
        patch.delenv("TODO_DATABASE_URL")
        todo.ok("add mine", profile="near")
        assert todo.ok("profile copy near far").startswith("Copied from near to far: todos 1 new")
    for line in ("doctor", "db downgrade base --yes"):
        todo.ok(line)


@pytest.mark.slow
def test_clients_share_few_pooled_connections(pooled: PostgresURL) -> None:
    migrations.upgrade(pooled)
    with open_store(pooled) as store, store.session() as session:
        Users(session).add("ada")
    numbers: list[int] = []

    def add() -> None:
        with open_store(pooled) as store:
            for _ in range(5):
                with store.session() as session:
                    added = Client(session, Owner("ada")).add([TodoCreate(title="x")])
                    numbers.extend(added.changed)

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(numbers) == list(range(1, 41))
    assert migrations.current(pooled) == HEAD


@pytest.mark.parametrize(
    ("pooled", "host"), [(False, "ep-cool-name-123456.eu-c"), (True, "ep-cool-name-123456-pooler")]
)
def test_neon_pooler_is_used_only_by_pooled_profiles(pooled: bool, host: str) -> None:
    target = resolve_target(Profile("work", "ada", url=POOLED, pooled=pooled))
    assert isinstance(target, PostgresURL)
    assert target.host.startswith(host)


@pytest.mark.parametrize(
    "host",
    [
        "ep-cool-name-123456.eu-central-1.aws.neon.tech",
        "db-pooler.example.org",
        "ep-pooler-x.aws.neon.tech",
        "ep-x.c-pooler.aws.neon.tech",
    ],
)
def test_other_pooler_hosts_are_kept(host: str) -> None:
    url = PostgresURL.parse(f"postgresql://a:b@{host}/db")
    assert url.direct() == url


def test_pooled_is_read_from_the_config(home: object, monkeypatch: pytest.MonkeyPatch) -> None:
    todo = Terminal(monkeypatch)
    todo("profile add work --user ada --url-env URL", stdin="")
    profiles.add(Profile("far", "ada", url=POOLED, pooled=True, timeout=40))
    known = profiles.load().profiles["far"]
    assert (known.pooled, known.timeout) == (True, 40)


def test_profile_add_stores_pooled_and_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    todo = Terminal(monkeypatch)
    todo.ok("profile add far --embedded --pooled --timeout 2.5")
    far = profiles.resolve("far")
    assert (far.pooled, far.timeout) == (True, 2.5)
    assert json.loads(todo.ok("profile show far --json")).items() >= {"pooled": True, "timeout": 2.5}.items()
    for seconds in ("0", "3601", "soon", "nan"):
        ran = todo(f"profile add other --embedded --timeout {seconds}")
        assert (ran.code, "timeout" in ran.err) == (2, True), str(ran)
