"""The command export."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from todocli import clock
from todocli.cli.command import Selecting
from todocli.cli.commands.import_files import PANEL, FormatName, counted, listed
from todocli.cli.context import Context
from todocli.cli.files import open_output
from todocli.cli.progress import progress
from todocli.errors import UsageError

if TYPE_CHECKING:
    from todocli.schemas.todos import TodoRead


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("export", cls=Selecting, rich_help_panel=PANEL)(export)


def export(
    context: Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILE] [FILTER...]", help="The file; stdout without one. +home, project:work, due:week."
        ),
    ] = None,
    format_name: FormatName = None,
    history: Annotated[
        bool,
        typer.Option("--history", metavar="", help="Everything, with the log and the trash, for import --restore."),
    ] = False,
    bom: Annotated[
        bool, typer.Option("--bom", metavar="", help="Begin a table with a byte-order mark, as Excel needs it.")
    ] = False,
) -> None:
    """Export todos to a file, completed ones too.

    todo export todos.csv
    todo export work.md project:work
    todo export --format taskwarrior +home | task import
    """
    from todocli.formats import registry

    path, filter_words = _file_and_filter(words or [])
    found = registry.to_write(format_name or (None if path else "json"), path)
    options = context.filter_options
    if bom and not found.is_table:
        raise UsageError("--bom is for CSV and TSV.", hint=f"{found.label} begins without a byte-order mark.")
    if path and path.exists():
        context.confirm(f"Overwrite {str(path)!r}?")
    if history:
        if found.name not in ("json", "jsonl") or filter_words or options.given:
            detail = "--history exports everything, as JSON or JSON lines."
            raise UsageError(detail, hint="Leave the filter out, and name a .json or .jsonl file.")
        _export_history(context, path, found.name)
        return
    condition = options.filter(filter_words)
    state = options.state(condition, "all")
    missing: Counter[str] = Counter()
    count = other_titles = 0

    def counting(todos: Iterator[TodoRead]) -> Iterator[TodoRead]:
        nonlocal count, other_titles
        for todo in todos:
            count += 1
            other_titles += not found.keeps_title(todo.title)
            missing.update(found.lacking(todo))
            yield todo

    with context.workspace() as workspace:
        from todocli.services import export_walks
        from todocli.services.queries import TodoQuery

        query = TodoQuery(state, condition)
        todos: Iterator[TodoRead] = (
            export_walks.walk_leaving(workspace, query, found.name)
            if found.keeps_ids
            else export_walks.walk_with_notes(workspace, query)
        )
        with open_output(path) as file:
            if bom:
                file.write("\ufeff")
            found.write(counting(todos), file)
    from todocli.schemas.imports import ExportRead

    if path:
        read = ExportRead(
            format=found.name,
            file=str(path),
            count=count,
            at=clock.now(),
            not_held=dict(missing),
            other_titles=other_titles,
        )
        context.output.lines(read, [f"Exported {counted(count)} to {path}"])
    if missing:
        names = {"rrule": "repetition"}
        fields = {names.get(name, name.removesuffix("_on").replace("_", " ")): times for name, times in missing.items()}
        context.output.note(f"{found.label} has no place for {listed(fields)}")
    if other_titles:
        titles = f"{other_titles:,} title{'s' if other_titles > 1 else ''}"
        context.output.note(f"{found.label} cannot hold {titles} exactly")


def _export_history(context: Context, path: Path | None, format_name: str) -> None:
    from todocli.formats import history
    from todocli.schemas.imports import ExportRead
    from todocli.services.copies.snapshot import Snapshot

    with Snapshot() as snapshot:
        with context.workspace() as workspace, progress("Reading", None, unit="rows") as advance:
            workspace.read_snapshot(snapshot, advance)
        with open_output(path) as file:
            (history.write if format_name == "json" else history.write_lines)(snapshot, file)
        count, changes = (snapshot.tables[name].count for name in ("todos", "changes"))
    if path:
        read = ExportRead(format=format_name, file=str(path), count=count, at=clock.now(), not_held={}, other_titles=0)
        context.output.lines(read, [f"Exported {counted(count)} and {changes:,} changes to {path}"])


def _file_and_filter(words: list[str]) -> tuple[Path | None, list[str]]:
    """Return the file that a line names, and the words of its filter. Raises `UsageError` for two files."""
    from todocli.domain.filters.words import is_key_word

    plain = [word for word in words if not is_key_word(word)]
    if len(plain) > 1:
        detail = f"{plain[0][:40]!r} and {plain[1][:40]!r} cannot both be the file."
        raise UsageError(detail, hint="Give one file; to select by text, use --search.")
    name = plain[0] if plain else "-"
    return None if name == "-" else Path(name), [word for word in words if word not in plain]
