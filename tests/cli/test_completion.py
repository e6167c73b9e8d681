"""Shell completion: the fast answers against Typer's own, and against real shells."""

from __future__ import annotations

import enum
import fcntl
import itertools
import os
import re
import select
import shlex
import shutil
import struct
import subprocess
import sys
import termios
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
import typer.rich_utils
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from typer._click import Command as ClickCommand
from typer._completion_classes import BashComplete, FishComplete, PowerShellComplete, ZshComplete
from typer._completion_shared import get_completion_script
from typer.main import get_command

from scripts.write_completion_table import harmless, plain, source_of, table_of
from todocli import completion
from todocli.cli.app import build
from todocli.completion.model import Command
from todocli.completion.table import TABLE

SHELLS = ("bash", "zsh", "fish", "powershell")
ORACLES: dict[str, Any] = {
    "bash": BashComplete,
    "zsh": ZshComplete,
    "fish": FishComplete,
    "powershell": PowerShellComplete,
}


class Colour(enum.Enum):
    """Values of an option."""

    RED = "red"
    REDDISH = "reddish"
    BLUE = "blue"


def toy() -> typer.Typer:
    """Return a program that has one of everything."""
    app = typer.Typer(context_settings={"help_option_names": ["-h", "--help"]})

    @app.callback()
    def root(
        profile: Annotated[str, typer.Option("--profile", "-p", help="Whose: the user's.")] = "",
        quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say less.")] = False,
        secret: Annotated[str, typer.Option("--secret", hidden=True)] = "",
    ) -> None:
        pass

    @app.command()
    def add(
        words: list[str],
        due: Annotated[str, typer.Option("--due", "-d", help="The day: fri, or 27 Nov.")] = "",
        tag: Annotated[list[str] | None, typer.Option("--tag", help="May be repeated.")] = None,
        colour: Annotated[Colour | None, typer.Option("--colour", help="One of [bold]three[/bold].")] = None,
        verbose: Annotated[int, typer.Option("--verbose", "-v", count=True)] = 0,
        loud: Annotated[bool, typer.Option("--loud/--quiet", "-l/-q", help="Both ways.")] = False,
        span: Annotated[tuple[str, str] | None, typer.Option("--span", help="Two values.")] = None,
    ) -> None:
        """Add a todo, with a help that is so long that it is cut somewhere."""

    @app.command("show-one")
    def show_one(number: int, kind: Annotated[Colour, typer.Argument()] = Colour.RED) -> None:
        """Show one."""

    @app.command(context_settings={"ignore_unknown_options": True})
    def loose(
        before: str, words: list[str], after: Colour, flag: Annotated[bool, typer.Option("--flag", "-f")] = False
    ) -> None:
        """Take anything."""

    @app.command(hidden=True)
    def ghost(option: Annotated[str, typer.Option("--ghostly")] = "") -> None:
        """Be hidden."""

    family = typer.Typer(help="Operate.")
    deeper = typer.Typer(help="Deeper.")

    @family.callback()
    def family_root(url: Annotated[str, typer.Option("--url")] = "") -> None:
        pass

    @family.command()
    def upgrade(to: Annotated[str, typer.Option("--to", help="Which.")] = "") -> None:
        """Upgrade it (all of it)."""

    @deeper.command("down")
    def down(name: str, deep: bool = False) -> None:
        """Go down."""

    @deeper.command("up")
    def up() -> None:
        pass

    family.add_typer(deeper, name="deeper")
    app.add_typer(family, name="db")
    return app


@pytest.fixture(autouse=True)
def _typer_as_it_means_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take chance and the width of the terminal out of Typer's answers: the set of help names, and wrapped helps."""
    names = ClickCommand.get_help_option_names
    monkeypatch.setattr(ClickCommand, "get_help_option_names", lambda self, ctx: sorted(names(self, ctx)))
    monkeypatch.setattr(typer.rich_utils, "MAX_WIDTH", 10_000)


def environment(shell: str, line: str) -> dict[str, str]:
    """Return what the script for `shell` sets when TAB is pressed at the end of `line`."""
    given = {"_TODO_COMPLETE": f"complete_{shell}"}
    if shell == "bash":
        words = line.split(" ")
        return given | {"COMP_WORDS": "\n".join(words), "COMP_CWORD": str(len(words) - 1)}
    given["_TYPER_COMPLETE_ARGS"] = line
    if shell == "powershell":
        return given | {"_TYPER_COMPLETE_WORD_TO_COMPLETE": line.split(" ")[-1]}
    return given | ({"_TYPER_COMPLETE_FISH_ACTION": "get-args"} if shell == "fish" else {})


