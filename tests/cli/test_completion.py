"""Shell completion of commands and options: what each line offers, how each shell is answered, and real shells."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

import todocli
from scripts.write_completion_table import PATH, harmless, source_of, table_of
from tests.support.shells import REAL_SHELLS, SHELLS, after_tab, environment, need
from todocli.cli.app import build
from todocli.completion.answer import answer
from todocli.completion.model import Argument, Command, Option

HELP = Option("--help", "-h", help="Everything .,;:!?()/+_=<>%@#&*'- that a help text may contain")
DUE = Option("--due", "-d", help="The day: fri, or mon.", value=True, choices=("fri", "mon"))
TAG = Option("--tag", help="May be repeated.", value=True, repeats=True)
UP = Argument("one", "two", many=True)
TOY = Command(
    options=(Option("--profile", "-p", value=True), Option("--quiet", "-q", help="Print less."), HELP),
    commands={
        "add": Command(
            "Add a todo.",
            options=(DUE, TAG, Option("--priority", value=True, kind="priority"), HELP),
            arguments=(Argument(many=True),),
        ),
        "show-one": Command("Show one.", arguments=(Argument(), Argument("red", "reddish", "blue")), options=(HELP,)),
        "ghost": Command(options=(Option("--ghostly"),), hidden=True),
        "db": Command(
            "Operate.",
            options=(Option("--url", value=True),),
            commands={
                "upgrade": Command("Upgrade it (all of it).", options=(Option("--to", value=True),)),
                "deeper": Command(
                    "Deeper.", commands={"down": Command(options=(HELP,)), "up": Command(arguments=(UP,))}
                ),
            },
        ),
    },
)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("todo ", "add show-one db"),
        ("todo a", "add"),
        ("todo gh", ""),
        ("todo frob ", ""),
        ("todo frob --", ""),
        ("todo -", "--profile -p --quiet -q --help -h"),
        ("todo --q", "--quiet"),
        ("todo --quiet --", "--profile --help"),
        ("todo -q --", "--profile --help"),
        ("todo --unknown a", "add"),
        ("todo --profile ", ""),
        ("todo --profile a ", "add show-one db"),
        ("todo --profile add a", "add"),
        ("todo -- a", "add"),
        ("todo -- add --t", "--tag"),
        ("todo add ", ""),
        ("todo add -", "--due -d --tag --priority --help -h"),
        ("todo add buy milk --t", "--tag"),
        ("todo show-one - ", "red reddish blue"),
        ("todo add 'buy milk' #1 --t", "--tag"),
        ("todo add 'buy --t", ""),
        ("todo add --tag a --t", "--tag"),
        ("todo add --due fri --d", ""),
        ("todo add --due=fri --t", "--tag"),
        ("todo add --due ", "fri mon"),
        ("todo add --due f", "fri"),
        ("todo add --due=", "--due=fri --due=mon"),
        ("todo add --due=f", "--due=fri"),
        ("todo add --help=", ""),
        ("todo add --priority h", "high"),
        ("todo add -- --t", ""),
        ("todo show-one ", ""),
        ("todo show-one 1 ", "red reddish blue"),
        ("todo show-one -- 1 r", "red reddish"),
        ("todo show-one 1 red ", ""),
        ("todo ghost --", "--ghostly"),
        ("todo db ", "upgrade deeper"),
        ("todo db deeper ", "down up"),
        ("todo db deeper up one t", "two"),
        ("todo --quiet db deeper down --", "--help"),
    ],
)
def test_line_offers_words(line: str, expected: str) -> None:
    answered = answer(environment("fish", line), TOY)
    assert answered is not None
    assert [row.split("\t")[0] for row in answered.split("\n")[:-1] if row] == expected.split()


# What a shell sends, and what it reads


@pytest.mark.parametrize(
    ("shell", "expected"),
    [
        ("bash", "--due"),
        ("zsh", "local -a todo_words=('--due:The day: fri, or mon.'); _describe -V todo todo_words;"),
        ("fish", "--due\tThe day: fri, or mon."),
        ("powershell", "--due:::The day: fri, or mon."),
        ("pwsh", "--due:::The day: fri, or mon."),
    ],
)
def test_answer_has_form_of_shell(shell: str, expected: str) -> None:
    assert answer(environment(shell, "todo add --due"), TOY) == f"{expected}\n"
    for line in ("todo add --x", "todo add "):
        assert answer(environment(shell, line), TOY) == "", "no file is offered instead"


def test_bash_shows_descriptions_beside_several_words() -> None:
    listed = environment("bash", "todo a")
    assert answer(listed, TOY) == "add\n"
    rows = [
        "add       Add a todo.                   ",
        "show-one  Show one.                     ",
        "db        Operate.                      ",
    ]
    assert answer(environment("bash", "todo "), TOY) == "\n".join(rows) + "\n"
    narrow = environment("bash", "todo ") | {"COLUMNS": "20"}
    assert answer(narrow, TOY) == "add       Add a tod\nshow-one  Show one.\ndb        Operate.\n"
    for kind in ("37", "42"):
        assert answer(environment("bash", "todo ") | {"COMP_TYPE": kind}, TOY) == "add\nshow-one\ndb\n"


@pytest.mark.parametrize(
    ("replaced", "expected"), [("f", "fri"), ("", "fri"), ("--due=f", "--due=fri"), ("elsewhere", "--due=fri")]
)
def test_bash_gets_only_what_it_replaces(replaced: str, expected: str) -> None:
    begun = "--due=" if not replaced else "--due=f"
    environ = environment("bash", f"todo add {begun}") | {"_TYPER_COMPLETE_WORD_TO_COMPLETE": replaced}
    answered = answer(environ, TOY)
    assert answered is not None
    assert answered.split("\n")[0] == expected


@pytest.mark.parametrize("instruction", ["", "x", "complete", "complete_", "complete_tcsh", "source_bash"])
def test_other_instruction_is_left_to_typer(instruction: str) -> None:
    assert answer({"_TODO_COMPLETE": instruction}) is None


VARIABLES = ("_TYPER_COMPLETE_ARGS", "_TYPER_COMPLETE_WORD_TO_COMPLETE", "COMP_TYPE", "COLUMNS")


@pytest.mark.parametrize("shell", SHELLS)
@given(variables=st.dictionaries(st.sampled_from(VARIABLES), st.text() | st.text("ad-=' \"\\1\n")))
def test_arbitrary_text_raises_nothing(shell: str, variables: dict[str, str]) -> None:
    assert answer({"_TODO_COMPLETE": f"complete_{shell}"} | variables, TOY) is not None


# The table


def test_table_is_current() -> None:
    assert PATH.read_text() == source_of(table_of(build())), "run: python -m scripts.write_completion_table"


def test_table_has_nothing_that_shells_expand() -> None:
    assert not set(PATH.read_text().partition("\n")[2]) & set("`$\\")


def test_table_has_what_commands_declare() -> None:
    app = typer.Typer(add_completion=False)

    @app.callback()
    def root() -> None: ...

    @app.command()
    def paint(
        colour: Literal["red", "$(odd)"],
        words: list[str],
        shade: Annotated[Literal["a", "b"], typer.Option("--shade", "-s", help="A [bold]shade[/bold].")] = "a",
        loud: Annotated[bool, typer.Option("--loud/--quiet")] = False,
        more: Annotated[int, typer.Option("-v", count=True)] = 0,
        tag: Annotated[list[str] | None, typer.Option("--tag")] = None,
        fields: Annotated[str, typer.Option("--fields")] = "",
        secret: Annotated[str, typer.Option("--secret", hidden=True)] = "",
    ) -> None:
        """Paint it."""

    command = table_of(typer.main.get_command(app)).commands["paint"]
    assert command.help == "Paint it."
    assert [(a.choices, a.many) for a in command.arguments] == [(("red",), False), ((), True)]
    (listed,) = [option for option in command.options if option.many]
    assert (listed.names, listed.choices[:2]) == (("--fields",), ("id", "number"))
    assert [(o.names, o.help, o.value, o.choices, o.repeats, o.kind) for o in command.options if o is not listed] == [
        (("--shade", "-s"), "A shade.", True, ("a", "b"), False, ""),
        (("--loud", "--quiet"), "", False, (), False, ""),
        (("-v",), "", False, (), True, ""),
        (("--tag",), "", True, (), True, "tag-filter"),
        (("--help",), "Show this message and exit.", False, (), False, ""),
    ]


def test_help_offers_topics_and_commands() -> None:
    offered = table_of(build()).commands["help"].commands
    assert offered["dates"].help == "How to write dates and times"
    assert (offered["undo"].help, offered["add"].help) == ("Undo, redo and the log", "Add a todo.")
    assert "ls" not in offered
    assert "status" in offered["daemon"].commands


def test_table_refuses_argument_of_two_words() -> None:
    app = typer.Typer()

    @app.command()
    def pair(two: tuple[str, str]) -> None: ...

    with pytest.raises(TypeError, match="2 words"):
        table_of(typer.main.get_command(app))


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
def test_harmless_keeps_plain_ascii(text: str | None, expected: str) -> None:
    assert harmless(text) == expected


# Real shells


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a program `todo` on the PATH that answers from the toy's table."""
    script = tmp_path / "bin" / "todo"
    script.parent.mkdir()
    (script.parent / "toy_table.py").write_text(source_of(TOY))
    script.write_text(
        f"#!{sys.executable}\n"
        "import os, sys\n"
        "from todocli.completion.answer import answer\n"
        "from toy_table import TABLE\n"
        "sys.stdout.write(answer(os.environ, TABLE))\n"
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(Path(todocli.__file__).parents[1]))
    monkeypatch.chdir(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("complete", REAL_SHELLS)
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("todo ", "add show-one db"),
        ("todo -", "--profile -p --quiet -q --help -h"),
        ("todo add --due ", "fri mon"),
        ("todo show-one 1 re", "red reddish"),
        ("todo add --due=", "fri mon"),
    ],
)
@pytest.mark.usefixtures("program")
def test_real_shell_offers(complete: Callable[[str], list[str]], line: str, expected: str) -> None:
    assert {word.removeprefix("--due=") for word in complete(line)} == set(expected.split())


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("todo a", "todo add "),
        ("todo add --due f", "todo add --due fri "),
        ("todo add --due=f", "todo add --due=fri "),
        ("todo show-one 1 r", "todo show-one 1 red"),
        ("todo not", "todo not"),
        ("todo add not", "todo add not"),
        ("todo add - < not", "todo add - < notes "),
    ],
)
@pytest.mark.usefixtures("program")
def test_tab_inserts(shell: str, line: str, expected: str) -> None:
    Path("notes").touch()
    assert after_tab(shell, line) == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "prepare", "expected"),
    [
        ("todo add --due=f", "COMP_WORDBREAKS=${COMP_WORDBREAKS//=}", "todo add --due=fri "),
        ("t ad", "alias t=todo; complete -F _todo_completion t", "t add "),
        ("./bin/todo ad", "", "./bin/todo add "),
        ("true; A=1 todo ad", "", "true; A=1 todo add "),
        ("todo add 'ü b' --due f", "", "todo add 'ü b' --due fri "),
    ],
)
@pytest.mark.usefixtures("program")
def test_bash_completes_word_at_cursor(line: str, prepare: str, expected: str) -> None:
    assert after_tab("bash", line, prepare=prepare) == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shell", "file", "distinct"),
    [
        ("bash", ".bash_completions/todo.sh", "complete -o nosort -F _todo_completion todo"),
        ("fish", ".config/fish/completions/todo.fish", "commandline -cp | string collect"),
    ],
)
def test_our_script_is_installed(tmp_path: Path, shell: str, file: str, distinct: str) -> None:
    need(shell)
    environ = {"HOME": str(tmp_path), "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for option in ("--install-completion", "--show-completion"):
        line = [shell, "-c", f"todo {option}; true"]
        run = subprocess.run(line, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        assert run.stderr == ""
    assert distinct in run.stdout
    assert "--condition" not in run.stdout, "with one, fish suggests files while a line is typed"
    assert (tmp_path / file).read_text().strip() == run.stdout.strip()


@pytest.mark.slow
def test_zsh_prefers_ours_to_completion_of_devtodo(tmp_path: Path) -> None:
    need("zsh")
    environ = {"HOME": str(tmp_path), "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}

    def zsh(*words: str) -> str:
        run = subprocess.run(["zsh", *words], env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        return run.stdout

    for _ in ("installed", "installed again"):
        assert "zsh completion installed" in zsh("-fc", "todo --install-completion; true")
    assert (tmp_path / ".zshrc").read_text().count("compdef _todo todo") == 1
    found = zsh("-ic", "print -r -- $_comps[todo]; autoload +X _todo; print -r -- $functions[_todo]")
    assert found.startswith("_todo\n")
