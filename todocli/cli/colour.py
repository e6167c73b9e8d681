"""Whether a stream gets colour."""

from __future__ import annotations

import os
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
