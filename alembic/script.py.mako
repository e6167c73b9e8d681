"""${message}"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None

LOCKS = ""
"""Which tables are locked, how, and for how long with 1,000,000 todos."""

LOST_BY_DOWNGRADE = ()
"""The tables whose rows a downgrade loses. The program counts the rows before it asks."""


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
