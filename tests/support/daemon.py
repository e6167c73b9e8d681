"""A daemon of its own, and commands that run in it however slow the machine is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.waiting import TIMEOUT, wait_until

_PATIENT = f"""
import sys
from todocli.daemon import protocol
protocol.START_SECONDS = {TIMEOUT}
from todocli.__main__ import main
sys.argv[0] = "todo"
main()
"""
"""Runs the program, and waits for the daemon longer than a person would."""

TODO = [sys.executable, "-P", "-c", _PATIENT]


@dataclass
class RunningDaemon:
    """A daemon in a process of this test, and the environment of its clients."""

    process: subprocess.Popen[str]
    environment: dict[str, str]

    @property
    def folder(self) -> Path:
        """The folder of the socket."""
        return Path(self.environment["XDG_RUNTIME_DIR"]) / "todo"

    @property
    def waiting(self) -> int:
        """The child that waits for the next command."""
        pid = self.process.pid

        def newest() -> list[str]:
            return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()

        wait_until(newest, "a child")
        return int(newest()[-1])

    def configure(self, text: str) -> None:
        """Write the configuration file of its clients."""
        config = Path(self.environment["TODO_HOME"]) / "config.toml"
        config.write_text(text)
        config.chmod(0o600)

    def start(self, *words: str, **options: Any) -> subprocess.Popen[str]:
        """Start a command."""
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen([*TODO, *words], env=self.environment, text=True, **{**pipes, **options})

    def run(self, *words: str, stdin: str = "", **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        environment = options.pop("env", self.environment)
        return subprocess.run(
            [*TODO, *words], env=environment, input=stdin, capture_output=True, text=True, check=False, **options
        )


def environment(home: Path, runtime: str) -> dict[str, str]:
    """Return the environment of commands that keep everything in `home`, and use the daemon in `runtime`."""
    others = {name: value for name, value in os.environ.items() if name != "CI" and not name.startswith("TODO_")}
    return others | {"XDG_RUNTIME_DIR": runtime, "TODO_HOME": str(home), "TODO_DAEMON": "on", "LOGNAME": "ada"}


@contextmanager
def running(home: Path, script: str = _PATIENT, **variables: str) -> Iterator[RunningDaemon]:
    """Run a daemon by a script; its clients keep everything in `home`."""
    with tempfile.TemporaryDirectory() as runtime:  # the path of a socket has at most 107 bytes
        clients = environment(home, runtime) | variables
        with running_by([*TODO[:-1], script], clients) as found:
            yield found


@contextmanager
def running_by(program: list[str], clients: dict[str, str]) -> Iterator[RunningDaemon]:
    """Run the daemon of a program; `clients` is the environment of both."""
    process = subprocess.Popen([*program, "daemon", "run"], env=clients, text=True)
    try:
        found = RunningDaemon(process, clients)
        wait_until(lambda: (found.folder / "daemon.sock").exists() or process.poll() is not None, "the daemon")
        yield found
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(TIMEOUT)
