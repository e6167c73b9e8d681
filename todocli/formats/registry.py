"""Which formats there are, and which of them a file has.

A format is a module with some of these functions, and a row in `FORMATS`:

    read(file: BinaryIO) -> Iterator[Entry]                        an entry for each todo, in the order of the file
    write(todos: Iterable[TodoRead], file: TextIO) -> None         todos come with their notes
    holds(todo: TodoRead) -> frozenset[str]                        fields that are written of this todo, but not of all
    keeps_title(title: str) -> bool                                whether it is read again as it is, if not all are
    mapping(head: bytes) -> dict[str, str | None]                  for a table: which field each column is read as

The `read` of a table takes the orders of its dates as well.

`read` yields a `Fault` for a todo that is not valid, and goes on; it raises `todocli.errors.ValidationError` for a file
that is not of the format at all. `write` gets a file that does not translate the ends of lines. Neither keeps the file
in memory as a whole, but for `trello`. What they share is in `reading` and `json_stream`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import PurePath
from typing import Any, BinaryIO, TextIO

from todocli.domain.records import Entry
from todocli.errors import UsageError, ValidationError
from todocli.formats.csv_dates import DateOrders
from todocli.formats.reading import WIDE_MARKS, not_utf8
from todocli.schemas.todos import TodoRead

HEAD_LENGTH = 65_536
"""How many bytes at the beginning of a file may tell its format."""


_MOST = frozenset(
    (
        *("description", "is_completed", "completed_at", "created_at", "due_on", "due_time", "starts_on"),
        *("priority", "project", "tags"),
    )
)
_USUAL = _MOST | {"is_someday", "notes"}
FIELDS = _USUAL | {"needs", "parent", "rrule"}


@dataclass(frozen=True)
class Format:
    """A format by its `name`; `label` is what it is called in a sentence.

    `holds` are the fields of a todo that it has a place for, beside the title. `signs` are
    patterns that the beginning of a file has if it is of this format and not another with the same extension.
    With `keeps_ids`, a todo that came from this format leaves with the id that it had there. One that `is_table` is
    for spreadsheets.
    """

    name: str
    label: str
    extensions: tuple[str, ...] = ()
    holds: frozenset[str] = _USUAL
    signs: tuple[str, ...] = ()
    is_written: bool = True
    keeps_ids: bool = False
    is_table: bool = False

    def read(self, file: BinaryIO, orders: DateOrders | None = None) -> Iterator[Entry]:
        """Return what is in a file; those of dates in a table are used, or found out, in `orders`.

        Raises `ValidationError` if it is of another format.
        """
        read: Callable[..., Iterator[Entry]] = self._module.read
        return read(file, orders) if self.is_table else read(file)

    def mapping(self, head: bytes) -> dict[str, str | None]:
        """Return which field each column of a file is read as, given its beginning; empty for what has no columns."""
        mapping: Callable[[bytes], dict[str, str | None]] | None = getattr(self._module, "mapping", None)
        return mapping(head) if mapping else {}

    def write(self, todos: Iterable[TodoRead], file: TextIO) -> None:
        """Write todos, which come with their notes."""
        self._module.write(todos, file)

    def lacking(self, todo: TodoRead) -> list[str]:
        """Return the fields of a todo that are not written. An occurrence that is done repeats no more."""
        holds: Callable[[TodoRead], frozenset[str]] | None = getattr(self._module, "holds", None)
        held = self.holds | (holds(todo) if holds else frozenset())
        missing = (name for name in sorted(FIELDS - held) if getattr(todo, name))
        return [name for name in missing if name != "rrule" or not todo.is_completed]

    def keeps_title(self, title: str) -> bool:
        """Whether a title that is written is read again as it is."""
        keeps: Callable[[str], bool] | None = getattr(self._module, "keeps_title", None)
        return keeps is None or keeps(title)

    @property
    def _module(self) -> Any:
        return import_module(f"todocli.formats.{self.name}")

    def has_signs(self, head: str) -> bool:
        """Whether the beginning of a file shows that it is of this format."""
        return bool(self.signs) and all(re.search(sign, head) for sign in self.signs)


FORMATS = (
    Format("json", "JSON of todo", (".json",), FIELDS, signs=(r'"format"\s*:\s*"todo"|"change_id"\s*:',)),
    Format("jsonl", "JSON lines of todo", (".jsonl", ".ndjson"), FIELDS),
    Format("csv", "CSV", (".csv",), FIELDS, is_table=True),
    Format("tsv", "TSV", (".tsv", ".tab"), FIELDS, is_table=True),
    Format("todotxt", "todo.txt", (".txt",), _MOST - {"description"} | {"parent", "rrule"}),
    Format(
        "taskwarrior",
        "Taskwarrior",
        (".json",),
        FIELDS - {"description", "parent", "rrule"},
        keeps_ids=True,
        signs=(r'"uuid"\s*:', r'"entry"\s*:\s*"\d{8}T\d{6}Z"'),
    ),
    Format("ics", "iCalendar", (".ics",), _USUAL | {"parent", "rrule"}, keeps_ids=True),
    Format("markdown", "Markdown", (".md", ".markdown"), _USUAL | {"parent"}),
    Format(
        "todoist",
        "Todoist",
        (".csv",),
        frozenset(("description", "due_on", "priority", "project", "tags", "notes", "parent", "rrule")),
        is_written=False,
        signs=(r'^\ufeff?"?TYPE"?[,;]"?CONTENT"?[,;]',),
    ),
    Format(
        "google",
        "Google Tasks",
        (".json",),
        frozenset(("description", "is_completed", "completed_at", "due_on", "project", "parent")),
        is_written=False,
        signs=(r'"kind"\s*:\s*"tasks#',),
    ),
    Format(
        "mstodo",
        "Microsoft To Do",
        (".json",),
        _MOST - {"due_time", "starts_on"} | {"rrule"},
        is_written=False,
        signs=(r'"importance"\s*:', r'"status"\s*:', r'DateTime"\s*:'),
    ),
    Format(
        "trello",
        "Trello",
        (".json",),
        _MOST - {"priority"} | {"notes"},
        is_written=False,
        signs=(r'"(idList|idBoard|shortLink)"\s*:',),
    ),
    Format(
        "github",
        "GitHub issues",
        (".json",),
        frozenset(("description", "is_completed", "completed_at", "created_at", "project", "tags", "notes", "parent")),
        is_written=False,
        signs=(r"^\ufeff?\s*\[", r'"number"\s*:\s*\d', r'"title"\s*:', r'"state"\s*:\s*"[A-Z]'),
    ),
)
"""All formats. Those with `signs` are recognized before others with the same extension."""

_OTHER = re.compile(r'\ufeff?\s*(?:\[\s*[{"]|\{\s*["}]|BEGIN:V|number,id,|<[!?a-z])')
"""How files begin that are no lists of lines."""

_JSON = re.compile(r"\ufeff?\s*[\[{]")
"""How every document of JSON begins that holds todos."""

_LIST = re.compile(r'\ufeff?\s*(?:\[|\{\s*"(?:items|todos)"\s*:\s*\[)\s*')
"""How JSON begins, up to the first value that may be a todo."""

BY_NAME = {each.name: each for each in FORMATS}


def by_name(name: str) -> Format:
    """Return a format. Raises `UsageError` for an unknown name."""
    if name not in BY_NAME:
        raise UsageError(f"There is no format {name[:40]!r}.", hint=f"The formats are {', '.join(BY_NAME)}.")
    return BY_NAME[name]


def to_write(name: str | None, path: PurePath | None) -> Format:
    """Return the format to export in: the named one, or that of the file's extension. Raises `UsageError`."""
    written = [each for each in FORMATS if each.is_written]
    if name is None:
        found = next((each for each in written if path and path.suffix.lower() in each.extensions), None)
    else:
        found = by_name(name)
    if found is None or not found.is_written:
        what = f"{found.label} is only imported." if found else "It is not clear in which format to export."
        raise UsageError(what, hint=f"Give --format and one of {', '.join(each.name for each in written)}.")
    return found


