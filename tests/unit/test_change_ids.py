"""Ids of changes, and their beginnings."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todocli.domain.change_ids import SHORTEST, parse_change_id, shortened
from todocli.errors import ValidationError

WHOLE = "01a22b65-c495-7182-a00d-61e43f9ba5cf"


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        (WHOLE, WHOLE, WHOLE),
        (WHOLE.replace("-", "").upper(), WHOLE, WHOLE),
        ("01a22b65", "01a22b65-0000-0000-0000-000000000000", "01a22b65-ffff-ffff-ffff-ffffffffffff"),
        ("01a22b65-c", "01a22b65-c000-0000-0000-000000000000", "01a22b65-cfff-ffff-ffff-ffffffffffff"),
        ("01a22b65c4", "01a22b65-c400-0000-0000-000000000000", "01a22b65-c4ff-ffff-ffff-ffffffffffff"),
        ("1" * 32, "1" * 32, "1" * 32),
    ],
)
def test_beginning_stands_for_a_range_of_ids(text: str, first: str, last: str) -> None:
    assert parse_change_id(text) == (UUID(first), UUID(last))


@pytest.mark.parametrize(
    "text", ["", "01a22b6", "-1a22b65", "01a22b6g", "12345678", "1234567890", WHOLE + "0", "0" * 40]
)
def test_what_is_no_beginning_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        parse_change_id(text)


def test_shortest_beginning_is_of_one_change() -> None:
    one, same_minute, same_second = (
        UUID(f"01a22b65-{rest}-7182-a00d-61e43f9ba5cf") for rest in ("c495", "b000", "c496")
    )
    assert shortened(one, []) == "01a22b65"
    assert shortened(one, [same_minute]) == "01a22b65-c"
    assert shortened(one, [same_minute, same_second, one]) == "01a22b65-c495"
    assert shortened(UUID("11112222-3333-4444-8555-6666777788aa"), []) == "11112222-3333-4444-8555-6666777788a"


@given(st.lists(st.uuids() | st.integers(0, 99).map(lambda i: UUID(int=(0x1A << 120) + i)), min_size=1, unique=True))
def test_shortened_id_leads_back_to_one_change(ids: list[UUID]) -> None:
    for one in ids:
        text = shortened(one, ids)
        assert len(text) >= SHORTEST
        first, last = parse_change_id(text)
        assert [other for other in ids if first <= other <= last] == [one]
