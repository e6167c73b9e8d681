"""What notifying costs 16 writers on a Postgres that waits for its disk: `python -m tests.benchmarks.notify`.

A transaction that notifies takes a lock of the whole server when it commits, until its commit is on the disk. So those
of several users no longer share a write to the disk. The trigger notifies only the users that somebody follows.
"""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from tests.support import postgres
from todocli.database import migrations
from todocli.database.postgres.url import PostgresURL
from todocli.database.store import open_store
from todocli.services.users import Users

WRITERS = 16
SECONDS = 5
ROUNDS = 5

DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
FOLLOW = (
    "SELECT pg_advisory_lock_shared(('x' || right(replace(id::text, '-', ''), 16))::bit(64)::bigint) FROM todo.users"
)
ALWAYS = """
CREATE OR REPLACE FUNCTION todo.changes_notify_always() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('todo_' || user_id, '') FROM (SELECT DISTINCT user_id FROM new_rows) AS users;
  RETURN NULL;
END
$$;
CREATE TRIGGER changes_notify_always AFTER INSERT ON todo.changes REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION todo.changes_notify_always()
"""
OFF, ON = ("ALTER TABLE todo.changes DISABLE TRIGGER changes_notify", "ALTER TABLE todo.changes ENABLE TRIGGER ALL")
DROP = "DROP TRIGGER IF EXISTS changes_notify_always ON todo.changes"
VARIANTS = {
    "no trigger": (DROP, OFF),
    "every change notifies": (DROP, OFF, ALWAYS),
    "nobody follows": (DROP, ON),
    "one of them is followed": (DROP, ON),
    "all are followed": (DROP, ON),
}


def changes_per_second(url: PostgresURL, variant: str, users: int) -> float:
    """Return how many todos all writers add together in a second."""
    pgbench = shutil.which("pgbench") or next(map(str, Path("/usr/lib/postgresql").glob("*/bin/pgbench")))
    with ExitStack() as stack:
        console = stack.enter_context(postgres.connect(url))
        for statement in VARIANTS[variant]:
            console.execute(statement)
        if variant.endswith("followed"):
            follower = stack.enter_context(postgres.connect(url))
            follower.execute(FOLLOW + (" WHERE name = 'user0'" if variant.startswith("one") else ""))
            for (name,) in console.execute("SELECT 'todo_' || replace(id::text, '-', '') FROM todo.users").fetchall():
                follower.execute(f'LISTEN "{name}"')
        script = stack.enter_context(tempfile.NamedTemporaryFile("w", suffix=".sql"))
        name = f"'user' || (:client_id % {users})"
        script.write(
            f"INSERT INTO todo.todos (user_id, title) SELECT id, 'Pay rent' FROM todo.users WHERE name = {name};"
        )
        script.flush()
        words = ["-n", "-c", str(WRITERS), "-j", "2", "-T", str(SECONDS), "-f", script.name]
        place = ["-h", url.host, "-p", str(url.port), "-U", url.user, url.database]
        environment = os.environ | {"PGPASSWORD": str(url.password)}
        done = subprocess.run([pgbench, *words, *place], env=environment, capture_output=True, text=True, check=True)
        found = re.search(r"^tps = ([\d.]+)", done.stdout, re.MULTILINE)
        assert found, done.stdout
        return float(found[1])


def main() -> None:
    """Measure, and print a table in Markdown."""
    postgres.SETTINGS.update(DURABLE)
    with postgres.started() as server:
        postgres.execute(server, "CREATE DATABASE {}", "benchmark")
        url = replace(server, database="benchmark")
        migrations.upgrade(url)
        with open_store(url) as store, store.session() as session:
            for number in range(WRITERS):
                Users(session).add(f"user{number}")
        print(f"| {WRITERS} writers, changes per second | one user | {WRITERS} users |\n|---|---|---|")
        found: dict[tuple[str, int], list[float]] = {}
        for _ in range(ROUNDS):
            for variant in VARIANTS:
                for users in (1, WRITERS):
                    found.setdefault((variant, users), []).append(changes_per_second(url, variant, users))
        for variant in VARIANTS:
            columns = []
            for users in (1, WRITERS):
                rates = found[variant, users]
                change = statistics.median(rates) / statistics.median(found["no trigger", users]) - 1
                columns.append(f"{statistics.median(rates):,.0f} ({change:+.0%}; {min(rates):,.0f}–{max(rates):,.0f})")
            print(f"| {variant} | {' | '.join(columns)} |")


if __name__ == "__main__":
    main()
