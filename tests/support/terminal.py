"""Runs command lines in this process, as a pipe or as a terminal, and keeps all that they print."""

from __future__ import annotations

import io
import shlex
import sys
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from todocli.cli.app import build
from todocli.database.postgres.url import PostgresURL


@dataclass(frozen=True)
class Ran:
    """What a command line left behind."""

    code: int
    out: str
    err: str

    def __str__(self) -> str:
        return f"exit {self.code}\n--- stdout\n{self.out}--- stderr\n{self.err}"


class _Stream(io.TextIOWrapper):
    def __init__(self, data: bytes = b"", *, terminal: bool) -> None:
        super().__init__(io.BytesIO(data), encoding="utf-8", errors="strict", newline="\n")
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    def text(self) -> str:
        self.flush()
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode()


@cache
def program() -> Any:
    """Return the command tree, which runs any number of command lines and is built once: that takes as long as two."""
    return build()


class Terminal:
    """A place to type commands. `terminal` says whether a person sits there; otherwise everything is a pipe."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, *, terminal: bool = False, width: int = 80, lines: int = 50
    ) -> None:
        self._monkeypatch = monkeypatch
        self.terminal = terminal
        self.width = width
        self.lines = lines
        self.program = program()

    def __call__(self, line: str | list[str], *, stdin: str | bytes = b"", profile: str | None = None) -> Ran:
        """Run `todo LINE`, where a string is read as a shell would."""
        words = shlex.split(line) if isinstance(line, str) else line
        if profile:
            words = ["--profile", profile, *words]
        data = stdin.encode() if isinstance(stdin, str) else stdin
        out, err = _Stream(terminal=self.terminal), _Stream(terminal=self.terminal)
        with self._monkeypatch.context() as patch:
            patch.setenv("COLUMNS", str(self.width))
            patch.setenv("LINES", str(self.lines))
            patch.setattr(sys, "stdin", _Stream(data, terminal=self.terminal))
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            code = self.program.main(words, standalone_mode=False)
        return Ran(code, out.text(), err.text())

    def use(self, url: PostgresURL) -> None:
        """Run what follows on this database."""
        self._monkeypatch.setenv("TODO_DATABASE_URL", url.text())

    def ok(self, line: str | list[str], **extra: Any) -> str:
        """Run a command line that must succeed, and return what it printed on stdout."""
        ran = self(line, **extra)
        assert ran.code == 0, str(ran)
        return ran.out
