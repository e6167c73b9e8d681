"""Users, todos, their history, and tokens"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from alembic.util import load_python_file

revision = "0102"
down_revision = None
branch_labels = None
depends_on = None

LOCKS = "no table that exists, since it creates its own"
"""Which tables are locked, how, and for how long with 1,000,000 todos."""

LOST_BY_DOWNGRADE = ("users", "todos", "changes", "tokens")
"""The tables whose rows are lost in a downgrade. They are counted before the user is asked."""

VERSION_TABLE = "todo_revision"
OLDEST_PROGRAMS = ("oldest_reader", "oldest_writer")

HISTORY_RULES = "0102_history_triggers"
HISTORY_COLUMNS = {
    "number": "plain",
    "title": "plain",
    "description": "plain",
    "completed_at": "instant",
    "created_at": "instant",
    "deleted_at": "instant",
    "due_on": "plain",
    "due_time": "plain",
    "starts_on": "plain",
    "priority": "plain",
    "project": "plain",
    "tags": "json",
}
"""The columns of a todo that history keeps."""

CHECKS = {
    "number": "number >= 1",
    "title": "length(title) BETWEEN 1 AND 255 AND trim(title) <> ''",
    "description": "length(description) <= 2000",
    "due_time": "due_time IS NULL OR due_on IS NOT NULL",
    "priority": "priority IN ('high', 'medium', 'low')",
    "change_source": "change_source IN ('cli', 'api', 'sql', 'mcp')",
    "change_actor": "length(change_actor) <= 64",
    "change_request": "length(change_request) <= 16",
    "project": "length(project) BETWEEN 1 AND 100",
}
SQLITE_CHECKS = {  # on Postgres, types do this
    "due_on_day": "due_on IS date(due_on, '+0 days')",
    "due_time_clock": "due_time IS time(due_time)",
    "starts_on_day": "starts_on IS date(starts_on, '+0 days')",
    "tags": "tags IS NULL OR"
    " (json_valid(tags) AND json_type(tags) = 'array' AND json_array_length(tags) BETWEEN 1 AND 20)",
}
POSTGRES_CHECKS = {"tags": "cardinality(tags) BETWEEN 1 AND 20"}

triggers = load_python_file(str(Path(__file__).parents[1]), "history_triggers.py")


def upgrade() -> None:
    is_sqlite = op.get_context().dialect.name == "sqlite"
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        *(
            sa.Column(name, sa.BigInteger(), server_default="0", nullable=False)
            for name in ("last_number", "open_count", "completed_count", "trash_count")
        ),
        sa.Column("created_at", instant, nullable=False),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 64", name=op.f("ck_users_name")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("name", name=op.f("uq_users_name")),
    )
    checks = CHECKS | (SQLITE_CHECKS if is_sqlite else POSTGRES_CHECKS)
    op.create_table(
        "todos",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("completed_at", instant, nullable=True),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("updated_at", instant, nullable=False),
        sa.Column("deleted_at", instant, nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("change_id", sa.Uuid(), nullable=False),
        sa.Column("change_source", sa.Text(), nullable=False),
        sa.Column("change_actor", sa.Text(), nullable=True),
        sa.Column("change_request", sa.Text(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("due_time", sa.Text() if is_sqlite else sa.Time(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("priority", sa.Text(), nullable=True),
        sa.Column("project", sa.Text(), nullable=True),
        sa.Column("tags", sa.Text() if is_sqlite else sa.ARRAY(sa.Text()), nullable=True),
        *(sa.CheckConstraint(check, name=op.f(f"ck_todos_{name}")) for name, check in checks.items()),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_todos_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_todos")),
        sa.UniqueConstraint("user_id", "number", name=op.f("uq_todos_user_id_number")),
    )
    _create_partial_index(
        "ix_todos_open",
        "todos",
        ["user_id", "due_on", "due_time", "number"],
        "completed_at IS NULL AND deleted_at IS NULL",
    )
    _create_partial_index(
        "ix_todos_completed",
        "todos",
        ["user_id", sa.text("completed_at DESC"), "number"],
        "completed_at IS NOT NULL AND deleted_at IS NULL",
    )
    _create_partial_index("ix_todos_trash", "todos", ["user_id", "number"], "deleted_at IS NOT NULL")
    op.create_table(
        "changes",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("made_at", instant, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("request", sa.Text(), nullable=True),
        sa.Column("undoes", sa.Uuid(), nullable=True),
        sa.Column("compacted_at", instant, nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_changes_user_id")),
        sa.PrimaryKeyConstraint("id", "user_id", name=op.f("pk_changes")),
        sa.UniqueConstraint("user_id", "seq", name=op.f("uq_changes_user_id_seq")),
    )
    _create_partial_index("ix_changes_undoes_user_id", "changes", ["undoes", "user_id"], "undoes IS NOT NULL")
    op.create_table(
        "history",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("change_id", sa.Uuid(), nullable=False),
        sa.Column("todo_id", sa.Uuid(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.Column("after", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["change_id", "user_id"],
            ["changes.id", "changes.user_id"],
            name=op.f("fk_history_change_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("change_id", "user_id", "todo_id", name=op.f("pk_history")),
    )
    op.create_index("ix_history_todo_id_user_id", "history", ["todo_id", "user_id"])
    number = triggers.NUMBER_IN["sqlite" if is_sqlite else "postgresql"].format("")
    _create_partial_index(
        "ix_history_number", "history", ["user_id", sa.text(number)], "before IS NULL OR after IS NULL"
    )
    op.create_table(
        "tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("expires_at", instant, nullable=True),
        sa.Column("last_used_at", instant, nullable=True),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 64", name=op.f("ck_tokens_name")),
        sa.CheckConstraint("scope IN ('read', 'write', 'destroy')", name=op.f("ck_tokens_scope")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_tokens_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("user_id", "name", name=op.f("uq_tokens_user_id_name")),
        sa.UniqueConstraint("digest", name=op.f("uq_tokens_digest")),
    )
    triggers.create(op, HISTORY_RULES, HISTORY_COLUMNS)
    for name in OLDEST_PROGRAMS:
        op.add_column(VERSION_TABLE, sa.Column(name, sa.Text(), server_default=revision, nullable=False))


def downgrade() -> None:
    for name in OLDEST_PROGRAMS:
        op.drop_column(VERSION_TABLE, name)
    triggers.drop(op, HISTORY_RULES)
    for table in ("tokens", "history", "changes", "todos", "users"):
        op.drop_table(table)


def _create_partial_index(name: str, table: str, columns: list[str | sa.TextClause], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, postgresql_where=where, sqlite_where=where)
