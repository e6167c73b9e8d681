"""The rows of a table with delimited cells, such as CSV, in the variants that programs write."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import BinaryIO, TypeAlias

from todocli.errors import ValidationError
from todocli.formats import reading
from todocli.formats.reading import Unreadable

MAX_CELL = 10_000_000
"""The most characters of a cell: one with more is a quote that nothing closes."""

Row: TypeAlias = Mapping[str, str] | Unreadable
"""The cells of a row by their column, or why there are none."""


def table(file: BinaryIO, delimiters: str) -> tuple[list[str], Iterator[tuple[str, Row]]]:
    """Return the names of the columns, and the rows that are not blank, each with its place.

    Raises `ValidationError` for a file that is no table.
    """
    lines = (line for _, line in reading.text_lines(file, with_ends=True))
    first: list[str] = []
    for line in lines:
        first.append(line)
        if line.strip():
            break
    delimiter = max(delimiters, key="".join(first).count)
    csv.field_size_limit(MAX_CELL)
    rows = _rows(csv.reader(chain(first, lines), delimiter=delimiter, strict=True))
    place, header = next(rows, ("", []))
    if isinstance(header, Unreadable):
        raise ValidationError(f"The header of the file, in {place}, {header.message}.")
    names = _unique(header)
    return names, ((place, _cells(names, row)) for place, row in rows)


def _rows(reader: Iterator[list[str]]) -> Iterator[tuple[str, list[str] | Unreadable]]:
    while True:
        place = f"line {reader.line_num + 1}"  # type: ignore[attr-defined]
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "limit" in str(error):
                detail = f"A cell has more than {MAX_CELL:,} characters: a quote in {place} or after it is not closed."
                raise ValidationError(detail) from None
            yield place, Unreadable("row", _reason(str(error)))
            continue
        if any(map(str.strip, row)):
            yield place, row


def _reason(error: str) -> str:
    if error == "unexpected end of data":
        return "has a quote that is not closed, so the rest of the file belongs to it"
    if error.startswith("new-line"):
        return "has a carriage return without a line feed"
    return "has a quote in the middle of a cell: a cell in quotes has each of its own quotes twice"


def _unique(header: Sequence[str]) -> list[str]:
    """Return the names of columns, each different: programs write several of one name, and some without."""
    seen: Counter[str] = Counter()
    names = []
    for number, cell in enumerate(header, 1):
        name = cell.strip() or f"column {number}"
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return names


def _cells(names: Sequence[str], row: list[str] | Unreadable) -> Row:
    if isinstance(row, Unreadable):
        return row
    if len(row) > len(names):
        return Unreadable("row", f"has {len(row)} cells, but the header has {len(names)}: a quote may be missing")
    return dict(zip(names, row, strict=False))
