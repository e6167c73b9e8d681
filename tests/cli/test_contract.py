"""The published contract of the JSON: it is current, and every command keeps to it."""

from __future__ import annotations

import copy
import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from shlex import quote
from typing import Any

import jsonschema
import pytest

from scripts.write_contract import PATH, Schema, broken, text_of
from tests.support.terminal import Terminal
from todocli.cli.exits import TABLE
from todocli.database.postgres.url import PostgresURL
from todocli.schemas.contract import contract

FORMATS = jsonschema.FormatChecker(["uuid"])


@FORMATS.checks("date-time", raises=ValueError)
def _is_instant(value: object) -> bool:
    if not isinstance(value, str):
        return True
    datetime.fromisoformat(value)
    return re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", value, re.ASCII) is not None


def check(name: str, text: str) -> Any:
    """Return the one line of JSON in `text`, which must be the document `name` of the published contract."""
    assert text.count("\n") == 1, text
    assert text.endswith("\n"), text
    value = json.loads(text)
    published = json.loads(PATH.read_text("utf-8"))
    schema = {**published, "$ref": f"#/$defs/{name}"}
    jsonschema.Draft202012Validator(schema, format_checker=FORMATS).validate(value)
    return value


@pytest.fixture
def todo(monkeypatch: pytest.MonkeyPatch, embedded_file: Path) -> Terminal:
    """A pipe on the embedded database, which is there already."""
    return Terminal(monkeypatch)


# The file


def test_published_contract_is_current() -> None:
    assert broken(json.loads(PATH.read_text("utf-8")), contract()) == []
    assert PATH.read_text("utf-8") == text_of(contract()), "run: python -m scripts.write_contract"


def test_contract_is_valid_json_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(contract())


def test_every_key_is_required() -> None:
    """Only an error leaves out keys that are not set."""
    for name, document in contract()["$defs"].items():
        if "enum" in document:
            continue
        optional = {"field_errors", "hint", "command"} if name == "ErrorResponse" else set()
        assert set(document["required"]) == set(document["properties"]) - optional, name


def test_help_json_schema_prints_contract(todo: Terminal) -> None:
    assert json.loads(todo.ok("help json-schema --json")) == contract()


# What breaks it

SMALL: Schema = {
    "$defs": {
        "Todo": {
            "type": "object",
            "description": "A todo.",
            "properties": {
                "id": {"type": "string", "format": "uuid"},
                "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                "kind": {"enum": ["a", "b"], "type": "string"},
                "tags": {"type": "array", "items": {"$ref": "#/$defs/Tag"}},
            },
            "required": ["id", "note", "kind", "tags"],
        },
        "Tag": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
    }
}

Change = Callable[[dict[str, Any], dict[str, Any]], object]


def _changed(change: Change) -> Schema:
    new = copy.deepcopy(SMALL)
    change(new["$defs"]["Todo"], new["$defs"])
    return new


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda _, all_: all_.pop("Tag") and all_["Todo"]["properties"].pop("tags"), "Tag: is gone"),
        (lambda todo, _: todo["properties"].pop("id"), "Todo.id: is gone"),
        (lambda todo, _: todo["properties"]["id"].update(type="integer"), "Todo.id: was string, is integer"),
        (lambda todo, _: todo["properties"]["id"].pop("format"), "Todo.id: the form was uuid, is None"),
        (
            lambda todo, _: todo["properties"].update(note={"type": "string"}),
            "Todo.note: was null or string, is string",
        ),
        (lambda todo, _: todo["properties"]["note"]["anyOf"].pop(0), "Todo.note: was null or string, is null"),
        (
            lambda todo, _: todo["properties"].update(id={"anyOf": [{"type": "string"}, {"type": "null"}]}),
            "Todo.id: was string, is null or string",
        ),
        (lambda todo, _: todo["required"].remove("note"), "Todo.note: is not always there any more"),
        (lambda todo, _: todo.pop("required"), "Todo.tags: is not always there any more"),
        (lambda todo, _: todo["properties"]["kind"]["enum"].remove("b"), "Todo.kind: the values were a or b, are a"),
        (lambda todo, _: todo["properties"]["kind"].pop("enum"), "Todo.kind: the values were a or b, are anything"),
        (lambda todo, _: todo["properties"]["tags"].update(items={"type": "string"}), "Todo.tags[]: was object, is st"),
        (lambda _, all_: all_["Tag"]["properties"].pop("name"), "Tag.name: is gone"),
        (lambda _, all_: all_["Tag"].update(required=[]), "Tag.name: is not always there any more"),
        (lambda _, all_: all_.update(Tag={"type": "string"}), "Tag: was object, is string"),
    ],
)
def test_breaking_change_is_found(change: Change, message: str) -> None:
    assert message in "\n".join(broken(SMALL, _changed(change)))


