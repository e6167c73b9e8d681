"""Fingerprints of requests, which tell a retry from another use of the same key."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todocli.domain.idempotency import FINGERPRINT_LENGTH, fingerprint

parts = st.dictionaries(st.text("abc", min_size=1, max_size=3), st.text() | st.integers() | st.lists(st.text()))


@given(parts, st.randoms())
def test_order_of_parts_is_irrelevant(given_: dict[str, object], random: object) -> None:
    names = list(given_)
    random.shuffle(names)  # type: ignore[attr-defined]
    assert fingerprint("add", **{name: given_[name] for name in names}) == fingerprint("add", **given_)


@pytest.mark.parametrize("absent", [None, False, []])
def test_absent_part_is_ignored(absent: object) -> None:
    assert fingerprint("edit", title="a", literal=absent) == fingerprint("edit", title="a")


@pytest.mark.parametrize(
    "other",
    [
        fingerprint("edit", title="a"),
        fingerprint("add", title="b"),
        fingerprint("add", title="a "),
        fingerprint("add", name="a"),
        fingerprint("add", title=["a"]),
        fingerprint("add", title="a", description=""),
        fingerprint("add", title="a", force=True),
        fingerprint("add", title="a", count=0),
        fingerprint("add"),
    ],
)
def test_other_request_has_other_fingerprint(other: str) -> None:
    assert fingerprint("add", title="a") != other


def test_order_within_part_matters() -> None:
    assert fingerprint("add", lines=["a", "b"]) != fingerprint("add", lines=["b", "a"])


@given(st.text(), parts)
def test_fingerprint_has_16_hexadecimal_digits(verb: str, given_: dict[str, object]) -> None:
    assert FINGERPRINT_LENGTH == 16
    assert re.fullmatch("[0-9a-f]{16}", fingerprint(verb, **given_))


def test_fingerprint_is_stable_across_releases() -> None:
    """It is stored: a retry after an upgrade must still be recognized."""
    assert fingerprint("done", references=["1", "2"]) == "47acf64501f32a11"
