"""What one command costs a database that is far away: `python -m tests.benchmarks.far_database`.

Each is a process of its own that connects over TLS, logs in with a password and asks one thing, through a relay that
delays what passes: the round trips are counted there, and the time is the median of several runs.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import trustme

from tests.support import postgres
from tests.support.neon_proxy import NeonProxy, tls
from tests.support.relay import Relay
from todocli.database import migrations
from todocli.database.postgres.url import PostgresURL
from todocli.database.store import open_store
from todocli.services.users import Users

DELAYS = (0, 20, 100)
"""Round-trip times, in milliseconds."""

RUNS = 7

SQLALCHEMY = """
import sys, sqlalchemy
engine = sqlalchemy.create_engine(sys.argv[1])
with engine.begin() as connection:
    connection.execute(sqlalchemy.text("SELECT number, title FROM todos")).all()
"""


def commands(url: PostgresURL) -> dict[str, list[str]]:
    """Return what is measured, by its name in the table."""
    classic = replace(url, query=(("sslmode", "require"),)).text()
    todo = str(Path(sys.executable).with_name("todo"))
    driver = classic.replace("postgresql://", "postgresql+psycopg://")
    found = {
        "todo list": [todo, "list"],
        "todo add": [todo, "add", "Pay rent"],
        "psql -c": ["psql", classic, "-Atc", "SELECT number, title FROM todos"],
        "SQLAlchemy's default engine": [sys.executable, "-c", SQLALCHEMY, driver],
    }
    return {name: line for name, line in found.items() if shutil.which(line[0])}


def measure(command: list[str], environment: dict[str, str], relay: Relay) -> tuple[int, float]:
    """Return the round trips of a command, and the median of its times in seconds."""
    times = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
        times.append(time.perf_counter() - begun)
    return relay.lines[-1].round_trips, statistics.median(times)


def main() -> None:
    """Measure, and print a table in Markdown."""
    servers = postgres.Servers(postgres.new_folder(), os.environ.get("TODO_TEST_DATABASE_URL"))
    try:
        near = servers.server()
        postgres.execute(near, "CREATE DATABASE {}", "benchmark")
        near = replace(near, database="benchmark")
        migrations.upgrade(near)
        with open_store(near) as store, store.session() as session:
            Users(session).add("ada")
        rows: dict[str, list[str]] = {}
        context = tls(trustme.CA().issue_cert("127.0.0.1").configure_cert)
        for delay in DELAYS:
            with (
                NeonProxy((near.host, near.port or 5432), context) as front,
                Relay(("127.0.0.1", front.port), round_trip=delay / 1000) as relay,
                tempfile.TemporaryDirectory() as home,
            ):
                url = replace(near, port=relay.port, query=(("sslmode", "require"), ("sslnegotiation", "direct")))
                environment = {**os.environ, "TODO_HOME": home, "TODO_DATABASE_URL": url.text(), "LOGNAME": "ada"}
                for name, command in commands(url).items():
                    trips, seconds = measure(command, environment, relay)
                    rows.setdefault(name, [name, str(trips)]).append(f"{seconds * 1000:.0f} ms")
        print("| | Round trips |" + "".join(f" at {delay} ms |" for delay in DELAYS))
        print("|---|---|" + "---|" * len(DELAYS))
        for row in rows.values():
            print(f"| {' | '.join(row)} |")
    finally:
        servers.stop()


if __name__ == "__main__":
    main()