def to_read(name: str | None, path: PurePath | None, head: bytes) -> Format:
    """Return the format of a file: the named one, or what its extension and its beginning show.

    Raises `UsageError` for an unknown name or extension, and `ValidationError` if the beginning does not tell.
    """
    if name is not None:
        return by_name(name)
    suffix = path.suffix.lower() if path else ""
    candidates = [each for each in FORMATS if suffix in each.extensions] if path else list(FORMATS)
    if suffix == ".json" and head.startswith(WIDE_MARKS):
        raise not_utf8("The file is UTF-16, not UTF-8.", "utf-16")
    text = head.decode("utf-8", "replace")
    if suffix == ".txt" and _OTHER.match(text):
        detail = f"The file {path.name if path else ''} is no todo.txt: it begins like JSON, a calendar or a table."
        raise ValidationError(detail, hint=f"Give --format and one of {', '.join(BY_NAME)}.")
    if suffix == ".json" and text.strip() in ("", "[]"):
        return by_name("taskwarrior")  # nothing, whoever wrote it
    found = next((each for each in candidates if each.has_signs(text)), None)
    foreign = _foreign_fields(text) if found is None and suffix == ".json" else None
    if foreign == []:
        found = by_name("json")
    plain = [each for each in candidates if not each.signs]
    names = ", ".join(BY_NAME)
    if found is None and path and plain:
        found = plain[0]
    if found is not None:
        return found
    if suffix == ".json" and not _JSON.match(text):
        raise ValidationError(f"The file {path.name if path else ''} is not JSON.", hint="Export it again.")
    if candidates and path:
        names = ", ".join(each.name for each in candidates)
        what = f": todo itself has no field {foreign[0][:40]!r}" if foreign else ""
        raise ValidationError(
            f"It is not clear from the file which program wrote it{what}.", hint=f"Give --format and one of {names}."
        )
    raise UsageError("It is not clear which format the file has.", hint=f"Give --format and one of {names}.")


def _foreign_fields(text: str) -> list[str] | None:
    """Return the fields that are not ours of the todo that JSON begins with; None if that has no title.

    Without any, a script may have written it.
    """
    start = _LIST.match(text)
    if not start:
        return None
    try:
        first, _ = json.JSONDecoder().raw_decode(text, start.end())
    except (ValueError, RecursionError):
        return None
    if not isinstance(first, dict) or "title" not in first:
        return None
    return [name for name in first if name not in TodoRead.model_fields]
