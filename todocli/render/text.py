"""Makes stored text safe to print: nothing in it can control the terminal."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

MAX_MARKS = 30
"""How many combining marks are shown on one character: the bound of Unicode's Stream-Safe Text Format (UAX #15)."""

_AROUND = 30
_JOINERS = "\u200c\u200d"


def visible(text: str, *, lines: bool = False) -> str:
    """Return `text` with everything that is not seen, or that moves what is seen, written as an escape.

    That is: control characters, bidirectional controls, zero-width and other format characters, line separators and
    lone surrogates. Joiners between two letters that are not ASCII stay, since scripts and emoji need them. With
    `lines`, line feeds stay too.
    """
    if text.isascii() and text.isprintable():
        return text
    shown = "".join(_shown(text, i, lines) for i in range(len(text)))
    return re.sub(rf"([^\x00-\u02ff]{{{MAX_MARKS + 1},}})", _stream_safe, shown)


def _shown(text: str, i: int, lines: bool) -> str:
    char = text[i]
    if char.isprintable() or (lines and char == "\n"):
        return char
    category = unicodedata.category(char)
    if category == "Zs" or category in ("Co", "Cn"):
        return char
    if char in _JOINERS and 0 < i < len(text) - 1 and _joins(text[i - 1]) and _joins(text[i + 1]):
        return char
    return ascii(char)[1:-1]


def _joins(char: str) -> bool:
    """Return whether `char` may stand beside a joiner: a letter, mark or symbol (as emoji are) beyond ASCII."""
    return not char.isascii() and unicodedata.category(char)[0] in "LMS"


def _stream_safe(run: re.Match[str]) -> str:
    kept: list[str] = []
    marks = 0
    for char in run[0]:
        mark = unicodedata.category(char) in ("Mn", "Me")
        marks = marks + mark if mark or char in _JOINERS else 0
        if marks <= MAX_MARKS:
            kept.append(char)
        elif mark and marks == MAX_MARKS + 1:
            kept.append("…")
    return "".join(kept)


def pointed_at(text: str, start: int, end: int) -> tuple[str, str]:
    """Return a part of `text` around a spot in it, and carets to stand below the spot."""
    from rich.cells import cell_len

    before, spot, after = (visible(part) for part in (text[:start], text[start:end], text[end:]))
    before = before if len(before) <= _AROUND else f"…{before[-_AROUND:]}"
    spot = spot if len(spot) <= _AROUND else f"{spot[:_AROUND]}…"
    after = after if len(after) <= _AROUND else f"{after[:_AROUND]}…"
    return f"{before}{spot}{after}", " " * cell_len(before) + "^" * max(cell_len(spot), 1)


def first_line(text: str) -> str:
    """Return the first line of `text`, visible, with an ellipsis if there are more."""
    line, *more = text.splitlines() or [""]
    return visible(line) + (" …" if any(part.strip() for part in more) else "")


def hint_line(hint: str | None, command: Sequence[str] | None) -> str | None:
    """Return a hint and the command that it suggests, as a shell reads it; None if there are neither."""
    import shlex

    line = shlex.join(command) if command else ""
    return f"{hint}: {line}" if hint and line else hint or line or None
