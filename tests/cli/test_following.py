"""`todo log --follow`, and `--since CURSOR`, in this process: waiting is scripted."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_contract import check
from tests.support.terminal import Terminal
from todocli import clock
from todocli.database.postgres.url import PostgresURL
from todocli.database.waiter import Waiter

NOT_A_CURSOR = "A" * 53 + "_"
"""It has the length of a cursor."""


@pytest.fixture
def todo(monkeypatch: pytest.MonkeyPatch, embedded_file: Path) -> Terminal:
    monkeypatch.setenv("NO_COLOR", "1")
    return Terminal(monkeypatch)


def during(monkeypatch: pytest.MonkeyPatch, *actions: Callable[[], object]) -> None:
    """Let one of `actions` happen at each wait, and Ctrl-C after the last."""
    left = list(actions)

    def wait(waiter: Waiter, seconds: float | None, descriptor: int | None = None) -> bool:
        if not left:
            raise KeyboardInterrupt
        left.pop(0)()
        return descriptor is not None

    monkeypatch.setattr(Waiter, "wait", wait)


def lines(text: str) -> list[Any]:
    return [check("LogLine", line) for line in text.splitlines(keepends=True)]


def summary(found: list[Any]) -> list[tuple[str, str]]:
    return [(line["change"]["items"][0]["action"], line["change"]["items"][0]["title"]) for line in found]


def test_follow_starts_now_and_ends_silently(todo: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    todo.ok("add old")
    during(monkeypatch, lambda: todo.ok("add a"), lambda: todo.ok("done 2"))
    ran = todo("log --follow --jsonl")
    assert (ran.code, ran.err) == (130, "")
    assert summary(lines(ran.out)) == [("added", "a"), ("done", "a")]


def test_follow_shows_newest_first_if_asked(todo: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    todo.ok("add a")
    todo.ok("add b")
    during(monkeypatch, lambda: todo.ok("add c"))
    assert summary(lines(todo("log -f -n 1 --jsonl").out)) == [("added", "b"), ("added", "c")]
    during(monkeypatch)
    assert summary(lines(todo("log -f --since 1d --jsonl").out)) == [("added", "a"), ("added", "b"), ("added", "c")]


def test_cursor_goes_on_with_and_without_follow(todo: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    for title in "abc":
        todo.ok(f"add {title}")
    during(monkeypatch)
    first, *rest = lines(todo("log --follow -n 3 --jsonl").out)
    assert lines(todo.ok(f"log --since {first['cursor']} --jsonl")) == rest
    assert lines(todo.ok(f"log --since {first['cursor']} -n 1 --jsonl")) == rest[:1]
    assert todo.ok(f"log --since {rest[-1]['cursor']} --jsonl") == ""
    during(monkeypatch, lambda: todo.ok("add d"))
    followed = lines(todo(f"log --follow --since {first['cursor']} --jsonl").out)
    assert summary(followed) == [("added", "b"), ("added", "c"), ("added", "d")]


def test_line_has_the_change_as_log_prints_it(todo: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    todo.ok("add a due:fri")
    during(monkeypatch)
    [line] = lines(todo("log --follow -n 1 --jsonl").out)
    assert line["change"] == json.loads(todo.ok("log --jsonl"))


def test_follow_in_a_pipe_and_at_a_terminal(todo: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    actions = [lambda: todo.ok("add -", stdin="a\nb\n"), lambda: todo.ok("undo")]
    during(monkeypatch, *actions)
    rows = [line.split("\t")[1:] for line in todo("log --follow").out.splitlines()]
    assert [row[:3] for row in rows[:2]] == [["change", "added", "1"], ["change", "added", "2"]]
    assert [row[0] for row in rows[2:]] == ["undo", "undo"]
    during(monkeypatch, *actions)
    person = Terminal(monkeypatch, terminal=True)
    shown = [line[10:] for line in person("log --follow").out.splitlines()]
    assert shown == ["added 3 a and 1 more", "undo: removed 3 a and 1 more"]


def test_poll_asks_that_often(todo: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float | None] = []

    def wait(waiter: Waiter, seconds: float | None, descriptor: int | None = None) -> bool:
        waits.append(seconds)
        if len(waits) > 2:
            raise KeyboardInterrupt
        return False

    monkeypatch.setattr(Waiter, "wait", wait)
    assert todo("log --follow --every 3s").code == 130
    assert waits == [3, 3, 3]


def test_follow_on_postgres(todo: Terminal, postgres_url: PostgresURL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ada")
    todo.use(postgres_url)
    todo.ok("user add ada")
    during(monkeypatch, lambda: todo.ok("add a"), lambda: None, lambda: todo.ok("done 1"))
    ran = todo("log --follow --jsonl")
    assert summary(lines(ran.out)) == [("added", "a"), ("done", "a")]


def test_pooled_profile_polls_and_says_so(
    todo: Terminal, postgres_url: PostgresURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POOLED_URL", postgres_url.text())
    todo.ok("profile add far --user bob --url-env POOLED_URL --pooled --no-check")
    todo.ok("user add bob", profile="far")
    during(monkeypatch)
    ran = todo("log --follow --jsonl", profile="far")
    assert (ran.code, ran.out) == (130, "")
    assert "is a pooler, which passes on no notifications: asking every 30 s instead." in " ".join(ran.err.split())


def test_compacted_log_ends_it_with_a_command(todo: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    todo.ok("add a")
    todo.ok("add b")
    todo.ok("add c")
    during(monkeypatch)
    first = lines(todo("log --follow -n 3 --jsonl").out)[0]["cursor"]
    later = clock.now() + timedelta(days=800)
    monkeypatch.setattr(clock, "now", lambda: later)
    todo.ok("log --compact --older-than 1y --yes")
    ran = todo(f"log --since {first}")
    assert (ran.code, ran.out) == (4, "")
    assert "The cursor cannot be continued: the log was compacted since." in ran.err
    assert "todo log --follow --jsonl" in ran.err


@pytest.mark.parametrize(
    ("line", "code", "detail"),
    [
        ("log --follow +x", 2, "--follow takes neither"),
        ("log --follow --until 1d", 2, "--follow takes neither"),
        ("log --follow --all", 2, "--follow takes neither"),
        (f"log 1 --since {NOT_A_CURSOR}", 2, "--since with a cursor takes neither"),
        (f"log --since {NOT_A_CURSOR}", 2, "The cursor is not one of this log"),
        (f"log --follow --since {NOT_A_CURSOR}", 2, "The cursor is not one of this log"),
        ("log --follow --since 3x", 2, "'3x' is not a date or time"),
        ("log --follow --since 3x", 2, "Or give a whole cursor, as --jsonl prints it."),
        ("log --since foo", 2, "Or give a whole cursor, as --jsonl prints it."),
        ("log --follow --since 1d -n 3", 2, "cannot be combined with --follow"),
        ("log --follow --json", 2, "--json prints one document"),
        ("log --every 5s", 2, "--every belongs to --follow"),
        ("log --follow --every 0s", 2, "a second at least"),
        ("log --follow --every often", 2, "'often' is not a duration"),
        ("log --follow --compact", 2, "--compact takes only"),
        ("log --follow --dry-run", 2, "belong to --compact"),
        (f"log --since {'A' * 10}B{'A' * 43}", 4, "it is of another log"),
    ],
)
def test_bad_line_is_refused(todo: Terminal, line: str, code: int, detail: str) -> None:
    ran = todo(line)
    assert (ran.code, ran.out) == (code, ""), str(ran)
    assert detail in ran.err