def typers(app: typer.Typer, environ: Mapping[str, str]) -> tuple[str, int]:
    """Return what Typer's own class prints, and its exit status."""
    shell = environ["_TODO_COMPLETE"].removeprefix("complete_")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("COMP_WORDS", "COMP_CWORD", "_TYPER_COMPLETE_ARGS", "_TYPER_COMPLETE_FISH_ACTION"):
            patch.delenv(name, raising=False)
        for name, value in environ.items():
            patch.setenv(name, value)
        try:
            said: str = ORACLES[shell](get_command(app), {}, "todo", "_TODO_COMPLETE").complete()
        except SystemExit as leaving:
            return "", int(leaving.code or 0)
    return f"{said}\n", 0


LINES = """
todo
todo |a
todo |add
todo |sh
todo |gh
todo |x
todo |-
todo |--
todo |--pro
todo |--profile
todo |--profile x
todo --profile |
todo --profile work |
todo --profile work |a
todo --profile=work |
todo --profile=|
todo -p |
todo -pwork |
todo -q |--
todo -qp |
todo -qp x |a
todo --quiet |--
todo --quiet=1 |a
todo --secret |
todo --secret s |a
todo --sec|
todo --unknown |
todo --unknown x |--
todo -x |a
todo -- |
todo -- a|
todo -- add |--
todo nothing |
todo nothing |--
todo add |
todo add |-
todo add |--t
todo add buy milk |--
todo add --tag a |--t
todo add --due |
todo add --due fri |--d
todo add --due=fri |--d
todo add --due=|
todo add --due |=
todo add -d |
todo add -dfri |-
todo add --colour |
todo add --colour |re
todo add --colour=|
todo add --colour=re|
todo add --colour = |re
todo add --colour red |--c
todo add --colour pink |--c
todo add -v |-
todo add -vv |-
todo add -vl |-
todo add -vx |-
todo add --loud |--
todo add -q |--
todo add --span |
todo add --span a |
todo add --span a b |--s
todo add --span a |--s
todo add -- |--
todo add -- --colour |
todo add -- -|
todo add x -- |-
todo add --colour -- |
todo add - |-
todo show-one |
todo show-one 1 |
todo show-one 1 |r
todo show-one 1 red |
todo show-one 1 red |--
todo show-one 1 red x |
todo show-one -- 1 |-
todo show-one -- 1 red |-
todo show-one one |
todo loose a -x b |--
todo loose a --xx b |-
todo loose -xf |-
todo loose a b |
todo loose a b red |r
todo loose |
todo ghost |--
todo ghost --ghostly |
todo db |
todo db |d
todo db |-
todo db --url |
todo db --url x |u
todo db --help |
todo db upgrade |--
todo db upgrade --to |
todo db deeper |
todo db deeper |u
todo db deeper down |
todo db deeper down x |-
todo db deeper down --deep |--
todo db deeper up |x
todo db nothing deeper |
todo 'a|
todo "add" |--t
todo add 'buy milk' |--t
todo add "it's" |--t
todo add \\-- |--t
todo add é |--t
"""


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("line", [line.replace("|", "") for line in LINES.strip().split("\n")])
def test_the_answers_are_typers(shell: str, line: str) -> None:
    environ = environment(shell, line)
    assert completion.answer(environ, table_of(toy())) == typers(toy(), environ)


PIECES = st.sampled_from(
    sorted({piece for line in LINES.split("\n") for piece in line.replace("|", "").split(" ") if piece != "todo"})
)
TOY, TOYS_TABLE = toy(), table_of(toy())


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.sampled_from(SHELLS), st.lists(PIECES | st.text("ad-=' \"\\q\n", max_size=4), max_size=6))
@example("zsh", ["add", ""])
def test_the_answers_are_typers_for_any_line(shell: str, words: list[str]) -> None:
    environ = environment(shell, " ".join(["todo", *words]))
    assert completion.answer(environ, TOYS_TABLE) == typers(TOY, environ)


@pytest.mark.parametrize("line", ["todo ", "todo a", "todo x", "todo add --due ", "todo add -"])
def test_fish_asks_first_whether_there_is_anything(line: str) -> None:
    for action in ("is-args", "get-args", "", "other"):
        environ = environment("fish", line) | {"_TYPER_COMPLETE_FISH_ACTION": action}
        assert completion.answer(environ, TOYS_TABLE) == typers(TOY, environ)


def test_pwsh_is_powershell() -> None:
    one = completion.answer(environment("powershell", "todo a"), TOYS_TABLE)
    assert one == completion.answer(
        environment("powershell", "todo a") | {"_TODO_COMPLETE": "complete_pwsh"}, TOYS_TABLE
    )
    assert one is not None
    assert one[0].startswith("add:::Add a todo")


