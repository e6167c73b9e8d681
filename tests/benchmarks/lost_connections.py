"""Cuts and stalls every writing command at every message: `python -m tests.benchmarks.lost_connections`. Takes minutes.

A command whose connection is cut must have done its work once when it ends. One whose connection falls silent must end
within a second of its patience; where its error says how to repeat it, the work must then be done once.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from dataclasses import replace

import pytest

from tests.support import postgres
from tests.support.lost_connection import WRITING, RemoteDatabase
from todocli.database import migrations


def main() -> None:
    """Try everything, and print the figures."""
    servers = postgres.Servers(postgres.new_folder(), os.environ.get("TODO_TEST_DATABASE_URL"))
    found: Counter[str] = Counter()
    try:
        near = servers.server()
        postgres.execute(near, "CREATE DATABASE {}", "lost")
        near = replace(near, database="lost")
        migrations.upgrade(near)
        with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as home:
            patch.setenv("TODO_HOME", home)
            far = RemoteDatabase(near, patch)
            for line in WRITING.values():
                messages = far.messages(line)
                expected = far.state()
                for at in range(len(messages)):
                    for before in (True, False):
                        ran = far.cut(line, at, before=before)
                        found["cuts"] += 1
                        found["cuts after which the command failed"] += ran.code != 0
                        found["cuts after which something was lost or doubled"] += far.state() != expected
                        stalled = far.stall(line, at, before=before)
                        found["stalls"] += 1
                        found["stalls that ended with another status than 0 and 7"] += stalled.ran.code not in (0, 7)
                        found["stalls that left doubt"] += stalled.outcome_unknown
                        found["stalls without doubt that changed something"] += not (
                            stalled.outcome_unknown or stalled.unchanged or stalled.ran.code == 0
                        )
                        if stalled.repeated:
                            found["repeated as told"] += 1
                            found["repeated in vain"] += stalled.repeated.code != 0
                            found["repeated, and something was lost or doubled"] += far.state() != expected
    finally:
        servers.stop()
    for name, count in found.items():
        print(f"{count:6} {name}")


if __name__ == "__main__":
    main()
