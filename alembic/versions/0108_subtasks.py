"""Todos that are subtasks of others"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from alembic.util import load_python_file

revision = "0108"
down_revision = "0107"
branch_labels = None
depends_on = None

LOCKS = "todos, against readers as well: below a second with 1,000,000 todos, to check that none has a parent"
"""Which tables are locked, how, and for how long with 1,000,000 todos."""

LOST_BY_DOWNGRADE = {"links to a parent": "todos WHERE parent IS NOT NULL"}
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
}
HISTORY_COLUMNS = HISTORY_COLUMNS_BEFORE | {"parent": "plain"}
"""The columns of a todo that history keeps."""

CHECK = "parent >= 1 AND parent <> number"

# Two sessions could each add half of a cycle, or levels that are too many together. So this looks when it holds the
# lock on the user, at the end of the transaction, as `todos_refuse_cycle` does (0106). A todo in the trash is a level
# as well: it may come back. Scalar subqueries and arrays make Postgres look each todo up. SQLite has one writer at a
# time: there, the program looks.
REFUSE_DEPTH = """\
CREATE FUNCTION todos_refuse_depth() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  levels bigint;
BEGIN
  PERFORM set_config('search_path', quote_ident(TG_TABLE_SCHEMA) || ', pg_temp', true);
  PERFORM FROM users WHERE id = NEW.user_id FOR NO KEY UPDATE;
  IF NOT EXISTS (SELECT FROM todos WHERE id = NEW.id AND parent = NEW.parent) THEN
    RETURN NULL;
  END IF;
  WITH RECURSIVE above (number, level) AS (
    SELECT NEW.number, 1
    UNION ALL
    SELECT (SELECT parent FROM todos WHERE user_id = NEW.user_id AND number = above.number), level + 1
    FROM above
    WHERE number IS NOT NULL AND level <= 6),
  below (number, level) AS (
    SELECT NEW.number, 0
    UNION ALL
    SELECT unnest(ARRAY(SELECT number FROM todos WHERE user_id = NEW.user_id AND parent = below.number)), level + 1
    FROM below
    WHERE level <= 6)
  SELECT (SELECT max(level) FROM above
          WHERE EXISTS (SELECT FROM todos WHERE user_id = NEW.user_id AND number = above.number))
    + (SELECT max(level) FROM below)
  INTO levels;
  IF levels > 5 THEN
    RAISE EXCEPTION 'todo % would be on level %', NEW.number, levels
      USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_todos_parent_depth';
  END IF;
  RETURN NULL;
END
$$"""
WHEN_PARENT_CHANGES = {
    "todos_refuse_depth": "AFTER UPDATE ON todos {deferred} WHEN"
    " (NEW.parent IS NOT NULL AND NEW.parent IS DISTINCT FROM OLD.parent)",
    "todos_refuse_depth_of_new": "AFTER INSERT ON todos {deferred} WHEN (NEW.parent IS NOT NULL)",
}
DEFERRED = "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"

triggers = load_python_file(str(Path(__file__).parents[1]), "history_triggers.py")


def upgrade() -> None:
    is_sqlite = op.get_context().dialect.name == "sqlite"
    triggers.drop(op, HISTORY_RULES)
    if is_sqlite:  # it adds a constraint only together with a column
        op.execute(f"ALTER TABLE todos ADD COLUMN parent BIGINT CONSTRAINT ck_todos_parent CHECK ({CHECK})")
    else:
        op.add_column("todos", sa.Column("parent", sa.BigInteger(), nullable=True))
        op.create_check_constraint(op.f("ck_todos_parent"), "todos", CHECK)
    where = sa.text("parent IS NOT NULL")
    op.create_index(
        "ix_todos_parent", "todos", ["user_id", "parent", "number"], postgresql_where=where, sqlite_where=where
    )
    triggers.create(op, HISTORY_RULES, HISTORY_COLUMNS)
    if not is_sqlite:
        op.execute(REFUSE_DEPTH)
        for name, event in WHEN_PARENT_CHANGES.items():
            clause = event.format(deferred=DEFERRED)
            op.execute(f"CREATE CONSTRAINT TRIGGER {name} {clause} EXECUTE FUNCTION todos_refuse_depth()")
    # An older program would remove a todo without its subtasks.
    op.execute("UPDATE todo_revision SET oldest_writer = '0108'")


def downgrade() -> None:
    op.execute("UPDATE todo_revision SET oldest_writer = '0107'")
    is_sqlite = op.get_context().dialect.name == "sqlite"
    triggers.drop(op, HISTORY_RULES)
    if not is_sqlite:
        for name in WHEN_PARENT_CHANGES:
            op.execute(f"DROP TRIGGER {name} ON todos")
        op.execute("DROP FUNCTION todos_refuse_depth()")
        op.drop_constraint(op.f("ck_todos_parent"), "todos")
    op.drop_index("ix_todos_parent", "todos")
    op.drop_column("todos", "parent")
    triggers.create(op, HISTORY_RULES, HISTORY_COLUMNS_BEFORE)
