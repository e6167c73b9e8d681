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

        print(f"todo {__version__}")
        return
    if "_TODO_COMPLETE" in os.environ:
        from todocli import completion

        answer = completion.answer(os.environ)
        if answer is not None:
            sys.stdout.write(answer[0])
            sys.exit(answer[1])
    try:
        from todocli.cli.app import build

        program = build()
    except KeyboardInterrupt:
        sys.exit(130)
    program()


if __name__ == "__main__":
    main()
