"""A progress bar on stderr for what takes long: with its rate, and the time that remains."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Advance = Callable[[int], None]
"""Says how far it is by now."""


@contextmanager
def progress(what: str, total: int | None, *, unit: str, shown: bool) -> Iterator[Advance]:
    """Show how far something is, from 0 to `total`, on a terminal; the bar is gone at the end."""
    if not shown or not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    amount: list[Any] = [DownloadColumn()] if unit == "bytes" else [MofNCompleteColumn()]
    columns: list[Any] = [TextColumn("{task.description}"), BarColumn(), *amount, TextColumn("{task.fields[rate]}")]
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total, rate="")

        def advance(done: int) -> None:
            speed = bar.tasks[0].speed or 0
            rate = f"{speed / 1_000_000:.1f} MB/s" if unit == "bytes" else f"{speed:,.0f}/s"
            bar.update(task, completed=done, rate=rate)

        yield advance
