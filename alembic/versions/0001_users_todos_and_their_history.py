"""Users, todos and their history"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from alembic.util import load_python_file

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

KEPT = {
    "number": "plain",
    "title": "plain",
    "description": "plain",
    "completed_at": "instant",
    "created_at": "instant",
    "deleted_at": "instant",
}
"""The columns of a todo that history keeps."""

triggers = load_python_file(str(Path(__file__).parents[1]), "triggers_1.py")


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("last_number", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 64", name=op.f("ck_users_name")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("name", name=op.f("uq_users_name")),
    )
    op.create_table(
        "todos",
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
        sa.CheckConstraint("number >= 1", name=op.f("ck_todos_number")),
        sa.CheckConstraint("length(title) BETWEEN 1 AND 255 AND trim(title) <> ''", name=op.f("ck_todos_title")),
        sa.CheckConstraint("length(description) <= 2000", name=op.f("ck_todos_description")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_todos_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_todos")),
        sa.UniqueConstraint("user_id", "number", name=op.f("uq_todos_user_id_number")),
    )
    op.create_index("ix_todos_user_id", "todos", ["user_id"])
    op.create_index("ix_todos_newest", "todos", ["user_id", sa.text("created_at DESC"), sa.text("number DESC")])
    still_open = sa.text("completed_at IS NULL AND deleted_at IS NULL")
    op.create_index(
        "ix_todos_open", "todos", ["user_id", "number"], postgresql_where=still_open, sqlite_where=still_open
    )
    op.create_table(
        "changes",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("undoes", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_changes_user_id")),
        sa.PrimaryKeyConstraint("user_id", "id", name=op.f("pk_changes")),
        sa.UniqueConstraint("user_id", "seq", name=op.f("uq_changes_user_id_seq")),
    )
    op.create_table(
        "history",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("change_id", sa.Uuid(), nullable=False),
        sa.Column("todo_id", sa.Uuid(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.Column("after", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id", "change_id"],
            ["changes.user_id", "changes.id"],
            name=op.f("fk_history_user_id_change_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "change_id", "todo_id", name=op.f("pk_history")),
    )
    op.create_index("ix_history_user_id_todo_id", "history", ["user_id", "todo_id"])
    triggers.create(op.get_bind(), KEPT)


def downgrade() -> None:
    triggers.drop(op.get_bind())
    for table in ("history", "changes", "todos", "users"):
        op.drop_table(table)
