"""What the daemon does before it forks, so that a command has less to do."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from tests.support.terminal import Terminal
from todocli.database.compiled import COMPILED
from todocli.domain.ids import new_id
from todocli.services import users
from todocli.services.owner import Owner
from todocli.services.rehearsal import rehearse, rehearse_others

LINES = ["list", "today", "add Milk", "done 1", "rm 1"]


@pytest.mark.own_process  # it looks at what is compiled in this one
@pytest.mark.parametrize("is_terminal", [False, True])
@pytest.mark.parametrize("line", LINES)
def test_frequent_commands_find_their_statements_compiled(
    monkeypatch: pytest.MonkeyPatch, line: str, is_terminal: bool
) -> None:
    monkeypatch.setattr(users, "new_id", new_id)  # nothing was built for this user in another test
    todo = Terminal(monkeypatch, terminal=is_terminal)
    todo.ok("add Pay rent")
    COMPILED.clear()
    for _ in rehearse():
        pass
    rehearsed = set(COMPILED)
    todo.ok(line)
    assert set(COMPILED) == rehearsed


@pytest.mark.own_process
@pytest.mark.parametrize(
    "line",
    [
        *("add Milk due:fri", "edit 1 pri:high", "edit 1 title:Pay", "show 1", "next"),
        *("list +home", "list project:home", "list rent"),
    ],
)
def test_other_commands_at_a_terminal_find_their_statements_compiled(
    monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.setattr(users, "new_id", new_id)
    todo = Terminal(monkeypatch, terminal=True)
    todo.ok("add Pay rent project:home +home")  # known names: unknown ones take another statement
    COMPILED.clear()
    for _ in rehearse():
        pass
    rehearse_others()
    rehearsed = set(COMPILED)
    todo.ok(line)
    assert set(COMPILED) == rehearsed


@pytest.mark.own_process
@pytest.mark.parametrize("line", LINES)
def test_frequent_commands_of_a_known_user_find_their_statements_built(
    monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.setattr(users, "new_id", new_id)
    todo = Terminal(monkeypatch)
    todo.ok("add Pay rent due:fri")
    user = json.loads(todo.ok("user list --json"))["items"][0]
    for _ in rehearse(Owner(user["name"], UUID(user["id"]))):
        pass
    built: list[Any] = []
    select = sa.select

    def record(*columns: Any) -> Any:
        built.append(select(*columns))
        return built[-1]

    monkeypatch.setattr(sa, "select", record)
    todo.ok(line)
    assert [str(statement) for statement in built] == []
