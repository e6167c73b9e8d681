"""From the body of a request to a todo to add: its fields, and what the words of its text set."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from todocli.domain.quick_add import LISTS, parse_quick_add
from todocli.errors import FieldError, ValidationError
from todocli.schemas.base import validated
from todocli.schemas.http import TodoAdd
from todocli.schemas.todos import TodoCreate


def draft_of(todo: TodoAdd, here: datetime) -> TodoCreate:
    """Return the todo to add. Days in its text are relative to `here`. Raises `ValidationError`."""
    fields: dict[str, Any] = todo.model_dump(exclude_unset=True, exclude={"text"})
    if not todo.text:
        return validated(TodoCreate, fields)
    try:
        found = parse_quick_add([todo.text], {}, here=here)
        words = {name: value for name, value in found.new.items() if name not in LISTS}
        if words.get("due_time") is None:  # a day alone, whose time may stand beside the text
            words.pop("due_time", None)
        lists = {name: [*fields.get(name, []), *found.new[name]] for name in LISTS}
        if twice := words.keys() & fields.keys():
            raise ValidationError.of(min(twice), f"The {min(twice)} is given twice: in the text, and beside it.")
        return validated(TodoCreate, fields | {"title": found.title, **words, **lists})
    except ValidationError as error:
        error.field_errors = tuple(fault if fault.field in fields else _in_text(fault) for fault in error.field_errors)
        raise


def _in_text(fault: FieldError) -> FieldError:
    """Return the fault of a field that a client sent as a word of its text: it knows no other name."""
    return FieldError("text", fault.message if fault.message.endswith(".") else fault.sentence)


def drafts_of(todos: list[TodoAdd], here: datetime) -> list[TodoCreate]:
    """Return several todos to add. The field errors of `ValidationError` name their places: `items.3.title`."""
    drafts, faults = [], []
    for i, todo in enumerate(todos):
        try:
            drafts.append(draft_of(todo, here))
        except ValidationError as error:
            faults += [FieldError(f"items.{i}.{field}", message) for field, message in error.field_errors]
    if faults:
        detail = " ".join(f"{field}: {message}" for field, message in faults[:10])
        raise ValidationError(f"{detail} Nothing was added.", field_errors=tuple(faults))
    return drafts
