"""Values that both engines store, each in its own way."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from todocli.column_types import ClockTime, JsonObject, Names, Numbers, Rows, UtcDateTime, Uuid

SQLITE, POSTGRES = (sa.make_url(url).get_dialect()() for url in ("sqlite://", "postgresql+psycopg://"))
ROWS = Rows(
    (
        ("id", Uuid()),
        ("at", UtcDateTime()),
        ("day", sa.Date()),
        ("clock", ClockTime()),
        ("names", Names()),
        ("numbers", Numbers()),
        ("is_open", sa.Boolean()),
        ("more", JsonObject()),
    )
)
ROW: dict[str, Any] = {
    "id": UUID(int=10),
    "at": datetime(2026, 12, 1, 9, 30, tzinfo=UTC),
    "day": date(2026, 12, 24),
    "clock": time(9, 5),
    "names": ["ö", "b"],
    "numbers": [3, 12],
    "is_open": True,
    "more": {"title": None},
}


@pytest.mark.parametrize(
    ("dialect", "expected"),
    [
        (
            SQLITE,
            {
                "id": f"{10:032x}",
                "at": "2026-12-01 09:30:00.000000",
                "day": "2026-12-24",
                "clock": "09:05:00",
                "names": '["ö","b"]',
                "numbers": "[3,12]",
                "is_open": 1,
                "more": '{"title":null}',
            },
        ),
        (
            POSTGRES,
            {
                "id": str(UUID(int=10)),
                "at": "2026-12-01 09:30:00+00:00",
                "day": "2026-12-24",
                "clock": "09:05:00",
                "names": ["ö", "b"],
                "numbers": [3, 12],
                "is_open": True,
                "more": {"title": None},
            },
        ),
    ],
)
def test_rows_have_what_the_engine_stores(dialect: sa.Dialect, expected: dict[str, object]) -> None:
    assert json.loads(ROWS.process_bind_param([ROW], dialect)) == [expected]


@pytest.mark.parametrize("dialect", [SQLITE, POSTGRES])
def test_what_a_row_lacks_is_left_out(dialect: sa.Dialect) -> None:
    rows: list[dict[str, Any]] = [{"is_open": False, "names": [], "more": {}}, {"day": None, "other": 1}]
    assert ROWS.process_bind_param(rows, dialect).replace("false", "0").replace('"{}"', "{}") == (
        '[{"is_open":0,"more":{}},{}]'
    )
