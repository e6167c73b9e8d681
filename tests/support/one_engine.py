"""One engine with two clients, a console and the API, on which random operations are taken and compared."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import ExitStack, closing
from typing import Any
from uuid import UUID

import psycopg
import sqlalchemy as sa
from fastapi.testclient import TestClient
from sqlmodel import SQLModel

from tests.support.client import Client, key
from tests.support.console import NOON, Console
from tests.support.random_operations import Operation
from tests.support.strategies import fits
from tests.support.undo_machine import KEPT
from todocli.api.app import create_app
from todocli.api.requests import BASE
from todocli.api.settings import Settings
from todocli.database.store import Store, open_store
from todocli.database.target import Target
from todocli.domain.filters import ast
from todocli.domain.history import COMMAND_LINE, Origin
from todocli.errors import ConfirmationRequired, Conflict, NotFound, ValidationError
from todocli.schemas.changes import ChangeRead
from todocli.schemas.todos import TodoCreate, TodoRead
from todocli.services.history.log import LogQuery
from todocli.services.owner import Owner
from todocli.services.queries import TodoQuery
from todocli.services.resolve import Result
from todocli.services.workspace import Workspace

ERRORS = (NotFound, Conflict, ValidationError, ConfirmationRequired)
ORIGINS = (COMMAND_LINE, Origin("api", "phone"))
MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC")


class Divergence(Exception):
    """The engines, or two ways to look at one of them, do not agree."""


class Side:
    """One engine: a store for each client, a console, and the API."""

    def __init__(self, target: Target, stack: ExitStack) -> None:
        self.stores = [stack.enter_context(open_store(target, seconds=120)) for _ in ORIGINS]
        self.console = stack.enter_context(closing(Console(target)))
        served = stack.enter_context(closing(Store(target, seconds=120, connections=3)))
        self._api = TestClient(create_app(served, Settings(hosts=("testserver",))))

    def begin(self, user: UUID, stranger: UUID) -> None:
        """Add a user, and a stranger with some todos."""
        for new in (user, stranger):
            self.console.run(
                "INSERT INTO users (id, name, created_at) VALUES (:id, :name, :at)", id=new, name=new.hex, at=NOON
            )
        self.user = user
        self.owners = [Owner(user.hex), Owner(user.hex, user)]
        with Workspace(self.stores[0], Owner(stranger.hex)) as theirs:
            theirs.todos.add([TodoCreate(title=f"theirs {i}") for i in range(3)], key(stranger, "add"))
        with Workspace(self.stores[0], self.owners[0]) as mine:
            self._token = mine.tokens.create("phone").token

    def run(self, operation: Operation) -> Any:
        """Run an operation, and return what both engines must answer."""
        with Workspace(
            self.stores[operation.client], self.owners[operation.client], origin=ORIGINS[operation.client]
        ) as workspace:
            try:
                return shown(
                    getattr(self, f"_{operation.verb}", self._change)(workspace, operation, **operation.options)
                )
            except ERRORS as error:
                return f"{type(error).__name__}: {MOMENT.sub('…', error.detail)} {len(error.field_errors)}"
            except (sqlite3.Error, psycopg.Error):
                return "refused"

    def _change(self, workspace: Workspace, operation: Operation, **options: Any) -> Any:
        mine = Client(workspace.session, workspace.owner)
        mine.todos = workspace.todos
        if options.get("expected") == "newest":
            options["expected"] = workspace.todos.get(options["chosen"]).items[0].change_id
        return getattr(mine, operation.verb)(change=operation.key, **options)

    def _reverse(self, workspace: Workspace, operation: Operation, count: int, **options: Any) -> Any:
        return getattr(workspace, operation.verb)(count, key(operation.key, operation.verb, count=count), **options)

    _undo = _redo = _reverse

    def _purge(self, workspace: Workspace, operation: Operation, trash: Any) -> Any:
        change = key(operation.key, "purge", trash=str(trash))
        if before := workspace.trash.find(change):
            return before
        return workspace.purge(trash, workspace.trash.preview(trash), change)

    def _page(self, workspace: Workspace, operation: Operation, query: TodoQuery) -> Any:
        return workspace.todos.page(query), workspace.todos.overview(query)

    def _log(self, workspace: Workspace, operation: Operation, query: LogQuery) -> Any:
        return workspace.log.find(query)

    def _get(self, workspace: Workspace, operation: Operation, chosen: Any) -> Any:
        return workspace.todos.get(chosen), workspace.log.of_todos(chosen, 3)

    def _summaries(self, workspace: Workspace, operation: Operation) -> Any:
        return workspace.summaries.tags(), workspace.summaries.projects()

    def _console(self, workspace: Workspace, operation: Operation, kind: str, **chosen: Any) -> Any:
        run, new, values = self.console.run, chosen["new"], dict(chosen["set"])
        if kind in ("insert", "again"):
            again = (
                {"todo": chosen["todo"], "number": chosen["number"]}
                if kind == "again"
                else {"todo": new["id"], "number": new["number"]}
            )
            return self.console.add(self.user, title=new["title"], change=operation.key, change_source="sql", **again)
        mine = "WHERE user_id = :user AND number = :number"
        one = {"user": self.user, "number": chosen["number"]}
        if kind == "delete":
            return run(f"DELETE FROM todos {mine}", **one)
        if kind == "stamped":
            places = ", ".join(map(str, chosen["numbers"])) or "0"
            stamp = "change_id = :change, change_source = 'sql', change_actor = NULL, change_request = NULL"
            return run(
                f"UPDATE todos SET title = :title, {stamp} WHERE user_id = :user AND number IN ({places})",
                title=new["title"],
                change=operation.key,
                user=self.user,
            )
        if kind == "wrong":
            wrong = (
                "due_time = '17:00:00', due_on = NULL",
                "title = ' '",
                "number = number + 1",
                "priority = 'urgent'",
            )
            return run(f"UPDATE todos SET {wrong[chosen['number'] % len(wrong)]} {mine}", **one)
        if kind == "none" or not values:
            return run(f"UPDATE todos SET title = title {mine}", **one)
        if "tags" in values:
            names = values["tags"] or None
            values["tags"] = json.dumps(names, ensure_ascii=False) if names and self.console.is_sqlite else names
        if values.get("due_on", "") is None:
            values["due_time"] = None
        values |= {name: str(values[name]) for name in ("due_on", "starts_on") if values.get(name)}
        return run(f"UPDATE todos SET {', '.join(f'{name} = :{name}' for name in values)} {mine}", **one, **values)

    def numbers(self) -> tuple[dict[int, UUID], int]:
        """Return the user's todos by number, and the last number."""
        rows = self.console.run("SELECT number, id FROM todos WHERE user_id = :user ORDER BY number", user=self.user)
        last = self.console.value("SELECT last_number FROM users WHERE id = :user", user=self.user)
        return {number: UUID(str(todo)) for number, todo in rows}, last

    def tables(self, user: UUID) -> dict[str, Any]:
        """Return what the tables have for a user; ids of changes as their places in the order."""
        with self.stores[0].session() as session:
            found: dict[str, list[dict[str, Any]]] = {}
            for name in ("users", "changes", "history", "todos"):
                table = SQLModel.metadata.tables[name]
                mine = table.c.id if name == "users" else table.c.user_id
                found[name] = [dict(row) for row in session.execute(sa.select(table).where(mine == user)).mappings()]
        found["changes"].sort(key=lambda row: row["seq"])
        places = {row["id"]: i for i, row in enumerate(found["changes"])}
        for row in found["changes"]:
            row |= {"id": places[row["id"]], "undoes": row["undoes"] and places[row["undoes"]]}
            del row["seq"], row["made_at"]
        for row in (*found["history"], *found["todos"]):
            row["change_id"] = places[row["change_id"]]
            if row.get("change_source") == "sql":
                del row["updated_at"]
        found["history"].sort(key=lambda row: (row["change_id"], row["todo_id"]))
        found["todos"].sort(key=lambda row: row["number"])
        return found

    def check(self, queries: list[TodoQuery]) -> list[Any]:
        """Compare ways to look at this engine, and return what both must answer."""
        self.console.check_counts()
        with Workspace(self.stores[0], self.owners[0]) as workspace:
            every = [*workspace.todos.find(TodoQuery("all")).items, *workspace.todos.find(TodoQuery("trash")).items]
            self._replay(every)
            lists = [workspace.todos.find(query) for query in queries]
            log = shown(workspace.log.find(LogQuery()))
        for query, found in zip(queries, lists, strict=True):
            if query.state == "all":
                live = [todo for todo in every if todo.deleted_at is None and fits(query.filter, todo, query.here)]
                same("plain Python", query, {todo.number for todo in live}, {todo.number for todo in found.items})
            if query.state != "trash":
                same("the API", query, [todo.model_dump(mode="json") for todo in found.items], self._listed(query))
        return [*map(shown, lists), log]

    def _replay(self, stored: list[TodoRead]) -> None:
        todos: dict[UUID, Any] = {}
        for row in self.console.history(self.user):
            if row.before is None or "title" in row.before:
                same("history", row, todos.get(row.todo), row.before)
            todos[row.todo] = row.after
        known = {
            todo: row | {name: row[name] or [] for name in ("tags", "needs")}
            for todo, row in todos.items()
            if row is not None
        }
        same(
            "replayed",
            None,
            known,
            {todo.id: {name: todo.model_dump(mode="json")[name] for name in KEPT} for todo in stored},
        )

    def _listed(self, query: TodoQuery) -> list[Any]:
        """Return a list of the API, page by page."""
        parameters: dict[str, Any] = {"state": query.state, "limit": 60, "reverse": query.reverse}
        parameters["sort"] = ",".join("-" * sort.descending + sort.key for sort in query.sort)
        if query.filter != ast.EVERYTHING:
            parameters["where"] = ast.format_filter(query.filter)
        items: list[Any] = []
        while True:
            answered = self._api.get(
                f"{BASE}/todos", params=parameters, headers={"Authorization": f"Bearer {self._token}"}
            )
            if answered.status_code != 200:
                raise Divergence(f"the API: {answered.text} to {parameters}")
            page = answered.json()
            items += page["items"]
            if page["next_cursor"] is None:
                return items
            parameters["cursor"] = page["next_cursor"]


def shown(answer: Any) -> Any:
    """Return an answer without what may differ."""
    if isinstance(answer, Result):
        return [*map(shown, answer.items)], sorted(answer.changed), answer.is_repeat
    if isinstance(answer, TodoRead):
        return answer.model_dump(mode="json", exclude={"change_id", "updated_at"})
    if isinstance(answer, ChangeRead):
        return answer.model_dump(mode="json", exclude={"id", "made_at", "undoes"})
    if isinstance(answer, list | tuple):
        return [*map(shown, answer)]
    if hasattr(answer, "items"):
        return {name: shown(getattr(answer, name)) for name in type(answer).model_fields}
    return answer


def same(what: str, about: object, one: Any, other: Any) -> None:
    """Raise `Divergence` with both unless they are equal."""
    if one != other:
        raise Divergence(f"{what}: {about}\n  {one!r}\n  {other!r}")