@pytest.mark.parametrize(
    "instruction", ["", "x", "complete", "complete_", "complete_tcsh", "source_bash", "bash_complete"]
)
def test_what_is_not_ours_is_left_to_typer(instruction: str) -> None:
    assert completion.answer({"_TODO_COMPLETE": instruction}, TOYS_TABLE) is None
    assert completion.answer({}, TOYS_TABLE) is None


@pytest.mark.parametrize("shell", [*SHELLS, "pwsh"])
@given(texts=st.tuples(*[st.text()] * 5))
def test_nothing_makes_it_fail(shell: str, texts: tuple[str, ...]) -> None:
    names = (
        "COMP_WORDS",
        "COMP_CWORD",
        "_TYPER_COMPLETE_ARGS",
        "_TYPER_COMPLETE_FISH_ACTION",
        "_TYPER_COMPLETE_WORD_TO_COMPLETE",
    )
    asked = {"_TODO_COMPLETE": f"complete_{shell}"}
    assert completion.answer(asked, TABLE) is not None
    assert completion.answer(asked | dict(zip(names, texts, strict=True)), TABLE) is not None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, ""),
        ("Show [bold]one[/bold], [link=x]please[/link].", "Show one, please."),
        ("Two\n  lines\tand more", "Two lines and more"),
        ('Costs "$5" or `id` \\ {x} | [x] ~^', "Costs 5 or id x"),
        ("The user’s café – it is… here", "The user's cafe - it is... here"),
        ("\x1b[31mred\x07\u202e", "31mred"),
    ],
)
def test_harmless(text: str | None, expected: str) -> None:
    assert harmless(text) == expected


def test_what_the_table_cannot_say_is_refused() -> None:
    app = typer.Typer()

    @app.command()
    def pair(two: tuple[str, str]) -> None:
        pass

    with pytest.raises(TypeError, match="2 words"):
        table_of(app)


# The program


def test_the_table_is_the_programs() -> None:
    assert plain(TABLE) == plain(table_of(build(), kinds=True)), "run: python -m scripts.write_completion_table"


def test_the_written_table_is_the_table() -> None:
    scope: dict[str, Any] = {}
    exec(source_of(TOYS_TABLE), scope)
    assert plain(scope["TABLE"]) == plain(TOYS_TABLE)


def programs_lines() -> Iterator[str]:
    """Give lines for every command of the program: alone, with each option, and half-typed."""
    tried: Counter[str] = Counter()

    def below(command: Command, path: str) -> Iterator[str]:
        yield from (f"{path} {end}" for end in ("", "-", "--", "x", "x ", "-- ", "-- -", "--nothing "))
        for name in (name for option in command.options for name in option.names):
            tried[name] += 1
            if tried[name] > 1:  # most options are every command's
                continue
            yield from (f"{path} {name}{end}" for end in ("", " ", " x", " x -"))
            if name.startswith("--"):  # a value glued to a letter is a fault of its own (`todocli.cli.shared_options`)
                yield from (f"{path} {name}={end}" for end in ("", "x", "x --"))
        for name, found in (command.commands or {}).items():
            yield f"{path} {name[:-1]}"
            yield from below(found, f"{path} {name}")

    yield from below(TABLE, "todo")


def test_the_programs_answers_are_typers() -> None:
    app = build()
    table = table_of(app)  # Typer knows nothing of what only data tell
    # Typer calls the option's callback on the way, which prints the version and leaves.
    lines = [line for line in programs_lines() if "--version " not in f"{line} "]
    assert len(lines) > 400
    for shell, line in zip(itertools.cycle(SHELLS), lines, strict=False):
        environ = environment(shell, line)
        assert completion.answer(environ, table) == typers(app, environ), line


def test_nothing_that_is_offered_means_something_to_a_shell() -> None:
    def words(command: Command) -> Iterator[str]:
        yield from (name for option in command.options for name in (*option.names, *option.choices))
        yield from (choice for argument in command.arguments for choice in argument.choices)
        for name, found in (command.commands or {}).items():
            yield name
            yield from words(found)

    letters = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-")
    assert {letter for word in words(TABLE) for letter in word} <= letters


