"""The triggers that write `changes` and `history`, for both engines.

Triggers and not the program record a change, so that an SQL console leaves history as well, and no command pays a
round trip for it. A revision that adds a column drops the triggers, and creates them again with more columns.

    INSERT, UPDATE, DELETE on todos
      │   the program's statement brings the columns change_… in the row
      │   a console's UPDATE leaves change_id as it is, and is given a new one
      ▼
    changes   one row for each change_id: who, when, in which order (seq), for which request
    history   one row for each todo in it: the row before and after, as JSON

The rules are in a file beside the revision that introduced them, one for each engine: SQL with a few macros, in which
x is a row of todos (of history in `number_in`):

    row_json(x)            its JSON, with the columns that history keeps
    is_open(x) …           one of the states that `users` counts
    is_purged(x)           a purge has recorded it
    is_old(x)              SQLite: its change is recorded, and is not the user's newest
    number_in(x)           the number of its todo
    latest_row(x)          SQLite: the newest `after` of the todo; null if it is new or was deleted
    utc_now(), new_change_id()       SQLite: the time as SQLAlchemy stores it, and a UUIDv7
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Literal

from alembic.operations import Operations

_VERSIONS = Path(__file__).with_name("versions")

Kind = Literal["plain", "instant", "json", "boolean", "uuid"]
"""How a column is written into the JSON: as it is; as UTC text with six decimals and Z; nested; as true or false; with
hyphens."""

_POSTGRES: dict[Kind, str] = {
    "plain": "{0}",
    "instant": """to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')""",
    "json": "{0}",
    "boolean": "{0}",
    "uuid": "{0}",
}
_SQLITE: dict[Kind, str] = {
    "plain": "{0}",
    "instant": "CASE WHEN {0} GLOB '????-??-??[ T]??:??:??.??????'"
    " THEN substr({0}, 1, 10) || 'T' || substr({0}, 12) || 'Z'"
    " ELSE strftime('%Y-%m-%dT%H:%M:%f000Z', {0}) END",
    "json": "json({0})",
    "boolean": "json(CASE WHEN {0} THEN 'true' ELSE 'false' END)",
    "uuid": "substr({0}, 1, 8) || '-' || substr({0}, 9, 4) || '-' || substr({0}, 13, 4) || '-' || substr({0}, 17, 4)"
    " || '-' || substr({0}, 21)",
}
_SQLITE_NOW = "strftime('%Y-%m-%d %H:%M:%f000', 'now')"
_SQLITE_NEW_ID = (
    "(printf('%012x', strftime('%s', 'now') * 1000 + CAST(substr(strftime('%f', 'now'), 4) AS INTEGER))"
    " || '7' || lower(substr(hex(randomblob(2)), 2))"
    " || substr('89ab', 1 + (random() & 3), 1) || lower(substr(hex(randomblob(8)), 2)))"
)
_SQLITE_LATEST = (
    "(SELECT h.after FROM history AS h CROSS JOIN changes AS c ON c.user_id = h.user_id AND c.id = h.change_id"
    " WHERE h.todo_id = {0}.id AND h.user_id = {0}.user_id ORDER BY +c.seq DESC LIMIT 1)"
)
"""CROSS JOIN and + keep SQLite from walking all changes by `seq`."""
_SQLITE_OLD = (
    "EXISTS (SELECT 1 FROM changes WHERE id = {0}.change_id AND user_id = {0}.user_id"
    " AND seq < (SELECT MAX(seq) FROM changes WHERE user_id = {0}.user_id))"
)

_STATES = {
    "is_open": "({0}.deleted_at IS NULL AND {0}.completed_at IS NULL)",
    "is_completed": "({0}.deleted_at IS NULL AND {0}.completed_at IS NOT NULL)",
    "is_trashed": "({0}.deleted_at IS NOT NULL)",
}

NUMBER_IN = {
    "sqlite": """json_extract(coalesce({0}"after", {0}"before"), '$.number')""",
    "postgresql": "((coalesce({0}after, {0}before) ->> 'number')::bigint)",
}
"""The number in a row of history, as the index `ix_history_number` has it; {0} is empty, or a table with a dot."""

_PURGED = {
    "sqlite": "EXISTS (SELECT 1 FROM history AS p WHERE p.todo_id = {0}.id AND p.user_id = {0}.user_id"
    " AND p.after IS NULL AND json_extract(p.before, '$.title') IS NULL)",
    "postgresql": "COALESCE((SELECT true FROM history AS p WHERE p.todo_id = {0}.id AND p.user_id = {0}.user_id"
    " AND p.after IS NULL AND p.before ->> 'title' IS NULL LIMIT 1), false)",
}
"""A purge records a todo before it deletes it, with its number only.

For EXISTS, Postgres would compare each deleted row with each row of history: it expects few of those.
"""


def create(op: Operations, rules: str, columns: Mapping[str, Kind]) -> None:
    """Create the triggers; `columns` are those of `todos` that history keeps.

    `rules` are files in `versions`, without the engine and `.sql`.
    """
    dialect, text = _read(op, rules)
    text = _expand(text, "number_in", lambda row: NUMBER_IN[dialect].format(f"{row}."))
    text = _expand(text, "is_purged", _PURGED[dialect].format)
    for macro, form in _STATES.items():
        text = _expand(text, macro, form.format)
    if dialect == "sqlite":
        text = _expand(text, "latest_row", _SQLITE_LATEST.format)
        text = _expand(text, "is_old", _SQLITE_OLD.format)
        text = _expand(text, "row_json", _row_json("json_object", _SQLITE, columns))
        text = _expand(text, "utc_now", lambda _: _SQLITE_NOW)
        text = _expand(text, "new_change_id", lambda _: _SQLITE_NEW_ID)
        statements = _statements(text)
    else:
        text = _expand(text, "row_json", _row_json("json_build_object", _POSTGRES, columns))
        statements = (part for part in re.split(r"\n\n(?=CREATE |--)", text) if "CREATE " in part)
    for statement in statements:
        statement = statement.rstrip().removesuffix(";")
        op.execute(statement.replace(":", "\\:"))  # or SQLAlchemy would take what follows for a parameter


def drop(op: Operations, rules: str) -> None:
    """Drop the triggers, and on Postgres their functions."""
    dialect, text = _read(op, rules)
    for trigger in re.findall(r"^CREATE TRIGGER (\w+)", text, re.MULTILINE):
        op.execute(f"DROP TRIGGER {trigger}" + ("" if dialect == "sqlite" else " ON todos"))
    for function in re.findall(r"^CREATE FUNCTION (\w+)", text, re.MULTILINE):
        op.execute(f"DROP FUNCTION {function}()")


def _read(op: Operations, rules: str) -> tuple[str, str]:
    """Return the name of the dialect, and the rules for it."""
    dialect = op.get_context().dialect.name
    return dialect, (_VERSIONS / f"{rules}.{dialect}.sql").read_text(encoding="utf-8")


def _row_json(function: str, forms: Mapping[Kind, str], columns: Mapping[str, Kind]) -> Callable[[str], str]:
    def expand(row: str) -> str:
        pairs = (f"'{name}', {forms[kind].format(f'{row}.{name}')}" for name, kind in columns.items())
        return f"{function}({', '.join(pairs)})"

    return expand


def _expand(text: str, macro: str, expansion: Callable[[str], str]) -> str:
    return re.sub(rf"\b{macro}\((\w*)\)", lambda match: expansion(match[1]), text)


def _statements(script: str) -> Iterator[str]:
    """Split a script into statements: run as a whole, SQLite's driver would commit first."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
