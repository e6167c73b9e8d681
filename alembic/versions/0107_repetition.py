"""Todos that repeat"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from alembic.util import load_python_file

revision = "0107"
down_revision = "0106"
branch_labels = None
depends_on = None

LOCKS = "todos, against readers as well: below a second with 1,000,000 todos, to check that none repeats"
"""Which tables are locked, how, and for how long with 1,000,000 todos."""

LOST_BY_DOWNGRADE = {"repetitions": "todos WHERE rrule IS NOT NULL"}
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
}
HISTORY_COLUMNS = HISTORY_COLUMNS_BEFORE | {
    "series_id": "uuid",
    "series_place": "plain",
    "rrule": "plain",
    "repeat_from": "plain",
    "repeat_on": "plain",
    "ends_on": "plain",
    "times": "plain",
}
"""The columns of a todo that history keeps."""

# The columns in the order in which they are added, each with the check that is added with it, which may name those
# before it: SQLite adds a constraint only together with a column.
COLUMNS = (
    ("series_id", sa.Uuid(), None),
    (
        "series_place",
        sa.BigInteger(),
        "series_place >= 1 AND series_id IS NOT NULL OR series_place IS NULL AND series_id IS NULL",
    ),
    ("rrule", sa.Text(), "length(rrule) BETWEEN 1 AND 200"),
    (
        "repeat_from",
        sa.Text(),
        "rrule IS NULL AND repeat_from IS NULL OR rrule IS NOT NULL AND repeat_from IN ('due', 'completion')",
    ),
    (
        "repeat_on",
        sa.Date(),
        "(rrule IS NULL) = (repeat_on IS NULL) AND (rrule IS NULL OR series_id IS NOT NULL)",
    ),
    ("ends_on", sa.Date(), "ends_on IS NULL OR rrule IS NOT NULL"),
    ("times", sa.BigInteger(), "times IS NULL OR rrule IS NOT NULL AND times >= 1"),
)
DAYS = {name: f"{name} IS date({name}, '+0 days')" for name in ("repeat_on", "ends_on")}
"""What a date is on SQLite, which has no type for it."""

SERIES = "series_id IS NOT NULL"

triggers = load_python_file(str(Path(__file__).parents[1]), "history_triggers.py")


def upgrade() -> None:
    is_sqlite = op.get_context().dialect.name == "sqlite"
    triggers.drop(op, HISTORY_RULES)
    for name, kind, check in COLUMNS:
        if is_sqlite:
            checks = {f"ck_todos_{name}": check, f"ck_todos_{name}_day": DAYS.get(name)}
            added = " ".join(f"CONSTRAINT {label} CHECK ({text})" for label, text in checks.items() if text)
            compiled = kind.compile(dialect=op.get_context().dialect)
            op.execute(f"ALTER TABLE todos ADD COLUMN {name} {compiled} {added}")
        else:
            op.add_column("todos", sa.Column(name, kind, nullable=True))
            if check:
                op.create_check_constraint(op.f(f"ck_todos_{name}"), "todos", check)
    where = sa.text(SERIES)
    op.create_index(
        "ix_todos_series",
        "todos",
        ["user_id", "series_id", "series_place"],
        unique=True,
        postgresql_where=where,
        sqlite_where=where,
    )
    triggers.create(op, HISTORY_RULES, HISTORY_COLUMNS)
    # An older program would complete a todo that repeats without adding the next.
    op.execute("UPDATE todo_revision SET oldest_writer = '0107'")


def downgrade() -> None:
    op.execute("UPDATE todo_revision SET oldest_writer = '0106'")
    triggers.drop(op, HISTORY_RULES)
    op.drop_index("ix_todos_series", "todos")
    for name, _, check in reversed(COLUMNS):
        if check and op.get_context().dialect.name != "sqlite":
            op.drop_constraint(op.f(f"ck_todos_{name}"), "todos")
        op.drop_column("todos", name)
    triggers.create(op, HISTORY_RULES, HISTORY_COLUMNS_BEFORE)