# Real shells


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a program `todo` on the PATH that answers with the toy's table, where everything may be in a help."""
    everything = "Everything .,;:!?()/+_=<>%@#&*'- there is"
    script = tmp_path / "bin" / "todo"
    script.parent.mkdir()
    table = source_of(TOYS_TABLE).replace("Say less.", everything)
    (script.parent / "toy_table.py").write_text(table)
    script.write_text(
        f"#!{sys.executable}\n"
        "import os, sys\n"
        "from todocli import completion\n"
        "from toy_table import TABLE\n"
        "text, status = completion.answer(os.environ, TABLE)\n"
        "sys.stdout.write(text)\n"
        "sys.exit(status)\n"
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(Path(completion.__file__).parents[2]))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_shell(*command: str) -> str:
    name = command[0]
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert not done.stderr, done.stderr
    return done.stdout


def script_for(shell: str) -> str:
    return get_completion_script(prog_name="todo", complete_var="_TODO_COMPLETE", shell=shell)


def in_bash(line: str) -> list[str]:
    """Return what bash's completion function offers."""
    words = line.split(" ")
    given = f"""{script_for("bash")}
    COMP_WORDS=({" ".join(map(shlex.quote, words))}); COMP_CWORD={len(words) - 1}
    _todo_completion todo; printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    return run_shell("bash", "--norc", "-c", given).split()


def in_fish(line: str) -> list[str]:
    """Return what fish offers, without the descriptions."""
    given = f"{script_for('fish')}\ncomplete --do-complete {shlex.quote(line)}\n"
    return [row.split("\t")[0] for row in run_shell("fish", "--no-config", "-c", given).splitlines()]


def in_zsh(line: str) -> list[str]:
    """Return what zsh lists; it completes at a terminal only."""
    if shutil.which("zsh") is None:
        pytest.skip("zsh is not installed")
    Path("start.zsh").write_text(
        "unsetopt zle_bracketed_paste beep prompt_cr prompt_sp; PROMPT=; autoload -Uz compinit; compinit -u -D\n"
        f"{script_for('zsh')}\n"
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
        seen = until("listed", f"{line}\t")  # nothing typed after it: zsh lists nothing while more is to come
        shell.kill()
    upwards_is_another_row = re.sub(r"\r*\n|\x1b\[[0-9]*A", "\n", seen)
    rows = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", upwards_is_another_row).split("\n")
    rows = [row.rpartition("\r")[2] for row in rows]
    listed = [row.partition(" -- ")[0].split() for row in rows if row.strip() not in ("", "listed")]
    return [word for row in listed for word in row if row[0] != "todo"]


REAL = [
    ("todo ", ["add", "show-one", "loose", "db"]),
    ("todo a", ["add"]),
    ("todo db deeper ", ["down", "up"]),
    ("todo --q", ["--quiet"]),
    ("todo -", ["--profile", "-p", "--quiet", "-q", "--help", "-h", "--install-completion", "--show-completion"]),
    ("todo add --colour re", ["red", "reddish"]),
]


def test_zsh_finds_ours_where_it_knows_another_todo(tmp_path: Path) -> None:
    if shutil.which("zsh") is None:
        pytest.skip("zsh is not installed")
    environ = {"HOME": str(tmp_path), "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}

    def zsh(*words: str) -> str:
        return subprocess.run(
            ["zsh", *words], env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True
        ).stdout

    for _ in range(2):
        assert "zsh completion installed" in zsh("-fc", "todo --install-completion; true")
    assert (tmp_path / ".zshrc").read_text().count("compdef _todo todo") == 1
    assert zsh("-ic", "print -r -- $_comps[todo]; autoload +X _todo; print -r -- $functions[_todo]").startswith(
        "_todo\n"
    )


def test_no_help_needs_quoting_in_zsh() -> None:
    def helps(command: Command) -> Iterator[str]:
        yield command.help
        yield from (option.help for option in command.options)
        for below in (command.commands or {}).values():
            yield from helps(below)

    assert [text for text in helps(TABLE) if set(text) & set("'\"`\\$")] == []


@pytest.mark.parametrize("complete", [in_bash, in_fish, in_zsh])
@pytest.mark.parametrize(("line", "expected"), REAL)
@pytest.mark.usefixtures("program")
def test_a_real_shell_offers(complete: Callable[[str], list[str]], line: str, expected: list[str]) -> None:
    assert sorted(set(complete(line))) == sorted(expected)


# How it is started


def test_an_answer_loads_nothing_heavy() -> None:
    code = (
        "import sys; before = set(sys.modules); from todocli import completion; "
        "completion.answer({'_TODO_COMPLETE': 'complete_bash', 'COMP_WORDS': 'todo a', 'COMP_CWORD': '1'}); "
        "print(sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}; {code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    own = ["todocli", "todocli.completion", "todocli.completion.model", "todocli.completion.table"]
    assert [name for name in eval(done.stdout) if name != "__future__"] == own
