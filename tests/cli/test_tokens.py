"""The commands `todo token`."""

from __future__ import annotations

import json
import re
import sqlite3
import sys
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
        ("token create a --feed --qr", 2, "--feed and --qr cannot be combined."),
        ("token create a --feed --scope read", 2, "--feed and --scope cannot be combined."),
        ("token create a --qr", 2, "--qr needs the address of the server."),
        ("token create a --feed --base-url todo.example", 2, "--base-url must be an address such as https://"),
        ("token create a --feed --base-url https://me:secret@todo.example", 2, "--base-url must be an address"),
        ("token create a --feed --base-url https://todo.example/?a=b", 2, "--base-url must be an address"),
        ("token revoke nope", 3, "There is no token 'nope'."),
    ],
)
def test_bad_input_is_refused(todo: Terminal, line: str, code: int, detail: str) -> None:
    todo.ok("token create web")
    ran = todo(line)
    assert (ran.code, ran.out) == (code, "")
    assert ran.err.startswith(f"error: {detail}")


def test_feed_is_an_address_with_a_token_of_its_own(todo: Terminal, home: Path) -> None:
    path = todo("token create calendar --feed")
    assert re.fullmatch(r"/feed/todo_\w{46}\.ics\n", path.out)
    assert "pass --base-url, or set public_url." in path.err
    whole = json.loads(todo.ok("token create other --feed --base-url https://todo.example/x/ --json"))
    assert whole["url"] == f"https://todo.example/x/feed/{whole['token']}.ics"
    assert whole["scope"] == "feed"
    (home / "config.toml").write_text('public_url = "http://192.168.1.5:8000"\n')
    configured = todo("token create third --feed")
    assert configured.out.startswith("http://192.168.1.5:8000/feed/todo_")
    assert "WARNING: without TLS" in configured.err
    assert [line.split("\t")[1] for line in todo.ok("token list").splitlines()] == ["feed"] * 3


def test_link_that_signs_in_has_the_token_in_its_fragment(todo: Terminal) -> None:
    link = json.loads(todo.ok("token create phone --qr --scope read --base-url https://todo.example --json"))
    assert link["url"] == f"https://todo.example/#token={link['token']}"
    assert link["scope"] == "read"


@pytest.mark.parametrize(
    ("options", "rights"),
    [
        ("--qr", "read and change your todos"),
        ("--qr --scope destroy", "read and change your todos"),
        ("--qr --scope read", "read your todos"),
        ("--feed", "read your todos"),
    ],
)
def test_note_on_a_link_says_what_it_allows(todo: Terminal, options: str, rights: str) -> None:
    ran = todo(f"token create phone {options} --base-url https://todo.example")
    assert f"Whoever has it can {rights}.\n" in ran.err


def test_qr_code_is_drawn_at_a_terminal(todo: Terminal) -> None:
    todo.terminal = True
    ran = todo("token create phone --qr --base-url https://todo.example --color never")
    rows = [line for line in ran.out.splitlines() if set(line) <= set("█▀▄ ") and line]
    assert len(rows) >= 15
    assert max(map(len, rows)) <= 80
    assert len({len(row) for row in rows}) == 1


def test_without_the_library_a_link_is_all(todo: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "segno", None)
    todo.terminal = True
    ran = todo("token create phone --qr --base-url https://todo.example")
    assert "https://todo.example/#token=todo_" in ran.out
    assert "To see it as a QR code:" in ran.err