@pytest.mark.parametrize(
    "change",
    [
        lambda todo, _: None,
        lambda todo, _: todo["properties"].update(more={"type": "string"}),
        lambda todo, _: (todo["properties"].update(more={"type": "string"}), todo["required"].append("more")),
        lambda _, all_: all_.update(New={"type": "object"}),
        lambda todo, _: todo["properties"]["kind"]["enum"].append("c"),
        lambda todo, _: todo["properties"]["note"]["anyOf"].reverse(),
        lambda todo, _: todo["properties"].update(note={"type": ["null", "string"]}),
        lambda todo, _: todo.update(description="Other words.", title="Todo"),
        lambda todo, _: todo["properties"].update(reversed(list(todo["properties"].items()))),
        lambda _, all_: all_["Tag"]["properties"].update(colour={"type": "string"}),
    ],
)
def test_addition_is_allowed(change: Change) -> None:
    assert broken(SMALL, _changed(change)) == []


def test_recursive_schema_is_compared() -> None:
    tree: Schema = {"$defs": {"Node": {"type": "object", "properties": {"below": {"$ref": "#/$defs/Node"}}}}}
    assert broken(tree, tree) == []


# What commands print

SESSION = [
    ("add a", "TodoRead"),
    ("add b -d more", "TodoRead"),
    ("add -", "TodoItems"),
    ("add e every:day", "TodoRead"),
    ("upcoming", "OccurrenceList"),
    ("skip 5", "TodoRead"),
    ("skip 1", None),
    ("list", "TodoItems"),
    ("", "TodoItems"),
    ("ls --all -n 1", "TodoItems"),
    ("show 1-2", "TodoItems"),
    ("edit 1 -d more", "TodoRead"),
    ("done 1", "TodoRead"),
    ("done 1 2", "TodoItems"),
    ("reopen 1", "TodoRead"),
    ("rm 1", "TodoRead"),
    ("show 1", "TodoRead"),
    ("restore 1", "TodoRead"),
    ("trash", "TodoItems"),
    ("done --where b --dry-run", "TodoItems"),
    ("done --where nothing", "TodoItems"),
    *(
        (line, "TodoItems")
        for line in ("today", "next", "ready", "blocked", "view show mine", "view mine", "list +x due:any")
    ),
    ("list due:soon", None),
    ("tags", "SummaryList"),
    ("count", "CountRead"),
    ("claim", "TodoRead"),
    ("claim +nothing", None),
    ("release 1-2", "TodoItems"),
    ("note 2 more about it", "TodoRead"),
    ("projects", "SummaryList"),
    ("view list", "ViewList"),
    ("daemon status", "DaemonRead"),
    ("log", "ChangeList"),
    ("undo 2 --dry-run", "ChangeList"),
    ("undo", "ChangeList"),
    ("redo", "ChangeList"),
    ("redo", None),
    ("log 1 -n 2", "ChangeList"),
    ("purge", "ChangeList"),
    ("rm 2", "TodoRead"),
    ("purge", None),
    ("purge --yes", "ChangeList"),
    ("log 2", "ChangeList"),
    ("config", "SettingList"),
    ("profile list", "ProfileList"),
    ("profile show", "ProfileRead"),
    ("profile add other --embedded", "ProfileRead"),
    ("profile use other", "ProfileRead"),
    ("import - --format todotxt", "ImportRead"),
    ("import - --format todotxt --dry-run", "ImportRead"),
    ("import - --format json", None),
    ("profile copy local other", None),
    ("share other", None),
    ("profile rm other --yes", "ProfileRead"),
    ("user list", "UserList"),
    ("user add ada", "UserRead"),
    ("user add ada", "UserRead"),
    ("token create phone --expires 90d --scope read", "TokenCreated"),
    ("token create phone", None),
    ("token create calendar --feed", "TokenLink"),
    ("token list", "TokenList"),
    ("token revoke phone", "TokenRead"),
    ("token revoke phone", None),
    ("user rename ada eve", "UserRead"),
    ("db current", "SchemaRead"),
    ("db check", "SchemaRead"),
    ("db history", "RevisionList"),
    ("db ping", "PingRead"),
    ("db upgrade --sql", "SqlRead"),
    ("log --compact --older-than 1y", "CompactionRead"),
    ("doctor", "HealthRead"),
    ("backup todos.db", "BackupRead"),
    ("backup todos.db", None),
    ("backup todos.db --check", "BackupRead"),
    ("backup todos.db --restore --yes", "RestoreRead"),
    ("db downgrade base --yes", "SchemaRead"),
    ("db current", "SchemaRead"),
    ("db check", None),
    ("db upgrade", "SchemaRead"),
]
"""Command lines in their order, each with the document it prints; None: an error."""


