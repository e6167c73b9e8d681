"""Migrations by processes: several at once, and killed at any moment."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.database.test_migrations import objects
from todocli.database import migrations, revisions
from todocli.database.schema import HEAD
from todocli.database.target import Target

pytestmark = pytest.mark.slow

MANY = """
here, there = os.pipe()
for _ in range(8):
    if not os.fork():
        os.read(here, 1)
        applied = migrations.upgrade(target)
        os.write(1, f"{len(applied)} {migrations.current(target)}\\n".encode())
        os._exit(0)
os.write(there, bytes(8))
statuses = [os.wait()[1] for _ in range(8)]
sys.exit(any(statuses))
"""
"""Eight processes that have imported everything, and then start at once."""

RESTLESS = """
for delay in sys.stdin:
    process = os.fork()
    while not process:
        migrations.downgrade(target, "base")
        migrations.upgrade(target)
    time.sleep(float(delay))
    os.kill(process, signal.SIGKILL)
    print(os.WTERMSIG(os.waitpid(process, 0)[1]), flush=True)
"""
"""A process that goes up and down without end, killed after each of the delays (in seconds) on standard input."""

DIE = "os.kill(os.getpid(), signal.SIGKILL)"
MOMENTS = {
    "before the revision": f"migrations.upgrade(target, on_revision=lambda _: {DIE})",
    "in the revision": f"""
sa.event.listen(sa.Engine, "after_cursor_execute", lambda *event: {DIE} if "ix_history" in event[2] else None)
migrations.upgrade(target)
""",
    "before the commit": f"""
sa.event.listen(sa.Engine, "commit", lambda _: {DIE})
migrations.upgrade(target)
""",
}


def started(call: str, target: Target) -> subprocess.Popen[str]:
    """Run `call` in a process of its own, where `target` is the database."""
    program = (
        "import os, signal, sys, time\n"
        "from pathlib import PosixPath\n"
        "import sqlalchemy as sa\n"
        "from todocli.database import migrations\n"
        "from todocli.database.postgres.url import PostgresURL\n"
        f"target = {constructor(target)}\n"
        f"{call}\n"
    )
    return subprocess.Popen([sys.executable, "-c", program], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def constructor(target: Target) -> str:
    if isinstance(target, Path):
        return f"PosixPath({str(target)!r})"
    fields = ("host", "database", "user", "password", "port", "query")
    return f"PostgresURL({', '.join(repr(getattr(target, field)) for field in fields)})"


def test_concurrent_first_upgrades_run_once(empty_database: Target) -> None:
    process = started(MANY, empty_database)
    out, _ = process.communicate()
    assert process.returncode == 0
    assert sorted(out.splitlines()) == [f"0 {HEAD}"] * 7 + [f"{len(revisions.history())} {HEAD}"]


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_upgrade_leaves_all_or_nothing(empty_database: Target, moment: str) -> None:
    migrations.upgrade(empty_database)
    complete = objects(empty_database)
    migrations.downgrade(empty_database, "base")
    for _ in range(2):
        process = started(MOMENTS[moment], empty_database)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert objects(empty_database) == set()
        assert migrations.current(empty_database) is None
    assert migrations.upgrade(empty_database) == revisions.history()[::-1]
    assert objects(empty_database) == complete


def test_migration_killed_at_any_moment_is_complete_or_absent(empty_database: Target) -> None:
    migrations.upgrade(empty_database)
    complete = objects(empty_database)
    process = started(RESTLESS, empty_database)
    assert process.stdin
    assert process.stdout
    for attempt in range(20):
        print(0.03 + attempt * 0.007, file=process.stdin, flush=True)
        assert process.stdout.readline() == f"{signal.SIGKILL.value}\n"
        revision = migrations.current(empty_database)
        assert objects(empty_database) == (complete if revision == HEAD else set())
        migrations.upgrade(empty_database)
        assert objects(empty_database) == complete
    process.communicate()
    assert process.returncode == 0
