"""Notes, and todos for someday"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from alembic.util import load_python_file

revision = "0103"
down_revision = "0102"
branch_labels = None
depends_on = None

LOCKS = "todos, against readers as well: below a second with 1,000,000 todos, to check that none is for someday"
"""Which tables are locked, how, and for how long with 1,000,000 todos."""

LOST_BY_DOWNGRADE = ("notes",)
"""The tables whose rows are lost in a downgrade. They are counted before the user is asked."""

HISTORY_RULES = "0102_history_triggers"
HISTORY_COLUMNS_BEFORE = {
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
HISTORY_COLUMNS = HISTORY_COLUMNS_BEFORE | {"is_someday": "boolean", "note_count": "plain"}
"""The columns of a todo that history keeps. The text of a note is in its own row, and never changes."""

SOMEDAY = "NOT is_someday OR (due_on IS NULL AND starts_on IS NULL)"

triggers = load_python_file(str(Path(__file__).parents[1]), "history_triggers.py")


def upgrade() -> None:
    is_sqlite = op.get_context().dialect.name == "sqlite"
    triggers.drop(op, HISTORY_RULES)
    if is_sqlite:  # it adds a constraint only together with its column
        check = f"CONSTRAINT ck_todos_is_someday CHECK ({SOMEDAY})"
        op.execute(f"ALTER TABLE todos ADD COLUMN is_someday BOOLEAN DEFAULT 0 NOT NULL {check}")
    else:
        op.add_column("todos", sa.Column("is_someday", sa.Boolean(), server_default=sa.false(), nullable=False))
        op.create_check_constraint(op.f("ck_todos_is_someday"), "todos", SOMEDAY)
    op.add_column("todos", sa.Column("note_count", sa.BigInteger(), server_default="0", nullable=False))
    op.create_table(
        "notes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("todo_id", sa.Uuid(), nullable=False),
        sa.Column("change_id", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("hidden_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.CheckConstraint("length(text) BETWEEN 1 AND 65536", name=op.f("ck_notes_text")),
        sa.ForeignKeyConstraint(["todo_id"], ["todos.id"], name=op.f("fk_notes_todo_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notes")),
    )
    op.create_index("ix_notes_todo_id_user_id", "notes", ["todo_id", "user_id"])
    op.create_index("ix_notes_change_id_user_id", "notes", ["change_id", "user_id"])
    triggers.create(op, HISTORY_RULES, HISTORY_COLUMNS)
    # An older program would write dates beside someday, and would not take back a note.
    op.execute("UPDATE todo_revision SET oldest_writer = '0103'")


def downgrade() -> None:
    op.execute("UPDATE todo_revision SET oldest_writer = '0102'")
    triggers.drop(op, HISTORY_RULES)
    op.drop_table("notes")
    op.drop_column("todos", "note_count")
    op.drop_column("todos", "is_someday")
    triggers.create(op, HISTORY_RULES, HISTORY_COLUMNS_BEFORE)
