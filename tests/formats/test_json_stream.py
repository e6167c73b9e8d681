"""Reading JSON piece by piece: its lists, its limits, and what a broken document leads to."""

from __future__ import annotations

import io
import json

import pytest

from todocli.errors import ValidationError
from todocli.formats import json_stream
from todocli.formats.json_stream import json_items, json_lists


class Slow(io.BytesIO):
    """A file that gives few bytes at once, so that every token is cut somewhere."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(size or 0, 3))


def test_items_have_their_places() -> None:
    document = json.dumps([{"a": 1}, "b", None]).encode()
    assert list(json_items(Slow(document), "item")) == [("item 1", {"a": 1}), ("item 2", "b"), ("item 3", None)]


def test_lists_of_an_object_keep_their_names() -> None:
    values = {
        "version": 1,
        "todos": [{"a": [1, {"b": 2}]}, {"c": "]"}],
        "other": [{"x": 1}],
        "changes": [3],
        "none": [],
    }
    found = list(json_lists(Slow(json.dumps(values).encode()), ("todos", "changes", "none")))
    assert found == [("todos", 1, {"a": [1, {"b": 2}]}), ("todos", 2, {"c": "]"}), ("changes", 1, 3)]


@pytest.mark.parametrize("text", ['"[[[[["', r'"\"[[[[["', r'"\\"', '"{{{{{{\\\\\\""'])
def test_brackets_in_texts_do_not_count(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "MAX_DEPTH", 3)
    document = f"[{text}, {text}]".encode()
    assert [item for _, item in json_items(Slow(document), "item")] == json.loads(document)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (b"[" * 1_000_000, "nested more than 100 deep"),
        (b'[{"a":' * 500_000, "nested more than 100 deep"),
        (b'["' + b"x" * 10_100_000 + b'"]', "a text of more than 10,000,000 bytes"),
        (b"{}", "no JSON list"),
        (b'["a"', "ends too early, or is not JSON, after item 1"),
        (b"[x]", "at its beginning"),
        ("[1]".encode("utf-16"), "UTF-16"),
        ('[1, "é"]'.encode("latin1"), "not valid UTF-8 after item 1"),
        (b"[1, 100000000000000000000000]", "a number that is too large after item 1"),
        (b"[1, 1e999]", "a number that is too large after item 1"),
        (b'["overflow of invalid bytes in UTF8", x]', "is not JSON, after item 1"),
    ],
)
def test_what_is_no_list_is_one_error(document: bytes, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        list(json_items(io.BytesIO(document), "item"))


@pytest.mark.parametrize("document", [b"", b" \n", b"\xef\xbb\xbf", b"[]"])
def test_empty_document_has_no_items(document: bytes) -> None:
    assert list(json_items(io.BytesIO(document), "item")) == []
