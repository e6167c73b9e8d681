"""A plugin of pytest that runs command lines in a daemon: `make through-daemon`.

The tests of the command line run `todo` in their own process. With this plugin, a client hands each line to a daemon
instead, and the tests look at what that printed. Two kinds of lines stay where they are: those at a pretended terminal,
and those of tests that patch the program. The summary counts both. Tests marked `own_process` are left out.
"""

from __future__ import annotations

import contextlib
import inspect
import os
import shlex
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock
from weakref import WeakSet

import pytest

from tests.support import daemon
from tests.support.daemon import RunningDaemon
from tests.support.terminal import Ran, Terminal
from todocli.database import deadline, migrations
from todocli.services import users

_lines: Counter[str] = Counter()

_patches = WeakSet[pytest.MonkeyPatch]()
"""Those that have replaced something."""

_OF_EVERY_TEST = (deadline, migrations, users)
"""Where each test replaces something, which makes it faster and changes no answer."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what looks at the process of the tests."""
    left_out = [item for item in items if item.get_closest_marker("own_process")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session", autouse=True)
def _commands_run_in_a_daemon() -> Iterator[None]:
    in_process = Terminal.__call__
    with tempfile.TemporaryDirectory() as home, daemon.running(Path(home)) as running:

        def run(self: Terminal, line: str | list[str], *, stdin: str | bytes = b"", profile: str | None = None) -> Ran:
            words = shlex.split(line) if isinstance(line, str) else line
            if self.terminal or _is_patched() or any("\0" in word for word in words):
                _lines["in this process"] += 1
                return in_process(self, line, stdin=stdin, profile=profile)
            _lines["by a client of the daemon"] += 1
            words = [*(("--profile", profile) if profile else ()), *words]
            return _run(running, words, stdin.encode() if isinstance(stdin, str) else stdin, self.width, self.lines)

        replace = pytest.MonkeyPatch.setattr

        def noted(self: pytest.MonkeyPatch, *args: Any, **options: Any) -> None:
            _patches.add(self)
            replace(self, *args, **options)

        with mock.patch.object(Terminal, "__call__", run), mock.patch.object(pytest.MonkeyPatch, "setattr", noted):
            yield


def _run(running: RunningDaemon, words: list[str], stdin: bytes, width: int, lines: int) -> Ran:
    environment = {
        **os.environ,
        **{name: running.environment[name] for name in ("XDG_RUNTIME_DIR", "TODO_DAEMON")},
        "COLUMNS": str(width),
        "LINES": str(lines),
    }
    ran = subprocess.run([*daemon.TODO, *words], env=environment, input=stdin, capture_output=True, check=False)
    return Ran(ran.returncode, ran.stdout.decode(), ran.stderr.decode())


def _is_patched() -> bool:
    """Whether a test has replaced a part of the program, which is in this process only."""
    targets = [target for patch in _patches for target, _, _ in patch._setattr if target not in _OF_EVERY_TEST]
    names = (target.__name__ if inspect.ismodule(target) else target.__module__ for target in targets)
    return any(name.startswith("todocli") for name in names)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how many lines ran where."""
    with contextlib.suppress(AttributeError):
        terminalreporter.write_line(", ".join(f"{count:,} lines {place}" for place, count in sorted(_lines.items())))
