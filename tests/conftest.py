"""Fixtures of every test: an isolated machine, and databases that are ready at once."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import time
import uuid
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support import postgres, schema_copies, scratch
from tests.support.waiting import SlowClock
from todocli.clock import now
from todocli.database import deadline, migrations, sqlite_file
from todocli.database.compiled import COMPILED
from todocli.database.postgres.url import PostgresURL
from todocli.database.target import Target
from todocli.domain.ids import new_id
from todocli.services import users

_SERVERS = pytest.StashKey[postgres.Servers]()
_USER_IDS = [new_id(now()) for _ in range(8)]
COMPILED.capacity = 2_000
_NO_SKIP = bool(os.environ.get("TODO_TEST_NO_SKIP"))
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", settings.get_profile("any machine"), max_examples=25)
settings.load_profile("quick")
_FOREIGN = ("CI", "NO_COLOR", "FORCE_COLOR", "DATABASE_URL", "VISUAL", "EDITOR", "COLUMNS", "LINES")


def pytest_configure(config: pytest.Config) -> None:
    """Create the folder through which the processes of a run share one server."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's background job, which its children inherit
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(scratch.folder()))
    handed_over = getattr(config, "workerinput", None)
    folder = Path(handed_over["servers"]) if handed_over else postgres.new_folder()
    config.stash[_SERVERS] = postgres.Servers(folder, os.environ.get("TODO_TEST_DATABASE_URL"))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """Pass the folder to a worker of pytest-xdist."""
    worker_input: dict[str, str] = node.workerinput  # type: ignore[attr-defined]
    config: pytest.Config = node.config  # type: ignore[attr-defined]
    worker_input["servers"] = str(config.stash[_SERVERS].folder)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server when all workers have ended, also after Ctrl-C."""
    if not hasattr(config, "workerinput") and (servers := config.stash.get(_SERVERS, None)):
        servers.stop()


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark tests that need a Postgres."""
    names: list[str] = getattr(item, "fixturenames", [])
    parameters: dict[str, object] = item.callspec.params if hasattr(item, "callspec") else {}
    engines = {"sqlite", "postgres"}.intersection(map(str, parameters.values()))
    if "postgres" in engines or ("postgres_server" in names and not engines):
        item.add_marker("postgres")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Try more random cases in slow tests. The others try few, but different ones in each run."""
    settings.load_profile("any machine" if item.get_closest_marker("slow") else "quick")


def pytest_collection_finish() -> None:
    """Collect garbage less often, and never among what is imported by now: it took a tenth of the time of a run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With TODO_TEST_NO_SKIP a skipped test fails, unless its reason names the test that covers it."""
    report = yield
    if _NO_SKIP and report.skipped and not hasattr(report, "wasxfail") and "covers it" not in str(report.longrepr):
        report.outcome = "failed"
        report.longrepr = f"Skipped, where no test may be skipped: {report.longrepr}"
    return report


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Isolate a test from the user's machine; give the folder where the program keeps everything."""
    for name in list(os.environ):
        if name in _FOREIGN or name.startswith(("TODO_", "CLICOLOR", "PG")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("TODO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("TODO_DAEMON", "off")
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setattr(deadline, "SYSTEM_CLOCK", SlowClock())
    time.tzset()
    yield tmp_path / "home"
    monkeypatch.undo()
    time.tzset()


@pytest.fixture(autouse=True)
def same_user_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the first user of each test the same id, the second another, and so on.

    Statements are kept by the user's id, and to build one takes longer than to run it.
    """
    ids = iter(_USER_IDS)
    monkeypatch.setattr(users, "new_id", lambda moment: next(ids, None) or new_id(moment))


@pytest.fixture(scope="session")
def postgres_server(pytestconfig: pytest.Config) -> PostgresURL:
    """The server, as a role that may create databases."""
    return pytestconfig.stash[_SERVERS].server()


@pytest.fixture(scope="session")
def postgres_template(pytestconfig: pytest.Config, postgres_server: PostgresURL) -> str:
    """The name of a migrated database to copy."""
    with pytestconfig.stash[_SERVERS].once() as known:
        if "template" not in known:
            name = f"todo_template_{uuid.uuid4().hex}"
            postgres.execute(postgres_server, "CREATE DATABASE {}", name)
            migrations.upgrade(replace(postgres_server, database=name))
            known["template"] = name
        return str(known["template"])


@pytest.fixture(scope="session")
def databases(postgres_server: PostgresURL, postgres_template: str) -> Iterator[postgres.Databases]:
    """The migrated databases of this process."""
    migrated = postgres.Databases(postgres_server, postgres_template)
    yield migrated
    migrated.drop()


@pytest.fixture
def postgres_url(databases: postgres.Databases) -> Iterator[PostgresURL]:
    """A migrated Postgres database of the test's own."""
    url = databases.take()
    yield url
    databases.give_back(url)


other_postgres_url = postgres_url
"""A second one."""


@pytest.fixture
def empty_postgres_url(postgres_server: PostgresURL) -> Iterator[PostgresURL]:
    """A Postgres database of the test's own, without a schema."""
    url = postgres.new_database(postgres_server, "template1")
    yield url
    postgres.drop_database(postgres_server, url)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("template") / "todo.db"
    migrations.upgrade(path)
    return path


@pytest.fixture(autouse=True)
def copied_schema(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, sqlite_template: Path) -> None:
    """Let a new embedded file begin as a copy of a migrated one: the migrations took half the time of such a test.

    Slow tests migrate, and so do those of the folder database.
    """
    if not request.node.get_closest_marker("slow"):
        monkeypatch.setattr(migrations, "upgrade", schema_copies.copying(sqlite_template))


@pytest.fixture
def sqlite_path(sqlite_template: Path, tmp_path: Path) -> Path:
    """A migrated SQLite file of the test's own."""
    path = tmp_path / "todo.db"
    sqlite_file.create_file(path)
    return Path(shutil.copyfile(sqlite_template, path))


@pytest.fixture
def embedded_file(sqlite_template: Path, home: Path) -> Path:
    """The embedded database of the isolated machine, as the first command leaves it, without having run one."""
    sqlite_file.create_file(home / "todo.db")
    return Path(shutil.copyfile(sqlite_template, home / "todo.db"))


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Target:
    """A migrated database: the test runs on each engine."""
    target: Target = request.getfixturevalue("sqlite_path" if request.param == "sqlite" else "postgres_url")
    return target


@pytest.fixture(params=["sqlite", "postgres"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Target:
    """A location for a database without a schema (on SQLite: without a file)."""
    if request.param == "sqlite":
        return tmp_path / "data" / "todo.db"
    target: Target = request.getfixturevalue("empty_postgres_url")
    return target
