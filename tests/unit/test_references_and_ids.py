"""The rules without I/O: identifiers, and what points at todos."""

from __future__ import annotations

import contextlib
import secrets
from datetime import UTC, datetime, timedelta, timezone
from uuid import RFC_4122, UUID, uuid4

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from todocli.domain.ids import derived_id, new_id
from todocli.domain.references import (
    MAX_NUMBER,
    MAX_RANGES,
    MAX_REFERENCES,
    NumberRange,
    Reference,
    parse_references,
)
from todocli.errors import ValidationError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)

moments = st.datetimes(
    min_value=datetime(1970, 1, 1), max_value=datetime(9999, 12, 30), timezones=st.just(UTC), allow_imaginary=False
)


# Identifiers


def test_new_id_matches_rfc_example(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 9562, appendix A.6: its instant and its random bits give its UUID."""
    asked: list[int] = []

    def bits(count: int) -> int:
        asked.append(count)
        return 0xCC3 << 62 | 0b01 << 60 | 0x8C4DC0C0C07398F

    monkeypatch.setattr(secrets, "randbits", bits)
    at = datetime(2022, 2, 22, 14, 22, 22, tzinfo=timezone(timedelta(hours=-5)))
    assert new_id(at) == UUID("017F22E2-79B0-7CC3-98C4-DC0C0C07398F")
    assert sum(asked) == 74


@given(moments | st.integers(0, 2**42).map(lambda count: EPOCH + timedelta(milliseconds=count)))
@example(datetime(2038, 6, 13, 20, 26, 58, 476_000, tzinfo=UTC))
def test_id_holds_version_variant_and_millisecond(at: datetime) -> None:
    made = new_id(at)
    assert (made.version, made.variant) == (7, RFC_4122)
    assert made.int >> 80 == (at - EPOCH) // timedelta(milliseconds=1)


def test_ids_of_one_millisecond_differ() -> None:
    made = [new_id(NOON) for _ in range(20_000)]
    assert len(set(made)) == len(made)
    low, high = (1 << 62) - 1, (1 << 12) - 1
    union = inter = made[0].int
    for one in made:
        union, inter = union | one.int, inter & one.int
    assert union & low == low
    assert inter & low == 0
    assert union >> 64 & high == high
    assert inter >> 64 & high == 0


@given(moments, moments)
def test_ids_sort_by_age(one: datetime, other: datetime) -> None:
    earlier, later = sorted((one, other))
    assert (new_id(earlier).int >> 80) <= (new_id(later).int >> 80)
    if later - earlier >= timedelta(milliseconds=1):
        assert new_id(earlier) < new_id(later)


Source = tuple[UUID, str, int]
sources = st.tuples(st.uuids(), st.text(max_size=8), st.integers(0, 10**6))


@given(sources)
def test_derived_id_is_reproducible(source: Source) -> None:
    change, owner, index = source
    made = derived_id(change, owner, index)
    assert made == derived_id(UUID(str(change)), str(owner), int(index))
    assert (made.version, made.variant) == (7, RFC_4122)
    assert made.int >> 80 == change.int >> 80
    assert made != change


@given(sources, sources)
def test_derived_id_depends_on_its_source(one: Source, other: Source) -> None:
    assert (derived_id(*one) == derived_id(*other)) == (one == other)


@given(sources, st.uuids(), st.text(max_size=8), st.integers(0, 10**6))
def test_derived_id_depends_on_each_part(source: Source, change: UUID, owner: str, index: int) -> None:
    mine = derived_id(*source)
    assert (derived_id(change, *source[1:]) == mine) == (change == source[0])
    assert (derived_id(source[0], owner, source[2]) == mine) == (owner == source[1])
    assert (derived_id(*source[:2], index) == mine) == (index == source[2])


def test_parts_that_join_alike_do_not_collide() -> None:
    change = uuid4()
    assert derived_id(change, "1/a", 1) != derived_id(change, "a", 11)
    assert derived_id(change, "2/x", 1) != derived_id(change, "x", 12)
    assert derived_id(change, "", 0) != derived_id(change, "0", 0)


# References


def _range(ends: tuple[int, int]) -> NumberRange:
    return NumberRange(min(ends), max(ends))


numbers = st.integers(1, MAX_NUMBER)
references = st.one_of(numbers, st.uuids(), st.tuples(numbers, numbers).map(_range))


@given(st.lists(references, max_size=20))
def test_written_references_read_back(given_: list[Reference]) -> None:
    read = parse_references([str(reference) for reference in given_])
    assert read.items == tuple(dict.fromkeys(given_))
    assert [*read.numbers, *read.ids, *read.ranges] == sorted(read.items, key=_kind)


def _kind(reference: Reference) -> int:
    return 0 if isinstance(reference, int) else 1 if isinstance(reference, UUID) else 2


@given(st.lists(st.integers(1, 9), max_size=30))
def test_repeated_references_count_once_in_order(given_: list[int]) -> None:
    read = parse_references([str(reference) for reference in given_])
    assert len(read.items) == len(set(given_))
    assert [given_.index(number) for number in read.numbers] == sorted(given_.index(n) for n in set(given_))


def test_two_spellings_of_todo_are_one_reference() -> None:
    assert parse_references(["7", "007", "0" * 30 + "7"]).items == (7,)
    name = "0190a000-0000-7000-8000-00000000abcd"
    assert parse_references([name, name.upper()]).items == (UUID(name),)
    assert parse_references(["1-2", "01-02"]).items == (NumberRange(1, 2),)


@pytest.mark.parametrize(
    ("words", "single"),
    [([], False), (["1"], True), (["1", "1"], False), (["1", "2"], False), (["1-1"], False), (["1", "1-1"], False)],
)
def test_only_one_plain_reference_is_single(words: list[str], single: bool) -> None:
    assert parse_references(words).single is single
    assert not parse_references(words, listed=True).single


@pytest.mark.parametrize(
    "word",
    [
        *("", " ", "-", "x", "-1", "+1", "1.0", "1e3", "0x1", "1_000", " 1", "1 ", "1\n", ",", "1--2", "1-", "-1-2"),
        *("²", "١", "１", "1-２", "१-२"),
        *("0190a000", "{0190a000-0000-7000-8000-000000000000}", "0190a00000007000800000000000" + "0000", "g" * 36),
        "urn:uuid:0190a000-0000-7000-8000-000000000000",
        "0190a000-0000-7000-8000-000000000000\n",
    ],
)
def test_bad_reference_is_refused_by_name(word: str) -> None:
    with pytest.raises(ValidationError) as caught:
        parse_references(["1", word, "nope"])
    shown = word if len(word) <= 40 else f"{word[:40]}…"
    assert caught.value.detail == f"{shown!r} is not a todo number."
    assert caught.value.hint
    assert [error.field for error in caught.value.field_errors] == ["reference"]


@pytest.mark.parametrize("word", ["0", "00", "0" * 25, "0-3"])
def test_number_below_one_is_refused(word: str) -> None:
    with pytest.raises(ValidationError, match="numbers start at 1") as caught:
        parse_references([word])
    assert repr(word) in caught.value.detail


@pytest.mark.parametrize("word", [str(MAX_NUMBER + 1), "9" * 19, "9" * 10_000, f"1-{MAX_NUMBER + 1}"])
def test_number_too_large_is_refused(word: str) -> None:
    with pytest.raises(ValidationError, match="larger than any todo number") as caught:
        parse_references([word])
    assert len(caught.value.detail) < 100


def test_largest_number_is_accepted() -> None:
    assert parse_references([str(2**63 - 1)]).items == (2**63 - 1,)


def test_backward_range_is_refused_by_name() -> None:
    with pytest.raises(ValidationError, match="The range '7-5' runs backwards") as caught:
        parse_references(["7-5"])
    assert caught.value.hint == "Write 5-7."
    assert parse_references(["5-5"]).items == (NumberRange(5, 5),)


def test_references_of_line_are_limited() -> None:
    many = [str(number) for number in range(1, MAX_REFERENCES + 1)]
    assert len(parse_references([*many, *many]).items) == MAX_REFERENCES
    with pytest.raises(ValidationError, match=f"{MAX_REFERENCES + 1} references are too many for one command"):
        parse_references([*many, "999999"])
    assert len(parse_references(["1-999999"]).items) == 1


@given(st.text(max_size=50))
def test_any_word_is_parsed_or_refused(word: str) -> None:
    with contextlib.suppress(ValidationError):
        read = parse_references([word])
        assert len(read.items) == 1
        assert parse_references([str(item) for item in read.items]).items == read.items


def test_ranges_of_line_are_limited() -> None:
    ranges = [f"{i}-{i + 1}" for i in range(1, MAX_RANGES + 2)]
    assert len(parse_references(ranges[:-1]).items) == MAX_RANGES
    with pytest.raises(ValidationError, match="101 ranges are too many"):
        parse_references(ranges)
