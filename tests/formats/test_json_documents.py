"""JSON of this program, and of scripts that write it."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from todocli.domain.records import Fault, Record
from todocli.errors import ValidationError
from todocli.formats.registry import by_name


def entries_of(document: Any) -> list[Any]:
    return list(by_name("json").read(io.BytesIO(json.dumps(document).encode())))


@pytest.mark.parametrize("document", [[{"version": 3, "title": "a"}], {"items": [{"version": 3, "title": "a"}]}])
def test_version_of_a_todo_is_not_that_of_the_document(document: Any) -> None:
    (record,) = entries_of(document)
    assert isinstance(record, Record)
    assert record.version == 3


def test_a_newer_document_is_refused() -> None:
    with pytest.raises(ValidationError, match="version 99"):
        entries_of({"format": "todo", "version": 99, "todos": []})


@pytest.mark.parametrize("name", ["todos", "items"])
def test_a_list_of_todos_may_follow_other_fields(name: str) -> None:
    (record,) = entries_of({"total": 1, name: [{"title": "a"}]})
    assert record.title == "a"


@pytest.mark.parametrize("document", [{}, {"tasks": [{"title": "a"}]}, {"todos": {"title": "a"}}])
def test_an_object_without_a_list_of_todos_is_refused(document: Any) -> None:
    with pytest.raises(ValidationError, match='no list "todos" or "items"'):
        entries_of(document)


@pytest.mark.parametrize("field", ["is_completed", "is_someday"])
@pytest.mark.parametrize("value", ["no", "true", 1, []])
def test_a_flag_that_is_neither_true_nor_false_is_a_fault(field: str, value: Any) -> None:
    (fault,) = entries_of([{"title": "a", field: value}])
    assert fault == Fault("item 1", field, "must be true or false")
