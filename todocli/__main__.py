"""The way in: the answers that must come at once, and then the command line."""

from __future__ import annotations

import gc
import os
import sys


def main() -> None:
    """Run the program and exit with its status."""
    # What is imported stays: walking it again and again would be a twentieth of a short command's work.
    gc.set_threshold(100_000)
    if sys.argv[1:] == ["--version"]:
        from todocli import __version__

        sys.exit(_said(f"todo {__version__}\n"))
    if "_TODO_COMPLETE" in os.environ:
        from todocli.completion.answer import answer

        answered = answer(os.environ)
        if answered is not None:
            sys.exit(_said(answered[0]) or answered[1])
    try:
        from todocli.cli.app import build

        program = build()
    except KeyboardInterrupt:
        sys.exit(130)
    program()


def _said(text: str) -> int:
    """Write `text` to stdout, and return the exit status."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        from todocli.cli import exits

        return exits.unwritten(error)
    return 0


if __name__ == "__main__":
    main()
