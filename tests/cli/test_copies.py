"""Moving on to another database on the command line: profile copy, share, and what the old profile says afterwards."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.terminal import Terminal
from todocli.database.postgres.url import PostgresURL
from todocli.errors import ServiceUnavailable


@pytest.fixture
def todo(monkeypatch: pytest.MonkeyPatch, embedded_file: Path, empty_postgres_url: PostgresURL) -> Terminal:
    """A pipe on the embedded database, which has some todos, and the URL of a Postgres without a schema."""
    monkeypatch.setenv("NEON_URL", empty_postgres_url.text())
    terminal = Terminal(monkeypatch)
    terminal.ok("add -", stdin="one\ntwo\nthree\n")
    terminal.ok("done 2")
    terminal.ok("rm 3")
    return terminal


def test_share_sets_everything_up_and_moves_on(todo: Terminal, empty_postgres_url: PostgresURL) -> None:
    log = todo.ok("log")
    ran = todo("share work --url-env NEON_URL --user ada --yes")
    assert (ran.code, ran.out) == (0, "Copied from local to work: todos 3 new; 3 changes and 0 notes\n")
    shown = empty_postgres_url.redacted()
    assert ran.err.splitlines()[:6] == [
        f"To share your todos at {shown}:",
        "  1. add the profile work",
        "  2. create or upgrade the schema",
        "  3. register ada",
        "  4. copy the todos of local",
        "  5. use work from now on",
    ]
    assert ran.err.splitlines()[-3:] == ["✓ Registered ada", "✓ Added the profile work", "✓ Now in use: work"]
    assert todo.ok("list --all") == "1\topen\tone\n2\tdone\ttwo\n"
    assert todo.ok("log") == log
    assert todo.ok("add four") == "4\topen\tfour\n"


def test_share_asks_before_it_begins(todo: Terminal, empty_postgres_url: PostgresURL) -> None:
    ran = todo("share work --url-env NEON_URL")
    assert ran.code == 5
    assert "work" not in todo.ok("profile list")
    assert todo.ok("db current", profile=None).startswith("The schema of")


def test_share_goes_on_after_an_interruption(todo: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise ServiceUnavailable("The connection is lost.")

    with monkeypatch.context() as patch:
        patch.setattr("todocli.services.copies.copying.Copy._verify", interrupt)
        assert todo("share work --url-env NEON_URL --yes").code == 7
    assert todo.ok("list") == "1\topen\tone\n", "the profile in use is still the old one"
    assert todo.ok("share work --yes --url-env NEON_URL").startswith("Copied from local to work: todos 3 new")
    assert todo.ok("profile show").split("\t")[:2] == ["work", "active"]
    assert todo("share work --yes").err.splitlines()[0] == "error: The todos of work are there already."


def test_commands_in_the_old_profile_name_the_new_one(todo: Terminal) -> None:
    todo.ok("share work --url-env NEON_URL --yes")
    ran = todo("list", profile="local")
    assert ran.out == "1\topen\tone\n"
    assert ran.err == "These todos were copied to work. To go on there: todo profile use work\n"
    assert todo("list", profile="work").err == ""
    todo.ok("profile copy work local")
    assert todo("list", profile="local").err == ""
    assert todo("list", profile="work").err.startswith("These todos were copied to local.")


def test_next_copy_brings_what_is_new(todo: Terminal) -> None:
    todo.ok("share work --url-env NEON_URL --yes")
    todo.ok("add four", profile="local")
    todo.ok("edit 1 --title ONE", profile="local")
    todo.ok("purge --yes", profile="local")
    assert todo.ok("profile copy local work --dry-run") == (
        "Would copy from local to work: todos 1 new, 1 changed, 1 deleted; 3 changes and 0 notes\n"
    )
    assert todo.ok("profile copy local work").startswith("Copied from local to work: todos 1 new, 1 changed, 1 deleted")
    assert todo.ok("list") == "1\topen\tONE\n4\topen\tfour\n"
    assert todo.ok("profile copy local work") == "Nothing new in local since the last copy to work\n"


def test_other_todos_are_not_mixed_unless_merged(todo: Terminal) -> None:
    todo.ok("share work --url-env NEON_URL --yes")
    todo.ok("profile add eve --url-env NEON_URL --user eve")
    todo.ok("add mine", profile="eve")
    ran = todo("profile copy local eve --json")
    assert (ran.code, json.loads(ran.err)["error_code"]) == (4, "CONFLICT")
    assert "Another user of that database has the same todos" in ran.err


def test_merged_todos_get_new_numbers(todo: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TODO_PROFILE", "work")
    todo.ok("profile add work --url-env NEON_URL --user eve --no-check")
    todo.ok("db upgrade")
    todo.ok("user add eve")
    todo.ok("add mine")
    monkeypatch.delenv("TODO_PROFILE")
    ran = todo("profile copy local work")
    assert (ran.code, ran.err.splitlines()) == (
        4,
        [
            "error: The user has other todos there already. Nothing was copied.",
            " hint: To keep both, and give the copied ones new numbers, pass --merge.",
        ],
    )
    ran = todo("profile copy local work --merge")
    assert "New numbers: 1 → 2, 2 → 3, 3 → 4\n" in ran.err
    assert todo.ok("list --all", profile="work") == "1\topen\tmine\n2\topen\tone\n3\tdone\ttwo\n"


@pytest.mark.parametrize(
    ("line", "message", "code"),
    [
        ("profile copy local local", "The todos of local are there already.", 2),
        ("profile copy local nowhere", 'There is no profile "nowhere".', 3),
        ("share", "No database was given.", 2),
        ("share work --url-env NO_SUCH", "NO_SUCH, which is not set", 2),
        ("share local --url-env NEON_URL", "local is the embedded database", 2),
        ("share work --url-env NEON_URL --url-stdin", "--url-env and --url-stdin cannot be combined.", 2),
    ],
)
def test_what_cannot_be_copied_is_one_error(todo: Terminal, line: str, message: str, code: int) -> None:
    ran = todo(f"{line} --yes" if line.startswith("share") else line)
    assert (ran.code, ran.out) == (code, "")
    assert message in ran.err.splitlines()[0]


def test_copy_ignores_the_database_of_the_environment(todo: Terminal, postgres_url: PostgresURL) -> None:
    """`TODO_DATABASE_URL` takes the place of the profile in use, and not of the two that the line names."""
    todo.ok("share work --url-env NEON_URL --yes")
    todo.ok("add four", profile="local")
    todo.use(postgres_url)
    assert todo.ok("profile copy local work").startswith("Copied from local to work: todos 1 new")
