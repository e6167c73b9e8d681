"""Edits of one occurrence of a series"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from alembic.util import load_python_file
from sqlalchemy.dialects.postgresql import JSONB

revision = "0109"
down_revision = "0108"
branch_labels = None
depends_on = None

LOCKS = "todos, against readers as well: below a second with 1,000,000 todos, to check that none has a value"
"""Which tables are locked, how, and for how long with 1,000,000 todos."""

LOST_BY_DOWNGRADE = {"edits of one occurrence": "todos WHERE series_values IS NOT NULL"}
"""What is lost in a downgrade, and where it is counted before the user is asked."""

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
    "is_someday": "boolean",
    "note_count": "plain",
    "claimed_by": "plain",
    "claimed_until": "instant",
    "needs": "json",
    "series_id": "uuid",
    "series_place": "plain",
    "rrule": "plain",
    "repeat_from": "plain",
    "repeat_on": "plain",
    "ends_on": "plain",
    "times": "plain",
    "parent": "plain",
}
HISTORY_COLUMNS = HISTORY_COLUMNS_BEFORE | {"series_values": "json"}
"""The columns of a todo that history keeps."""

CHECKS = {
    "sqlite": "series_values IS NULL OR (json_valid(series_values) AND json_type(series_values) = 'object')",
    "postgresql": "jsonb_typeof(series_values) = 'object'",
}

triggers = load_python_file(str(Path(__file__).parents[1]), "history_triggers.py")


def upgrade() -> None:
    dialect = op.get_context().dialect.name
    triggers.drop(op, HISTORY_RULES)
    if dialect == "sqlite":  # it adds a constraint only together with a column
        check = f"CONSTRAINT ck_todos_series_values CHECK ({CHECKS[dialect]})"
        op.execute(f"ALTER TABLE todos ADD COLUMN series_values TEXT {check}")
    else:
        op.add_column("todos", sa.Column("series_values", JSONB(), nullable=True))
        op.create_check_constraint(op.f("ck_todos_series_values"), "todos", CHECKS[dialect])
    triggers.create(op, HISTORY_RULES, HISTORY_COLUMNS)
    # An older program would give all later occurrences what was meant for one.
    op.execute("UPDATE todo_revision SET oldest_writer = '0109'")


def downgrade() -> None:
    op.execute("UPDATE todo_revision SET oldest_writer = '0108'")
    triggers.drop(op, HISTORY_RULES)
    if op.get_context().dialect.name != "sqlite":
        op.drop_constraint(op.f("ck_todos_series_values"), "todos")
    op.drop_column("todos", "series_values")
    triggers.create(op, HISTORY_RULES, HISTORY_COLUMNS_BEFORE)
