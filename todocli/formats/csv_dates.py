"""Dates of tables whose day, month and year have an order that depends on the country: 12/31/2026 and 31/12/2026.

A column shows its order by a date with a number above 12, where only a day can be. Dates with points begin with the
day, unless an order is given.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import BinaryIO

from todocli.domain.fields import DateOrder
from todocli.formats import reading
from todocli.formats.reading import Unreadable

CLASH = "may mean two days"
"""What is wrong with a date whose order is not known."""

_CLOCK = r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::\d\d)?(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?"
_DATE = re.compile(rf"(\d{{1,4}})(?P<sign>[/.-])(\d\d?)(?P=sign)(\d\d(?:\d\d)?)(?:,? +{_CLOCK})?", re.ASCII)
_MAYBE_DATE = re.compile(rb"\d[/-]\d\d?[/-]\d{4}")


class DateOrders:
    """Which order the dates of a file have: that which is `given` for all of them, or that `found` for a column."""

    def __init__(self, given: DateOrder | None = None) -> None:
        self._given = given
        self._clashing: set[str] = set()
        self.found: dict[str, DateOrder] = {}

    def are_missing(self, file: BinaryIO) -> bool:
        """Whether a file may have dates whose order is not known yet. Reads up to the first of them."""
        return self._given is None and reading.contains(file, _MAYBE_DATE)

    def learn(self, rows: Iterable[Mapping[str, str]], columns: Collection[str]) -> None:
        """Find the order of columns in the rows of a file, as far as their dates show one, and always the same."""
        for row in rows:
            for column in columns:
                order = _shown(row.get(column, "").strip())
                if order and self.found.setdefault(column, order) != order:
                    self._clashing.add(column)
        for column in self._clashing:
            del self.found[column]

    def in_iso(self, text: str, column: str) -> str:
        """Return the date of a cell as ISO 8601 has it, and a text that is no such date as it is.

        Raises `Unreadable` if the order is not known.
        """
        match = _DATE.fullmatch(text)
        if match is None:
            return text
        first, second, third = match[1], match[3], match[4]
        order = self._order(match, column)
        if order is None:
            why = "as others of its column have another order" if column in self._clashing else "unlike 2026-11-27"
            raise Unreadable(column, f"{text!r} {CLASH}, {why}")
        year, month, day = {
            "ymd": (first, second, third),
            "dmy": (third, second, first),
            "mdy": (third, first, second),
        }[order]
        if len(year) != 4 and (len(year) != 2 or self._given is None):
            return text
        iso = f"{year:0>4}-{month:0>2}-{day:0>2}" if len(year) == 4 else f"20{year}-{month:0>2}-{day:0>2}"
        try:
            date.fromisoformat(iso)
        except ValueError:
            return text
        return iso + _clock(match)

    def _order(self, match: re.Match[str], column: str) -> DateOrder | None:
        if len(match[1]) == 4:
            return "ymd"
        return self._given or ("dmy" if match["sign"] == "." else self.found.get(column))


def _shown(text: str) -> DateOrder | None:
    """Return the order that a date shows by itself; None for one that does not, and for other texts."""
    match = _DATE.fullmatch(text)
    if match is None or match["sign"] == "." or len(match[4]) != 4:
        return None
    first, second = int(match[1]), int(match[3])
    if first <= 12 < second <= 31:
        return "mdy"
    return "dmy" if second <= 12 < first <= 31 else None


def _clock(match: re.Match[str]) -> str:
    """Return the time of a date as ISO 8601 has it, or nothing if it has none."""
    if match["hour"] is None:
        return ""
    hour = int(match["hour"])
    if match["half"]:
        hour = hour % 12 + (12 if match["half"] in "Pp" else 0)
    return f"T{hour:0>2}:{match['minute']}"
