"""Reads and changes `todos.series_values` in SQL: JSONB on Postgres, JSON text on SQLite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import sqlalchemy as sa

from todocli.column_types import Members
from todocli.models import Todo

_table = sa.inspect(Todo).local_table

Sql = sa.ColumnElement[Any]


class Json(Protocol):
    """An object of JSON as an engine has it, whose names are columns of `todos`."""

    def of_todo(self) -> Sql:
        """Return what a todo has; an empty object if it is nothing."""

    def value(self, value: Sql, name: str) -> Sql:
        """Return the value of a column as JSON; of a list without members, the empty list."""

    def get(self, whole: Sql, name: str) -> Sql:
        """Return the value of a name, to compare it with that of a column."""

    def has(self, whole: Sql, name: str) -> sa.ColumnElement[bool]:
        """Return the condition that the object has a name, be it with null."""

    def members(self, whole: Sql, name: str) -> Sql:
        """Return a list in the object as the column has it; of anything else, no member."""

    def default(self, whole: Sql, names: Sequence[str]) -> Sql:
        """Return the object with what the columns have now, where it lacks them."""

    def put(self, whole: Sql, name: str, value: Sql) -> Sql:
        """Return the object with another value."""

    def without(self, whole: Sql, name: str, condition: sa.ColumnElement[bool] | None = None) -> Sql:
        """Return the object without a name, if a condition is true."""

    def stored(self, whole: Sql) -> Sql:
        """Return the object as it is stored: nothing if it is empty."""


class _Sqlite:
    def of_todo(self) -> Sql:
        return sa.func.coalesce(_table.c.series_values, sa.literal("{}", sa.Text()))

    def value(self, value: Sql, name: str) -> Sql:
        return sa.func.json(sa.func.coalesce(value, "[]")) if _is_list(name) else value

    def get(self, whole: Sql, name: str) -> Sql:
        return sa.func.json_extract(whole, f"$.{name}")

    def has(self, whole: Sql, name: str) -> sa.ColumnElement[bool]:
        return sa.func.json_type(whole, f"$.{name}").is_not(None)

    def members(self, whole: Sql, name: str) -> Sql:
        is_list = sa.func.json_type(whole, f"$.{name}") == "array"
        return sa.type_coerce(sa.case((is_list, self.get(whole, name)), else_="[]"), _table.c[name].type)

    def default(self, whole: Sql, names: Sequence[str]) -> Sql:
        now = (part for name in names for part in (f"$.{name}", self.value(_table.c[name], name)))
        return sa.func.json_insert(whole, *now)

    def put(self, whole: Sql, name: str, value: Sql) -> Sql:
        return sa.func.json_set(whole, f"$.{name}", value)

    def without(self, whole: Sql, name: str, condition: sa.ColumnElement[bool] | None = None) -> Sql:
        path = f"$.{name}" if condition is None else sa.case((condition, f"$.{name}"), else_="$.none")
        return sa.func.json_remove(whole, path)

    def stored(self, whole: Sql) -> Sql:
        return sa.func.nullif(whole, "{}")


class _Postgres:
    _catalog = sa.func.pg_catalog

    def of_todo(self) -> Sql:
        return sa.func.coalesce(_table.c.series_values, _json("{}"))

    def value(self, value: Sql, name: str) -> Sql:
        nothing = _json("[]" if _is_list(name) else "null")
        return sa.func.coalesce(self._catalog.to_jsonb(sa.cast(value, _table.c[name].type)), nothing)

    def get(self, whole: Sql, name: str) -> Sql:
        return self._catalog.jsonb_extract_path(whole, _text(name))

    def has(self, whole: Sql, name: str) -> sa.ColumnElement[bool]:
        return sa.func.coalesce(self._catalog.jsonb_exists(whole, _text(name)), sa.false())

    def members(self, whole: Sql, name: str) -> Sql:
        found = self.get(whole, name)
        is_list = self._catalog.jsonb_typeof(found) == _text("array")
        each = self._catalog.jsonb_array_elements_text(sa.case((is_list, found), else_=_json("[]")))
        array = sa.func.array(sa.select(each.column_valued("each_member")).scalar_subquery())
        return sa.type_coerce(array, _table.c[name].type)

    def default(self, whole: Sql, names: Sequence[str]) -> Sql:
        now = (part for name in names for part in (_text(name), self.value(_table.c[name], name)))
        return self._catalog.jsonb_build_object(*now).op("OPERATOR(pg_catalog.||)")(whole)

    def put(self, whole: Sql, name: str, value: Sql) -> Sql:
        new = self._catalog.jsonb_build_object(_text(name), value)
        return whole.op("OPERATOR(pg_catalog.||)")(new)

    def without(self, whole: Sql, name: str, condition: sa.ColumnElement[bool] | None = None) -> Sql:
        gone = _text(name) if condition is None else sa.case((condition, _text(name)), else_=_text(""))
        return whole.op("OPERATOR(pg_catalog.-)")(gone)

    def stored(self, whole: Sql) -> Sql:
        return sa.func.nullif(whole, _json("{}"))


def json_of(dialect: str) -> Json:
    """Return how an engine reads and changes an object of JSON."""
    return _Sqlite() if dialect == "sqlite" else _Postgres()


def _is_list(name: str) -> bool:
    return isinstance(_table.c[name].type, Members)


def _text(name: str) -> Sql:
    return sa.literal_column(f"'{name}'::text")


def _json(text: str) -> Sql:
    return sa.literal_column(f"'{text}'::jsonb")
