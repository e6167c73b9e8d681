"""Writes `docs/screenshot.svg`, the picture in the README: `python -m scripts.write_screenshot`.

The program itself runs, in this process and at a fixed time, and its colours become SVG. The picture needs no font
from the network: each run of characters has its width, so that any monospaced font fits.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from tests.support.terminal import Terminal

PATH = Path(__file__).resolve().parents[1] / "docs/screenshot.svg"
COLUMNS = 80
NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)

ADDED = (
    (timedelta(days=9), "Plan the summer holiday p:3 project:family"),
    (timedelta(days=6), "Renew the passport due:2026-12-11 p:2"),
    (timedelta(days=6), "Write the quarterly report due:2026-11-30 p:2 project:work"),
    (timedelta(days=5), "Water the plants due:2026-11-22 project:home"),
    (timedelta(days=4), "Send the invoice to Acme due:2026-11-23 p:1 project:work +bills"),
    (timedelta(days=3), "Book a table for Ada due:2026-11-27 project:family"),
    (timedelta(days=2), "Pay the rent due:2026-11-24 p:1 project:home +bills"),
    (timedelta(days=2), "Learn Toki Pona +fun"),
    (timedelta(days=1), "Review pull request 214 due:2026-11-24-15:30 project:work"),
    (timedelta(hours=20), "Fix the bike light project:home +errand"),
    (timedelta(hours=3), "Call the bank due:2026-11-25-17:00 p:1 +bills"),
    (timedelta(minutes=12), "Buy milk and bread +errand"),
)
TYPED = ("todo", "todo done --tag bills --yes", "todo undo")

WIDTH, HEIGHT, SIZE = 8.4, 20, 14
"""The width and the height of a character cell and the size of the font, in pixels."""

PAD, BAR = 20, 40
PAPER, INK = "#14191f", "#d5dbe3"
COLOURS = {"31": "#ff7b72", "32": "#7ee787", "33": "#e3b341"}
FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"

_SGR = re.compile("\x1b" + r"\[([0-9;]*)m")


def screen(monkeypatch: pytest.MonkeyPatch) -> str:
    """Return what a terminal with colours shows after some commands."""
    person = Terminal(monkeypatch, terminal=True, width=COLUMNS)
    person("list")
    for age, line in ADDED:
        _set_clock(monkeypatch, NOW - age)
        person.ok(["add", *line.split()])
    _set_clock(monkeypatch, NOW)
    shown = []
    for line in TYPED:
        ran = person(f"{line.removeprefix('todo')} --color always")
        shown.append(f"\x1b[32m$\x1b[0m \x1b[1m{line}\x1b[0m\n{ran.out}{ran.err}\n")
    return "".join(shown).rstrip("\n")


def _set_clock(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    """Replace the clock wherever a module has it."""
    for name, module in list(sys.modules.items()):
        if name.startswith("todocli") and hasattr(module, "now"):
            monkeypatch.setattr(module, "now", lambda: now)


def svg(text: str) -> str:
    """Return a picture of a terminal that shows `text`."""
    lines = text.split("\n")
    width, height = round(COLUMNS * WIDTH + 2 * PAD), BAR + len(lines) * HEIGHT + PAD
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">',
        "<title>todo: a list in the terminal, the most urgent first; several todos done at once, and undone</title>",
        f'<rect width="{width}" height="{height}" rx="10" fill="{PAPER}"/>',
        *(
            f'<circle cx="{PAD + 4 + 20 * i}" cy="21" r="6" fill="{colour}"/>'
            for i, colour in enumerate(("#ff5f57", "#febc2e", "#28c840"))
        ),
        f'<g font-family="{FONTS}" font-size="{SIZE}" fill="{INK}" xml:space="preserve">',
        *(part for row, line in enumerate(lines) for part in _row(line, BAR + row * HEIGHT)),
        "</g>",
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _row(line: str, top: int) -> Iterator[str]:
    """Yield the elements of one line: text, and rules as lines, which have no gaps in any font."""
    for column, codes, words in _runs(line):
        left = PAD + column * WIDTH
        if set(words) == {"─"}:
            middle = top + HEIGHT / 2
            yield f'<path d="M{left:g} {middle:g}h{len(words) * WIDTH:g}" stroke="{INK}" stroke-opacity="0.35"/>'
        else:
            yield (
                f'<text x="{left:g}" y="{top + 15}" textLength="{len(words) * WIDTH:g}"{_style(codes)}>'
                f"{escape(words)}</text>"
            )


def _runs(line: str) -> Iterator[tuple[int, frozenset[str], str]]:
    """Yield the words of a line, each with its column and the style codes (SGR) that hold for it."""
    codes: frozenset[str] = frozenset()
    column = 0
    for i, part in enumerate(_SGR.split(line)):
        if i % 2:
            given = set(part.split(";"))
            codes = frozenset() if given & {"", "0"} else codes | given
            continue
        for match in re.finditer(r"\S+(?: \S+)*", part):
            yield column + match.start(), codes, match[0]
        column += len(part)


def _style(codes: frozenset[str]) -> str:
    style = "".join(f' fill="{COLOURS[code]}"' for code in sorted(codes & COLOURS.keys()))
    return style + ' font-weight="bold"' * ("1" in codes) + ' fill-opacity="0.6"' * ("2" in codes)


def picture(home: str) -> str:
    """Return the picture, drawn with an empty database in the folder `home`."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("TODO_", "NO_COLOR", "FORCE_COLOR", "CLICOLOR")):
                patch.delenv(name)
        patch.setenv("TODO_HOME", home)
        patch.setenv("TZ", "UTC")
        time.tzset()
        return svg(screen(patch))


def main() -> None:
    """Write the file."""
    PATH.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        PATH.write_text(picture(home), "utf-8")


if __name__ == "__main__":
    main()
