"""What the daemon does before it forks, so that a command has less to do."""

from __future__ import annotations

import pytest

from tests.support.terminal import Terminal
from todocli.database.compiled import COMPILED
from todocli.domain.ids import new_id
from todocli.services import users
from todocli.services.rehearsal import rehearse


@pytest.mark.own_process  # it looks at what is compiled in this one
@pytest.mark.parametrize("is_terminal", [False, True])
@pytest.mark.parametrize("line", ["list", "today", "add Milk", "done 1", "rm 1"])
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
