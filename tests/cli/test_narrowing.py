"""The context: a filter for what a person sees at a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.terminal import Terminal


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch, embedded_file: Path) -> Terminal:
    monkeypatch.setenv("NO_COLOR", "1")
    terminal = Terminal(monkeypatch, terminal=True, width=120)
    terminal.ok("add -", stdin="Write report project:work\nCall Ada project:work/api\nBuy milk\n")
    return terminal


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, embedded_file: Path) -> Terminal:
    return Terminal(monkeypatch)


def _titles(out: str) -> list[str]:
    return [line.split("   ")[1] for line in out.splitlines()[2:]]


def test_context_narrows_lists_at_a_terminal(person: Terminal, script: Terminal) -> None:
    assert person("context project:work").err == "The context is project:work. To end it: todo context none\n"
    for line in ("", "list", "list --all-rows"):
        ran = person(line)
        assert _titles(ran.out) == ["Write report", "Call Ada"]
        assert ran.err == "context project:work · 2 of 3 open\n"
    assert _titles(person.ok("next -n 5")) == ["Write report", "Call Ada"]
    assert person("context").err == "The context is project:work.\n"
    assert script.ok("list -q") == person.ok("list -q") == "1\n2\n3\n"
    assert person("context none").err == "The context project:work ended.\n"
    assert person("context").err == "There is no context.\n"
    assert person("list").err == "3 open\n"


def test_context_does_not_touch_numbers_add_and_log(person: Terminal) -> None:
    person.ok("context +work")
    assert person.ok("done 3").startswith("Done 3 Buy milk")
    assert person.ok("undo").startswith("Undone: done 3")
    assert person.ok("add Pay rent").startswith("Added 4 Pay rent")
    assert len(person.ok("log").splitlines()) == 8
    assert person.ok("count") == "4\n"


def test_context_narrows_a_change_by_filter_and_its_question_says_so(person: Terminal, script: Terminal) -> None:
    person.ok("context project:work/api")
    asked = person("done project:any", stdin="n\n")
    assert "Complete 2 Call Ada (context project:work/api)? [y/N]:" in asked.out + asked.err
    assert script.ok("done project:any --dry-run -q") == "1\n2\n"


def test_empty_list_names_the_context(person: Terminal) -> None:
    person.ok("context +nothing")
    for line in ("list", "today"):
        assert person(line).err.endswith("The context is +nothing. To end it: todo context none\n")
    assert person("done project:any --yes").err == "There is no tag nothing. Nothing was changed.\n"
    person.ok("context project:work/api")
    ran = person("done project:work +x --yes", stdin="")
    assert "Nothing was changed." in ran.err or ran.err.endswith("; nothing was changed.\n")
    person.ok("add d +x")
    ran = person("done +x --yes")
    assert ran.err == "No todos match in the context project:work/api; nothing was changed.\n"
    person.ok("context +nothing")
    assert person("context off").err == "The context +nothing ended.\n"


def test_context_takes_the_name_of_a_view(person: Terminal) -> None:
    person("view save office project:work due:none")
    assert person("context office").err.startswith("The context is project:work due:none.")
    person("view save sorted project:work --sort due")
    ran = person("context sorted")
    assert ran.code == 2
    assert ran.err.startswith("error: The view sorted has options, but a context takes the words of a filter only.")
    assert person("context done:week").err.startswith("error: A context is for open todos")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("milk", "'milk' is neither a filter nor a view."),
        ("due:soonish", "'soonish' is not a day."),
        ("''", "The search text is empty."),
    ],
)
def test_what_is_no_filter_is_refused(person: Terminal, words: str, error: str) -> None:
    ran = person(f"context {words}")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"error: {error}")
    assert person("context").err == "There is no context.\n"


def test_context_that_cannot_be_read_says_how_to_end_it(person: Terminal, home: Path) -> None:
    (home / "config.toml").write_text('context = "due:soonish"\n')
    (home / "config.toml").chmod(0o600)
    ran = person("list")
    assert ran.code == 2
    assert "todo context none" in ran.err
    person.ok("context none")
    assert person("list").err == "3 open\n"
