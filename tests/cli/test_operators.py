"""The commands of the panels You and Operators, on the embedded database and on a real Postgres."""

from __future__ import annotations

import gc
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from tests.support import postgres
from tests.support.terminal import Terminal
from todocli.database.deadline import Deadline
from todocli.database.postgres.url import PostgresURL

SECRET = "s3cret-pass/word"  # a `/` in it must be written %2F in a URL


@pytest.fixture
def todo(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return Terminal(monkeypatch)


def test_default_profile_is_embedded_database(todo: Terminal, tmp_path: Path) -> None:
    [profile] = json.loads(todo.ok("profile list --json"))["items"]
    assert profile["location"] == str(tmp_path / "home/todo.db")
    assert (profile["name"], profile["active"], profile["database"], profile["user_id"]) == (
        "local",
        True,
        "sqlite",
        None,
    )
    assert not (tmp_path / "home").exists()


def test_profile_on_postgres(
    todo: Terminal, postgres_url: PostgresURL, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WORK_URL", postgres_url.text())
    added = json.loads(todo.ok("profile add work --user ada --url-env WORK_URL --json"))
    assert str(UUID(added["user_id"])) == added["user_id"]
    assert (added["url_env"], added["location"]) == ("WORK_URL", postgres_url.redacted())
    assert (tmp_path / "home/config.toml").stat().st_mode & 0o777 == 0o600
    assert todo.ok("--profile work add buy milk") == "1\topen\tbuy milk\n"
    todo("list")
    assert todo.ok("list") == ""
    todo.ok("profile use work")
    assert todo.ok("list") == "1\topen\tbuy milk\n"
    assert json.loads(todo.ok("show 1 --json"))["user_id"] == added["user_id"]
    monkeypatch.setenv("TODO_PROFILE", "local")
    assert todo.ok("list") == ""
    assert todo.ok("list --profile work -q") == "1\n"
    monkeypatch.delenv("TODO_PROFILE")
    ran = todo("profile rm work")
    assert (ran.code, ran.out) == (5, "")
    ran = todo("profile rm work --yes")
    assert (ran.code, ran.err) == (0, "Now in use: local\n")
    assert todo("profile rm local --yes").code == 2


def test_users_of_one_database_are_isolated(todo: Terminal, postgres_url: PostgresURL) -> None:
    for name in ("ada", "bob"):
        todo.ok(f"profile add {name} --user {name} --url-stdin", stdin=f"psql '{postgres_url.text()}'\n")
    assert todo.ok("add secret plan", profile="ada") == "1\topen\tsecret plan\n"
    assert todo.ok("add mine", profile="bob") == "1\topen\tmine\n"
    todo_id = json.loads(todo.ok("show 1 --json", profile="ada"))["id"]
    for line in ("show", "done", "reopen", "rm", "restore", "edit -t x"):
        ran = todo(f"{line} {todo_id}", profile="bob")
        assert (ran.code, ran.out) == (3, ""), line
        assert "secret" not in ran.err
    assert todo.ok("list --all", profile="bob") == "1\topen\tmine\n"
    assert todo.ok("list --all", profile="ada") == "1\topen\tsecret plan\n"
    assert todo.ok("user list", profile="ada").count("\n") == 2


def test_database_without_schema_says_what_to_do(todo: Terminal, empty_postgres_url: PostgresURL) -> None:
    ran = todo("profile add work --user ada --url-stdin", stdin=empty_postgres_url.text())
    assert ran.code == 0
    assert "todo --profile work db upgrade" in ran.err
    assert "todo --profile work user add ada" in ran.err
    for line in ("list", "add a", "done 1", "show 1", "trash", "user list", "user add x", "db check"):
        ran = todo(line, profile="work")
        assert ran.code == 8, (line, ran)
        first, second = ran.err.splitlines()
        assert first.startswith("error: There is no todo schema in postgresql://")
        assert second == " hint: Create it: todo --profile work db upgrade"
    upgraded = todo("db upgrade --json", profile="work")
    assert json.loads(upgraded.out)["applied"] == ["0102", "0103", "0104", "0105", "0106", "0107", "0108", "0109"]
    ran = todo("list", profile="work")
    assert (ran.code, ran.err) == (
        6,
        "error: The database does not know the user 'ada'.\n"
        " hint: Register the user: todo --profile work user add ada\n",
    )
    todo.ok("user add ada", profile="work")
    profile = json.loads(todo.ok("profile show work --json"))
    assert str(UUID(profile["user_id"])) == profile["user_id"]
    assert todo.ok("add a", profile="work") == "1\topen\ta\n"


def test_database_url_variable_is_enough_for_operator(
    todo: Terminal, empty_postgres_url: PostgresURL, tmp_path: Path
) -> None:
    todo.use(empty_postgres_url)
    ran = todo("db upgrade")
    current = f"The schema of {empty_postgres_url.redacted()} is current (0109)\n"
    assert (ran.code, ran.out) == (0, current)
    assert ran.err == (
        "Upgrading to 0102: Users, todos, their history, and tokens\nUpgrading to 0103: Notes, and todos for someday\n"
        "Upgrading to 0104: Where imported todos came from\n"
        "Upgrading to 0105: Claims, and tokens for the calendar feed\n"
        "Upgrading to 0106: Todos that wait for others\n"
        "Upgrading to 0107: Todos that repeat\n"
        "Upgrading to 0108: Todos that are subtasks of others\n"
        "Upgrading to 0109: Edits of one occurrence of a series\n"
    )
    assert todo.ok("db current") == current
    assert todo.ok("db check") == current
    todo.ok("user add ops")
    assert todo.ok("user list").startswith("ops\t")
    ran = todo("db downgrade base")
    assert (ran.code, ran.out) == (5, "")
    assert json.loads(todo.ok("db downgrade base --yes --json"))["revision"] is None
    assert todo("db check --json").code == 8
    assert todo.ok("db current").startswith("There is no todo schema in ")
    assert not (tmp_path / "home").exists()


def test_db_commands_on_embedded_database(todo: Terminal) -> None:
    assert todo.ok("db history") == (
        "0109\tEdits of one occurrence of a series\n"
        "0108\tTodos that are subtasks of others\n0107\tTodos that repeat\n0106\tTodos that wait for others\n"
        "0105\tClaims, and tokens for the calendar feed\n0104\tWhere imported todos came from\n"
        "0103\tNotes, and todos for someday\n"
        "0102\tUsers, todos, their history, and tokens\n"
    )
    assert todo.ok("db current").startswith("There is no todo schema in ")
    todo.ok("db upgrade")
    assert todo.ok("db check").endswith(" is current (0109)\n")
    assert json.loads(todo.ok("db ping --json"))["database"] == "sqlite"
    todo.ok("add a")
    todo.ok("db downgrade base --yes")
    assert todo.ok("list") == ""
    assert todo("db upgrade 0042").code == 3


def test_rename_user_keeps_todos_and_profile(todo: Terminal, postgres_url: PostgresURL) -> None:
    todo.ok("profile add work --user ada --url-stdin", stdin=postgres_url.text())
    todo.ok("add a", profile="work")
    assert todo.ok("user rename ada 'Ada L.'", profile="work").startswith("Ada L.\t")
    assert json.loads(todo.ok("profile show work --json"))["user"] == "Ada L."
    assert todo.ok("list -q", profile="work") == "1\n"
    assert todo("user rename nobody x", profile="work").code == 3
    todo.ok("user add bob", profile="work")
    assert todo("user rename bob 'Ada L.'", profile="work").code == 4
    assert todo("user add bob", profile="work").err == "The user already exists.\n"


def test_slow_confirmation_uses_up_no_deadline(postgres_url: PostgresURL, monkeypatch: pytest.MonkeyPatch) -> None:
    def confirm_after_an_hour(_question: str, **_: bool) -> bool:
        for each in gc.get_objects():
            if isinstance(each, Deadline):
                each._began -= 3600
        return True

    monkeypatch.setenv("LOGNAME", "ada")
    monkeypatch.setattr("typer.confirm", confirm_after_an_hour)
    person = Terminal(monkeypatch, terminal=True)
    person.use(postgres_url)
    person.ok("user add ada")
    person.ok("add -", stdin="a +x\nb +x\n")
    for line in ("done --tag x --all", "rm --all", "purge"):
        assert person(line).code == 0, line
    assert person("list --all").out == person("trash").out == ""


@pytest.mark.parametrize(
    ("line", "stdin", "code"),
    [
        ("profile add work", "", 2),
        ("profile add work --url-stdin", "", 2),
        ("profile add work --url-stdin", "mysql://ada:PASSWORD@db.example/x", 2),
        ("profile add work --url-stdin", "postgresql://ada:PASSWORD@db.example:port/x", 2),
        ("profile add work --url-stdin", "postgresql://ada:PASS@WORD@db.example/x", 2),
        ("profile add work --url-stdin", "postgresql://ada:PASSWORD@/x", 2),
        ("profile add work --url-stdin", "ada:PASSWORD@db.example", 2),
        ("profile add work --url-env UNSET_VARIABLE", "", 2),
        ("profile add work --url-env 'postgresql://ada:PASSWORD@db.example/x'", "", 2),
        ("profile add 'a b' --embedded", "", 2),
        ("profile add work --embedded --url-stdin", "", 2),
        ("profile add work --embedded --user ''", "", 2),
        ("profile add work --embedded --user " + "x" * 65, "", 2),
        ("profile use nope", "", 3),
        ("profile rm nope --yes", "", 3),
        ("profile show nope", "", 3),
        ("profile add work --timeout 1 --url-stdin", "postgresql://ada:PASSWORD@127.0.0.1:1/x", 7),
        ("profile", "", 2),
        ("db downgrade", "", 2),
    ],
)
def test_bad_profile_is_not_saved(todo: Terminal, line: str, stdin: str, code: int, tmp_path: Path) -> None:
    for json_too in ("", " --json"):
        ran = todo(line + json_too, stdin=stdin)
        assert (ran.code, ran.out) == (code, ""), str(ran)
        assert "PASS" not in ran.err
        assert "WORD" not in ran.err
        assert "Traceback" not in ran.err
    assert not (tmp_path / "home/config.toml").exists()


def test_refused_password_exits_6(todo: Terminal, postgres_url: PostgresURL, monkeypatch: pytest.MonkeyPatch) -> None:
    url = postgres_url.text()
    assert postgres_url.password
    wrong = url.replace(PostgresURL.parse(url).text().split("@")[0].rsplit(":", 1)[1], "WRONG")
    monkeypatch.setenv("TODO_DATABASE_URL", wrong)
    for line in ("list", "db ping", "db upgrade", "db current --json"):
        ran = todo(line)
        assert (ran.code, ran.out) == (6, ""), str(ran)
        assert "WRONG" not in ran.err
        assert "Traceback" not in ran.err
    monkeypatch.setenv("TODO_DATABASE_URL", re.sub(r"(@[^/]*)/[^?]*", r"\1/no_such_database", url))
    ran = todo("list")
    assert (ran.code, "There is no database 'no_such_database'" in ran.err) == (7, True), str(ran)


def test_password_is_never_printed(todo: Terminal, postgres_url: PostgresURL) -> None:
    todo.ok("profile add work --user ada --url-stdin", stdin=postgres_url.text())
    assert postgres_url.password
    for line in ("profile list", "profile show work", "db ping", "db current", "list", "user list"):
        for form in ("", " --json"):
            ran = todo(f"--profile work {line}{form}")
            assert ran.code == 0, str(ran)
            assert postgres_url.password not in ran.out + ran.err


@pytest.mark.slow
def test_password_is_not_in_process_list(postgres_url: PostgresURL, todo: Terminal) -> None:
    todo.ok("profile add work --user ada --url-stdin", stdin=postgres_url.text())
    code = "import sys; sys.argv = ['todo', '--profile', 'work', 'list']\nfrom todocli.__main__ import main\n"
    code += "try:\n    main()\nexcept SystemExit:\n    pass\nprint(open('/proc/self/cmdline').read())"
    if not Path("/proc/self/cmdline").exists():
        code = code.replace("open('/proc/self/cmdline').read()", "sys.argv")
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert postgres_url.password
    assert postgres_url.password not in out


# What an operator decides


def _catalogue(url: PostgresURL) -> list[tuple[object, ...]]:
    """Return everything in the schema, as pg_dump would create it."""
    queries = (
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'todo'::regnamespace",
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'todo'",
        "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
        "SELECT proname, pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'todo'::regnamespace",
        "SELECT table_name || column_name, data_type || is_nullable || coalesce(column_default, '')"
        " FROM information_schema.columns WHERE table_schema = 'todo'",
    )
    with postgres.connect(url) as console:
        return [row for query in queries for row in sorted(console.execute(query).fetchall())]


def test_sql_of_upgrade_creates_the_same_schema(
    todo: Terminal, postgres_url: PostgresURL, empty_postgres_url: PostgresURL
) -> None:
    script = todo.ok("db upgrade --sql")
    assert json.loads(todo.ok("db upgrade --sql --json"))["sql"] == script.strip()
    locks = [line for line in script.splitlines() if line.startswith("-- ") and " locks " in line]
    assert len(locks) == json.loads(todo.ok("db history --json"))["count"]
    with postgres.connect(empty_postgres_url) as console:
        console.execute(script.encode())
    expected = _catalogue(postgres_url)
    assert len(expected) > 50
    assert _catalogue(empty_postgres_url) == expected
    todo.use(empty_postgres_url)
    assert todo.ok("db check").endswith(" is current (0109)\n")


def test_profile_is_added_without_its_database(todo: Terminal) -> None:
    nobody = "postgresql://ada:secret@127.0.0.1:1/x"
    ran = todo("profile add work --user ada --url-stdin --no-check", stdin=nobody)
    assert (ran.code, ran.err) == (0, "Its database was not checked. Do that later: todo --profile work doctor\n")
    assert json.loads(todo.ok("profile show work --json"))["user"] == "ada"
    assert todo("list", profile="work").code == 7


def test_profile_takes_the_json_of_neons_command(todo: Terminal, postgres_url: PostgresURL) -> None:
    answer = json.dumps({"id": "x", "connection_string": postgres_url.text(), "claim_url": "https://neon.example"})
    todo.ok("profile add work --user ada --url-stdin", stdin=answer)
    assert todo.ok("add a", profile="work") == "1\topen\ta\n"
    ran = todo("profile add home --url-stdin", stdin='{"connection": "postgresql://ada:PASSWORD@db.example/x"}')
    assert (ran.code, "PASSWORD" in ran.err) == (2, False)
    assert "JSON without a connection_string" in ran.err


@pytest.mark.parametrize(
    ("span", "code", "sentence"),
    [
        ("0109:head", 2, "There is nothing to upgrade from 0109 to head."),
        ("head:0109", 2, "There is nothing to upgrade from head to 0109."),
        ("base", 2, "There is nothing to upgrade from base to base."),
        ("0042:head", 3, "There is no revision '0042'."),
    ],
)
def test_impossible_sql_is_refused(todo: Terminal, span: str, code: int, sentence: str) -> None:
    ran = todo(f"db upgrade --sql {span}")
    assert (ran.code, ran.out, ran.err.splitlines()[0]) == (code, "", f"error: {sentence}")


def test_downgrade_says_what_is_lost(todo: Terminal) -> None:
    todo.ok("add a")
    todo.ok("add b")
    todo.ok("token create phone")
    ran = todo("db downgrade base")
    assert (ran.code, ran.out) == (5, "")
    assert "and lose 1 user, 2 todos, 2 changes, 1 token?" in ran.err
    assert "Losing 1 user, 2 todos, 2 changes, 1 token\n" in todo("db downgrade base --yes").err


def test_downgrade_loses_claims_and_feeds_of_the_newest_schema(todo: Terminal) -> None:
    todo.ok("add a")
    todo.ok("claim")
    todo.ok("token create phone")
    todo.ok("token create calendar --feed")
    assert "Losing 1 feed token, 1 claim\n" in todo("db downgrade 0104 --yes").err
    todo.ok("db upgrade")
    assert json.loads(todo.ok("show 1 --json"))["claimed_by"] is None
    assert [token["name"] for token in json.loads(todo.ok("token list --json"))["items"]] == ["phone"]


def test_upgrade_waits_for_locks_as_long_as_it_may(todo: Terminal, empty_postgres_url: PostgresURL) -> None:
    todo.use(empty_postgres_url)
    todo.ok("db upgrade")
    with postgres.connect(empty_postgres_url) as holder:
        holder.execute("BEGIN")
        holder.execute("SELECT FROM todo.users")
        ran = todo("db downgrade base --yes --lock-timeout 0.01")
        assert ran.code == 7
        assert f"Another session holds a lock in {empty_postgres_url.redacted()} (pid" in ran.err
        assert f"pg_terminate_backend({holder.info.backend_pid})" in ran.err
    for seconds in ("0", "inf", "1e12", "nan"):
        assert todo(f"db upgrade --lock-timeout {seconds}").code == 2
    assert "SET LOCAL lock_timeout = '5000ms'" in todo.ok("db upgrade --sql --lock-timeout 5")


def test_grant_gives_a_role_what_it_needs(
    todo: Terminal, empty_postgres_url: PostgresURL, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    role = f"mate_{uuid4().hex}"
    monkeypatch.setenv("LOGNAME", "ada")
    todo.use(empty_postgres_url)
    assert todo(f"db grant {role}").code == 8
    todo.ok("db upgrade")
    todo.ok("user add ada")
    ran = todo(["db", "grant", f'{role}"%'])
    assert (ran.code, ran.err.splitlines()[0]) == (3, f"error: There is no role '{role}\"%'.")
    with postgres.connect(empty_postgres_url) as console:
        console.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'secret'")
    try:
        todo.use(replace(empty_postgres_url, user=role, password="secret"))
        ran = todo("list")
        assert (ran.code, f"todo db grant {role}" in ran.err) == (6, True)
        todo.use(empty_postgres_url)
        assert todo.ok(f"db grant {role}").startswith(f"The role {role} may use the todos of ")
        todo.use(replace(empty_postgres_url, user=role, password="secret"))
        for line in ("add a", "edit 1 due:fri", "done 1", "undo 2", "redo", "rm 1", "token create x", "token revoke x"):
            todo.ok(line)
        todo.ok("purge --yes")
        (tmp_path / "todo.txt").write_text("one due:2026-12-01\ntwo\n")
        for line in (f"import {tmp_path}/todo.txt", "undo", "redo", f"export --history {tmp_path}/all.json"):
            todo.ok(line)
        monkeypatch.setenv("GRANTED_URL", replace(empty_postgres_url, user=role, password="secret").text())
        todo.ok("profile add granted --user bob --url-env GRANTED_URL --no-check")
        todo.ok("profile add local2 --user ada --embedded")
        todo.ok("user add bob")
        monkeypatch.delenv("TODO_DATABASE_URL")
        todo.ok("add mine", profile="local2")
        assert todo.ok("profile copy local2 granted").startswith("Copied from local2 to granted: todos 1 new")
        todo.use(replace(empty_postgres_url, user=role, password="secret"))
        found = {check["name"]: check for check in json.loads(todo.ok("doctor --json"))["checks"]}
        assert found["privileges"]["detail"] == f"the owner, and {role}"
        assert todo("db downgrade base --yes").code == 6
        with postgres.connect(empty_postgres_url) as console:
            console.execute(f'REVOKE TEMPORARY ON DATABASE "{empty_postgres_url.database}" FROM PUBLIC')
        (tmp_path / "todo.txt").write_text("three\n")
        ran = todo(f"import {tmp_path}/todo.txt")
        assert (ran.code, "GRANT TEMPORARY ON DATABASE" in ran.err) == (6, True), ran
        ran = todo("db grant pg_monitor")
        assert (ran.code, "belongs to the role" in ran.err) == (6, True), "only its owner may grant it"
    finally:
        with postgres.connect(empty_postgres_url) as console:
            console.execute(f"DROP OWNED BY {role}")
            console.execute(f"DROP ROLE {role}")


@pytest.mark.parametrize("role", ["PUBLIC", "public", "anonymous", "authenticated"])
def test_everybody_is_not_granted(todo: Terminal, postgres_url: PostgresURL, role: str) -> None:
    todo.use(postgres_url)
    ran = todo(f"db grant {role}")
    assert (ran.code, ran.err.splitlines()[0]) == (
        2,
        f"error: {role} is everybody: the todos would no longer be private.",
    )


def test_embedded_database_has_no_roles(todo: Terminal) -> None:
    assert todo("db grant bob").code == 2


def test_privileges_of_everybody_are_noticed(
    todo: Terminal, empty_postgres_url: PostgresURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    todo.use(empty_postgres_url)
    todo.ok("db upgrade")
    todo.ok("user add ada")
    with postgres.connect(empty_postgres_url) as console:
        console.execute("GRANT USAGE ON SCHEMA todo TO PUBLIC")
        console.execute("GRANT SELECT ON todo.todos TO PUBLIC")
    warning = "PUBLIC, that is anyone who may connect, has SELECT, USAGE on the schema todo"
    ran = todo("db upgrade")
    assert warning in ran.err
    monkeypatch.setenv("LOGNAME", "ada")
    health = json.loads(todo.ok("doctor --json"))
    [found] = [check for check in health["checks"] if check["name"] == "privileges"]
    assert (found["status"], found["detail"]) == ("warning", warning)
    assert health["database"]["privileges"] == [{"role": "PUBLIC", "privileges": ["SELECT", "USAGE"]}]
    with postgres.connect(empty_postgres_url) as console:
        console.execute(found["hint"])
    assert todo("db upgrade").err == ""
