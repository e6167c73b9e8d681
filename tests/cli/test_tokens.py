"""The commands `todo token`."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.terminal import Terminal
from todocli.domain.tokens import digest, is_token


@pytest.fixture
def todo(monkeypatch: pytest.MonkeyPatch, embedded_file: Path) -> Terminal:
    return Terminal(monkeypatch)


def test_token_is_shown_once_and_stored_as_digest(todo: Terminal, home: Path) -> None:
    ran = todo("token create phone")
    token = ran.out.strip()
    assert is_token(token)
    assert ran.err == "Copy it now; it won't be shown again. Clients send it as Authorization: Bearer todo_…\n"
    assert token not in todo.ok("token list") + todo.ok("token list --json")
    with closing(sqlite3.connect(home / "todo.db")) as database:
        assert database.execute("SELECT digest FROM tokens").fetchall() == [(digest(token),)]
    assert token.encode() not in (home / "todo.db").read_bytes()


def test_tokens_are_listed_and_revoked(todo: Terminal) -> None:
    assert todo("token list").err == "There are no tokens. Create one: todo token create NAME\n"
    todo.ok("token create web --expires 90d --scope read")
    made = json.loads(todo.ok("token create phone --json"))
    assert (made["scope"], made["expires_at"]) == ("write", None)
    rows = [line.split("\t") for line in todo.ok("token list").splitlines()]
    assert [(row[0], row[1], row[4]) for row in rows] == [
        ("phone", "write", "never"),
        ("web", "read", "never"),
    ]
    assert rows[0][3] == "never" != rows[1][3]
    revoked = todo("token revoke phone")
    assert (revoked.code, revoked.err) == (0, "Revoked; the token no longer works.\n")
    assert revoked.out.startswith("phone\twrite\t")
    assert [token["name"] for token in json.loads(todo.ok("token list --json"))["items"]] == ["web"]


@pytest.mark.parametrize(
    ("line", "code", "detail"),
    [
        ("token create web", 4, "There is already a token 'web'."),
        ("token create ''", 2, "The name of a token must have 1 to 64 printable characters."),
        ("token create a --expires soon", 2, "'soon' is not a duration."),
        ("token create a --expires 0d", 2, "The token would have expired already."),
        ("token revoke nope", 3, "There is no token 'nope'."),
    ],
)
def test_bad_input_is_refused(todo: Terminal, line: str, code: int, detail: str) -> None:
    todo.ok("token create web")
    ran = todo(line)
    assert (ran.code, ran.out) == (code, "")
    assert ran.err.startswith(f"error: {detail}")
