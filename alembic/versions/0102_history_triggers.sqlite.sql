-- SQLite has row triggers only, and a trigger does not fire itself (unless recursive_triggers is on). So there are two
-- for updates, one for the program and one for a console, and each update fires exactly one of them first.

CREATE TRIGGER todos_insert AFTER INSERT ON todos
BEGIN
  -- INSERT OR REPLACE deletes rows without firing a DELETE trigger (unless recursive_triggers is on). The history of
  -- such a row does not end with a deletion. Replacing another todo is refused; replacing the same todo is an update.
  SELECT RAISE(ABORT, 'a todo''s id, number and user_id never change')
  WHERE EXISTS (
    SELECT 1 FROM history AS h
    WHERE h.todo_id = NEW.id AND (h.user_id <> NEW.user_id OR json_extract(h.after, '$.number') <> NEW.number)
      AND NOT EXISTS (
        SELECT 1 FROM history AS d WHERE d.todo_id = h.todo_id AND d.user_id = h.user_id AND d.after IS NULL));
  -- A number is never reused, not even that of a deleted or purged todo.
  SELECT RAISE(ABORT, 'the number belongs to another todo')
  WHERE NEW.number <= (SELECT last_number FROM users WHERE id = NEW.user_id) AND EXISTS (
    SELECT 1 FROM history AS h
    WHERE h.user_id = NEW.user_id AND number_in(h) = NEW.number AND (h.before IS NULL OR h.after IS NULL)
      AND h.todo_id <> NEW.id);
  -- A row that joined an old change would stand in the log before what had led to it. While data is being restored, the
  -- history of the todo is not there yet, or has the row.
  SELECT RAISE(ABORT, 'the change is recorded already, and others followed it')
  WHERE is_old(NEW) AND EXISTS (SELECT 1 FROM history WHERE todo_id = NEW.id AND user_id = NEW.user_id)
    AND NOT EXISTS (
      SELECT 1 FROM history WHERE todo_id = NEW.id AND user_id = NEW.user_id AND change_id = NEW.change_id);

  UPDATE users
  SET last_number = MAX(last_number, NEW.number),
    open_count = open_count + is_open(NEW),
    completed_count = completed_count + is_completed(NEW),
    trash_count = trash_count + is_trashed(NEW)
  WHERE id = NEW.user_id;
  -- The row that this one replaced no longer counts.
  UPDATE users
  SET open_count = open_count - is_open(gone),
    completed_count = completed_count - is_completed(gone),
    trash_count = trash_count - is_trashed(gone)
  FROM (
    SELECT json_extract(row, '$.completed_at') AS completed_at, json_extract(row, '$.deleted_at') AS deleted_at
    FROM (SELECT latest_row(NEW) AS row) WHERE row IS NOT NULL) AS gone
  WHERE users.id = NEW.user_id;
  INSERT INTO changes (user_id, id, seq, made_at, source, actor, request)
  VALUES (
    NEW.user_id, NEW.change_id, (SELECT COALESCE(MAX(seq), 0) + 1 FROM changes WHERE user_id = NEW.user_id),
    utc_now(), NEW.change_source, NEW.change_actor, NEW.change_request)
  ON CONFLICT (user_id, id) DO NOTHING;
  INSERT INTO history (user_id, change_id, todo_id, before, after)
  VALUES (NEW.user_id, NEW.change_id, NEW.id, latest_row(NEW), row_json(NEW))
  ON CONFLICT (user_id, change_id, todo_id) DO UPDATE SET after = excluded.after;
END;

CREATE TRIGGER todos_refuse BEFORE UPDATE OF id, number, user_id ON todos
WHEN NEW.id IS NOT OLD.id OR NEW.number IS NOT OLD.number OR NEW.user_id IS NOT OLD.user_id
BEGIN
  SELECT RAISE(ABORT, 'a todo''s id, number and user_id never change');
END;

CREATE TRIGGER todos_update AFTER UPDATE ON todos
WHEN NEW.change_id <> OLD.change_id
BEGIN
  SELECT RAISE(ABORT, 'the change is recorded already, and others followed it') WHERE is_old(NEW);
  UPDATE users
  SET open_count = open_count + is_open(NEW) - is_open(OLD),
    completed_count = completed_count + is_completed(NEW) - is_completed(OLD),
    trash_count = trash_count + is_trashed(NEW) - is_trashed(OLD)
  WHERE id = NEW.user_id AND (is_open(NEW) <> is_open(OLD) OR is_trashed(NEW) <> is_trashed(OLD));
  INSERT INTO changes (user_id, id, seq, made_at, source, actor, request)
  VALUES (
    NEW.user_id, NEW.change_id, (SELECT COALESCE(MAX(seq), 0) + 1 FROM changes WHERE user_id = NEW.user_id),
    utc_now(), NEW.change_source, NEW.change_actor, NEW.change_request)
  ON CONFLICT (user_id, id) DO NOTHING;
  INSERT INTO history (user_id, change_id, todo_id, before, after)
  VALUES (NEW.user_id, NEW.change_id, NEW.id, row_json(OLD), row_json(NEW))
  ON CONFLICT (user_id, change_id, todo_id) DO UPDATE SET after = excluded.after;
END;

-- The nested update fires todos_update, whose `before` is what the console wrote. It is corrected afterwards.
CREATE TRIGGER todos_console AFTER UPDATE ON todos
WHEN NEW.change_id = OLD.change_id
BEGIN
  UPDATE users
  SET open_count = open_count + is_open(NEW) - is_open(OLD),
    completed_count = completed_count + is_completed(NEW) - is_completed(OLD),
    trash_count = trash_count + is_trashed(NEW) - is_trashed(OLD)
  WHERE id = NEW.user_id AND (is_open(NEW) <> is_open(OLD) OR is_trashed(NEW) <> is_trashed(OLD));
  UPDATE todos
  SET change_id = new_change_id(), change_source = 'sql', change_actor = NULL, change_request = NULL,
    version = OLD.version + 1, updated_at = utc_now()
  WHERE id = NEW.id;
  UPDATE history SET before = row_json(OLD)
  WHERE user_id = OLD.user_id AND change_id = (SELECT change_id FROM todos WHERE id = OLD.id) AND todo_id = OLD.id;
END;

CREATE TRIGGER todos_delete AFTER DELETE ON todos
BEGIN
  UPDATE users
  SET open_count = open_count - is_open(OLD),
    completed_count = completed_count - is_completed(OLD),
    trash_count = trash_count - is_trashed(OLD)
  WHERE id = OLD.user_id;
  INSERT INTO changes (user_id, id, seq, made_at, source)
  SELECT
    OLD.user_id, new_change_id(), (SELECT COALESCE(MAX(seq), 0) + 1 FROM changes WHERE user_id = OLD.user_id),
    utc_now(), 'sql'
  WHERE NOT is_purged(OLD);
  INSERT INTO history (user_id, change_id, todo_id, before, after)
  SELECT
    OLD.user_id, (SELECT id FROM changes WHERE user_id = OLD.user_id ORDER BY seq DESC LIMIT 1), OLD.id,
    row_json(OLD), NULL
  WHERE NOT is_purged(OLD);
END;
