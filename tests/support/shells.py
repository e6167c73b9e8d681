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

from todocli.completion.shell_scripts import replace_scripts

SHELLS = ("bash", "zsh", "fish", "powershell")


def environment(shell: str, line: str) -> dict[str, str]:
    """Return the variables that the script for `shell` sets when TAB is pressed at the end of `line`."""
    given = {"_TODO_COMPLETE": f"complete_{shell}"}
    given["_TYPER_COMPLETE_ARGS"] = line
    if shell == "bash":
        return given | {"_TYPER_COMPLETE_WORD_TO_COMPLETE": re.split("[ :=]", line)[-1], "COLUMNS": "80"}
    if shell in ("powershell", "pwsh"):
        return given | {"_TYPER_COMPLETE_WORD_TO_COMPLETE": line.split(" ")[-1]}
    return given


def in_bash(line: str) -> list[str]:
    """Return the candidates of bash's completion function, without their descriptions."""
    words = [word for word in re.split("([:=])| +", line) if word is not None]  # bash makes words of these two
    rows = _run(
        *("bash", "--norc", "-c"),
        f"{_script('bash')}\nCOMP_LINE={shlex.quote(line)}; COMP_POINT={len(line)}\n"
        f"COMP_WORDS=({shlex.join(words)}); COMP_CWORD={len(words) - 1}; COLUMNS=80\n"
        f"_todo_completion todo {shlex.quote(words[-1])}; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
    )
    return [row.split()[0] for row in rows.splitlines() if row]


def in_fish(line: str) -> list[str]:
    """Return the candidates of fish, without their descriptions."""
    code = f"{_script('fish')}\ncomplete --do-complete {shlex.quote(line)}\n"
    return [row.split("\t")[0] for row in _run("fish", "--no-config", "-c", code).splitlines()]


def in_zsh(line: str) -> list[str]:
    """Return the words that zsh lists. It completes only at a terminal, and reads a file in the current folder."""
    tab_only_lists = "tab () { zle list-choices; zle -R }; zle -N tab; bindkey '^I' tab"
    seen = _at_terminal("zsh", line, tab_only_lists)
    upwards_is_another_row = re.sub(r"\r*\n|\x1b\[[0-9]*A", "\n", seen)
    rows = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", upwards_is_another_row).split("\n")
    rows = [row.rpartition("\r")[2] for row in rows]
    listed = [row.partition(" -- ")[0].split() for row in rows if row.strip() and "line<" not in row]
    return [word for row in listed for word in row if row[0] != "todo"]


def listed_by_bash(line: str) -> str:
    """Return what bash prints when TAB is pressed twice at the end of `line`."""
    return _at_terminal("bash", f"{line}\t")


def after_tab(shell: str, line: str, *, prepare: str = "") -> str:
    """Return what is on the command line after a real press of TAB at the end of `line`."""
    return _at_terminal(shell, line, prepare).rpartition("line<")[2].partition(">end")[0]


_START = {
    "bash": "PS1=; bind 'set enable-bracketed-paste off'; bind 'set bell-style none'\n"
    "show () { printf '\\nline<%s>end\\n' \"$READLINE_LINE\"; }; bind -x '\"\\C-t\": show'\n",
    "zsh": "unsetopt zle_bracketed_paste beep prompt_cr prompt_sp; PROMPT=; autoload -Uz compinit; compinit -u -D\n"
    "show () { zle -I; print -r -- \"line<$BUFFER>end\" }; zle -N show; bindkey '^T' show\n",
    "fish": "function fish_prompt; end; function fish_greeting; end\n"
    "bind \\ct 'printf \"\\nline<%s>end\\n\" (commandline)'\n",
}
"""Prepares a shell: no prompt, and Control-T prints the line."""

_COMMANDS = {"bash": ("--norc", "-i"), "zsh": ("-f", "-i"), "fish": ("--no-config", "-i")}


def _at_terminal(shell: str, line: str, prepare: str = "") -> str:
    """Return what a shell prints at a terminal when TAB is pressed after `line`, and then Control-T."""
    need(shell)
    Path(f"start.{shell}").write_text(f"{_START[shell]}\n{_script(shell)}\n{prepare}\n")
    master, terminal = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 200, 250, 0, 0))
    with (
        subprocess.Popen(
            [shell, *_COMMANDS[shell]],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            env=os.environ | {"TERM": "xterm"},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        ) as running,
        os.fdopen(master, "r+b", buffering=0) as screen,
    ):
        os.close(terminal)

        def until(expected: str, typed: str) -> str:
            screen.write(typed.encode())
            seen = b""
            while expected.encode() not in seen:
                assert select.select([screen], [], [], 60)[0], seen
                seen += screen.read(65_536)
            return seen.decode(errors="replace")

        until("ready\r\n", f". ./start.{shell}; echo rea''dy\n")
        seen = until(">end", f"{line}\t\x14")
        running.kill()
    return seen


REAL_SHELLS: tuple[Callable[[str], list[str]], ...] = (in_bash, in_fish, in_zsh)


def _script(shell: str) -> str:
    replace_scripts()
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
