"""The program's own JSON with one todo per line, as `todo list --jsonl` prints it, after a line with the version."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, TextIO

from todocli.domain.records import Entry
from todocli.errors import ValidationError
from todocli.formats import todo_json
from todocli.formats.reading import entries, head_of, text_lines
from todocli.schemas.todos import TodoRead


def read(file: BinaryIO) -> Iterator[Entry]:
    """Return the todos of a file. Raises `ValidationError` for a line that is not JSON."""
    head = head_of(file)
    if b'"version"' in head.partition(b"\n")[0]:
        todo_json.check_version(head)
    return entries(_items(file), todo_json.parse)


def _items(file: BinaryIO) -> Iterator[tuple[str, Any]]:
    for number, line in text_lines(file):
        if not line.strip():
            continue
        try:
            item = json.loads(line)
        except (ValueError, RecursionError):
            raise ValidationError(
                f"Line {number} of the file is not valid JSON.", hint="Export it again, or pass --format."
            ) from None
        if number == 1 and isinstance(item, dict) and item.get("format") == "todo":
            continue
        yield f"line {number}", item


def write(todos: Iterable[TodoRead], file: TextIO) -> None:
    """Write a line with the version, and one for each todo."""
    file.write(f'{{"format": "todo", "version": {todo_json.VERSION}}}\n')
    file.writelines(f"{todo.model_dump_json()}\n" for todo in todos)
