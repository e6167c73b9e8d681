"""Claims, and tokens for the calendar feed"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from alembic.util import load_python_file

revision = "0105"
down_revision = "0104"
branch_labels = None
depends_on = None

LOCKS = "todos and users, against readers as well: a moment, to add columns without values; changes, against writers"
"""Which tables are locked, how, and for how long with 1,000,000 todos."""

LOST_BY_DOWNGRADE = {"feed tokens": "tokens WHERE scope = 'feed'", "claims": "todos WHERE claimed_by IS NOT NULL"}
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
}
HISTORY_COLUMNS = HISTORY_COLUMNS_BEFORE | {"claimed_by": "plain", "claimed_until": "instant"}
"""The columns of a todo that history keeps."""

SCOPES_BEFORE = "scope IN ('read', 'write', 'destroy')"
SCOPES = "scope IN ('read', 'write', 'destroy', 'feed')"

CLAIMED_BY = "length(claimed_by) BETWEEN 1 AND 64"
CLAIMED_UNTIL = "(claimed_by IS NULL) = (claimed_until IS NULL)"

# A transaction that notifies waits for every other one that does, in any database of the server. So it notifies only if
# a client follows the user: such a client shares an advisory lock, which a writer cannot take for itself then. A writer
# that takes it holds it until it commits, and a client that begins to follow waits for that, and reads afterwards. The
# lock is half of the user's id, as a number.
NOTIFY = """\
CREATE FUNCTION changes_notify() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM pg_notify('todo_' || hex, '')
  FROM (SELECT DISTINCT replace(user_id::text, '-', '') AS hex FROM new_rows) AS users
  WHERE NOT pg_try_advisory_xact_lock(('x' || right(hex, 16))::bit(64)::bigint);
  RETURN NULL;
END
$$""".replace(":", "\\:")
NOTIFY_TRIGGER = """\
CREATE TRIGGER changes_notify AFTER INSERT ON changes REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION changes_notify()"""

triggers = load_python_file(str(Path(__file__).parents[1]), "history_triggers.py")


def upgrade() -> None:
    is_sqlite = op.get_context().dialect.name == "sqlite"
    triggers.drop(op, HISTORY_RULES)
    if is_sqlite:  # it adds a constraint only together with a column
        op.execute(f"ALTER TABLE todos ADD COLUMN claimed_by TEXT CONSTRAINT ck_todos_claimed_by CHECK ({CLAIMED_BY})")
        check = f"CONSTRAINT ck_todos_claimed_until CHECK ({CLAIMED_UNTIL})"
        op.execute(f"ALTER TABLE todos ADD COLUMN claimed_until DATETIME {check}")
    else:
        op.add_column("todos", sa.Column("claimed_by", sa.Text(), nullable=True))
        op.add_column("todos", sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True))
        op.create_check_constraint(op.f("ck_todos_claimed_by"), "todos", CLAIMED_BY)
        op.create_check_constraint(op.f("ck_todos_claimed_until"), "todos", CLAIMED_UNTIL)
    op.add_column("users", sa.Column("last_claim_id", sa.Uuid(), nullable=True))
    _set_scopes(SCOPES)
    triggers.create(op, HISTORY_RULES, HISTORY_COLUMNS)
    if not is_sqlite:  # there, clients watch the file
        op.execute(NOTIFY)
        op.execute(NOTIFY_TRIGGER)


def downgrade() -> None:
    if op.get_context().dialect.name != "sqlite":
        op.execute("DROP TRIGGER changes_notify ON changes")
        op.execute("DROP FUNCTION changes_notify()")
    op.execute("DELETE FROM tokens WHERE scope = 'feed'")
    triggers.drop(op, HISTORY_RULES)
    _set_scopes(SCOPES_BEFORE)
    op.drop_column("users", "last_claim_id")
    if op.get_context().dialect.name != "sqlite":
        op.drop_constraint(op.f("ck_todos_claimed_until"), "todos")
        op.drop_constraint(op.f("ck_todos_claimed_by"), "todos")
    op.drop_column("todos", "claimed_until")
    op.drop_column("todos", "claimed_by")
    triggers.create(op, HISTORY_RULES, HISTORY_COLUMNS_BEFORE)


def _set_scopes(condition: str) -> None:
    """Replace the check of a token's scope. On SQLite, which cannot change a check, this copies the table."""
    if op.get_context().dialect.name != "sqlite":
        op.drop_constraint(op.f("ck_tokens_scope"), "tokens")
        op.create_check_constraint(op.f("ck_tokens_scope"), "tokens", condition)
        return
    op.execute("ALTER TABLE tokens RENAME TO tokens_before")
    op.create_table(
        "tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 64", name=op.f("ck_tokens_name")),
        sa.CheckConstraint(condition, name=op.f("ck_tokens_scope")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_tokens_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("user_id", "name", name=op.f("uq_tokens_user_id_name")),
        sa.UniqueConstraint("digest", name=op.f("uq_tokens_digest")),
    )
    names = "id, user_id, name, digest, scope, created_at, expires_at, last_used_at"
    op.execute(f"INSERT INTO tokens ({names}) SELECT {names} FROM tokens_before")  # noqa: S608 - constants
    op.drop_table("tokens_before")
