"""Where imported todos came from"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0104"
down_revision = "0103"
branch_labels = None
depends_on = None

LOCKS = "no table that holds todos"
"""Which tables are locked, how, and for how long with 1,000,000 todos."""

LOST_BY_DOWNGRADE = ("sources",)
"""The tables whose rows are lost in a downgrade. They are counted before the user is asked."""


def upgrade() -> None:
    op.create_table(
        "sources",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("todo_id", sa.Uuid(), nullable=False),
        sa.Column("change_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["todo_id"], ["todos.id"], name=op.f("fk_sources_todo_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "format", "source_id", name=op.f("pk_sources")),
    )
    op.create_index("ix_sources_todo_id", "sources", ["todo_id"])


def downgrade() -> None:
    op.drop_table("sources")
