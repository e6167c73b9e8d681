"""Edits a todo, or a new note, as a short text in the user's editor. What was typed is never lost.

due: 2026-11-27 17:00      a header of fields, and a blank line; without it the fields stay as they are
…
tags: +bills
…

Pay rent                   the title
the description below it

# ---- >8 ----             this line and everything below it are ignored
"""

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

from todocli import clock, paths
from todocli.errors import TodoError, UsageError, ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from todocli.cli.context import Context
    from todocli.domain.quick_add import QuickAdd
    from todocli.domain.references import References
    from todocli.schemas.todos import TodoRead, TodoUpdate
    from todocli.services.resolve import Result

SCISSORS = "# ------------------------ >8 ------------------------"
"""The line that ends the text, as in git's commit messages."""

HEADER = ("due", "start", "priority", "project", "tags", "needs", "parent", "every", "again", "ends", "times")
"""The fields of the header, in its order."""

_EXPLANATION = """
# Above are the fields, the title, and below it the description.
# The line above and everything below it are ignored.
"""


class Draft:
    """A text to edit, in a file of its own. It stays there until it is stored, if it was changed."""

    def __init__(self, name: str, text: str) -> None:
        """Write the file. Raises `TodoError`."""
        self._text = text
        folder = paths.drafts_folder()
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, path = tempfile.mkstemp(prefix=f"todo-{name}-", suffix=".txt", dir=folder)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise TodoError(f"Cannot create a file to edit in {folder}: {error.strerror}.") from None
        self._path = Path(path)

    def __enter__(self) -> Draft:
        return self

    def __exit__(self, _type: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        """Delete the file; after an error only if there is nothing in it that was typed."""
        if error is None or self._is_unchanged():
            with suppress(OSError):
                self._path.unlink()
        elif isinstance(error, TodoError):
            error.detail += f" Your text is in {self._path}"

    def edited(self, command: list[str]) -> str | None:
        """Let the user edit the text, and return it; None if it was not changed. Raises `TodoError`."""
        _run(command, self._path)
        text = _read(self._path)
        return None if text == self._text else text

    def _is_unchanged(self) -> bool:
        try:
            return self._path.read_bytes() == self._text.encode()
        except OSError:
            return True


def edit_todo(context: Context, reference: References, *, series: bool) -> tuple[Result, TodoUpdate]:
    """Let the user edit a todo, or its `series`, and store it unless somebody else changed it in the meantime.

    Return the result, and what was changed.

    Raises `TodoError` if there is no editor, or if it fails. A text that cannot be stored stays in a file, which the
    error names.
    """
    from todocli.schemas.base import validated
    from todocli.schemas.todos import TodoUpdate
    from todocli.services.resolve import Result

    command = _editor(context, "No change was given", "Give words such as due:fri, or --title or --description.")
    todo = _find(context, reference)
    with Draft(str(todo.number), composed(todo)) as draft:
        if (text := draft.edited(command)) is None:
            return Result([todo], frozenset()), TodoUpdate()
        fields, title, description = parse(text)
        if title == _one_line(todo.title):
            title = todo.title
        found = _changes(todo, fields)
        texts = {"title": (todo.title, title), "description": (todo.description, description or None)}
        new = {name: after for name, (before, after) in texts.items() if after != before}
        update = validated(TodoUpdate, found.changes | new)
        key = context.change_key(
            "edit", references=[str(todo.id)], title=title, description=description, series=series, **fields
        )
        with context.workspace() as workspace:
            result = workspace.todos.edit(
                reference, update, key, expected=todo.change_id, shifts=found.shifts, series=series
            )
            return result, update


def write_note(context: Context, reference: References, add: Callable[[str], Result]) -> Result:
    """Let the user write a note on a todo, and `add` it. Raises as `edit_todo`, and `UsageError` for an empty one."""
    command = _editor(context, "No text was given", "Give it as words, or - to read it from stdin.")
    todo = _find(context, reference)
    explanation = f"\n# Write a note on {todo.number} {_one_line(todo.title)} above this line.\n"
    with Draft(f"note-{todo.number}", f"\n{SCISSORS}{explanation}") as draft:
        note = _without_scissors(draft.edited(command) or "", explanation).strip()
        if not note:
            raise UsageError("The note is empty; nothing was changed.", hint="Write its text, and save it.")
        return add(note)


def composed(todo: TodoRead) -> str:
    """Return `todo` as a text to edit."""
    header = "".join(f"{name}: {value}".rstrip() + "\n" for name, value in _fields(todo).items())
    body = f"\n{todo.description}\n" if todo.description else ""
    return f"{header}\n{_one_line(todo.title)}\n{body}\n{SCISSORS}{_EXPLANATION}"


def parse(text: str) -> tuple[dict[str, str], str, str]:
    """Return the fields of the header, the title and the description of an edited text, all stripped.

    Raises `ValidationError` for a header with other lines than fields: they would become the title.
    """
    whole = _without_scissors(text.replace("\r\n", "\n"), _EXPLANATION).strip()
    header, blank, rest = whole.partition("\n\n")
    lines = [line.partition(":") for line in header.split("\n")]
    if not blank or not any(colon and name.strip().lower() in HEADER for name, colon, _ in lines):
        header, rest = "", whole
    fields: dict[str, str] = {}
    for name, _, value in lines if header else ():
        name = name.strip().lower()
        if name not in HEADER or name in fields:
            detail = f"The line {name[:40]!r} of the header {'is there twice' if name in fields else 'is no field'}."
            hint = f"The fields are {', '.join(HEADER)}; the title follows after a blank line."
            raise ValidationError.of(name[:40] or "header", detail, hint=hint)
        fields[name] = value.strip()
    title, _, description = rest.strip().partition("\n")
    return fields, title.strip(), description.strip("\n").rstrip()


def _fields(todo: TodoRead) -> dict[str, str]:
    """Return the fields of the header as they are typed."""
    from todocli.domain.dates import Day, format_day
    from todocli.domain.quick_add import SOMEDAY

    due = format_day(Day(todo.due_on, todo.due_time)) if todo.due_on else SOMEDAY if todo.is_someday else ""
    values = (due, str(todo.starts_on or ""), todo.priority or "", todo.project or "")
    lists = (" ".join(f"+{tag}" for tag in todo.tags), ", ".join(map(str, todo.needs)))
    parent = str(todo.parent or "")
    repeat = (todo.every or "", todo.again or "", str(todo.ends_on or ""), str(todo.times or ""))
    return dict(zip(HEADER, (*values, *lists, parent, *repeat), strict=True))


def _changes(todo: TodoRead, fields: dict[str, str]) -> QuickAdd:
    """Return what a header changes. Raises `ValidationError` for a value that is not valid."""
    from todocli.domain.quick_add import CLEAR, parse_quick_add

    before = _fields(todo)
    changed = {name: value or CLEAR for name, value in fields.items() if value != before[name]}
    options = {name: [value] for name, value in changed.items() if name not in ("tags", "needs")}
    if "tags" in changed:
        tags = [tag for tag in changed["tags"].replace(",", " ").split() if tag.lower() != CLEAR]
        options["tag"] = [CLEAR, *tags]
    if "needs" in changed:
        options["needs"] = [CLEAR, *([changed["needs"]] if changed["needs"].lower() != CLEAR else [])]
    return parse_quick_add([], options, here=clock.here(), is_edit=True)


def _without_scissors(text: str, explanation: str) -> str:
    above, found, below = text.rpartition(SCISSORS)
    is_ours = not below.strip() or below.startswith(explanation[:20])  # or else the user wrote the line
    return above if found and is_ours else text


def _one_line(title: str) -> str:
    return " ".join(title.split("\n")).strip()


def _find(context: Context, reference: References) -> TodoRead:
    """Return a todo. Raises `NotFound` for one in the trash."""
    from todocli.services.resolve import not_found

    with context.workspace() as workspace:
        todo = workspace.todos.get(reference).items[0]
    if todo.deleted_at is not None:
        raise not_found(reference.items, [todo])
    return todo


def _editor(context: Context, missing: str, hint: str) -> list[str]:
    """Return the command that opens the user's editor. Raises `UsageError`, which says what is `missing`."""
    chosen = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if context.shared.no_input or not (chosen or context.interactive):
        raise UsageError(f"{missing}, and there is no terminal to open an editor in.", hint=hint)
    if chosen:
        with suppress(ValueError):
            if command := shlex.split(chosen, posix=os.name != "nt"):
                return command
        raise UsageError(f"VISUAL or EDITOR cannot be parsed: {chosen!r}.", hint="Set EDITOR, for example to nano.")
    return ["notepad" if os.name == "nt" else "vi"]


def _run(command: list[str], path: Path) -> None:
    sys.stdout.flush()
    try:
        editor = subprocess.Popen([*command, str(path)])
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


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise TodoError("The edited text is not valid UTF-8; nothing was changed.") from None
    except OSError as error:
        raise TodoError(f"The edited text cannot be read: {error.strerror}.") from None
