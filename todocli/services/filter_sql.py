"""Compiles filters to SQL, with the same results on both engines. Every term is true or false, never NULL."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone

import sqlalchemy as sa

from todocli.column_types import DatabaseNow, Names
from todocli.domain.case_folding import forms
from todocli.domain.filters.ast import (
    And,
    Between,
    Blocked,
    Claimed,
    Contains,
    Filter,
    HasPriority,
    InProject,
    Needs,
    Not,
    Numbered,
    Or,
    Overdue,
    Repeats,
    Someday,
    Tagged,
    Under,
)
from todocli.models import Note, Todo
from todocli.services.array_sql import is_among
from todocli.services.dependency_sql import is_blocked
from todocli.services.subtask_sql import has_parent, is_under

_table = sa.inspect(Todo).local_table
_notes = sa.inspect(Note).local_table
_INSTANTS = {"done": "completed_at", "added": "created_at", "changed": "updated_at"}


def compile_filter(condition: Filter, here: datetime, dialect: str) -> sa.ColumnElement[bool]:
    """Return the condition that a todo matches a filter at the local time `here`. Not scoped to a user."""
    todo = _table.c
    match condition:
        case And(parts):
            return sa.and_(sa.true(), *(compile_filter(part, here, dialect) for part in parts))
        case Or(parts):
            return sa.or_(sa.false(), *(compile_filter(part, here, dialect) for part in parts))
        case Not(part):
            return sa.not_(compile_filter(part, here, dialect).self_group())
        case Tagged(None):
            return todo.tags.is_not(None)
        case Tagged(tag):
            return _is_tagged(str(tag), dialect)
        case InProject(None):
            return todo.project.is_not(None)
        case InProject(project):
            below = sa.func.substr(todo.project, 1, len(str(project)) + 1) == f"{project}/"
            return sa.and_(todo.project.is_not(None), sa.or_(todo.project == project, below))
        case HasPriority(None):
            return todo.priority.is_not(None)
        case HasPriority(priority):
            return sa.and_(todo.priority.is_not(None), todo.priority == priority)
        case Between("due" | "start" as field, first, last):
            day = todo.due_on if field == "due" else todo.starts_on
            bounds = [day >= first] if first else []
            return sa.and_(day.is_not(None), *bounds, *([day <= last] if last else []))
        case Between(field, first, last):
            at = todo[_INSTANTS[field]]
            bounds = [at >= midnight(first, here)] if first else []
            bounds += [at < midnight(last + timedelta(days=1), here)] if last and last < date.max else []
            return sa.and_(at.is_not(None), *bounds)
        case Overdue():
            return overdue(here)
        case Contains(text):
            in_note = sa.select(_notes.c.id).where(
                _notes.c.todo_id == todo.id,
                _notes.c.user_id == todo.user_id,
                _notes.c.hidden_at.is_(None),
                _contains(_notes.c.text, text, dialect),
            )
            return sa.or_(
                _contains(todo.title, text, dialect),
                _contains(todo.description, text, dialect),
                sa.and_(todo.note_count > 0, sa.exists(in_note.correlate(_table))),
            )
        case Needs(None):
            return todo.needs.is_not(None)
        case Needs(number):
            return sa.and_(todo.needs.is_not(None), is_among(sa.literal(number, sa.BigInteger), todo.needs, dialect))
        case Under(number):
            return has_parent() if number is None else is_under(number)
        case Blocked():
            return is_blocked(dialect)
        case Repeats():
            return todo.rrule.is_not(None)
        case Numbered(first, last):
            return todo.number == first if first == last else todo.number.between(first, last)
        case Claimed():
            return is_claimed()
        case Someday():
            return todo.is_someday == sa.true()


def is_claimed() -> sa.ColumnElement[bool]:
    """Return the condition that somebody has claimed a todo, by the database's clock."""
    until = _table.c.claimed_until
    return sa.and_(until.is_not(None), until > DatabaseNow(sa.literal_column("0")))


def midnight(on: date, here: datetime) -> datetime:
    """Return when a day begins where `here` is, by the rules of its time zone as far as they are known."""
    beginning = datetime.combine(on, time.min)
    try:
        if isinstance(here.tzinfo, timezone) and here.utcoffset() == here.astimezone().utcoffset():
            begun = beginning.astimezone(UTC)  # the machine's own zone: here has only its current offset
            missing = beginning - begun.astimezone().replace(tzinfo=None)  # where a day has no midnight
            return begun + max(missing, timedelta())
        return beginning.replace(tzinfo=here.tzinfo).astimezone(UTC)
    except (OverflowError, ValueError):  # within a day of the first or the last
        return beginning.replace(tzinfo=UTC)


def overdue(here: datetime) -> sa.ColumnElement[bool]:
    """Return the condition that a todo is overdue at the local time `here`; see `todocli.domain.fields.is_overdue`."""
    due_on, due_time, at = _table.c.due_on, _table.c.due_time, here.time().replace(microsecond=0)
    # Stored times have whole seconds. So 17:00:00 is over at 17:00:00.5, but not at 17:00:00.0.
    over = due_time <= at if here.microsecond else due_time < at
    late = sa.and_(due_on == here.date(), due_time.is_not(None), over)
    return sa.and_(due_on.is_not(None), sa.or_(due_on < here.date(), late))


def _is_tagged(tag: str, dialect: str) -> sa.ColumnElement[bool]:
    tags = _table.c.tags
    if dialect == "sqlite":
        names = sa.func.json_each(tags).table_valued("value")
        return sa.exists(sa.select(names.c.value).where(names.c.value == tag))
    return sa.and_(tags.is_not(None), tags.op("OPERATOR(pg_catalog.@>)", is_comparison=True)(sa.literal([tag], Names)))


def _contains(column: sa.ColumnElement[str], text: str, dialect: str) -> sa.ColumnElement[bool]:
    """Return the condition that a column contains `text`, ignoring case; see `todocli.domain.case_folding`."""
    if dialect == "sqlite":
        pattern = f"*{''.join(map(_glob, text))}*"
        found = column.op("GLOB", is_comparison=True)(pattern)
    else:
        found = sa.collate(column, "C").op("~", is_comparison=True)("".join(map(_regex, text)))
    return sa.and_(column.is_not(None), found)


def _glob(character: str) -> str:
    """Return the pattern of SQLite's GLOB for all forms of a character."""
    return f"[{forms(character)}]" if character in "*?[" or len(forms(character)) > 1 else character


def _regex(character: str) -> str:
    """Return the regular expression of Postgres for all forms of a character."""
    if len(forms(character)) > 1:
        return f"[{forms(character)}]"
    return f"\\{character}" if character.isascii() and not character.isalnum() else character
