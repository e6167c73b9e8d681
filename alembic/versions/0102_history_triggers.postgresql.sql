-- No function names its schema, which may be renamed or restored beside the original. Each takes it from the table that
-- fired the trigger. The SET clause limits the change of search_path to the function.

-- One change for each transaction at a console: a UUIDv7 derived from what identifies the transaction. It needs no
-- session state, and so works behind a pooler.
CREATE FUNCTION todos_console_change() RETURNS uuid LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
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

-- A row that joined an old change would stand in the log before what had led to it. A console that names one is wrong. A
-- program that repeats a statement is not: its snapshot may be older than the first attempt's commit. With a new one it
-- sees that, and so the error is one that programs retry.
CREATE FUNCTION todos_refuse_old_change() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the change is recorded already, and others followed it'
  USING HINT = 'Leave change_id out, or give a new UUID.', ERRCODE = 'serialization_failure';
END
$$;

CREATE FUNCTION todos_console() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM set_config('search_path', quote_ident(TG_TABLE_SCHEMA) || ', pg_temp', true);
  NEW.change_id := todos_console_change();
  NEW.change_source := 'sql';
  NEW.change_actor := NULL;
  NEW.change_request := NULL;
  NEW.version := OLD.version + 1;
  NEW.updated_at := now();
  RETURN NEW;
END
$$;

