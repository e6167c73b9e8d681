"""Reads references from the command line, and text from stdin."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from todocli.errors import ValidationError

if TYPE_CHECKING:
    from todocli.domain.references import References

MAX_STDIN = 100_000_000
"""The most bytes that are read from stdin, as they are kept in memory."""


class NothingOnStdin(Exception):
    """A pipe named no todo, which is no error: there is nothing to do."""


def read_references(words: Sequence[str]) -> References:
    """Return the references of a command line; `-` reads them from stdin. Raises `NothingOnStdin`."""
    from todocli.domain.references import parse_references

    listed = list(words) == ["-"]
    if listed:
        words = read_stdin().split()
        if not words:
            raise NothingOnStdin
    return parse_references(words, listed=listed)


def read_text(given: str) -> str:
    """Return `given`, or stdin for `-`."""
    return read_stdin() if given == "-" else given


def read_stdin() -> str:
    """Return stdin with line feeds alone. Raises `ValidationError` if it is too long, or not UTF-8."""
    stream = getattr(sys.stdin, "buffer", None)
    if stream is None:
        return ""
    if stream.isatty():
        print("Press Ctrl-D on an empty line to finish.", file=sys.stderr)
    data: bytes = stream.read(MAX_STDIN + 1)
    if len(data) > MAX_STDIN:
        detail = f"stdin has more than {MAX_STDIN:,} bytes. Nothing was changed."
        raise ValidationError(detail, hint="Split it into several parts.")
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        detail = f"Line {line} of stdin is not valid UTF-8. Nothing was changed."
        raise ValidationError(
            detail, hint="Convert it first", command=("iconv", "-f", "latin1", "-t", "utf-8")
        ) from None
