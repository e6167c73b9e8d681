"""Reads the README's code blocks, and plays its terminal sessions as somebody would who types them.

As a program it prints what the `sh` blocks say, each ended by NUL: there .ci/run finds its commands.
Standard library only: nothing is installed yet when it does.
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
"""Seconds without a word after which somebody must be waiting for an answer that nobody types."""

_FENCE = re.compile(r"^( *)(```+)([^\n`]*)\n(.*?)^\1\2 *$", re.DOTALL | re.MULTILINE)
_MARK = "\x1e"
_PROLOGUE = f"""_mark() {{ local status=$?; printf '{_MARK}'; return "$status"; }}\n"""
_STYLE = re.compile("\x1b" + r"\[[0-9;]*m")

_MASKS = (
    (re.compile(r"~/Library/Application Support/"), "~/.local/share/"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "UUID"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"), "INSTANT"),
    (re.compile(r"\b\d+ (min|h) ago\b"), "now"),
    (re.compile(r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d\d? [A-Z][a-z]{2}( \d{4})?\b"), "DAY"),
    (re.compile(r"\b\d+(\.\d+)? ms\b"), "TIME"),
    (re.compile(r"\b(SQLite|Postgres) \d+(\.\d+)*( \([^)]*\))?"), r"\1 VERSION"),
    (re.compile(r"\((today|tomorrow|yesterday|in \d+ days|\d+ days ago)\)"), "(DISTANCE)"),
    (re.compile(r"\bpostgresql://\w+:\*\*\*@[\w.:-]+/\w+"), "postgresql://DATABASE"),
)
"""What differs from run to run and from machine to machine. A URL with its password in it is none of these."""


_SLOW = re.compile(r"^(?:Waiting for \S+|Waking the database) …\n", re.MULTILINE)
"""What is said on a machine that is busy."""


@dataclass(frozen=True)
class Block:
    """A fenced block; `line` is where it begins."""

    language: str
    text: str
    line: int
    heading: str


@dataclass(frozen=True)
class Step:
    """A command of a session, and what the terminal shows after it."""

    command: str
    shown: str


def blocks(text: str) -> list[Block]:
    """Return the fenced blocks of a Markdown text. Raises `ValueError` if one is never closed."""
    found = []
    for match in _FENCE.finditer(text):
        headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", text[: match.start()]), re.MULTILINE)
        line = text.count("\n", 0, match.start()) + 1
        found.append(Block(match[3].strip(), textwrap.dedent(match[4]), line, headings[-1] if headings else ""))
    if rest := re.search(r"^ *```.*$", _FENCE.sub("", text), re.MULTILINE):
        raise ValueError(f"A block is not closed: {rest[0]}")
    return found


def steps(session: str) -> list[Step]:
    """Return the steps of a session: `$ command`, more lines of it after `> `, then what is shown."""
    found: list[Step] = []
    shown: list[str] | None = None
    command: list[str] = []
    for line in [*session.splitlines(), None]:
        if line is None or line.startswith("$ "):
            if shown is not None:
                found.append(Step("\n".join(command), "".join(f"{words}\n" for words in shown)))
            command, shown = [line[2:]] if line else [], []
        elif shown is None:
            raise ValueError(f"A session begins with a command, not with {line!r}.")
        elif line.startswith("> ") and not shown:
            command.append(line[2:])
        else:
            shown.append(line)
    return found


def play(commands: list[str], environment: Mapping[str, str]) -> list[str]:
    """Run `commands` in one bash on a terminal of 80 columns; return what each of them shows there.

    The last answer of a session that ends too early says so. Colours and other styles are left out.
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
            said = _STYLE.sub("", _read(here))
        finally:
            process.kill()
            process.wait()
            os.close(here)
    answers = said.split(_MARK)
    rest = answers.pop()
    missing = len(commands) - len(answers)
    if missing:
        answers += [f"{rest}(the session ends here)\n", *[""] * (missing - 1)]
    return answers


def _terminal() -> tuple[int, int]:
    """Open a terminal that repeats nothing that is typed, and ends lines as they are written."""
    here, there = pty.openpty()
    fcntl.ioctl(there, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    settings = termios.tcgetattr(there)
    settings[1] &= ~termios.ONLCR
    settings[3] &= ~termios.ECHO
    termios.tcsetattr(there, termios.TCSANOW, settings)
    return here, there


def _read(terminal: int) -> str:
    said = b""
    while select.select([terminal], [], [], SILENCE)[0]:
        try:
            data = os.read(terminal, 65536)
        except OSError:  # how Linux says that nobody has the terminal open any more
            data = b""
        if not data:
            return said.decode()
        said += data
    return f"{said.decode()}(nobody answers)\n"


def comparable(expected: str, shown: str, home: str) -> tuple[str, str]:
    """Return both texts without what may differ: `home` is written ~, and what varies is masked.

    A table is as wide as what is in it; so where something was masked, the number of blanks is not compared.
    """
    written = _SLOW.sub("", re.sub(r"[ \t]+$", "", shown.replace(home, "~"), flags=re.MULTILINE))
    masked_expected, masked_written = _masked(expected), _masked(written)
    if (masked_expected, masked_written) != (expected, written):
        masked_expected, masked_written = (
            re.sub("(─|(?<=[^ \n]) ){2,}", r"\1\1", text) for text in (masked_expected, masked_written)
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