CREATE FUNCTION todos_new_id() RETURNS uuid LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
  SELECT (
    lpad(to_hex(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0')
    || '7' || substr(random, 14, 3) || substr(random, 17, 16)
  )::uuid
  FROM (SELECT replace(gen_random_uuid()::text, '-', '') AS random) AS version_4
$$;

-- A console gives what it likes, and the user and the title at least.
CREATE FUNCTION todos_console_insert() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM set_config('search_path', quote_ident(TG_TABLE_SCHEMA) || ', pg_temp', true);
  IF NEW.number IS NULL AND NEW.user_id IS NOT NULL THEN
    -- This locks the user: the numbers of two sessions differ, as do those of two rows of one statement.
    UPDATE users SET last_number = last_number + 1 WHERE id = NEW.user_id RETURNING last_number INTO NEW.number;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'there is no user %', NEW.user_id USING ERRCODE = 'foreign_key_violation';
    END IF;
  END IF;
  IF NEW.change_id IS NULL THEN
    NEW.change_id := todos_console_change();
    NEW.change_source := 'sql';
    NEW.change_actor := NULL;
    NEW.change_request := NULL;
  END IF;
  NEW.id := COALESCE(NEW.id, todos_new_id());
  NEW.change_source := COALESCE(NEW.change_source, 'sql');
  NEW.created_at := COALESCE(NEW.created_at, now());
  NEW.updated_at := COALESCE(NEW.updated_at, now());
  NEW.version := COALESCE(NEW.version, 1);
  RETURN NEW;
END
$$;

-- The triggers lock the users first, in the order of their ids. So the changes of one user follow one another: `seq`
-- grows in the order of their commits.

CREATE FUNCTION todos_insert() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM set_config('search_path', quote_ident(TG_TABLE_SCHEMA) || ', pg_temp', true);
  PERFORM FROM users WHERE id IN (SELECT user_id FROM new_rows) ORDER BY id FOR NO KEY UPDATE;
  -- A number is never reused, not even that of a deleted or purged todo.
  IF EXISTS (SELECT FROM new_rows AS n JOIN users AS u ON u.id = n.user_id WHERE n.number <= u.last_number)
    AND EXISTS (
      SELECT FROM new_rows AS n JOIN history AS h ON h.user_id = n.user_id AND number_in(h) = n.number
      WHERE (h.before IS NULL OR h.after IS NULL) AND h.todo_id <> n.id)
  THEN
    RAISE EXCEPTION 'the number belongs to another todo' USING ERRCODE = 'unique_violation';
  END IF;
  IF EXISTS (
    SELECT FROM new_rows AS n JOIN changes AS c ON c.user_id = n.user_id AND c.id = n.change_id
    WHERE EXISTS (SELECT FROM changes AS later WHERE later.user_id = c.user_id AND later.seq > c.seq)
      AND EXISTS (SELECT FROM history AS h WHERE h.todo_id = n.id AND h.user_id = n.user_id)
      AND NOT EXISTS (
        SELECT FROM history AS h WHERE h.todo_id = n.id AND h.user_id = n.user_id AND h.change_id = n.change_id))
  THEN
    PERFORM todos_refuse_old_change();
  END IF;
  -- A row whose history is there already was counted before: data is being restored.
  UPDATE users
  SET last_number = GREATEST(users.last_number, added.number),
    open_count = users.open_count + added.open,
    completed_count = users.completed_count + added.completed,
    trash_count = users.trash_count + added.trashed
  FROM (
    SELECT n.user_id, max(n.number) AS number,
      count(*) FILTER (WHERE h.todo_id IS NULL AND is_open(n)) AS open,
      count(*) FILTER (WHERE h.todo_id IS NULL AND is_completed(n)) AS completed,
      count(*) FILTER (WHERE h.todo_id IS NULL AND is_trashed(n)) AS trashed
    FROM new_rows AS n
    LEFT JOIN history AS h ON h.user_id = n.user_id AND h.change_id = n.change_id AND h.todo_id = n.id
    GROUP BY n.user_id) AS added
  WHERE users.id = added.user_id;
  INSERT INTO changes (user_id, id, made_at, source, actor, request)
  SELECT user_id, change_id, clock_timestamp(), min(change_source), min(change_actor), min(change_request)
  FROM new_rows GROUP BY user_id, change_id ORDER BY user_id, change_id
  ON CONFLICT (user_id, id) DO NOTHING;
  INSERT INTO history (user_id, change_id, todo_id, before, after)
  SELECT n.user_id, n.change_id, n.id, NULL, row_json(n) FROM new_rows AS n
  ON CONFLICT (user_id, change_id, todo_id) DO UPDATE SET after = EXCLUDED.after;
  RETURN NULL;
END
$$;

CREATE FUNCTION todos_update() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM set_config('search_path', quote_ident(TG_TABLE_SCHEMA) || ', pg_temp', true);
  PERFORM FROM users WHERE id IN (SELECT user_id FROM new_rows) ORDER BY id FOR NO KEY UPDATE;
  IF EXISTS (
    SELECT FROM (SELECT DISTINCT user_id, change_id FROM new_rows) AS n
    JOIN changes AS c ON c.user_id = n.user_id AND c.id = n.change_id
    WHERE EXISTS (SELECT FROM changes AS later WHERE later.user_id = c.user_id AND later.seq > c.seq))
  THEN
    PERFORM todos_refuse_old_change();
  END IF;
  UPDATE users
  SET open_count = users.open_count + moved.open,
    completed_count = users.completed_count + moved.completed,
    trash_count = users.trash_count + moved.trashed
  FROM (
    SELECT n.user_id,
      sum(is_open(n)::int - is_open(o)::int) AS open,
      sum(is_completed(n)::int - is_completed(o)::int) AS completed,
      sum(is_trashed(n)::int - is_trashed(o)::int) AS trashed
    FROM old_rows AS o JOIN new_rows AS n ON n.id = o.id GROUP BY n.user_id) AS moved
  WHERE users.id = moved.user_id AND (moved.open, moved.completed, moved.trashed) <> (0, 0, 0);
  INSERT INTO changes (user_id, id, made_at, source, actor, request)
  SELECT user_id, change_id, clock_timestamp(), min(change_source), min(change_actor), min(change_request)
  FROM new_rows GROUP BY user_id, change_id ORDER BY user_id, change_id
  ON CONFLICT (user_id, id) DO NOTHING;
  INSERT INTO history (user_id, change_id, todo_id, before, after)
  SELECT n.user_id, n.change_id, n.id, row_json(o), row_json(n) FROM old_rows AS o JOIN new_rows AS n ON n.id = o.id
  ON CONFLICT (user_id, change_id, todo_id) DO UPDATE SET after = EXCLUDED.after;
  RETURN NULL;
END
$$;

CREATE FUNCTION todos_delete() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM set_config('search_path', quote_ident(TG_TABLE_SCHEMA) || ', pg_temp', true);
  PERFORM FROM users WHERE id IN (SELECT user_id FROM old_rows) ORDER BY id FOR NO KEY UPDATE;
  UPDATE users
  SET open_count = users.open_count - gone.open,
    completed_count = users.completed_count - gone.completed,
    trash_count = users.trash_count - gone.trashed
  FROM (
    SELECT user_id,
      count(*) FILTER (WHERE is_open(o)) AS open,
      count(*) FILTER (WHERE is_completed(o)) AS completed,
      count(*) FILTER (WHERE is_trashed(o)) AS trashed
    FROM old_rows AS o GROUP BY user_id) AS gone
  WHERE users.id = gone.user_id;
  INSERT INTO changes (user_id, id, made_at, source)
  SELECT user_id, todos_console_change(), clock_timestamp(), 'sql'
  FROM old_rows AS o WHERE NOT is_purged(o) GROUP BY user_id ORDER BY user_id
  ON CONFLICT (user_id, id) DO NOTHING;
  INSERT INTO history (user_id, change_id, todo_id, before, after)
  SELECT o.user_id, todos_console_change(), o.id, row_json(o), NULL FROM old_rows AS o WHERE NOT is_purged(o)
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

CREATE TRIGGER todos_console_insert BEFORE INSERT ON todos FOR EACH ROW
WHEN (
  NEW.id IS NULL OR NEW.number IS NULL OR NEW.created_at IS NULL OR NEW.updated_at IS NULL OR NEW.version IS NULL
  OR NEW.change_id IS NULL OR NEW.change_source IS NULL)
EXECUTE FUNCTION todos_console_insert();

-- For each statement, not for each row: a bulk insert updates its user once.
CREATE TRIGGER todos_insert AFTER INSERT ON todos REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION todos_insert();

CREATE TRIGGER todos_update AFTER UPDATE ON todos REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION todos_update();

CREATE TRIGGER todos_delete AFTER DELETE ON todos REFERENCING OLD TABLE AS old_rows
FOR EACH STATEMENT EXECUTE FUNCTION todos_delete();
