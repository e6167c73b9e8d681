"""Which format a file has, by its extension and its beginning."""

from __future__ import annotations

import json
from pathlib import PurePath

import pytest

from tests.formats.test_other_programs import SAMPLES
from todocli.errors import UsageError, ValidationError
from todocli.formats.registry import FORMATS, to_read, to_write

GH = '[{"body":"It leaks.","closedAt":null,"labels":[],"number":7,"state":"OPEN","title":"Roof"}]'
MS_LISTS = (
    '[{"displayName":"Home","tasks":[{"importance":"low","status":"notStarted","createdDateTime":"2026-11-01"}]}]'
)
TASKWARRIOR = '[{"id":1,"description":"Pay","entry":"20261101T100000Z","status":"pending","uuid":"a"}]'
BEGINNINGS = {
    **{f"{name}{'.csv' if name == 'todoist' else '.json'}": (name, text) for name, text in SAMPLES.items()},
    "indented.json": ("google", json.dumps(json.loads(SAMPLES["google"]), indent=2)),
    "issues.json": ("github", GH),
    "lists.json": ("mstodo", MS_LISTS),
    "tw.json": ("taskwarrior", TASKWARRIOR),
    "quoted.csv": ("todoist", '"TYPE","CONTENT","PRIORITY"\n'),
    "marked.csv": ("todoist", "\ufeffTYPE,CONTENT,DESCRIPTION\r\n"),
    "ours.json": ("json", '{"format": "todo", "version": 1, "todos": []}'),
    "script.json": ("json", '[{"title": "Pay", "tags": ["bills"]}, '),
    "jq.json": ("json", '{"items": [{"number": 1, "title": "Pay"}]}'),
    "plain.csv": ("csv", "title,due\n"),
    "UPPER.CSV": ("csv", "type,content\n"),
    "plain.tsv": ("tsv", "title\tdue\n"),
    "todo.txt": ("todotxt", "Pay rent\n"),
    "lines.jsonl": ("jsonl", '{"title": "Pay"}\n'),
    "calendar.ics": ("ics", "BEGIN:VCALENDAR\r\n"),
    "notes.md": ("markdown", "- [ ] Pay\n"),
}


@pytest.mark.parametrize("path", BEGINNINGS)
def test_a_file_is_recognized(path: str) -> None:
    name, text = BEGINNINGS[path]
    assert to_read(None, PurePath(path), text.encode()).name == name


@pytest.mark.parametrize("path", [path for path in BEGINNINGS if path.startswith(tuple(SAMPLES))])
def test_what_is_piped_in_is_recognized(path: str) -> None:
    name, text = BEGINNINGS[path]
    assert to_read(None, None, text.encode()).name == name


def test_every_format_is_tried_here() -> None:
    assert {name for name, _ in BEGINNINGS.values()} == {each.name for each in FORMATS}


@pytest.mark.parametrize(
    "text",
    [
        '[{"id": 1, "title": "Inbox", "tasks": [{"id": 1, "done": false}]}]',
        '{"items": [{"number": 1, "title": "Pay", "state": "open"}]}',
        '{"_format": "wekan-board-1.0.0", "cards": [], "lists": []}',
        '[{"body": "{\\"importance\\": 1, \\"status\\": 2, \\"dueDateTime\\": 3, \\"idList\\": 4}"}]',
    ],
)
def test_json_of_an_unknown_program_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="not clear from the file which program wrote it") as caught:
        to_read(None, PurePath("a.json"), text.encode())
    assert caught.value.hint == "Give --format and one of json, taskwarrior, google, mstodo, trello, github."


def test_the_named_format_is_taken() -> None:
    assert to_read("trello", PurePath("a.csv"), b"").name == "trello"


def test_an_unknown_extension_is_refused() -> None:
    with pytest.raises(UsageError, match="not clear which format"):
        to_read(None, PurePath("a.doc"), b"title,due\n")


def test_a_format_that_is_only_imported_is_not_written() -> None:
    with pytest.raises(UsageError, match="Trello is only imported"):
        to_write("trello", None)
