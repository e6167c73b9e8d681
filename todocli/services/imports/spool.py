"""Rows on disk, between reading a file and writing to a database."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Self

BATCH = 500
"""How many rows are written, and read, at once."""

Row = tuple[Any, ...]


class Spool:
    """Rows of one kind in a temporary file without a name, which is gone with the process."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__
        self._batch: list[Row] = []
        self.count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def append(self, row: Row) -> None:
        """Add a row. Raises `OSError` if the disk is full."""
        self._batch.append(row)
        self.count += 1
        if len(self._batch) == BATCH:
            self._flush()

    def batches(self) -> Iterator[Sequence[Row]]:
        """Return all rows in order, in batches. It may be called again, but not while another call is going on."""
        if self._batch:
            self._flush()
        self._file.seek(0)
        while True:
            try:
                yield pickle.load(self._file)  # noqa: S301 - nobody else can write the file
            except EOFError:
                return

    def rows(self) -> Iterator[Row]:
        """Return all rows in order; see `batches`."""
        return (row for batch in self.batches() for row in batch)

    def _flush(self) -> None:
        pickle.dump(self._batch, self._file, pickle.HIGHEST_PROTOCOL)
        self._batch = []
