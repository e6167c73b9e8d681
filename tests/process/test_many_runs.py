"""The whole program, run many times in one process: nothing stays open, and no run leaves anything to the next."""

from __future__ import annotations

import os
import signal
import sys
import threading
import uuid
import warnings
from pathlib import Path

import pytest

from tests.support.terminal import Terminal

pytestmark = pytest.mark.slow


def _machine() -> dict[str, object]:
    return {
        "files": len(os.listdir("/dev/fd")),  # noqa: PTH208 - the list itself opens one, each time
        "threads": threading.active_count(),
        "environment": dict(os.environ),
        "folder": Path.cwd(),
        "interrupt": signal.getsignal(signal.SIGINT),
        "warnings": list(warnings.filters),
        "streams": (sys.stdin, sys.stdout, sys.stderr, sys.excepthook),
    }


def test_repeated_runs_leave_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left open, and no line's options are there for the next."""
    todo = Terminal(monkeypatch)
    todo("add there")
    lines = ["list", "add x -d y", "list --frob", "show 99", "list --profile nope", "-q list", "-h", "rm 2-99 --json"]
    lines += ["list --color always", "--jsonl list", "db current", "db ping --json", "profile list", "help exit-codes"]
    lines += ["--fields id list", f"--change {uuid.uuid4()} reopen 1", "--no-input --color never db downgrade base"]
    for line in lines:
        todo(line)
    before = _machine()
    for line in lines * 2:
        todo(line)
        assert todo.ok("show 1") == "1\topen\tthere\n", line
    assert _machine() == before
