"""Reads the code blocks of the README and the help topics, and plays their terminal sessions in a terminal.

As a program it prints the README's `sh` blocks, each ended by NUL: .ci/run runs the first two.
Standard library only: .ci/run calls it before anything is installed.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import tempfile
import termios
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PATH = Path(__file__).resolve().parents[2] / "README.md"
SILENCE = 300
"""Seconds without output after which a session is given up: a command waits for input."""

_FENCE = re.compile(r"^( *)(```+)([^\n`]*)\n(.*?)^\1\2 *$", re.DOTALL | re.MULTILINE)
_MARK = "\x1e"
_PROLOGUE = f"""_mark() {{ local status=$?; printf '{_MARK}'; return "$status"; }}\n"""
_STYLE = re.compile("\x1b" + r"\[[0-9;]*m")

_MASKS = (
    (re.compile(r"~/Library/Application Support/"), "~/.local/share/"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "UUID"),
    (re.compile(r"\b01[0-9a-f]{6}(-[0-9a-f]{1,4}){0,3}\b"), "ID"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"), "INSTANT"),
    (re.compile(r"\b\d+ (min|h) ago\b"), "now"),
    (re.compile(r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d\d? [A-Z][a-z]{2}( \d{4})?\b"), "DAY"),
    (re.compile(r"\((today|tomorrow|yesterday|in \d+ days|\d+ days ago)\)"), "(DISTANCE)"),
    (re.compile(r"\b\d+(\.\d+)? ms\b"), "TIME"),
    (re.compile(r"\b(SQLite|Postgres) \d+(\.\d+)*( \([^)]*\))?"), r"\1 VERSION"),
    (re.compile(r"\bpostgresql://\w+:\*\*\*@[\w.:-]+/\w+"), "postgresql://DATABASE"),
)
"""Text that differs between runs or machines. A URL with a readable password matches none of these."""

_WAITING = re.compile(r"^(?:Waiting for \S+|Waking the database) …\n", re.MULTILINE)
"""Notes that appear on a slow machine only."""


@dataclass(frozen=True)
class Block:
    """A fenced code block, and the line of the page where it begins."""

    language: str
    text: str
    line: int


@dataclass(frozen=True)
class Exchange:
    """A command of a session, and what the terminal shows after it."""

    command: str
    shown: str


def blocks(text: str) -> list[Block]:
    """Return the fenced blocks of a Markdown text. Raises `ValueError` if one is never closed."""
    found = [
        Block(match[3].strip(), textwrap.dedent(match[4]), text.count("\n", 0, match.start()) + 1)
        for match in _FENCE.finditer(text)
    ]
    if rest := re.search(r"^ *```.*$", _FENCE.sub("", text), re.MULTILINE):
        raise ValueError(f"A block is not closed: {rest[0]}")
    return found


def exchanges(session: str) -> list[Exchange]:
    """Return the commands of a session: `$ command`, its further lines after `> `, then what is shown.

    Raises `ValueError` if the session does not begin with a command.
    """
    found: list[Exchange] = []
    shown: list[str] | None = None
    command: list[str] = []
    for line in [*session.splitlines(), None]:
        if line is None or line.startswith("$ "):
            if shown is not None:
                found.append(Exchange("\n".join(command), "".join(f"{text}\n" for text in shown)))
            command, shown = [line[2:]] if line else [], []
        elif shown is None:
            raise ValueError(f"A session begins with a command, not with {line!r}.")
        elif line.startswith("> ") and not shown:
            command.append(line[2:])
        else:
            shown.append(line)
    return found


def play(commands: list[str], environment: Mapping[str, str]) -> list[str]:
    """Run `commands` in one bash on a terminal of 80 columns, and return what each of them shows, without styles.

    If the session ends too early, the output of its last command says so.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".sh", encoding="utf-8") as script:
        script.write(_PROLOGUE + "".join(f"{command}\n_mark\n" for command in commands))
        script.flush()
        here, there = _terminal()
        process = subprocess.Popen(
            ["bash", "--noprofile", "--norc", script.name],
            stdin=there,
            stdout=there,
            stderr=there,
            env=dict(environment),
            cwd=environment["HOME"],
            start_new_session=True,
        )
        os.close(there)
        try:
            output = _STYLE.sub("", _read(here))
        finally:
            process.kill()
            process.wait()
            os.close(here)
    outputs = output.split(_MARK)
    rest = outputs.pop()
    missing = len(commands) - len(outputs)
    if missing:
        outputs += [f"{rest}(the session ends here)\n", *[""] * (missing - 1)]
    return outputs


def _terminal() -> tuple[int, int]:
    """Open a terminal that neither echoes input nor changes line ends."""
    here, there = pty.openpty()
    fcntl.ioctl(there, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    settings = termios.tcgetattr(there)
    settings[1] &= ~termios.ONLCR
    settings[3] &= ~termios.ECHO
    termios.tcsetattr(there, termios.TCSANOW, settings)
    return here, there


def _read(terminal: int) -> str:
    output = b""
    while select.select([terminal], [], [], SILENCE)[0]:
        try:
            data = os.read(terminal, 65536)
        except OSError:  # Linux: the last process has closed the terminal
            data = b""
        if not data:
            return output.decode()
        output += data
    return f"{output.decode()}(a command waits for input)\n"


def comparable(expected: str, shown: str, home: str) -> tuple[str, str]:
    """Return both texts in a form that can be compared: `home` as ~, and masks for what varies.

    Masked text may change the width of a table, and where a sentence is broken. So where something was masked, or
    `home` is shown, white space and rules of any length are equal.
    """
    written = _WAITING.sub("", re.sub(r"[ \t]+$", "", shown.replace(home, "~"), flags=re.MULTILINE))
    masked_expected, masked_written = _masked(expected), _masked(written)
    if home in shown or (masked_expected, masked_written) != (expected, written):
        masked_expected, masked_written = (
            re.sub(r"\s+", " ", re.sub("─+", "─", text)) for text in (masked_expected, masked_written)
        )
    return masked_expected, masked_written


def _masked(text: str) -> str:
    for pattern, name in _MASKS:
        text = pattern.sub(name, text)
    return text


if __name__ == "__main__":
    for block in blocks(PATH.read_text("utf-8")):
        if block.language == "sh":
            sys.stdout.write(f"{block.text.strip()}\0")
