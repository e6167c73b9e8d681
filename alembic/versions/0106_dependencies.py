"""Todos that wait for others"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from alembic.util import load_python_file

revision = "0106"
down_revision = "0105"
branch_labels = None
depends_on = None

LOCKS = "todos, against readers as well: below a second with 1,000,000 todos, to check that none waits for another"
"""Which tables are locked, how, and for how long with 1,000,000 todos."""

LOST_BY_DOWNGRADE = {"dependency lists": "todos WHERE needs IS NOT NULL"}
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
}
HISTORY_COLUMNS = HISTORY_COLUMNS_BEFORE | {"needs": "json"}
"""The columns of a todo that history keeps."""

# Only digits, commas and brackets; no number is zero, or has 19 digits. Then the JSON has one form for each list.
NEEDS_SQLITE = (
    "needs IS NULL OR (json_valid(needs) AND json_type(needs) = 'array' AND json_array_length(needs) BETWEEN 1 AND 100"
    " AND substr(needs, 2) NOT GLOB '*[^]0-9,]*' AND needs NOT GLOB '*[[,]0*'"
    f" AND needs NOT GLOB '*{'[0-9]' * 19}*')"
)
NEEDS_POSTGRES = (
    "cardinality(needs) BETWEEN 1 AND 100 AND array_ndims(needs) = 1"
    " AND 0 < ALL (needs) AND array_position(needs, NULL) IS NULL"
)

WAITING = "needs IS NOT NULL AND completed_at IS NULL AND deleted_at IS NULL"

# Two sessions could each add half of a cycle. So this looks when it holds the lock on the user. A query inside a
# volatile function then sees what others have committed; the program's statement, with its older snapshot, does not.
# It looks at the end of the transaction, because statements that take from one todo what they give to another may pass
# through a cycle: what a row needed for a moment only does not count. Nothing needs a new row yet. OFFSET 0 makes
# Postgres look each todo up; without statistics it would read all of the user, which it takes for few. SQLite has one
# writer at a time, and no recursive query in a trigger: there, the program looks.
REFUSE_CYCLE = """\
CREATE FUNCTION todos_refuse_cycle() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM set_config('search_path', quote_ident(TG_TABLE_SCHEMA) || ', pg_temp', true);
  PERFORM FROM users WHERE id = NEW.user_id FOR NO KEY UPDATE;
  IF EXISTS (
    WITH RECURSIVE needed (number) AS (
      SELECT unnest(NEW.needs)
      UNION
      SELECT unnest(t.needs)
      FROM needed, LATERAL (
        SELECT needs FROM todos WHERE user_id = NEW.user_id AND number = needed.number OFFSET 0) AS t)
    SELECT FROM needed WHERE number = NEW.number)
  THEN
    IF EXISTS (SELECT FROM todos WHERE id = NEW.id AND needs = NEW.needs) THEN
      RAISE EXCEPTION 'todo % would wait for itself', NEW.number
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_todos_needs_cycle';
    END IF;
  END IF;
  RETURN NULL;
END
$$"""
REFUSE_CYCLE_TRIGGER = """\
CREATE CONSTRAINT TRIGGER todos_refuse_cycle AFTER UPDATE ON todos DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
WHEN (NEW.needs IS NOT NULL AND NEW.needs IS DISTINCT FROM OLD.needs) EXECUTE FUNCTION todos_refuse_cycle()"""

triggers = load_python_file(str(Path(__file__).parents[1]), "history_triggers.py")


def upgrade() -> None:
    is_sqlite = op.get_context().dialect.name == "sqlite"
    triggers.drop(op, HISTORY_RULES)
    if is_sqlite:  # it adds a constraint only together with a column
        op.execute(f"ALTER TABLE todos ADD COLUMN needs TEXT CONSTRAINT ck_todos_needs CHECK ({NEEDS_SQLITE})")
    else:
        op.add_column("todos", sa.Column("needs", sa.ARRAY(sa.BigInteger()), nullable=True))
        op.create_check_constraint(op.f("ck_todos_needs"), "todos", NEEDS_POSTGRES)
    where = sa.text(WAITING)
    op.create_index("ix_todos_waiting", "todos", ["user_id", "number"], postgresql_where=where, sqlite_where=where)
    triggers.create(op, HISTORY_RULES, HISTORY_COLUMNS)
    if not is_sqlite:
        op.execute(REFUSE_CYCLE)
        op.execute(REFUSE_CYCLE_TRIGGER)
    # An older program would take back a change of what a todo needs without doing so.
    op.execute("UPDATE todo_revision SET oldest_writer = '0106'")


def downgrade() -> None:
    op.execute("UPDATE todo_revision SET oldest_writer = '0103'")
    if op.get_context().dialect.name != "sqlite":
        op.execute("DROP TRIGGER todos_refuse_cycle ON todos")
        op.execute("DROP FUNCTION todos_refuse_cycle()")
    triggers.drop(op, HISTORY_RULES)
    op.drop_index("ix_todos_waiting", "todos")
    op.drop_column("todos", "needs")
    triggers.create(op, HISTORY_RULES, HISTORY_COLUMNS_BEFORE)
