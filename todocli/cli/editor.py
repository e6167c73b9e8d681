"""Edits a todo as a short text in the user's editor. What was typed is never lost."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from todocli import paths
from todocli.errors import TodoError, UsageError

if TYPE_CHECKING:
    from todocli.cli.context import Context
    from todocli.domain.references import References
    from todocli.schemas.todos import TodoRead
    from todocli.services.resolve import Result

SCISSORS = "# ------------------------ >8 ------------------------"
"""The line that ends the text, as in git's commit messages."""

_EXPLANATION = """
# The first line is the title; the rest is the description.
# The line above and everything below it are ignored.
"""


def edit_todo(context: Context, reference: References) -> Result:
    """Let the user edit a todo, and store the result unless somebody else changed it in the meantime.

    Raises `TodoError` if there is no editor, or if it fails. A text that cannot be stored stays in a file, which the
    error names.
    """
    from todocli.schemas.base import validated
    from todocli.schemas.todos import TodoUpdate
    from todocli.services.resolve import Result

    command = _editor(context)
    with context.workspace() as workspace:
        todo = workspace.todos.get(reference).items[0]
        if todo.deleted_at is not None:
            from todocli.services.resolve import not_found

            raise not_found(reference.items, [todo])
    draft = _draft(todo)
    try:
        _run(command, draft)
        text = _read(draft)
        if text == composed(todo):
            draft.unlink()
            return Result([todo], frozenset())
        title, description = parse(text)
        if title == _one_line(todo.title):
            title = todo.title
        update = validated(TodoUpdate, {"title": title, "description": description or None})
        key = context.change_key("edit", references=[str(todo.id)], title=title, description=description)
        with context.workspace() as workspace:
            result = workspace.todos.edit(reference, update, key, expected=todo.change_id)
    except (TodoError, KeyboardInterrupt) as error:
        kept = _kept(draft, todo)
        if kept and isinstance(error, TodoError):
            error.detail += f" Your text is in {draft}"
        raise
    draft.unlink()
    return result


def composed(todo: TodoRead) -> str:
    """Return `todo` as a text to edit."""
    body = f"\n{todo.description}\n" if todo.description else ""
    return f"{_one_line(todo.title)}\n{body}\n{SCISSORS}{_EXPLANATION}"


def _one_line(title: str) -> str:
    return " ".join(title.split("\n")).strip()


def parse(text: str) -> tuple[str, str]:
    """Return the title and the description of an edited text, both stripped."""
    text = text.replace("\r\n", "\n")
    above, found, below = text.rpartition(SCISSORS)
    if found and (not below.strip() or below.startswith(_EXPLANATION[:20])):  # or else the user wrote the line
        text = above
    title, _, description = text.strip().partition("\n")
    return title.strip(), description.strip("\n").rstrip()


def _editor(context: Context) -> list[str]:
    chosen = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if context.shared.no_input or not (chosen or context.interactive):
        raise UsageError(
            "No change was given, and there is no terminal to open an editor in.", hint="Give --title or --description."
        )
    if chosen:
        with suppress(ValueError):
            if command := shlex.split(chosen, posix=os.name != "nt"):
                return command
        raise UsageError(f"VISUAL or EDITOR cannot be parsed: {chosen!r}.", hint="Set EDITOR, for example to nano.")
    return ["notepad" if os.name == "nt" else "vi"]


def _draft(todo: TodoRead) -> Path:
    folder = paths.drafts_folder()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f"todo-{todo.number}-", suffix=".txt", dir=folder)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(composed(todo))
    except OSError as error:
        raise TodoError(f"Cannot create a file to edit in {folder}: {error.strerror}.") from None
    return Path(name)


def _run(command: list[str], draft: Path) -> None:
    sys.stdout.flush()
    try:
        editor = subprocess.Popen([*command, str(draft)])
    except OSError as error:
        raise TodoError(
            f"The editor {command[0]!r} could not be started: {error.strerror}.",
            hint="Set EDITOR to an installed editor.",
        ) from None
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the editor's now
    try:
        status = editor.wait()
    finally:
        signal.signal(signal.SIGINT, before)
    if status:
        raise TodoError(f"The editor {command[0]!r} exited with status {status}; nothing was changed.")


def _read(draft: Path) -> str:
    try:
        return draft.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise TodoError("The edited text is not valid UTF-8; nothing was changed.") from None
    except OSError as error:
        raise TodoError(f"The edited text cannot be read: {error.strerror}.") from None


def _kept(draft: Path, todo: TodoRead) -> bool:
    """Delete an unchanged draft. Return whether there is something to keep."""
    try:
        if draft.read_bytes() == composed(todo).encode():
            draft.unlink()
            return False
    except OSError:
        return False
    return True
