"""Converts Markdown to roff, for man pages: headings, paragraphs, lists, tables and code blocks.

The result is ASCII. A table becomes aligned text, because `tbl` is not everywhere.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence

WIDTH = 72
"""Columns for text that is not filled: a man page on 80 columns indents it by 7."""

_INLINE = re.compile(r"`([^`]+)`|\*\*(.+?)\*\*|\[([^\]]+)\]\(([^)]+)\)")
_ITEM = re.compile(r"(-|\d+\.) +(.*)")
_SPECIAL = {"\\": r"\e", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti", '"': r"\(dq"}


def escape(text: str, *, dashes: bool = True) -> str:
    """Return `text` as roff shows it; with `dashes`, a hyphen is the ASCII dash that options begin with."""
    special = _SPECIAL | ({"-": r"\-"} if dashes else {})
    return "".join(special.get(char) or (char if char.isascii() else f"\\[u{ord(char):04X}]") for char in text)


def line(text: str) -> str:
    """Return an escaped line as roff takes it for text: a dot at its start would be a request."""
    return f"\\&{text}" if text.startswith((".", "'")) else text


def inline(text: str) -> str:
    """Return a paragraph in roff: code and strong text are bold, links are followed by their address."""
    parts, place = [], 0
    for match in _INLINE.finditer(text):
        code, strong, name, address = match.groups()
        parts.append(escape(text[place : match.start()], dashes=False))
        parts.append(f"{escape(name)} ({escape(address)})" if name else f"\\fB{escape(code or strong)}\\fR")
        place = match.end()
    return line("".join([*parts, escape(text[place:], dashes=False)]))


def verbatim(lines: Sequence[str]) -> Iterator[str]:
    """Yield lines that keep their form; those that are too long are wrapped."""
    yield ".PP"
    yield ".EX"
    for text in lines:
        indent = re.match(r" *", text)[0] + "  "  # type: ignore[index]
        for wrapped in textwrap.wrap(text, WIDTH, subsequent_indent=indent, break_on_hyphens=False) or [""]:
            yield line(escape(wrapped))
    yield ".EE"


def table(rows: Sequence[str]) -> Iterator[str]:
    """Yield a Markdown table as aligned text. A cell of the last column wraps."""
    cells = [[_plain(cell.strip()) for cell in row.strip().strip("|").split("|")] for row in rows]
    del cells[1]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    indent = sum(width + 2 for width in widths[:-1])
    lines = []
    for i, row in enumerate(cells):
        first = "".join(f"{cell:<{width}}  " for cell, width in zip(row[:-1], widths, strict=False))
        wrapped = textwrap.wrap(row[-1], max(WIDTH - indent, 16), break_on_hyphens=False) or [""]
        lines += [f"{first}{wrapped[0]}".rstrip(), *(f"{'':{indent}}{more}" for more in wrapped[1:])]
        if not i:
            lines.append("\u2500" * min(sum(widths) + 2 * len(widths) - 2, WIDTH))
    return verbatim(lines)


def _plain(text: str) -> str:
    return _INLINE.sub(lambda match: match[1] or match[2] or match[3], text)


def convert(markdown: str) -> Iterator[str]:
    """Yield the roff lines of a Markdown text without its title."""
    lines = markdown.splitlines()
    while lines:
        text = lines.pop(0)
        if text.startswith("```"):
            end = lines.index("```")
            yield from verbatim(lines[:end])
            del lines[: end + 1]
        elif text.startswith("|"):
            yield from table([text, *_taken(lines, r"\|")])
        elif match := re.fullmatch(r"##+ (.+)", text):
            yield f".SH {escape(match[1].upper())}"
        elif match := _ITEM.fullmatch(text):
            mark = r"\(bu" if match[1] == "-" else match[1]
            yield f".IP {mark} {2 if match[1] == '-' else 4}"
            yield inline(" ".join([match[2], *map(str.strip, _taken(lines, r"  +\S"))]))
        elif text:
            yield ".PP"
            yield inline(" ".join([text, *_taken(lines, r"(?!```|\||#|- |\d+\. ).")]))


def _taken(lines: list[str], pattern: str) -> list[str]:
    """Return and remove the first lines that begin with `pattern`."""
    count = next((i for i, text in enumerate(lines) if not re.match(pattern, text)), len(lines))
    taken = lines[:count]
    del lines[:count]
    return taken
