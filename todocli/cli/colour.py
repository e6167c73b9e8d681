"""Whether a stream gets colour."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TextIO


def wants_colour(stream: TextIO, choice: str) -> bool:
    """Return whether `stream` gets colour, by `--color` and then by the conventions.

    These are NO_COLOR (no-color.org), FORCE_COLOR (force-color.org), CLICOLOR and CLICOLOR_FORCE
    (bixense.com/clicolors) and TERM=dumb, in this order; a variable that is set but empty counts as not set.
    """
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR") or os.environ.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        return True
    return stream.isatty() and os.environ.get("CLICOLOR") != "0" and os.environ.get("TERM") != "dumb"


def options_of(arguments: Sequence[str]) -> Sequence[str]:
    """Return the words of a command line before `--`, even of one that cannot be parsed."""
    return arguments[: arguments.index("--")] if "--" in arguments else arguments


def color_option(arguments: Sequence[str]) -> str:
    """Return what the last --color of a command line says, even of one that cannot be parsed."""
    options = options_of(arguments)
    choice = "auto"
    for word, following in zip(options, (*options[1:], ""), strict=False):
        name, glued, value = word.partition("=")
        given = value if glued else following
        if name == "--color" and given in ("auto", "always", "never"):
            choice = given
    return choice


def wants_json(arguments: Sequence[str]) -> bool:
    """Return whether a command line asks for JSON, even one that cannot be parsed."""
    return any(word in ("--json", "--jsonl") or word.split("=")[0] == "--fields" for word in options_of(arguments))
