"""Breaks sentences at blanks, as a terminal would not, and never inside a command that is meant to be typed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def wrapped(text: str, width: int, *, command: str = "") -> str:
    """Return `text`, and after a blank the `command`, in lines of at most `width` columns.

    What has no blank, or is the command, may be longer.
    """
    return "\n".join(_lines([*text.split(" "), *([command] if command else [])], width))


def _lines(words: Sequence[str], width: int) -> Iterator[str]:
    line, first = "", True
    for word in words:
        longer = f"{line} {word}" if not first else word
        if line.strip() and cell_width(longer) > width:
            yield line
            longer = word
        line, first = longer, False
    yield line


def cell_width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)
