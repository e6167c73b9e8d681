"""A progress bar on stderr for what takes long: with its rate, and the time that remains."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

Advance = Callable[[int], None]
"""Says how far it is by now."""

SHOWN_AFTER = 0.5
"""Seconds after which something takes long."""


@contextmanager
def progress(what: str, total: int | None, *, unit: str) -> Iterator[Advance]:
    """Show how far something is, from 0 to `total`, on a terminal, once it takes long; the bar is gone at the end."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    begun = time.monotonic()
    with ExitStack() as stack:
        bar: Any = None

        def advance(done: int) -> None:
            nonlocal bar
            if bar is None:
                if time.monotonic() - begun < SHOWN_AFTER:
                    return
                bar = stack.enter_context(_bar(unit))
                bar.add_task(what, total=total, rate="")
            [task] = bar.tasks
            speed = task.speed or 0
            rate = f"{speed / 1_000_000:.1f} MB/s" if unit == "bytes" else f"{speed:,.0f} {unit}/s"
            bar.update(task.id, completed=done, rate=rate)

        yield advance


@contextmanager
def waiting(what: str, *, is_long: bool) -> Iterator[None]:
    """Show on a terminal that something goes on whose end is not known."""
    if not is_long or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(f"{what} …"):
        yield


def _bar(unit: str) -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    amount: list[Any] = [DownloadColumn()] if unit == "bytes" else [MofNCompleteColumn()]
    columns: list[Any] = [TextColumn("{task.description}"), BarColumn(), *amount, TextColumn("{task.fields[rate]}")]
    return Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True)
