"""`todo mcp` as a process, driven by a client of the official SDK."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters, stdio_client
from mcp_types import Implementation

from tests.support.agent import ERAS, text_of
from tests.support.terminal import Terminal

TODO = [sys.executable, "-m", "todocli"]


def started() -> subprocess.Popen[str]:
    """Start `todo mcp`, and return it when it has answered its first request."""
    process = subprocess.Popen(
        [*TODO, "mcp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdin
    assert process.stdout
    client = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "robot", "version": "1"}}
    process.stdin.write(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": client}) + "\n")
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["result"]["serverInfo"]["name"] == "todo"
    return process


@pytest.mark.slow
@pytest.mark.parametrize("era", ERAS)
def test_client_that_starts_the_program_changes_todos(home: Path, monkeypatch: pytest.MonkeyPatch, era: str) -> None:
    """The first call creates the embedded database, and says so where the protocol is not disturbed."""

    async def work() -> str:
        program = StdioServerParameters(command=TODO[0], args=[*TODO[1:], "mcp"], env=dict(os.environ))
        transport = stdio_client(program)
        async with Client(transport, client_info=Implementation(name="robot", version="1"), mode=era) as client:
            await client.call_tool("add", {"todos": [{"title": "Pay rent due:2030-01-02"}]})
            return text_of(await client.call_tool("find", {"filter": "rent"}))

    assert json.loads(asyncio.run(work()))["todos"][0]["due_on"] == "2030-01-02"
    [added] = json.loads(Terminal(monkeypatch).ok("log --json"))["items"]
    assert (added["source"], added["actor"]) == ("mcp", "robot")


@pytest.mark.slow
def test_end_of_stdin_ends_the_program() -> None:
    with started() as process:
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out, err) == (0, "", "")


@pytest.mark.slow
def test_interrupt_ends_the_program_although_it_waits_for_stdin() -> None:
    with started() as process:
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == -signal.SIGINT


def test_missing_extra_suggests_its_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp_types", None)
    ran = Terminal(monkeypatch)("mcp")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        f"error: MCP is not installed.\n hint: Install it: {sys.executable} -m pip install 'todo-neon[mcp]'\n"
    )


def test_unknown_profile_is_reported_before_an_agent_connects(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = Terminal(monkeypatch)("--profile nope mcp")
    assert (ran.code, ran.out) == (3, "")
    assert ran.err.startswith('error: There is no profile "nope".')


def test_nothing_is_printed_on_stdout_without_a_client(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = Terminal(monkeypatch)("mcp", stdin="no protocol\n")
    assert (ran.code, ran.err) == (0, "")
    assert all(json.loads(line)["jsonrpc"] == "2.0" for line in ran.out.splitlines())


def test_person_is_shown_how_to_configure_a_client(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = Terminal(monkeypatch, terminal=True)("mcp")
    assert "Waiting for an agent's program on stdin. To configure one: todo help agents" in ran.err
