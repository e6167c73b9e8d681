"""Changes in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Literal

from todocli.domain.history import COMMAND_LINE, Action
from todocli.render.dates import ago
from todocli.render.text import first_line, visible
from todocli.schemas.base import instant
from todocli.schemas.changes import ChangeItem, ChangeRead, FieldChange
from todocli.schemas.todos import TodoRead

_UNDO_EFFECTS: dict[Action, str] = {
    "added": "goes to the trash",
    "done": "is open again",
    "reopened": "is done again",
    "removed": "comes back from the trash",
    "restored": "goes back to the trash",
    "deleted": "comes back",
}
_REDO_EFFECTS: dict[Action, str] = {
    "added": "comes back from the trash",
    "done": "is done again",
    "reopened": "is open again",
    "removed": "goes to the trash again",
    "restored": "comes back from the trash",
    "deleted": "goes to the trash",
}


def name(item: ChangeItem) -> str:
    """Return the number and title of a todo."""
    return f"{item.number} {visible(item.title)}" if item.title is not None else str(item.number)


def summary(change: ChangeRead, now: datetime) -> str:
    """Return a change in one line: as `headline`, and when."""
    return f"{headline(change)} ({ago(change.made_at, now)})"


def headline(change: ChangeRead) -> str:
    """Return a change in one line: what it did, to which todo, how many more, and where it came from."""
    first, *_ = change.items
    shown = ", ".join(map(field_label, _shown(first)))
    fields = f" {shown} of" if first.action == "changed" and shown else ""
    more = f" and {change.count - 1} more" if change.count > 1 else ""
    origin = "" if change.origin == COMMAND_LINE else f" {visible(change.origin.label())}"
    return f"{first.action}{fields} {name(first)}{more}{origin}"


def effect(item: ChangeItem, verb: Literal["undo", "redo"]) -> str:
    """Return what undoing or redoing a change does to one of its todos."""
    words = (_UNDO_EFFECTS if verb == "undo" else _REDO_EFFECTS).get(item.action)
    if words:
        return f"{name(item)} {words}"
    changes = [
        f"{field_label(field)}: {field_value(field, change.after if verb == 'undo' else change.before)} → "
        f"{field_value(field, change.before if verb == 'undo' else change.after)}"
        for field, change in _shown(item).items()
    ]
    return f"{item.number} {', '.join(changes) or 'stays as it is'}"


def action_label(change: ChangeRead, item: ChangeItem) -> str:
    """Return in a few words what a change did to one todo."""
    label = item.action if change.kind == "change" else f"{change.kind}: {item.action}"
    return f"{label} (undone)" if change.is_undone else label


def detail(change: ChangeRead, item: ChangeItem) -> str:
    """Return what the fields of a todo were before a change, and where the change came from."""
    changes = _shown(item) if item.action == "changed" else {}
    parts = [
        _note(change) if field == "note_count" else f"{field_label(field)} was {field_value(field, change.before)}"
        for field, change in changes.items()
    ]
    if claimant := _claimant(item):
        parts.append(f"for {claimant}")
    if change.origin != COMMAND_LINE:
        parts.append(visible(change.origin.label()))
    return " · ".join(parts)


def _claimant(item: ChangeItem) -> str:
    """Return for whom a change claimed a todo; nothing if it did not, or only renewed a claim."""
    by = item.changes.get("claimed_by") if item.action == "claimed" else None
    return visible(str(by.after)) if by else ""


def _note(change: FieldChange) -> str:
    return "note added" if (change.after or 0) > (change.before or 0) else "note taken back"


_BOOKKEEPING = ("repeat_from", "repeat_on", "series_id", "series_place")
"""Fields that follow from others."""


def _shown(item: ChangeItem) -> dict[str, FieldChange]:
    """Return the changed fields that mean something to a person; of the series only if nothing else changed."""
    shown = {field: change for field, change in item.changes.items() if field not in _BOOKKEEPING}
    others = {field: change for field, change in shown.items() if field != "series_values"}
    return others or shown


def field_label(field: str) -> str:
    """Return the name of a field in words."""
    labels = {"due_on": "due", "due_time": "time", "starts_on": "start", "is_someday": "someday", "note_count": "notes"}
    labels |= {"rrule": "repeats", "ends_on": "end", "parent": "under", "series_values": "series"}
    return labels.get(field, field)


def field_value(field: str, value: object) -> str:
    """Return the value of a field in one line; text in quotes."""
    if value in (None, [], 0, False):
        return "none"
    if value is True:
        return "yes"
    if isinstance(value, dict):
        return series_values(value)
    if field == "rrule":
        return _rule(str(value))
    if isinstance(value, list) and field == "needs":
        return ", ".join(map(str, value))
    if isinstance(value, list):
        return " ".join(f"+{visible(str(tag))}" for tag in value)
    text = first_line(str(value))
    if field == "due_time":
        return text.removesuffix(":00")
    return f"“{text}”" if field in ("title", "description") else text


def series_values(values: Mapping[str, object]) -> str:
    """Return what the series of a todo has: `title “Water”, priority none`."""
    named = [name for name in TodoRead.model_fields if name in values]
    return ", ".join(f"{field_label(name)} {field_value(name, values[name])}" for name in named)


def _rule(rrule: str) -> str:
    """Return a rule as it is typed."""
    from todocli.domain.recurrence import Repetition
    from todocli.domain.recurrence_phrases import short

    return short(Repetition(rrule))


def plain_change(change: ChangeRead) -> Iterator[str]:
    """Yield a tab-separated line for each todo of a change: instant, kind, action, number, title, claimant.

    Columns at the end are left out if they are empty.
    """
    for item in change.items:
        number, title = str(item.number), visible(item.title or "")
        columns = (instant(change.made_at), change.kind, item.action, number, title, _claimant(item))
        yield "\t".join(columns).rstrip("\t")
