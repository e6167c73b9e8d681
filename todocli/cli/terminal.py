"""The size of the terminal, and text that fits it."""

from __future__ import annotations

import shutil
from typing import TextIO


def width() -> int:
    """Return the width of the terminal, in columns."""
    return max(shutil.get_terminal_size().columns, 20)


def height() -> int:
    """Return the height of the terminal, in lines."""
    return shutil.get_terminal_size().lines


def fit(text: str, stream: TextIO, *, command: str = "", beside: int = 0) -> str:
    """Return a text, and a command after it, in lines that fit if `stream` is a terminal.

    They begin `beside` a label of that many columns.
    """
    if not stream.isatty():
        return f"{text} {command}" if command else text
    from todocli.render.wrapping import wrapped

    return wrapped(text, width() - beside, command=command).replace("\n", "\n" + " " * beside)
