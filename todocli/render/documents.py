"""JSON documents and plain lines: what scripts read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from pydantic import BaseModel

from todocli.errors import TodoError
from todocli.render.text import hint_line, visible
from todocli.schemas.errors import ErrorResponse, FieldErrorRead
from todocli.schemas.todos import TodoLine, TodoRead

_CONTROL = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""DEL, C1 controls, line and paragraph separators, and bidirectional controls; JSON escapes C0 controls anyway."""


def document(value: BaseModel, fields: Sequence[str] | None = None) -> str:
    """Return `value` as one compact JSON document; with `fields`, only those of it or of each of its items."""
    if fields is None:
        return _escaped(value.model_dump_json())
    data = value.model_dump(mode="json")
    if "items" in data:
        data["items"] = [_select(item, fields) for item in data["items"]]
    else:
        data = _select(data, fields)
    return compact_json(data)


def document_in_pieces(
    items: Iterable[BaseModel], fields: Sequence[str] | None, closing: Callable[[int], Mapping[str, object]]
) -> Iterator[str]:
    """Return the document of a list piece by piece, as its `items` come; `closing` has what follows them, by count."""
    count = 0
    yield '{"items":['
    for count, item in enumerate(items, 1):
        if fields is None:
            whole = _escaped(item.model_dump_json())
        else:
            whole = compact_json(_select(item.model_dump(mode="json"), fields))
        yield whole if count == 1 else f",{whole}"
    yield f"],{compact_json(closing(count))[1:]}"


def json_lines(values: Iterable[BaseModel], fields: Sequence[str] | None = None) -> Iterator[str]:
    """Return each of `values` as a JSON document of one line."""
    return (document(value, fields) for value in values)


def error_document(error: TodoError) -> str:
    """Return an error as the JSON that the command line and the HTTP API share."""
    return _escaped(error_body(error).model_dump_json(exclude_none=True))


def error_body(error: TodoError) -> ErrorResponse:
    """Return an error as part of the contract."""
    return ErrorResponse(
        detail=error.detail,
        error_code=error.code,
        field_errors=[FieldErrorRead(field=field, message=message) for field, message in error.field_errors] or None,
        hint=hint_line(error.hint, error.command),
        command=list(error.command) if error.command else None,
    )


def plain(todo: TodoLine | TodoRead, description: str = "") -> str:
    """Return a todo as a line of tab-separated columns; those at the end are left out if they are empty.

    They are number, state, title, due, priority, project, tags and, if given, the description.
    """
    due = str(todo.due_on or "") + (f" {todo.due_time:%H:%M}" if todo.due_time else "")
    tags = f"+{' +'.join(todo.tags)}" if todo.tags else ""
    columns = [todo.title, due, todo.priority or "", todo.project or "", tags, description]
    if visible(whole := "".join(columns)) is not whole:
        columns = [visible(column) for column in columns]
    return "\t".join([str(todo.number), todo.state, *columns]).rstrip("\t")


def compact_json(data: Mapping[str, object]) -> str:
    """Return `data` as one JSON document without white space."""
    return _escaped(json.dumps(data, ensure_ascii=False, separators=(",", ":")))


def _escaped(text: str) -> str:
    """Return a JSON document with escapes for what could control a terminal or end a line, which only strings have."""
    return _CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _select(item: dict[str, object], fields: Sequence[str]) -> dict[str, object]:
    return {name: item[name] for name in fields}
