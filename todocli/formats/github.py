"""GitHub issues and pull requests, as its program writes them: `gh issue list --json number,title,body,state,...`.

See https://cli.github.com/manual/gh_issue_list for the fields. None but the title and the number is needed. What a file
does not have stays as it is here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from todocli.domain.records import Entry, Record, RecordNote
from todocli.errors import ValidationError
from todocli.formats import reading
from todocli.formats.json_stream import beginning, json_items
from todocli.formats.reading import CHECK_FORMAT, Unreadable, as_object, entries, instant_of, objects_of, text_of

_FIELDS = {
    "body": "description",
    "state": "is_completed",
    "closedAt": "completed_at",
    "createdAt": "created_at",
    "milestone": "project",
    "labels": "tags",
    "comments": "notes",
    "parent": "parent",
}
"""The fields of a todo that those of a file speak of."""


def read(file: BinaryIO) -> Iterator[Entry]:
    """Return the issues of a file. Raises `ValidationError` if it is of another program."""
    head, whole = beginning(file)
    if head and not head.startswith("["):
        raise ValidationError("The file is not of gh: it is not a JSON list of issues.", hint=CHECK_FORMAT)
    return entries(json_items(whole, "item"), _parse)


def _parse(place: str, item: Any) -> Record:
    issue = as_object(item)
    number, url = issue.get("number"), text_of(issue, "url")
    if url is None and (not isinstance(number, int) or isinstance(number, bool)):
        raise Unreadable("number", "must be a whole number")
    if (state := (text_of(issue, "state") or "OPEN").upper()) not in ("OPEN", "CLOSED", "MERGED"):
        raise Unreadable("state", "must be OPEN, CLOSED or MERGED")
    title = reading.title_of(issue, "title")
    milestone = text_of(as_object(issue.get("milestone") or {}), "title")
    parent = as_object(issue.get("parent") or {})
    assignees = ", ".join(reading.texts_of(issue, "assignees", "login"))
    return Record(
        place,
        url or f"{number} {text_of(issue, 'createdAt') or title}",  # repositories share numbers
        title,
        text_of(issue, "body"),
        is_completed=state != "OPEN",
        completed_at=instant_of(issue, "closedAt") if state != "OPEN" else None,
        created_at=instant_of(issue, "createdAt"),
        project=(milestone,) if milestone else (),
        tags=tuple(reading.texts_of(issue, "labels", "name")),
        notes=tuple(
            RecordNote(text, instant_of(comment, "createdAt"))
            for comment in objects_of(issue, "comments")
            if (text := text_of(comment, "body"))
        ),
        fields=frozenset(_FIELDS[name] for name in _FIELDS.keys() & issue.keys()),
        reference=url or str(number),
        parent=text_of(parent, "url") if url else str(parent["number"]) if "number" in parent else None,
        unheld={name: value for name, value in (("assignees", assignees), ("url", url)) if value},
    )
