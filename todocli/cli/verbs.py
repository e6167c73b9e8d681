"""What commands do to todos, in words."""

from __future__ import annotations

from typing import NamedTuple


class Verb(NamedTuple):
    """What a command does, in words: `name` on the line, `imperative`, `past`, and `already` if nothing changed.

    In the imperative, {} stands for the todos.
    """

    name: str
    imperative: str
    past: str
    already: str = ""


ADD = Verb("add", "Add {}", "Added", "was already added")
EDIT = Verb("edit", "Change {}", "Changed", "is unchanged")
NOTE = Verb("note", "Add a note to {}", "Noted")
DONE = Verb("done", "Complete {}", "Done", "was already done")
REOPEN = Verb("reopen", "Reopen {}", "Reopened", "is already open")
REMOVE = Verb("rm", "Move {} to the trash", "Removed")
SKIP = Verb("skip", "Skip {}", "Skipped")
CLAIM = Verb("claim", "Claim {}", "Claimed")
RELEASE = Verb("release", "Release {}", "Released", "is not claimed")
RESTORE = Verb("restore", "Restore {}", "Restored", "is not in the trash")
