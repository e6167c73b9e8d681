"""The options that set a todo's fields, and the quick-add words that say the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from todocli import clock

if TYPE_CHECKING:
    from todocli.cli.context import Context
    from todocli.domain.quick_add import QuickAdd

PANEL = "Fields"

Due = Annotated[
    list[str] | None,
    typer.Option(
        "--due", metavar="DAY", help="When it is due: fri, 27 nov, fri 17:00; or none.", rich_help_panel=PANEL
    ),
]
Start = Annotated[
    list[str] | None, typer.Option("--start", metavar="DAY", help="Hide it until then; or none.", rich_help_panel=PANEL)
]
Priority = Annotated[
    list[str] | None,
    typer.Option("--priority", metavar="PRI", help="high, medium or low; or none.", rich_help_panel=PANEL),
]
Project = Annotated[
    list[str] | None,
    typer.Option("--project", metavar="NAME", help="Its project: home, home/garden; or none.", rich_help_panel=PANEL),
]
Tag = Annotated[
    list[str] | None,
    typer.Option("--tag", metavar="NAME", help="A tag; repeat the option for more.", rich_help_panel=PANEL),
]
Needs = Annotated[
    list[str] | None,
    typer.Option("--needs", metavar="N,N", help="What has to be done before: 12,14; or none.", rich_help_panel=PANEL),
]
Parent = Annotated[
    list[str] | None,
    typer.Option("--parent", metavar="N", help="Make it a subtask of this todo; or none.", rich_help_panel=PANEL),
]
Every = Annotated[
    list[str] | None,
    typer.Option(
        "--every", metavar="WHEN", help="Repeat it: week, 2w, mon,thu, month on 31; or none.", rich_help_panel=PANEL
    ),
]
Again = Annotated[
    list[str] | None,
    typer.Option("--again", metavar="LENGTH", help="Repeat it 3d, 2w or 1m after it is done.", rich_help_panel=PANEL),
]
Ends = Annotated[
    list[str] | None, typer.Option("--ends", metavar="DAY", help="Repeat it until this day.", rich_help_panel=PANEL)
]
Times = Annotated[
    list[str] | None, typer.Option("--times", metavar="N", help="Repeat it N times in all.", rich_help_panel=PANEL)
]
Literal = Annotated[
    bool, typer.Option("--literal", metavar="", help="Keep every word in the title.", rich_help_panel=PANEL)
]


def note_near_misses(context: Context, found: QuickAdd) -> None:
    """Say which words of a title look like a misspelt key."""
    for word, intended in found.near_misses:
        context.output.note(f'note: "{word}" is part of the title; did you mean {intended}?')


def read(
    words: Sequence[str],
    *,
    due: Sequence[str] | None = None,
    start: Sequence[str] | None = None,
    priority: Sequence[str] | None = None,
    project: Sequence[str] | None = None,
    tag: Sequence[str] | None = None,
    needs: Sequence[str] | None = None,
    parent: Sequence[str] | None = None,
    every: Sequence[str] | None = None,
    again: Sequence[str] | None = None,
    ends: Sequence[str] | None = None,
    times: Sequence[str] | None = None,
    literal: bool = False,
    is_typed: bool = False,
    is_edit: bool = False,
) -> QuickAdd:
    """Return what the words and options of a command line mean. Raises `ValidationError`."""
    from todocli.domain.quick_add import parse_quick_add

    given = {"due": due, "start": start, "priority": priority, "project": project, "tag": tag, "needs": needs}
    given |= {"parent": parent, "every": every, "again": again, "ends": ends, "times": times}
    options = {name: values for name, values in given.items() if values is not None}
    return parse_quick_add(words, options, here=clock.here(), literal=literal, is_typed=is_typed, is_edit=is_edit)
