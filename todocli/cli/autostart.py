"""Starts the daemon for a user who types one command after another."""

from __future__ import annotations

import sys
from contextlib import suppress

from todocli.errors import TodoError


def start_daemon() -> None:
    """Start a daemon if the user types often, unless the configuration says otherwise. The first time, say so."""
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        return
    from todocli import paths, profiles
    from todocli.daemon import client, control

    if client.wanted() is None:
        return
    with suppress(OSError, TodoError):  # a command that has ended well does not fail for it
        if not profiles.load().daemon or not control.start_if_frequent():
            return
        introduced = paths.cache_folder() / "daemon-introduced"
        if introduced.exists():
            return
        from todocli.cli.colour import wants_colour

        dim, off = ("\x1b[2m", "\x1b[0m") if wants_colour(sys.stderr, "auto") else ("", "")
        text = "A background process now makes commands faster: todo help daemon"
        print(f"{dim}{text}{off}", file=sys.stderr)
        introduced.parent.mkdir(parents=True, exist_ok=True)
        introduced.touch()