def test_every_command_prints_its_document(todo: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    todo.ok("view save mine +x")
    for line, name in SESSION:
        ran = todo(f"{line} --json", stdin="c\nd\n")
        if name is None:
            assert (ran.code != 0, ran.out) == (True, ""), f"{line}: {ran}"
            check("ErrorResponse", ran.err)
        else:
            assert (ran.code, ran.err) == (0, ""), f"{line}: {ran}"
            check(name, ran.out)


def _commands(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


def test_session_covers_every_command_with_json(todo: Terminal) -> None:
    takers = {name for name, command in _commands(todo.program) if any(p.name == "json" for p in command.params)}
    ran = {name for line, document in SESSION if document for name in takers if f"{line} ".startswith(f"{name} ")}
    # help prints the contract itself, see above; exports and copies need a place to go to, see below
    elsewhere = {"help", "db grant", "export", "share", "profile copy"}
    assert ran == takers - elsewhere


def test_grant_prints_its_document(todo: Terminal, empty_postgres_url: PostgresURL) -> None:
    todo.use(empty_postgres_url)
    todo.ok("db upgrade")
    role = quote(str(empty_postgres_url.user))
    check("GrantRead", todo.ok(f"db grant {role} --json"))


def test_exports_print_and_write_their_documents(todo: Terminal, tmp_path: Path) -> None:
    todo.ok("add a due:2026-01-02 17:00 +x")
    todo.ok("note 1 called")
    for line, name in (("export", "ExportDocument"), ("export --history", "HistoryDocument")):
        file = tmp_path / f"{name}.json"
        check("ExportRead", todo.ok(f"{line} {quote(str(file))} --json"))
        check(name, "".join(file.read_text("utf-8").splitlines()) + "\n")


def test_export_with_history_as_lines_keeps_to_the_contract(todo: Terminal, tmp_path: Path) -> None:
    todo.ok("import - --format todotxt", stdin="a\n")
    todo.ok("note 1 called")
    file = tmp_path / "all.jsonl"
    check("ExportRead", todo.ok(f"export --history {quote(str(file))} --json"))
    head, *lines = file.read_text("utf-8").splitlines(keepends=True)
    assert check("HistoryHeader", head)["rows"] == len(lines)
    tables = {check("HistoryLine", line)["table"] for line in lines}
    assert tables == {"todos", "changes", "history", "notes", "sources"}


def test_copies_print_their_document(
    todo: Terminal, empty_postgres_url: PostgresURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHARED_URL", empty_postgres_url.text())
    todo.ok("add a")
    check("CopyRead", todo.ok("share --url-env SHARED_URL --yes --json"))
    check("CopyRead", todo.ok("profile copy local shared --json"))


def test_jsonl_prints_one_todo_per_line(todo: Terminal) -> None:
    for line, count in (("add -", 2), ("list", 2), ("done 1 2", 2), ("edit 1 -t x", 1), ("rm 1-2", 2), ("trash", 2)):
        lines = todo.ok(f"{line} --jsonl", stdin="a\nb\n").splitlines(keepends=True)
        assert len(lines) == count, line
        for each in lines:
            check("TodoRead", each)


def test_todo_document_in_full(todo: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    moments = [datetime(2026, 7, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=5.5))).astimezone(UTC)]
    monkeypatch.setattr("todocli.services.todos.now", lambda: moments[-1])
    added = check("TodoRead", todo.ok("add a --json"))
    assert {name: value for name, value in added.items() if not name.endswith("id")} == {
        "number": 1,
        "title": "a",
        "description": None,
        **dict.fromkeys(("due_on", "due_time", "starts_on", "priority", "project")),
        "tags": [],
        "is_someday": False,
        "note_count": 0,
        **dict.fromkeys(("claimed_by", "claimed_until")),
        "needs": [],
        "blocked_by": [],
        "parent": None,
        "subtasks": [],
        "open_subtasks": [],
        **dict.fromkeys(("every", "again", "rrule", "repeat_from", "repeat_on", "ends_on", "times")),
        **dict.fromkeys(("series_place", "series_values")),
        "notes": [],
        "is_completed": False,
        "completed_at": None,
        "created_at": "2026-06-30T20:33:04.000005Z",
        "updated_at": "2026-06-30T20:33:04.000005Z",
        "deleted_at": None,
        "version": 1,
    }
    moments.append(datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC))
    done = check("TodoRead", todo.ok("done 1 --json"))
    assert {name for name in done if done[name] != added[name]} == {
        *("is_completed", "completed_at", "updated_at", "version", "change_id")
    }
    assert (done["completed_at"], done["version"]) == ("2026-12-31T23:59:59.000000Z", 2)


# Errors


def _too_new(home: Path) -> None:
    with closing(sqlite3.connect(home / "todo.db")) as connection:
        connection.execute("UPDATE todo_revision SET version_num = 9999, oldest_reader = 9999, oldest_writer = 9999")
        connection.execute("PRAGMA user_version = 9999")
        connection.commit()


def _in_the_way(home: Path) -> None:
    (home / "todo.db").unlink()
    (home / "todo.db").mkdir()


def _open_to_all(home: Path) -> None:
    (home / "config.toml").touch()
    (home / "config.toml").chmod(0o666)


@pytest.mark.parametrize(
    ("line", "error_code", "spoil"),
    [
        ("list --frob", "USAGE", None),
        ("frob", "USAGE", None),
        ("list --all --completed", "USAGE", None),
        ("add ''", "VALIDATION_ERROR", None),
        ("done 0", "VALIDATION_ERROR", None),
        ("show 99", "NOT_FOUND", None),
        ("list --profile nope", "NOT_FOUND", None),
        ("user rename nobody else", "NOT_FOUND", None),
        ("db downgrade base", "CONFIRMATION_REQUIRED", None),
        ("profile rm local", "VALIDATION_ERROR", None),
        ("list", "SCHEMA_TOO_NEW", _too_new),
        ("list", "ACCESS_DENIED", _open_to_all),
        ("list", "SERVER_ERROR", _in_the_way),
    ],
)
def test_error_prints_error_body(
    todo: Terminal, home: Path, line: str, error_code: str, spoil: Callable[[Path], None] | None
) -> None:
    if spoil:
        spoil(home)
    for words in (f"{line} --json", f"--json {line}"):
        ran = todo(words)
        body = check("ErrorResponse", ran.err)
        status = next(row.code for row in TABLE if error_code in row.error_codes)
        assert (ran.code, ran.out, body["error_code"]) == (status, "", error_code)
        assert None not in body.values()
