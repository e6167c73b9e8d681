"""The entry point: fast answers first, then the command line."""

from __future__ import annotations

import gc
import os
import sys


def main() -> None:
    """Run the program and exit with its status."""
    # Imported modules are never freed. Scanning them again and again takes 5 % of a short command.
    gc.set_threshold(100_000)
    try:
        status = _fast_answer()
        if status is not None:
            sys.exit(status)
        if "--debug" in sys.argv[1:]:
            from todocli.cli import debug

            debug.begin()  # before anything else is imported
        else:
            _try_daemon()
        from todocli.cli.app import build

        program = build()
    except KeyboardInterrupt:
        sys.exit(130)
    program()


def _try_daemon() -> None:
    """Let the daemon run the command line, if there is one, and exit with its status."""
    from todocli.daemon import client

    try:
        status = client.run(sys.argv[1:])
    except client.Lost as lost:
        from todocli.cli.exits import lost_in_daemon

        sys.exit(lost_in_daemon(sys.argv[1:], lost.change))
    if status is not None:
        os._exit(status)  # nothing of this process is left to write


def _fast_answer() -> int | None:
    """Answer `--version` and completion before anything heavy is imported; return the exit status, or None."""
    if sys.argv[1:] == ["--version"]:
        from todocli import __version__

        return _print(f"todo {__version__}\n")
    if "_TODO_COMPLETE" in os.environ:
        from todocli.completion.answer import answer

        completion = answer(os.environ)
        if completion is not None:
            return _print(completion)
    return None


def _print(text: str) -> int:
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
