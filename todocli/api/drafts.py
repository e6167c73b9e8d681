"""From the body of a request to a todo to add: its fields, and what the words of its text set."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

import pydantic

from todocli.domain.quick_add import LISTS, parse_quick_add
from todocli.errors import FieldError, NotFound, ValidationError
from todocli.schemas.base import validated
from todocli.schemas.http import MAX_ITEMS, TodoAdd
from todocli.schemas.todos import TodoCreate, TodoFields
from todocli.services import repetition


def draft_of(todo: TodoAdd, here: datetime) -> TodoCreate:
    """Return the todo to add. Days in its text are relative to `here`. Raises `ValidationError`."""
    try:
        draft = validated(TodoCreate, _fields(todo, here))
        repetition.of_new(draft, here.date())  # the service checks this too, but cannot say which todo it is about
    except ValidationError as error:
        error.field_errors = tuple(
            fault if fault.field in todo.model_fields_set else _as_sent(fault, todo) for fault in error.field_errors
        )
        raise
    return draft


def _fields(todo: TodoAdd, here: datetime) -> dict[str, Any]:
    """Return the fields of a todo, with those that the words of its text set. Raises `ValidationError`."""
    fields: dict[str, Any] = todo.model_dump(exclude_unset=True, exclude={"text"})
    if not todo.text:
        return fields
    found = parse_quick_add([todo.text], {}, here=here)
    words = {name: value for name, value in found.new.items() if name not in LISTS}
    if words.get("due_time") is None:  # only a day: the time may be given beside the text
        words.pop("due_time", None)
    lists = {name: [*fields.get(name, []), *found.new[name]] for name in LISTS}
    if twice := words.keys() & fields.keys():
        raise ValidationError.of(min(twice), f"The {min(twice)} is given twice: in the text, and beside it.")
    return fields | {"title": found.title, **words, **lists}


def _as_sent(fault: FieldError, todo: TodoAdd) -> FieldError:
    """Return the fault of a field that a client sent as a word of its text, if it sent one: it knows no other name."""
    if not todo.text:
        return fault
    return FieldError("text", fault.sentence)


def place_in_list(i: int, field: str) -> str:
    """Return the name of a field of one of several todos: `items.3.title`."""
    return f"items.{i}.{field}"


def drafts_of(todos: Sequence[TodoAdd], here: datetime) -> list[TodoCreate]:
    """Return several todos to add. The field errors of `ValidationError` name their places."""
    drafts, faults = [], []
    for i, todo in enumerate(todos):
        try:
            drafts.append(draft_of(todo, here))
        except ValidationError as error:
            faults += [FieldError(place_in_list(i, field), message) for field, message in error.field_errors]
    if faults:
        detail = " ".join(fault.sentence for fault in faults[:10])
        raise ValidationError(f"{detail} Nothing was added.", field_errors=tuple(faults))
    return drafts


def draft_faults(body: object, here: datetime) -> list[tuple[int, FieldError]]:
    """Return what `drafts_of` would refuse of the items of a body that are valid so far, each with the item's place."""
    faults: list[tuple[int, FieldError]] = []
    items = body.get("items") if isinstance(body, dict) else None
    for i, item in enumerate(items[:MAX_ITEMS] if isinstance(items, list) else ()):
        with suppress(pydantic.ValidationError):
            todo = TodoAdd.model_validate(item)
            try:
                draft_of(todo, here)
            except ValidationError as error:
                faults += [(i, fault) for fault in error.field_errors]
    return faults


@contextmanager
def links_as_sent(
    todos: Sequence[TodoAdd], drafts: Sequence[TodoCreate], name: Callable[[int, str], str] = place_in_list
) -> Iterator[None]:
    """Name what new todos cannot refer to as the client sent it: as a field, or as a word of a text.

    `name` makes the name of a field of each of the todos.
    """
    try:
        yield
    except (NotFound, ValidationError) as error:
        named = tuple(
            FieldError(name(i, fault.field if number in _linked(todo, fault.field) else "text"), fault.message)
            for fault, number in zip(error.field_errors, error.numbers, strict=False)
            for i, (todo, draft) in enumerate(zip(todos, drafts, strict=True))
            if number in _linked(draft, fault.field)
        )
        error.field_errors = named or error.field_errors
        raise


def _linked(fields: TodoFields, name: str) -> Collection[int | None]:
    return fields.needs if name == "needs" else (fields.parent,)
