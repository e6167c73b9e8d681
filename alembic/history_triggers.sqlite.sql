-- SQLite has row triggers only, and a trigger does not fire itself (unless recursive_triggers is on). So there are two
-- for updates, one for the program and one for a console, and each update fires exactly one of them first.

CREATE TRIGGER todos_insert AFTER INSERT ON todos
BEGIN
  -- INSERT OR REPLACE deletes rows without firing a DELETE trigger (unless recursive_triggers is on). The history of
  -- such a row does not end with a deletion. Replacing another todo is refused; replacing the same todo is an update.
  SELECT RAISE(ABORT, 'a todo''s id, number and user_id never change')
  WHERE EXISTS (
    SELECT 1 FROM history AS h
    WHERE h.user_id IN (SELECT id FROM users) AND h.todo_id = NEW.id
      AND (h.user_id <> NEW.user_id OR json_extract(h.after, '$.number') <> NEW.number)
      AND NOT EXISTS (
        SELECT 1 FROM history AS d WHERE d.user_id = h.user_id AND d.todo_id = h.todo_id AND d.after IS NULL));
  -- A number is never reused, not even that of a deleted or purged todo.
  SELECT RAISE(ABORT, 'the number belongs to another todo')
  WHERE NEW.number <= (SELECT last_number FROM users WHERE id = NEW.user_id) AND EXISTS (
    SELECT 1 FROM history AS h
    WHERE h.user_id = NEW.user_id AND h.todo_id <> NEW.id
      AND json_extract(COALESCE(h.after, h.before), '$.number') = NEW.number);

  UPDATE users SET last_number = NEW.number WHERE id = NEW.user_id AND last_number < NEW.number;
  INSERT INTO changes (user_id, id, seq, made_at, source, request)
  VALUES (
    NEW.user_id, NEW.change_id, (SELECT COALESCE(MAX(seq), 0) + 1 FROM changes WHERE user_id = NEW.user_id),
    utc_now(), NEW.change_source, NEW.change_request)
  ON CONFLICT (user_id, id) DO NOTHING;
  INSERT INTO history (user_id, change_id, todo_id, before, after)
  VALUES (
    NEW.user_id, NEW.change_id, NEW.id,
    (SELECT h.after FROM history AS h JOIN changes AS c ON c.user_id = h.user_id AND c.id = h.change_id
     WHERE h.user_id = NEW.user_id AND h.todo_id = NEW.id ORDER BY c.seq DESC LIMIT 1),
    row_json(NEW))
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
  INSERT INTO changes (user_id, id, seq, made_at, source, request)
  VALUES (
    NEW.user_id, NEW.change_id, (SELECT COALESCE(MAX(seq), 0) + 1 FROM changes WHERE user_id = NEW.user_id),
    utc_now(), NEW.change_source, NEW.change_request)
  ON CONFLICT (user_id, id) DO NOTHING;
  INSERT INTO history (user_id, change_id, todo_id, before, after)
  VALUES (NEW.user_id, NEW.change_id, NEW.id, row_json(OLD), row_json(NEW))
  ON CONFLICT (user_id, change_id, todo_id) DO UPDATE SET after = excluded.after;
END;

-- The nested update fires todos_update, whose `before` is what the console wrote. It is corrected afterwards.
CREATE TRIGGER todos_console AFTER UPDATE ON todos
WHEN NEW.change_id = OLD.change_id
BEGIN
  UPDATE todos
  SET change_id = new_change_id(), change_source = 'sql', change_request = NULL, version = OLD.version + 1, updated_at = utc_now()
  WHERE id = NEW.id;
  UPDATE history SET before = row_json(OLD)
  WHERE user_id = OLD.user_id AND change_id = (SELECT change_id FROM todos WHERE id = OLD.id) AND todo_id = OLD.id;
END;

CREATE TRIGGER todos_delete AFTER DELETE ON todos
BEGIN
  INSERT INTO changes (user_id, id, seq, made_at, source)
  VALUES (
    OLD.user_id, new_change_id(), (SELECT COALESCE(MAX(seq), 0) + 1 FROM changes WHERE user_id = OLD.user_id),
    utc_now(), 'sql');
  INSERT INTO history (user_id, change_id, todo_id, before, after)
  VALUES (
    OLD.user_id, (SELECT id FROM changes WHERE user_id = OLD.user_id ORDER BY seq DESC LIMIT 1), OLD.id,
    row_json(OLD), NULL);
END;
