"""Press TAB: set the environment as a shell's completion script does, or run the script in the real shell."""

from __future__ import annotations

import fcntl
import os
import re
import select
import shlex
import shutil
import struct
import subprocess
import termios
from collections.abc import Callable
from pathlib import Path

import pytest
from typer._completion_shared import get_completion_script

SHELLS = ("bash", "zsh", "fish", "powershell")


def environment(shell: str, line: str) -> dict[str, str]:
    """Return the variables that the script for `shell` sets when TAB is pressed at the end of `line`."""
    given = {"_TODO_COMPLETE": f"complete_{shell}"}
    if shell == "bash":
        words = re.split(r" +|(?<=[^ ])(?==)|(?<==)(?=[^ ])", line)  # bash makes `=` a word
        return given | {"COMP_WORDS": "\n".join(words), "COMP_CWORD": str(len(words) - 1)}
    given["_TYPER_COMPLETE_ARGS"] = line
    if shell in ("powershell", "pwsh"):
        return given | {"_TYPER_COMPLETE_WORD_TO_COMPLETE": line.split(" ")[-1]}
    return given | ({"_TYPER_COMPLETE_FISH_ACTION": "get-args"} if shell == "fish" else {})


def in_bash(line: str) -> list[str]:
    """Return the candidates of bash's completion function."""
    words = environment("bash", line)["COMP_WORDS"].split("\n")
    return _run(
        *("bash", "--norc", "-c"),
        f"{_script('bash')}\nCOMP_WORDS=({shlex.join(words)}); COMP_CWORD={len(words) - 1}\n"
        "_todo_completion todo; printf '%s\\n' \"${COMPREPLY[@]}\"",
    ).split()


def in_fish(line: str) -> list[str]:
    """Return the candidates of fish, without their descriptions."""
    code = f"{_script('fish')}\ncomplete --do-complete {shlex.quote(line)}\n"
    return [row.split("\t")[0] for row in _run("fish", "--no-config", "-c", code).splitlines()]


def in_zsh(line: str) -> list[str]:
    """Return the words that zsh lists. It completes only at a terminal, and reads a file in the current folder."""
    need("zsh")
    Path("start.zsh").write_text(
        "unsetopt zle_bracketed_paste beep prompt_cr prompt_sp; PROMPT=; autoload -Uz compinit; compinit -u -D\n"
        f"{_script('zsh')}\n"
        "tab () { zle list-choices; zle -R; print '\\n'li''sted }; zle -N tab; bindkey '^I' tab; print rea''dy\n"
    )
    master, terminal = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 200, 250, 0, 0))
    with (
        subprocess.Popen(
            ["zsh", "-f", "-i"],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            env=os.environ | {"TERM": "xterm"},
            start_new_session=True,
        ) as shell,
        os.fdopen(master, "r+b", buffering=0) as screen,
    ):
        os.close(terminal)

        def until(word: str, typed: str) -> str:
            screen.write(typed.encode())
            seen = ""
            while f"{word}\r\n" not in seen:
                assert select.select([screen], [], [], 60)[0], seen
                seen += screen.read(65_536).decode()
            return seen

        until("ready", ". ./start.zsh\n")
        seen = until("listed", f"{line}\t")  # zsh lists nothing while more input waits
        shell.kill()
    upwards_is_another_row = re.sub(r"\r*\n|\x1b\[[0-9]*A", "\n", seen)
    rows = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", upwards_is_another_row).split("\n")
    rows = [row.rpartition("\r")[2] for row in rows]
    listed = [row.partition(" -- ")[0].split() for row in rows if row.strip() not in ("", "listed")]
    return [word for row in listed for word in row if row[0] != "todo"]


REAL_SHELLS: tuple[Callable[[str], list[str]], ...] = (in_bash, in_fish, in_zsh)


def _script(shell: str) -> str:
    return get_completion_script(prog_name="todo", complete_var="_TODO_COMPLETE", shell=shell)


def _run(*command: str) -> str:
    need(command[0])
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert not done.stderr, done.stderr
    return done.stdout


def need(shell: str) -> None:
    """Skip the test where the shell is not installed."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
