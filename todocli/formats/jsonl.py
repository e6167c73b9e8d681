"""The program's own JSON with one todo per line, as `todo list --jsonl` prints it, after a line with the version.

Of lines with history (`todocli.formats.history`), the todos are read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, TextIO

from todocli.domain.records import Entry
from todocli.errors import ValidationError
from todocli.formats.json import VERSION, check_version, parse
from todocli.formats.reading import LineIds, entries, text_lines
from todocli.schemas.todos import TodoRead

_MAX_LINE = 100_000_000
"""The most bytes of a line: a todo with a thousand of the longest notes."""


def read(file: BinaryIO) -> Iterator[Entry]:
    """Return the todos of a file. Raises `ValidationError` for a line that is not JSON."""
    ids = LineIds()
    return entries(_items(file), lambda place, item: parse(place, item, ids))


def _items(file: BinaryIO) -> Iterator[tuple[str, Any]]:
    has_history = False
    for number, line in text_lines(file, limit=_MAX_LINE):
        if not line.strip():
            continue
        try:
            item = json.loads(line)
        except (ValueError, RecursionError):
            raise ValidationError(
                f"Line {number} of the file is not valid JSON.", hint="Export it again, or pass --format."
            ) from None
        if number == 1 and isinstance(item, dict) and item.get("format") == "todo":
            check_version(line)
            has_history = "rows" in item
            continue
        if has_history and isinstance(item, dict):
            if item.get("table") != "todos":
                continue
            item = item.get("row")
        yield f"line {number}", item


def write(todos: Iterable[TodoRead], file: TextIO) -> None:
    """Write a line with the version, and one for each todo."""
    file.write(f'{{"format": "todo", "version": {VERSION}}}\n')
    file.writelines(f"{todo.model_dump_json()}\n" for todo in todos)
