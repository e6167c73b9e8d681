"""The way in: the answers that must come at once, and then the command line."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the program and exit with its status."""
    if sys.argv[1:] == ["--version"]:
        from todocli import __version__

        print(f"todo {__version__}")
        return
    if "_TODO_COMPLETE" in os.environ:
        from todocli import completion

        answer = completion.answer(os.environ)
        if answer is not None:
            print(answer)
            return
    try:
        from todocli.cli.app import build

        program = build()
    except KeyboardInterrupt:
        sys.exit(130)
    program()


if __name__ == "__main__":
    main()
