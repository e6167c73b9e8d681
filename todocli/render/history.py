"""Steps in words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from todocli.domain.history import Action, door
from todocli.render.dates import ago
from todocli.render.text import first_line, visible
from todocli.schemas.base import instant
from todocli.schemas.changes import ChangeItem, ChangeRead

_BACK: dict[Action, str] = {
    "added": "goes to the trash",
    "done": "is open again",
    "reopened": "is done again",
    "removed": "comes back from the trash",
    "restored": "goes back to the trash",
    "deleted": "comes back",
}
_AGAIN: dict[Action, str] = {
    "added": "comes back from the trash",
    "done": "is done again",
    "reopened": "is open again",
    "removed": "goes to the trash again",
    "restored": "comes back from the trash",
    "deleted": "goes to the trash",
}


def named(item: ChangeItem) -> str:
    """Return a todo's number and title."""
    return f"{item.number} {visible(item.title)}" if item.title is not None else str(item.number)


def summary(step: ChangeRead, now: datetime) -> str:
    """Return a step in one line: what it did, to which todo, how many more, and when."""
    first, *_ = step.items
    fields = f" {', '.join(map(field_name, first.changes))} of" if first.action == "changed" and first.changes else ""
    more = f" and {step.count - 1} more" if step.count > 1 else ""
    where = "" if step.source == "cli" else f" {visible(door(step.source))}"
    return f"{first.action}{fields} {named(first)}{more}{where} ({ago(step.made_at, now)})"


def effect(item: ChangeItem, verb: Literal["undo", "redo"]) -> str:
    """Return what undoing, or redoing, a step means for one of its todos."""
    words = (_BACK if verb == "undo" else _AGAIN).get(item.action)
    if words:
        return f"{named(item)} {words}"
    changes = [
        f"{field_name(name)}: {shown(name, change.after if verb == 'undo' else change.before)} → "
        f"{shown(name, change.before if verb == 'undo' else change.after)}"
        for name, change in item.changes.items()
    ]
    return f"{item.number} {', '.join(changes) or 'stays as it is'}"


def action_of(step: ChangeRead, item: ChangeItem) -> str:
    """Return the word for what a step did to one todo."""
    word = item.action if step.kind == "step" else f"{step.kind}: {item.action}"
    return f"{word} (undone)" if step.is_undone else word


def detail(step: ChangeRead, item: ChangeItem) -> str:
    """Return what there is to say about a change beyond its word: what the fields were, and who made it."""
    changes = item.changes if item.action == "changed" else {}
    said = [f"{field_name(name)} was {shown(name, change.before)}" for name, change in changes.items()]
    if step.source != "cli":
        said.append(visible(door(step.source)))
    return " · ".join(said)


def field_name(name: str) -> str:
    """Return a field's name in words."""
    return {"due_on": "due", "due_time": "time", "starts_on": "start"}.get(name, name)


def shown(name: str, value: object) -> str:
    """Return a field's value in one line; texts in quotes."""
    if value is None or value == []:
        return "none"
    if isinstance(value, list):
        return " ".join(f"+{visible(str(tag))}" for tag in value)
    text = first_line(str(value))
    if name == "due_time":
        return text.removesuffix(":00")
    return f"“{text}”" if name in ("title", "description") else text


def plain_step(step: ChangeRead) -> Iterator[str]:
    """Give a line of tab-separated columns for each todo of a step: instant, kind, action, number, title."""
    for item in step.items:
        yield "\t".join((instant(step.made_at), step.kind, item.action, str(item.number), visible(item.title or "")))
