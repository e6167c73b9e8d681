"""When, what first, and where"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import op
from alembic.util import load_python_file

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BEFORE = {
    "number": "plain",
    "title": "plain",
    "description": "plain",
    "completed_at": "instant",
    "created_at": "instant",
    "deleted_at": "instant",
}
"""The columns of a todo that history kept until now."""

ADDED = {
    "due_on": "plain",
    "due_time": "plain",
    "starts_on": "plain",
    "priority": "plain",
    "project": "plain",
    "tags": "json",
}
"""Those that it keeps from now on, too."""

CHECKS = {
    "due_time": "due_time IS NULL OR due_on IS NOT NULL",
    "priority": "priority IN ('high', 'medium', 'low')",
    "project": "length(project) BETWEEN 1 AND 100",
}
SQLITE_CHECKS = {  # what types see to on Postgres
    "due_on_day": "due_on IS date(due_on, '+0 days')",
    "due_time_clock": "due_time IS time(due_time)",
    "starts_on_day": "starts_on IS date(starts_on, '+0 days')",
    "tags": "tags IS NULL OR"
    " (json_valid(tags) AND json_type(tags) = 'array' AND json_array_length(tags) BETWEEN 1 AND 20)",
}
POSTGRES_CHECKS = {"tags": "cardinality(tags) BETWEEN 1 AND 20"}

triggers = load_python_file(str(Path(__file__).parents[1]), "triggers_1.py")


def upgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    triggers.drop(op.get_bind())
    with op.batch_alter_table("todos", copy_from=_todos()) as todos:
        for column in _columns(sqlite):
            todos.add_column(column)
        for name, condition in _checks(sqlite).items():
            todos.create_check_constraint(op.f(f"ck_todos_{name}"), sa.text(condition))
    _restore_indexes(sqlite)
    _index_open(["user_id", "due_on", "due_time", "number"], replaces=not sqlite)
    triggers.create(op.get_bind(), BEFORE | ADDED)


def downgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    triggers.drop(op.get_bind())
    with op.batch_alter_table("todos", copy_from=_todos(*_columns(sqlite))) as todos:
        if not sqlite:
            for name in _checks(sqlite):
                todos.drop_constraint(op.f(f"ck_todos_{name}"), type_="check")
        for name in ADDED:
            todos.drop_column(name)
    _restore_indexes(sqlite)
    _index_open(["user_id", "number"], replaces=False)  # the one with the days went with its columns
    triggers.create(op.get_bind(), BEFORE)


def _columns(sqlite: bool) -> list[sa.Column[Any]]:
    return [
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("due_time", sa.Text() if sqlite else sa.Time(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("priority", sa.String(8), nullable=True),
        sa.Column("project", sa.String(100), nullable=True),
        sa.Column("tags", sa.Text() if sqlite else sa.ARRAY(sa.Text()), nullable=True),
    ]


def _checks(sqlite: bool) -> dict[str, str]:
    return CHECKS | (SQLITE_CHECKS if sqlite else POSTGRES_CHECKS)


def _restore_indexes(sqlite: bool) -> None:
    """Make the indexes again that SQLite lost with the old table."""
    if sqlite:
        op.create_index("ix_todos_user_id", "todos", ["user_id"])
        op.create_index("ix_todos_newest", "todos", ["user_id", sa.text("created_at DESC"), sa.text("number DESC")])


def _index_open(columns: list[str], *, replaces: bool) -> None:
    if replaces:
        op.drop_index("ix_todos_open", "todos")
    where = sa.text("completed_at IS NULL AND deleted_at IS NULL")
    op.create_index("ix_todos_open", "todos", columns, postgresql_where=where, sqlite_where=where)


def _todos(*more: sa.Column[Any]) -> sa.Table:
    """Return the table as revision 0001 made it: SQLite cannot tell its constraints."""
    return sa.Table(
        "todos",
        sa.MetaData(),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.String(255), nullable=False),
        sa.Column("description", sa.String(2000), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("change_id", sa.Uuid(), nullable=False),
        sa.Column("change_source", sa.String(16), nullable=False),
        *more,
        sa.CheckConstraint("number >= 1", name=op.f("ck_todos_number")),
        sa.CheckConstraint("length(title) BETWEEN 1 AND 255 AND trim(title) <> ''", name=op.f("ck_todos_title")),
        sa.CheckConstraint("length(description) <= 2000", name=op.f("ck_todos_description")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_todos_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_todos")),
        sa.UniqueConstraint("user_id", "number", name=op.f("uq_todos_user_id_number")),
    )
