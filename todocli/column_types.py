"""Types of columns and functions of SQL that both engines have, each in its own way."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, time
from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles


class Uuid(sa.Uuid[UUID]):
    """A UUID. SQLite keeps it as 32 hexadecimal digits, which SQLAlchemy reads at twice the cost."""

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Callable[[Any], UUID | None] | None:
        """Return what turns the engine's value into a UUID."""
        if dialect.name != "sqlite":
            return None  # psycopg returns a UUID
        return _uuid_of_digits


@lru_cache(maxsize=1_000)
def _uuid_of_digits(digits: str | None) -> UUID | None:
    return None if digits is None else UUID(int=int(digits, 16))  # rows share users, and often changes


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An instant: aware and in UTC in Python, whatever an engine or a session's time zone would make of it."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True
    python_type = datetime

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Turn an aware instant into what the engine stores; SQLite keeps naive UTC."""
        if value is None:
            return None
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Callable[[Any], datetime | None]:
        """Return what turns the engine's value into an aware instant in UTC; SQLite's is text."""
        return _utc_of_text if dialect.name == "sqlite" else _utc


@lru_cache(maxsize=1_000)
def _utc_of_text(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).replace(tzinfo=UTC)


def _utc(value: datetime | None) -> datetime | None:
    return None if value is None else value.astimezone(UTC)


class ClockTime(sa.types.TypeDecorator[time]):
    """A time of day, without a zone. SQLite keeps `HH:MM:SS`, as Postgres writes it into history too."""

    impl = sa.Text
    cache_ok = True
    python_type = time

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """Return the engine's own type."""
        return dialect.type_descriptor(sa.Text() if dialect.name == "sqlite" else sa.Time())

    def process_bind_param(self, value: time | None, dialect: sa.Dialect) -> time | str | None:
        """Turn a time into what the engine stores."""
        return value.isoformat("seconds") if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: time | str | None, dialect: sa.Dialect) -> time | None:
        """Turn what the engine gives back into a time."""
        return time.fromisoformat(value) if isinstance(value, str) else value


class JsonObject(sa.types.TypeDecorator[dict[str, Any]]):
    """An object of JSON: JSONB on Postgres, text on SQLite, in the form in which its own functions write it."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """Return the engine's own type."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.Text())
        from sqlalchemy.dialects.postgresql import JSONB

        return dialect.type_descriptor(JSONB(none_as_null=True))

    def process_bind_param(self, value: dict[str, Any] | None, dialect: sa.Dialect) -> dict[str, Any] | str | None:
        """Turn an object into what the engine stores."""
        if value is None or dialect.name != "sqlite":
            return value
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    def process_result_value(self, value: dict[str, Any] | str | None, dialect: sa.Dialect) -> dict[str, Any] | None:
        """Turn what the engine gives back into an object."""
        found: dict[str, Any] | None = json.loads(value) if isinstance(value, str) else value
        return found


class Members(sa.types.TypeDecorator[list[Any]]):
    """A list of members of one type; the empty list is NULL. An array on Postgres, a JSON array on SQLite."""

    impl = sa.Text
    cache_ok = True
    member: sa.types.TypeEngine[Any]

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """Return the engine's own type."""
        return dialect.type_descriptor(sa.Text() if dialect.name == "sqlite" else sa.ARRAY(self.member))

    def process_bind_param(self, value: list[Any] | None, dialect: sa.Dialect) -> list[Any] | str | None:
        """Turn a list into what the engine stores; SQLite's own functions write JSON in the same form."""
        if not value or dialect.name != "sqlite":
            return value or None
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    def process_result_value(self, value: list[Any] | str | None, dialect: sa.Dialect) -> list[Any]:
        """Turn what the engine gives back into a list."""
        return list(_members(value)) if isinstance(value, str) else value or []


class Names(Members):
    """A list of names."""

    cache_ok = True
    member = sa.Text()


class Numbers(Members):
    """A list of numbers of todos."""

    cache_ok = True
    member = sa.BigInteger()


class Rows(sa.types.TypeDecorator[list[dict[str, Any]]]):
    """Rows as one value of JSON, so that a statement is the same whatever their number. `kinds` has the columns' types.

    A column that a row lacks is NULL.
    """

    impl = sa.Text
    cache_ok = True

    def __init__(self, kinds: tuple[tuple[str, sa.types.TypeEngine[Any]], ...]) -> None:
        super().__init__()
        self.kinds = kinds

    def process_bind_param(self, value: list[dict[str, Any]] | None, dialect: sa.Dialect) -> str:
        """Turn rows into JSON, in which each value is as the engine stores it, or as Postgres reads its type."""
        is_sqlite = dialect.name == "sqlite"
        processors = {
            name: kind.dialect_impl(dialect).bind_processor(dialect) if is_sqlite else None for name, kind in self.kinds
        }
        rows = (
            {
                name: process(row[name]) if process else row[name]
                for name, process in processors.items()
                if row.get(name) not in (None, [])
            }
            for row in value or ()
        )
        return json.dumps([*rows], ensure_ascii=False, separators=(",", ":"), default=str)


@lru_cache(maxsize=1_000)
def _members(text: str) -> tuple[Any, ...]:
    return tuple(json.loads(text))


class DatabaseNow(sa.sql.functions.FunctionElement[datetime]):
    """The time by the database's clock, and so many `seconds` later (a parameter)."""

    name = "database_now"
    type = UtcDateTime()
    inherit_cache = True


@compiles(DatabaseNow, "sqlite")
def _now_sqlite(element: DatabaseNow, compiler: Any, **options: Any) -> str:
    later = compiler.process(element.clauses, **options)
    return f"strftime('%Y-%m-%d %H:%M:%f000', 'now', {later} || ' seconds')"


@compiles(DatabaseNow, "postgresql")
def _now_postgres(element: DatabaseNow, compiler: Any, **options: Any) -> str:
    later = compiler.process(element.clauses, **options)
    return f"(pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => {later}))"


class NumberIn(sa.sql.functions.FunctionElement[int]):
    """The number in a row of history, given its `after` and `before`, as the index `ix_history_number` has it."""

    name = "number_in"
    type = sa.BigInteger()
    inherit_cache = True


@compiles(NumberIn, "sqlite")
def _number_in_sqlite(element: NumberIn, compiler: Any, **options: Any) -> str:
    return f"json_extract(coalesce({compiler.process(element.clauses, **options)}), '$.number')"


@compiles(NumberIn, "postgresql")
def _number_in_postgres(element: NumberIn, compiler: Any, **options: Any) -> str:
    return f"((coalesce({compiler.process(element.clauses, **options)}) ->> 'number')::bigint)"
