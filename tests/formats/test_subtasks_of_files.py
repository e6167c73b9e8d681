"""Subtasks are read again as they were written, in every format that holds them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.formats.test_round_trips import MARKDOWN_LINES
from tests.support.factories import a_todo
from tests.support.formats import entries_of, record_of, written
from todocli.domain.fields import MAX_LEVELS
from todocli.domain.records import Record
from todocli.formats.registry import FORMATS, by_name
from todocli.schemas.exports import TodoLeaving
from todocli.schemas.todos import TodoRead

HOLDING = [each.name for each in FORMATS if each.is_written and "parent" in each.holds]


@st.composite
def trees(draw: st.DrawFn) -> list[TodoRead]:
    """Give todos of a few trees, in any order; not all of those that some belong to are there."""
    count = draw(st.integers(1, 8))
    parents: dict[int, int | None] = {}
    levels: dict[int, int] = {}
    for number in draw(st.permutations(range(1, count + 1))):
        above = [each for each in parents if levels[each] < MAX_LEVELS]
        parents[number] = parent = draw(st.sampled_from([None, *above]))
        levels[number] = levels[parent] + 1 if parent else 1
    todos = [
        a_todo(
            number,
            f"t{number}",
            parent=parents[number],
            subtasks=[each for each in parents if parents[each] == number],
            description=draw(st.none() | st.sampled_from(MARKDOWN_LINES)),
            project=draw(st.sampled_from([None, "home", "home/garden"])),
        )
        for number in draw(st.permutations(range(1, count + 1)))
    ]
    missing = draw(st.integers(1, 20))
    return [todo for todo in todos if todo.number != missing]


def leaving(todo: TodoRead) -> TodoLeaving:
    """Return a todo as it is exported in a format that keeps ids."""
    return TodoLeaving(**dict(todo), parent_id=str(a_todo(todo.parent).id) if todo.parent else None)


@pytest.mark.parametrize("name", HOLDING)
def test_trees_are_read_as_they_were_written(name: str) -> None:
    @given(trees())
    def check(todos: list[TodoRead]) -> None:
        exported = map(leaving, todos) if by_name(name).keeps_ids else todos
        records = [each for each in entries_of(name, written(name, *exported)) if isinstance(each, Record)]
        titles = {each.reference or each.source_id: each.title for each in records}
        found = {
            each.title: (titles.get(each.parent or ""), "/".join(each.project) or None, each.description)
            for each in records
        }
        holds_text = "description" in by_name(name).holds
        there = {todo.number for todo in todos}
        assert found == {
            todo.title: (
                f"t{todo.parent}" if todo.parent in there else None,
                todo.project,
                todo.description if holds_text else None,
            )
            for todo in todos
        }
        assert [each.unheld for each in records] == [{}] * len(todos)

    check()


def test_every_format_but_that_of_taskwarrior_holds_subtasks() -> None:
    assert {each.name for each in FORMATS if each.is_written} - set(HOLDING) == {"taskwarrior"}


@pytest.mark.parametrize(
    ("line", "reference", "parent", "unheld"),
    [
        ("Buy tiles id:7 p:1", "7", "1", {}),
        ("Buy tiles sup:1", None, "1", {}),
        ("Buy tiles p:1 sup:2", None, "1", {"sup": "2"}),
        ("Buy tiles id:7 dep:3", "7", None, {"dep": "3"}),
    ],
)
def test_links_of_todo_txt(line: str, reference: str | None, parent: str | None, unheld: dict[str, str]) -> None:
    record = record_of("todotxt", line)
    assert (record.title, record.reference, record.parent) == ("Buy tiles", reference, parent)
    assert record.unheld == unheld


def test_todo_txt_names_parents_by_their_numbers() -> None:
    text = written("todotxt", a_todo(1, "Bath", subtasks=[2]), a_todo(2, "Tiles", parent=1), a_todo(3, "Shed"))
    words = [[word for word in line.split() if word.startswith(("id:", "p:"))] for line in text.splitlines()]
    assert words == [["id:1"], ["p:1"], []]
