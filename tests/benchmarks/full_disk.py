"""Commands that meet a full disk: `python -m tests.benchmarks.full_disk [RUNS]`, as root on Linux. Takes minutes.

The database is on a file system of its own, which is filled up to a few pages, by chance, before each of RUNS commands
on each engine. Each command takes effect as a whole or not at all, says which, and succeeds once there is space again.
On Postgres the tables are on that file system, and the server's log is not.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support import postgres
from tests.support.prepared import LINES, Prepared
from todocli.database import migrations
from todocli.database.postgres.url import PostgresURL

PAGE = 4_096
MEGABYTES = 256
_REPORTS = {0: "made", 1: "nothing was changed", 9: "not known"}
"""What a command says about its change, by its exit code."""


def main(runs: int = 150) -> None:
    """Try it, and print how the commands ended."""
    chance = random.Random(runs)
    with _file_system() as disk, tempfile.TemporaryDirectory() as home, _tablespace(disk) as url:
        for name, place, shared, most in (("SQLite", disk / "homes", None, 120), ("Postgres", Path(home), url, 12)):
            full = FullDisk(disk, Prepared(shared, place), most)
            for i in range(runs):
                full.run(LINES[i % len(LINES)], chance)
            print(f"\n{name}, {runs} full disks, no command torn, lost or doubled")
            for what, count in sorted(full.found.items()):
                print(f"{count:8,} {what}", flush=True)


@dataclass
class FullDisk:
    """A user with a full disk; `found` counts how the commands ended."""

    disk: Path
    prepared: Prepared
    most: int
    """The most pages that are left; then about half of the commands have enough."""
    found: Counter[str] = field(default_factory=Counter)

    def run(self, line: str, chance: random.Random) -> None:
        """Run a command for a new user with a few pages left; then make space, and repeat it.

        Raises `AssertionError` if it was torn, lost or doubled, or reported something untrue.
        """
        name, change = uuid.uuid4().hex, uuid.uuid4()
        self.prepared.user(name)
        before = self.prepared.state(name)
        pages = chance.randrange(self.most)
        with self._full(pages):
            tried = self._command(line, name, change)
            read = self._command("list", name)
        state = self.prepared.state(name)
        repeated = self._command(line, name, change)
        after = self.prepared.state(name)
        where = f"{line} with {pages} pages left: {tried}"
        assert read.returncode == 0, f"{where}: {read}"
        assert repeated.returncode == 0, f"{where}: {repeated}"
        assert after != before, where
        assert tried.returncode in _REPORTS, where
        assert state in (before, after), f"torn: {where}"
        if tried.returncode == 0:
            assert state == after, f"lost: {where}"
        if _REPORTS[1] in tried.stderr:
            assert state == before, f"not so: {where}"
        self.found[f"said {_REPORTS[tried.returncode]!r}, and it was {'made' if state == after else 'not made'}"] += 1

    def _command(self, line: str, name: str, change: uuid.UUID | None = None) -> subprocess.CompletedProcess[str]:
        words = self.prepared.line(line, change) if change else [sys.executable, "-m", "todocli", line]
        return subprocess.run(words, env=self.prepared.environment(name), capture_output=True, text=True, check=False)

    @contextmanager
    def _full(self, pages: int) -> Iterator[None]:
        """Fill the disk, but for `pages` pages."""
        filler = self.disk / "filler"
        with filler.open("wb", buffering=0) as file:
            for _ in range(shutil.disk_usage(self.disk).free // PAGE - pages):
                file.write(bytes(PAGE))
        try:
            yield
        finally:
            filler.unlink()


@contextmanager
def _file_system() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m,mode=755", "tmpfs", folder], check=True)
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", folder], check=True)


@contextmanager
def _tablespace(disk: Path) -> Iterator[PostgresURL]:
    """Give a migrated database with its tables on `disk`."""
    place = disk / "tables"
    place.mkdir()
    shutil.chown(place, "nobody")
    with postgres.started() as server:
        postgres.execute(server, f"CREATE TABLESPACE small LOCATION '{place}'")
        url = postgres.new_database(server, "template1")
        postgres.execute(server, "ALTER DATABASE {} SET TABLESPACE small", url.database)
        migrations.upgrade(url)
        yield url


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
