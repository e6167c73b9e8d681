"""Text in lines that fit."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from todocli.render.wrapping import cell_width, wrapped

TEXTS = st.text(st.sampled_from("ab 漢é-"), max_size=80)


def test_breaks_at_blanks_and_never_inside_a_command() -> None:
    assert wrapped("Added 3 Pay the rent", 12) == "Added 3 Pay\nthe rent"
    assert (
        wrapped("Nothing yet. Add one:", 24, command="todo add buy milk") == "Nothing yet. Add one:\ntodo add buy milk"
    )
    assert wrapped("More:", 10, command="todo list --all-rows") == "More:\ntodo list --all-rows"
    assert wrapped("  indented", 40) == "  indented"
    assert wrapped("漢字 漢字", 7) == "漢字\n漢字"


@given(TEXTS, st.integers(1, 40), TEXTS)
def test_lines_fit_and_nothing_is_lost(text: str, width: int, command: str) -> None:
    shown = wrapped(text, width, command=command)
    assert shown.split() == [*text.split(), *command.split()]
    assert command in shown
    for line in shown.split("\n"):
        whole = " " not in line.strip() or line.endswith(command)
        assert cell_width(line) <= width or whole
