"""TSV: as CSV, with tabs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import BinaryIO, TextIO

from todocli.domain.records import Entry
from todocli.formats.csv import columns, read_table, write_table
from todocli.formats.csv_dates import DateOrders
from todocli.formats.csv_table import table
from todocli.schemas.todos import TodoRead


def read(file: BinaryIO, orders: DateOrders | None = None) -> Iterator[Entry]:
    """Return the todos of a file. Raises `ValidationError` if no column is a title."""
    return read_table(file, "\t", orders or DateOrders())


def write(todos: Iterable[TodoRead], file: TextIO) -> None:
    """Write todos, one row each, to a file that does not translate the ends of lines."""
    write_table(todos, file, "\t")


def mapping(head: bytes) -> dict[str, str | None]:
    """Return which field each column of a file is read as, given its beginning."""
    return columns(table(BytesIO(head), "\t")[0])
