"""The answers of a command for a program: JSON."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from todocli.cli.output import Note, Output, Row, TodoListing, noting

if TYPE_CHECKING:
    from pydantic import BaseModel

    from todocli.schemas.changes import ChangeList, ChangeRead, LogLine
    from todocli.schemas.operations import HealthRead
    from todocli.schemas.todos import TodoLine, TodoRead
    from todocli.services.workspace import Workspace


class JsonOutput(Output):
    """One JSON document, or with `--jsonl` one for each item of a list."""

    def note(self, text: str, command: Sequence[str] = ()) -> None:
        """Print nothing."""

    def document(self, value: BaseModel) -> None:
        """Print a document of the contract."""
        from todocli.render.documents import document, json_lines

        items = getattr(value, "items", None) if self._shared.jsonl else None
        fields = self._shared.fields
        lines = [document(value, fields)] if items is None else json_lines(items, fields)
        sys.stdout.writelines(f"{line}\n" for line in lines)

    def _todo_list(self, workspace: Workspace, listing: TodoListing, shown: list[TodoLine | TodoRead]) -> None:
        query = listing.query
        if query.limit is not None:
            found = workspace.todos.find(query)
            shown += found.items
            self.document(found)
            return
        self._document_of(noting(workspace.walk_todos(query), shown), lambda count: {"count": count, "total": count})

    def _document_of(self, items: Iterable[BaseModel], closing: Callable[[int], Mapping[str, object]]) -> None:
        """Print the document of a list while its items come; `closing` has what follows them."""
        from todocli.render.documents import document_in_pieces, json_lines

        if self._shared.jsonl:
            sys.stdout.writelines(f"{line}\n" for line in json_lines(items, self._shared.fields))
        else:
            sys.stdout.writelines(document_in_pieces(items, self._shared.fields, closing))
            sys.stdout.write("\n")

    def todos(self, items: Iterable[TodoRead], *, single: bool, description: bool = False) -> None:
        """Print an object for one reference, a list for everything else."""
        from todocli.schemas.todos import TodoItems

        todos = list(items)
        self.document(todos[0] if single else TodoItems.of(todos))

    def _all_changes(self, changes: Iterable[ChangeRead]) -> None:
        self._document_of(changes, lambda count: {"count": count, "has_more": False})

    def _log_line(self, line: LogLine) -> None:
        self.document(line)

    def changes(self, changes: ChangeList, *, nothing: str = "") -> None:
        """Print the changes."""
        self.document(changes)

    def nothing_matched(self, context: str = "") -> None:
        """Print an empty list."""
        self.todos([], single=False)

    def nothing_on_stdin(self, *, changes: bool) -> None:
        """Print an empty list: of `changes`, or of todos."""
        if not changes:
            self.nothing_matched()
            return
        from todocli.schemas.changes import ChangeList

        self.document(ChangeList.of([]))

    def _reversal_preview(self, changes: ChangeList, verb: Literal["undo", "redo"]) -> None:
        self.changes(changes)

    def rows(
        self,
        document: BaseModel,
        head: Sequence[str],
        rows: Sequence[Row],
        *,
        plain: Iterable[Row] | None = None,
        nothing: Note | None = None,
    ) -> None:
        """Print the document."""
        self.document(document)

    def lines(self, document: BaseModel, lines: Iterable[str], command: Sequence[str] = ()) -> None:
        """Print the document."""
        self.document(document)

    def checks(self, health: HealthRead) -> None:
        """Print the document."""
        self.document(health)
