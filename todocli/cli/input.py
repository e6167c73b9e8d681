"""What a command reads: references, and texts from stdin."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from todocli.errors import ValidationError

if TYPE_CHECKING:
    from todocli.domain.references import References

MAX_STDIN = 10_000_000
"""How many bytes of stdin are read: more than 5,000 titles of 255 characters can have."""


def read_references(words: Sequence[str]) -> References:
    """Read the references on a command line; `-` stands for those on stdin."""
    from todocli.domain.references import parse_references

    listed = list(words) == ["-"]
    if listed:
        words = read_stdin().split()
        if not words:
            detail = "There is no reference on stdin."
            raise ValidationError(detail, hint="todo list --quiet prints some.")
    return parse_references(words, listed=listed)


def read_text(given: str) -> str:
    """Return `given`, or what is on stdin for `-`."""
    return read_stdin() if given == "-" else given


def read_stdin() -> str:
    """Return what is on stdin, with line feeds alone. Raises `ValidationError` if it is too much, or not UTF-8."""
    stream = getattr(sys.stdin, "buffer", None)
    if stream is None:
        return ""
    if stream.isatty():
        print("Ctrl-D on a line of its own ends the text.", file=sys.stderr)
    data: bytes = stream.read(MAX_STDIN + 1)
    if len(data) > MAX_STDIN:
        detail = f"There is more on stdin than {MAX_STDIN:,} bytes. Nothing was changed."
        raise ValidationError(detail, hint="Give it in several parts.")
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        detail = f"Line {line} of stdin is not valid UTF-8. Nothing was changed."
        raise ValidationError(detail, hint="Convert it first: iconv -f latin1 -t utf-8") from None
