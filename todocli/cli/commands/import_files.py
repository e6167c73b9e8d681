"""The command import."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from todocli.cli.command import Importing
from todocli.cli.context import Context
from todocli.cli.files import Input, open_input
from todocli.cli.progress import progress, waiting
from todocli.domain.fields import DateOrder
from todocli.errors import NotFound, UsageError, ValidationError

if TYPE_CHECKING:
    from todocli.domain.records import Entry
    from todocli.formats.csv_dates import DateOrders
    from todocli.formats.registry import Format
    from todocli.schemas.imports import ImportedTodo, ImportRead
    from todocli.services.imports.adapter import Adapter, Incoming, Report
    from todocli.services.imports.importing import Action, Outcome
    from todocli.services.imports.spool import Spool

PANEL = "In and out"

_LARGE = 5_000
"""From how many todos on it takes long to store them."""

_PORTION = 100

_SHOWN = 8

_ORDERS: Mapping[DateOrder, str] = {"dmy": "day/month/year", "mdy": "month/day/year", "ymd": "year/month/day"}
"""What an order of dates is called in a sentence."""

FormatName = Annotated[
    str | None,
    typer.Option("--format", metavar="NAME", help="The format, if the file's name does not tell; see help import."),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("import", cls=Importing, rich_help_panel=PANEL)(import_)


def import_(
    context: Context,
    file: Annotated[
        str,
        typer.Argument(metavar="FILE", help="The file, or - for stdin.", show_default=False),
    ],
    format_name: FormatName = None,
    project: Annotated[
        str | None, typer.Option("--project", metavar="NAME", help="Put all of them into this project.")
    ] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", metavar="NAME", help="Give all of them this tag.")] = None,
    update: Annotated[
        bool, typer.Option("--update", metavar="", help="Change todos imported before whose source has changed.")
    ] = False,
    skip_invalid: Annotated[
        bool, typer.Option("--skip-invalid", metavar="", help="Import the others if some are not valid.")
    ] = False,
    keep_unknown: Annotated[
        bool, typer.Option("--keep-unknown", metavar="", help="Keep what a todo has no place for as notes.")
    ] = False,
    long_to_notes: Annotated[
        bool, typer.Option("--long-to-notes", metavar="", help="Move titles and details that are too long to notes.")
    ] = False,
    dates: Annotated[
        DateOrder | None,
        typer.Option("--dates", metavar="dmy|mdy|ymd", help="The order of dates in a table, such as 12/31/2026."),
    ] = None,
    restore: Annotated[
        bool, typer.Option("--restore", metavar="", help="Restore an export with history, exactly as it was.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", metavar="", help="Show what would be imported, and change nothing.")
    ] = False,
) -> None:
    """Import todos from a file of this or another program.

    todo import tasks.json --dry-run
    todo import todo.txt --project work
    todo import - --format taskwarrior < tasks.json

    An import is one change: todo undo takes all of it back. Imported again, a file adds only what is new.
    """
    from todocli.domain.fields import parse_tag
    from todocli.domain.foreign_names import usable_project
    from todocli.formats import registry
    from todocli.formats.csv_dates import DateOrders
    from todocli.services.imports.adapter import Adaptation, Adapter
    from todocli.services.imports.spool import Spool

    try:
        rules = Adaptation(
            usable_project(tuple(project.split("/"))) if project else None,
            tuple(parse_tag(name) for name in tag or ()),
            keep_unknown=keep_unknown,
            long_to_notes=long_to_notes,
        )
    except ValueError as error:
        raise UsageError(f"The name for all of them {error}.", hint="Give another --project or --tag.") from None
    path = None if file == "-" else Path(file)
    if restore:
        if format_name or update or skip_invalid or dates or rules != Adaptation():
            raise UsageError("--restore takes everything as it is.", hint="Combine it only with --dry-run.")
        _restore(context, path, file, dry_run=dry_run)
        return
    adapter = Adapter(rules)
    orders = DateOrders(dates)
    digest = hashlib.sha256()
    columns: dict[str, str | None] = {}
    with Spool() as todos:
        with _saying(context, "Nothing was imported."):
            for each in _files(path):
                name = "" if each == path else str(each)
                with _naming(name), open_input(each, registry.HEAD_LENGTH) as source:
                    found = registry.to_read(format_name, each, source.head)
                    if dates and not found.is_table:
                        raise UsageError("--dates is for CSV and TSV.", hint=f"Dates of {found.label} have one order.")
                    columns |= found.mapping(source.head)
                    entries = found.read(source.file, orders)
                    _read(entries, source, adapter, todos, digest, name)
            report = adapter.report
            if report.invalid and not (skip_invalid and todos.count):
                raise _invalid(report, "Nothing was imported.")
            key = context.change_key(
                "import",
                format=found.name,
                content=digest.hexdigest(),
                update=update,
                options=[project, sorted(tag or ()), keep_unknown, long_to_notes],
            )
            with context.workspace() as workspace, waiting("Saving", is_long=todos.count > _LARGE):
                fields = adapter.fields(found.holds)
                outcome = workspace.import_todos(todos, found.name, fields, key, update=update, dry_run=dry_run)
        read = _result(found, outcome, report, todos, columns, orders, None if dry_run else key.id)
    _print(context, read, found)
    if report.invalid:
        raise _invalid(report, "The others would be imported." if dry_run else "The others were imported.")


@contextmanager
def _naming(file: str) -> Iterator[None]:
    """Name the file of a folder, if it is one, that an error is about."""
    try:
        yield
    except ValidationError as error:
        if file:
            error.detail = f"{file}: {error.detail}"
        raise


@contextmanager
def _saying(context: Context, outcome: str) -> Iterator[None]:
    """Say what came of it if the user interrupts it."""
    try:
        yield
    except KeyboardInterrupt:
        context.output.note(f"Interrupted. {outcome}")
        raise


def _restore(context: Context, path: Path | None, file: str, *, dry_run: bool) -> None:
    """Restore an export with history for a user without todos."""
    from todocli.cli.commands.copies import print_copied
    from todocli.formats import history
    from todocli.services.copies.snapshot import Snapshot

    with _saying(context, "Nothing was restored."), Snapshot() as snapshot:
        with open_input(path, 1) as source:
            history.read(source.file, snapshot)
        with (
            context.workspace() as workspace,
            progress("Restoring", snapshot.count, unit="rows") as advance,
        ):
            copied = workspace.write_snapshot(snapshot, merge=False, dry_run=dry_run, advance=advance)
    print_copied(context, copied, file, context.profile.name, dry_run=dry_run)


def _files(path: Path | None) -> list[Path | None]:
    """Return the files to read: a folder stands for its calendar files, as calendar programs keep one for each todo."""
    if path is None or not path.is_dir():
        return [path]
    found: list[Path | None] = [*sorted(path.glob("*.ics"))]
    if not found:
        raise NotFound(f"The folder {str(path)!r} has no .ics files.", hint="Give a file.")
    return found


def _read(entries: Iterator[Entry], source: Input, adapter: Adapter, todos: Spool, digest: Any, file: str) -> None:
    """Read the todos of a file into a spool, and add them to a digest; the name of a `file` precedes each place."""
    if file:
        entries = (replace(entry, place=f"{file} {entry.place}") for entry in entries)
    with progress("Reading", source.size, unit="bytes") as advance:
        for i, todo in enumerate(adapter.adapt(entries)):
            todos.append(tuple(todo))
            digest.update(f"{todo.source_id}\0{todo.digest}\n".encode("utf-8", "surrogatepass"))
            if i % _PORTION == 0:
                advance(source.position)


def _invalid(report: Report, outcome: str) -> ValidationError:
    """Return the error for what is not valid in a file; `outcome` says what became of the rest."""
    from todocli.errors import FieldError

    shown = [f"{_beginning(fault.place)}: {fault.field} {fault.message}." for fault in report.faults]
    more = report.invalid - len(shown)
    rest = [f"And {more:,} more {'is' if more == 1 else 'are'} not valid."] if more else []
    return ValidationError.of_parts(
        [*shown, *rest, outcome],
        hint=_remedy(report) if outcome.startswith("Nothing") else None,
        field_errors=tuple(FieldError(fault.field, fault.message) for fault in report.faults),
    )


def _remedy(report: Report) -> str:
    from todocli.formats.csv_dates import CLASH

    is_long = any("characters; at most" in fault.message for fault in report.faults)
    to_notes = "To move long texts into notes, pass --long-to-notes. " if is_long else ""
    is_unclear = any(CLASH in fault.message for fault in report.faults)
    order = "To say which comes first, the day or the month, pass --dates dmy or --dates mdy. " if is_unclear else ""
    return f"{to_notes}{order}To import the others, pass --skip-invalid."


def _beginning(place: str) -> str:
    """Return a place as a sentence begins with it; the name of a file stays as it is."""
    return place if place.count(" ") > 1 else place[:1].upper() + place[1:]


def _result(
    found: Format,
    outcome: Outcome,
    report: Report,
    todos: Spool,
    columns: dict[str, str | None],
    orders: DateOrders,
    change_id: UUID | None,
) -> ImportRead:
    from todocli.schemas.imports import ImportRead
    from todocli.services.imports.adapter import Incoming

    is_dry_run = change_id is None
    first = dict(outcome.first)
    sample = [_sample(Incoming(*row), first[i]) for i, row in enumerate(todos.rows(), 1) if i in first] if first else []
    return ImportRead(
        format=found.name,
        dry_run=is_dry_run,
        change_id=change_id if outcome.added or outcome.updated or outcome.returned else None,
        added=outcome.added,
        first_number=outcome.first_number,
        last_number=outcome.last_number,
        updated=outcome.updated,
        changed=outcome.changed,
        unchanged=outcome.unchanged,
        kept=outcome.kept,
        returned=outcome.returned,
        invalid=report.invalid,
        faults=report.faults,
        left_out={**report.left_out, **outcome.left_out},
        not_held=dict(report.not_held),
        columns=columns,
        dates=orders.found,
        names=report.names,
        items=sample,
    )


def _sample(todo: Incoming, action: Action) -> Any:
    from todocli.schemas.imports import ImportedTodo

    fields = todo.named()
    due = f"{fields['due_on'] or ''} {fields['due_time'] or ''}".strip().removesuffix(":00")
    return ImportedTodo(
        action=action,
        place=todo.place,
        title=fields["title"],
        state="done" if todo.is_completed else "open",
        due=due if fields["due_time"] else str(fields["due_on"] or ""),
        priority=fields["priority"] or "",
        project=fields["project"] or "",
        tags=fields["tags"],
    )


def _tags(todo: ImportedTodo) -> str:
    return " ".join(todo.tags)


def _print(context: Context, read: ImportRead, found: Format) -> None:
    output = context.output
    if context.shared.quiet and not read.dry_run:
        added = range(read.first_number or 1, (read.last_number or 0) + 1)
        output.rows(read, ("",), [(str(number),) for number in added])
        return
    if read.dry_run:
        head = ("", "Where", "Title", "State", "Due", "Priority", "Project", "Tags")
        rows = [
            (*(each.action, each.place, each.title, each.state), *(each.due, each.priority, each.project), _tags(each))
            for each in read.items
        ]
        shown = [row[1:] for row in rows] if not (read.updated or read.changed) else rows
        output.rows(read, head[-len(shown[0]) :] if shown else head, shown, plain=rows)
        if (more := read.added + read.updated + read.changed - len(rows)) > 0:
            output.note(f"and {more:,} more")
        output.note(f"Would add {counted(read.added)} from {found.label}")
    elif read.added or not read.updated:
        numbers = f": {read.first_number}" if read.first_number else ""
        if read.last_number != read.first_number:
            numbers += f"-{read.last_number}"
        undo = ("todo", "undo") if read.change_id and (read.added or read.returned) else ()
        output.lines(read, [f"Imported {counted(read.added)} from {found.label}{numbers}"], undo)
    else:
        output.lines(read, [f"Updated {counted(read.updated)} from {found.label}"], ("todo", "undo"))
    _print_notes(context, read)


def _print_notes(context: Context, read: ImportRead) -> None:
    """Say what was not taken over as it is in the file."""
    note = context.output.note
    if read.columns and (read.dry_run or read.dates or None in read.columns.values()):
        order = {column: f" ({_ORDERS[order]})" for column, order in read.dates.items()}
        read_as = [
            f"{column} → {field or '(no place)'}{order.get(column, '')}" for column, field in read.columns.items()
        ]
        note(f"Columns: {', '.join(read_as)}")
    if read.updated and (read.added or read.dry_run):
        note(f"{'Would update' if read.dry_run else 'Updated'} {counted(read.updated)}")
    if read.unchanged:
        note(f"Imported before, and unchanged: {read.unchanged:,}")
    if read.changed:
        note(
            f"Imported before, and changed since: {read.changed:,}. To take over the changes",
            _again(context, "--update"),
        )
    if read.kept:
        note(f"Changed here after the file was written, and kept: {read.kept:,}")
    if read.returned:
        note(f"{'Would come back' if read.dry_run else 'Came back'} from the trash: {read.returned:,}")
    if read.left_out:
        note(f"Left out: {listed(read.left_out)}")
    if read.not_held:
        note(
            f"A todo has no place for {listed(read.not_held)}. To keep it as notes",
            _again(context, "--keep-unknown", *([] if read.dry_run else ["--update"])),
        )
    if read.names:
        shown = {name: here or "(left out)" for name, here in list(read.names.items())[:_SHOWN]}
        more = f" and {len(read.names) - len(shown)} more" if len(read.names) > len(shown) else ""
        note(f"Other names: {', '.join(f'{name} → {here}' for name, here in shown.items())}{more}")


def _again(context: Context, *options: str) -> tuple[str, ...]:
    """Return the line with more options, which changes something."""
    return ("todo", *(word for word in context.shared.arguments if word != "--dry-run"), *options)


def listed(counts: Mapping[str, int]) -> str:
    """Return names with their counts, or the first of many."""
    shown = [f"{name} ({count:,})" for name, count in list(counts.items())[:_SHOWN]]
    return ", ".join(shown) + (f" and {len(counts) - _SHOWN} more" if len(counts) > _SHOWN else "")


def counted(count: int) -> str:
    """Return a number of todos, in words."""
    return f"{count:,} todo{'s' if count != 1 else ''}"
