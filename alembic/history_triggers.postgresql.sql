-- One change for each transaction at a console: a UUIDv7 derived from what identifies the transaction. It needs no
-- session state, and so works behind a pooler.
CREATE FUNCTION todos_console_change() RETURNS uuid LANGUAGE sql STABLE SET search_path = schema(), pg_temp AS $$
  SELECT (
    lpad(to_hex(micros / 1000), 12, '0') || '7' || substr(hash, 1, 3)
    || to_hex(8 + (get_byte(decode(hash, 'hex'), 15) & 3)) || substr(hash, 4, 15)
  )::uuid
  FROM (SELECT floor(extract(epoch FROM now()) * 1000000)::bigint AS micros) AS instant,
    LATERAL (SELECT md5(micros::text || '/' || pg_current_xact_id()::text) AS hash) AS digest
$$;

CREATE FUNCTION todos_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a todo''s id, number and user_id never change' USING ERRCODE = 'check_violation';
END
$$;

CREATE FUNCTION todos_console() RETURNS trigger LANGUAGE plpgsql SET search_path = schema(), pg_temp AS $$
BEGIN
  NEW.change_id := todos_console_change();
  NEW.change_source := 'sql';
  NEW.change_request := NULL;
  NEW.version := OLD.version + 1;
  NEW.updated_at := now();
  RETURN NEW;
END
$$;

CREATE FUNCTION todos_insert() RETURNS trigger LANGUAGE plpgsql SET search_path = schema(), pg_temp AS $$
BEGIN
  -- A number is never reused, not even that of a deleted or purged todo.
  IF EXISTS (
    SELECT 1 FROM new_rows AS n JOIN users AS u ON u.id = n.user_id JOIN history AS h ON h.user_id = n.user_id
    WHERE n.number <= u.last_number AND h.todo_id <> n.id
      AND (COALESCE(h.after, h.before) ->> 'number')::bigint = n.number)
  THEN
    RAISE EXCEPTION 'the number belongs to another todo' USING ERRCODE = 'unique_violation';
  END IF;
  UPDATE users SET last_number = highest.number
  FROM (SELECT user_id, max(number) AS number FROM new_rows GROUP BY user_id) AS highest
  WHERE users.id = highest.user_id AND users.last_number < highest.number;
  INSERT INTO changes (user_id, id, made_at, source, request)
  SELECT user_id, change_id, clock_timestamp(), min(change_source), min(change_request)
  FROM new_rows GROUP BY user_id, change_id ORDER BY user_id, change_id
  ON CONFLICT (user_id, id) DO NOTHING;
  INSERT INTO history (user_id, change_id, todo_id, before, after)
  SELECT n.user_id, n.change_id, n.id, NULL, row_json(n) FROM new_rows AS n
  ON CONFLICT (user_id, change_id, todo_id) DO UPDATE SET after = EXCLUDED.after;
  RETURN NULL;
END
$$;

CREATE FUNCTION todos_update() RETURNS trigger LANGUAGE plpgsql SET search_path = schema(), pg_temp AS $$
BEGIN
  INSERT INTO changes (user_id, id, made_at, source, request)
  SELECT user_id, change_id, clock_timestamp(), min(change_source), min(change_request)
  FROM new_rows GROUP BY user_id, change_id ORDER BY user_id, change_id
  ON CONFLICT (user_id, id) DO NOTHING;
  INSERT INTO history (user_id, change_id, todo_id, before, after)
  SELECT n.user_id, n.change_id, n.id, row_json(o), row_json(n) FROM old_rows AS o JOIN new_rows AS n ON n.id = o.id
  ON CONFLICT (user_id, change_id, todo_id) DO UPDATE SET after = EXCLUDED.after;
  RETURN NULL;
END
$$;

CREATE FUNCTION todos_delete() RETURNS trigger LANGUAGE plpgsql SET search_path = schema(), pg_temp AS $$
BEGIN
  INSERT INTO changes (user_id, id, made_at, source)
  SELECT user_id, todos_console_change(), clock_timestamp(), 'sql'
  FROM old_rows GROUP BY user_id ORDER BY user_id
  ON CONFLICT (user_id, id) DO NOTHING;
  INSERT INTO history (user_id, change_id, todo_id, before, after)
  SELECT o.user_id, todos_console_change(), o.id, row_json(o), NULL FROM old_rows AS o
  ON CONFLICT (user_id, change_id, todo_id) DO UPDATE SET after = NULL;
  RETURN NULL;
END
$$;

CREATE FUNCTION todos_refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE 'todos cannot be truncated: history would not know of it' USING HINT = 'Use DELETE.', ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER todos_refuse_truncate BEFORE TRUNCATE ON todos FOR EACH STATEMENT
EXECUTE FUNCTION todos_refuse_truncate();

CREATE TRIGGER todos_refuse BEFORE UPDATE OF id, number, user_id ON todos FOR EACH ROW
WHEN ((NEW.id, NEW.number, NEW.user_id) IS DISTINCT FROM (OLD.id, OLD.number, OLD.user_id))
EXECUTE FUNCTION todos_refuse();

CREATE TRIGGER todos_console BEFORE UPDATE ON todos FOR EACH ROW
WHEN (NEW.change_id = OLD.change_id)
EXECUTE FUNCTION todos_console();

-- For each statement, not for each row: a bulk insert updates its user once.
CREATE TRIGGER todos_insert AFTER INSERT ON todos REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION todos_insert();

CREATE TRIGGER todos_update AFTER UPDATE ON todos REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION todos_update();

CREATE TRIGGER todos_delete AFTER DELETE ON todos REFERENCING OLD TABLE AS old_rows
FOR EACH STATEMENT EXECUTE FUNCTION todos_delete();
