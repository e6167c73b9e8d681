"""Find quickly what was undone"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    undoing = sa.text("undoes IS NOT NULL")
    op.create_index(
        "ix_changes_user_id_undoes",
        "changes",
        ["user_id", "undoes"],
        postgresql_where=undoing,
        sqlite_where=undoing,
    )


def downgrade() -> None:
    op.drop_index("ix_changes_user_id_undoes", table_name="changes")
