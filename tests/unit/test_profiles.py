"""Profiles and views: which one a command takes, and how their file is read and edited."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import Mock
from uuid import UUID

import pytest

from todocli import config_file, paths, profiles
from todocli.errors import AccessDenied, Conflict, NotFound, TodoError, ValidationError
from todocli.profiles import LOCAL, Profile, Profiles

ID = UUID("01900000-0000-7000-8000-000000000001")
URL = "postgresql://ada:s3cret@h/db"
WORK = Profile("work", "ada", url_env="DATABASE_URL")
HOME = Profile("home", "ada l", url=URL)

ANNOTATED = """\
# My profiles.
active = "work"   # since May

[profiles.work]   # the team's
user = "ada"
url_env = "DATABASE_URL"   # as the application has it
colour = "green"   # of a later version

# Mine alone.
[profiles.home]
user = "ada l"
url = 'postgresql://ada:s3cret@h/db'

[views]
week = "due:week"   # on Mondays

[later]
key = 1
"""


@pytest.fixture(autouse=True)
def _empty_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TODO_PROFILE", "TODO_DATABASE_URL", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TODO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LOGNAME", "grace")


@pytest.fixture
def missing(tmp_path: Path) -> Path:
    """The path of the file, which does not exist."""
    return tmp_path / "home" / "config.toml"


@pytest.fixture
def file(missing: Path) -> Path:
    """The file, with two profiles, a view and comments."""
    put(missing, ANNOTATED)
    return missing


def put(file: Path, content: str | bytes) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    file.chmod(0o600)


@contextmanager
def unchanged(file: Path) -> Iterator[None]:
    """Check that the body leaves the file as it is, and nothing beside it but the lock."""
    before = file.read_bytes()
    yield
    assert file.read_bytes() == before
    assert {path.name for path in file.parent.iterdir()} <= {"config.toml", "config.toml.lock"}


def texts(error: BaseException | None) -> str:
    """Return every text of an error and of those chained to it."""
    if error is None:
        return ""
    return f"{error} {error!r} {vars(error)} {texts(error.__cause__)} {texts(error.__context__)}"


def test_load_without_file_has_local_and_makes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", URL)
    assert profiles.load() == Profiles(LOCAL, {LOCAL: Profile(LOCAL, "grace")}, {}, frozenset())
    assert profiles.resolve().embedded
    assert profiles.resolve().database_url() is None
    assert list(tmp_path.iterdir()) == []


def test_load_reads_profiles_and_views(file: Path) -> None:
    known = {"work": WORK, "home": HOME, LOCAL: Profile(LOCAL, "grace")}
    assert profiles.load() == Profiles("work", known, {"week": "due:week"}, frozenset({"work", "home"}))


def oddities(file: Path, content: str) -> list[str]:
    """Return what `load` says of the keys in a file."""
    put(file, content)
    found: list[str] = []
    profiles.load(warn=found.append)
    return found


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (ANNOTATED, ['unknown key "later"', 'unknown key "profiles.work.colour"']),
        ('activ = "work"', ['unknown key "activ"; did you mean "active"?']),
        ('[view]\nweek = "+a"', ['unknown key "view"; did you mean "views"?']),
        ('[profiles.w]\nuser = "a"\nurl-env = "A"', ['unknown key "profiles.w.url-env"; did you mean "url_env"?']),
        (f'[profiles.w]\nuser = "a"\nur1 = "{URL}"', ['unknown key "profiles.w.ur1"; did you mean "url"?']),
        ('views = "+a"', ['"views" is ignored: it must be a table']),
        ('[views]\na = "+a"\nb = 7', ['"views.b" is ignored: it must be text, in quotes']),
        ('active = "local"\ndaemon = "off"\n[profiles.w]\nuser = "a"\ntimeout = 2\npooled = true', []),
    ],
)
def test_key_that_means_nothing_is_warned_of(missing: Path, content: str, expected: list[str]) -> None:
    assert oddities(missing, content) == [f"config.toml: {text}" for text in expected]


def test_misspelt_key_is_warned_of_before_the_error_that_it_causes(missing: Path) -> None:
    put(missing, '[profiles.w]\nusr = "a"')
    found: list[str] = []
    with pytest.raises(ValidationError, match="user is missing"):
        profiles.load(warn=found.append)
    assert found == ['config.toml: unknown key "profiles.w.usr"; did you mean "user"?']


def test_resolve_prefers_argument_then_variable_then_active(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert profiles.resolve() == WORK
    monkeypatch.setenv("TODO_PROFILE", "")
    assert profiles.resolve() == WORK
    monkeypatch.setenv("TODO_PROFILE", "home")
    assert profiles.resolve() == HOME
    assert profiles.resolve(LOCAL).name == LOCAL


def test_resolve_unknown_name_lists_profiles(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotFound, match='"wrok"') as caught:
        profiles.resolve("wrok")
    assert caught.value.hint == "Known profiles: home, local, work."
    with pytest.raises(NotFound):
        profiles.resolve("")
    monkeypatch.setenv("TODO_PROFILE", "nope")
    with pytest.raises(NotFound, match=r'"nope"\. TODO_PROFILE names it'):
        profiles.resolve()


def test_database_url_variable_replaces_database_and_drops_id(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert profiles.set_user_id(WORK, ID)
    monkeypatch.setenv("TODO_DATABASE_URL", "postgresql://other/db")
    assert profiles.resolve() == Profile("work", "ada", url="postgresql://other/db")
    monkeypatch.setenv("TODO_DATABASE_URL", "")
    assert profiles.resolve() == Profile("work", "ada", ID, url_env="DATABASE_URL")


def test_url_env_names_variable_with_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", URL)
    assert (WORK.embedded, WORK.database_url()) == (False, URL)
    monkeypatch.setenv("DATABASE_URL", "")
    with pytest.raises(ValidationError, match="the variable DATABASE_URL, which is not set"):
        WORK.database_url()


def test_add_makes_private_file_and_folder(missing: Path) -> None:
    old = os.umask(0)
    try:
        profiles.add(WORK)
    finally:
        os.umask(old)
    assert missing.read_text() == '[profiles.work]\nuser = "ada"\nurl_env = "DATABASE_URL"\n'
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (missing.parent, *missing.parent.iterdir())}
    assert modes == {"home": 0o700, "config.toml": 0o600, "config.toml.lock": 0o600}


@pytest.mark.parametrize("content", ["", ANNOTATED, "# no line end", "\r\n# windows\r\n"])
@pytest.mark.parametrize(
    "profile",
    [
        Profile("a.b-c_D", 'Ada "the first" \\ ä 🚀', ID, url="postgresql://a:'\"\\\n@h/d"),
        Profile("a", "ada", url_env="X", pooled=True, timeout=40),
        Profile(LOCAL, "ada"),
    ],
)
def test_added_profile_reads_back(missing: Path, profile: Profile, content: str) -> None:
    put(missing, content)
    before = profiles.load()
    profiles.add(profile)
    assert profiles.load().profiles == {**before.profiles, profile.name: profile}
    assert profiles.load().active == before.active


def test_add_taken_name_is_a_conflict(file: Path) -> None:
    profiles.check_new(LOCAL)
    profiles.add(Profile(LOCAL, "ada"))
    with unchanged(file):
        for name in ("work", LOCAL):
            with pytest.raises(Conflict, match=f'"{name}"'):
                profiles.add(Profile(name, "bob"))
            with pytest.raises(Conflict) as caught:
                profiles.check_new(name)
            assert caught.value.command == ("todo", "profile", "rm", name)


@pytest.mark.parametrize(
    ("profile", "field"),
    [
        *((Profile(name, "ada"), "name") for name in ("", "a b", "-a", "ä", "a\n", "a" * 65)),
        (Profile("a", "ada", url_env=""), "url_env"),
        (Profile("a", "ada", url_env=URL), "url_env"),
        (Profile("a", "ada", timeout=float("nan")), "timeout"),
        (Profile(LOCAL, "ada", url=URL), "url"),
    ],
)
def test_add_invalid_profile_names_field(missing: Path, profile: Profile, field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        profiles.add(profile)
    assert [fault.field for fault in caught.value.field_errors] == [field]
    assert "s3cret" not in texts(caught.value)
    assert not missing.exists()


def test_remove_active_profile_makes_local_active(file: Path) -> None:
    assert profiles.check_removable("work") == WORK
    profiles.remove("work")
    assert profiles.load().active == LOCAL
    assert profiles.load().written == {"home"}
    with pytest.raises(NotFound):
        profiles.remove("work")


def test_remove_local_only_where_file_has_it(missing: Path) -> None:
    for act in (profiles.remove, profiles.check_removable):
        with pytest.raises(ValidationError, match="always exists"):
            act(LOCAL)
    put(missing, f'[profiles.local]\nuser_id = "{ID}"\n')
    assert profiles.check_removable(LOCAL) == Profile(LOCAL, "grace", ID)
    profiles.remove(LOCAL)
    assert profiles.resolve() == Profile(LOCAL, "grace")


def test_use_changes_one_word_and_makes_file_private(file: Path) -> None:
    file.chmod(0o644)
    profiles.use("home")
    assert file.read_text() == ANNOTATED.replace('active = "work"', 'active = "home"')
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with unchanged(file):
        profiles.use("home")
        with pytest.raises(NotFound):
            profiles.use("nope")


def test_use_repairs_unknown_active_profile(missing: Path) -> None:
    put(missing, 'active = "gone"\n[profiles.work]\nuser = "ada"\n')
    with pytest.raises(ValidationError, match='"gone"') as caught:
        profiles.load()
    assert caught.value.command == ("todo", "profile", "use", "NAME")
    profiles.use("work")
    assert profiles.load().active == "work"


def test_set_user_id_only_for_same_user_and_database(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with unchanged(file):
        assert not profiles.set_user_id(Profile("home", "bob", url=URL), ID)
        assert not profiles.set_user_id(Profile("gone", "bob"), ID)
        monkeypatch.setenv("TODO_DATABASE_URL", "postgresql://other/db")
        assert not profiles.set_user_id(profiles.resolve("home"), ID)
        monkeypatch.delenv("TODO_DATABASE_URL")
    assert profiles.set_user_id(HOME, ID)
    assert profiles.resolve("home") == Profile("home", "ada l", ID, url=URL)
    with unchanged(file):
        assert profiles.set_user_id(HOME, ID)


def test_rename_user_keeps_id(file: Path) -> None:
    assert profiles.rename_user(profiles.resolve(LOCAL), "ada")
    assert profiles.resolve(LOCAL) == Profile(LOCAL, "ada")
    assert profiles.set_user_id(WORK, ID)
    assert profiles.rename_user(WORK, "ada2")
    assert profiles.resolve() == Profile("work", "ada2", ID, url_env="DATABASE_URL")
    with unchanged(file):
        assert not profiles.rename_user(WORK, "ada3")
        with pytest.raises(ValidationError):
            profiles.rename_user(profiles.resolve(), " x")


def test_views_are_saved_replaced_and_removed(file: Path) -> None:
    assert profiles.save_view("bills", "+bills") is None
    assert profiles.save_view("bills", "--where 'a\"b' ä") == "+bills"
    assert profiles.view("bills", profiles.load()) == "--where 'a\"b' ä"
    profiles.remove_view("week")
    assert dict(profiles.load().views) == {"bills": "--where 'a\"b' ä"}
    with pytest.raises(NotFound, match='"week"') as caught:
        profiles.remove_view("week")
    assert caught.value.hint == "Known views: bills."
    with pytest.raises(ValidationError, match="The name of a view must"):
        profiles.save_view("a b", "+x")


def test_edits_keep_comments_and_unknown_keys(file: Path) -> None:
    profiles.add(Profile("new", "bob"))
    profiles.use("new")
    profiles.set_user_id(HOME, ID)
    profiles.rename_user(WORK, "eve")
    profiles.save_view("bills", "+bills")
    profiles.remove("new")
    lines = ANNOTATED.replace('active = "work"', 'active = "local"').replace('user = "ada"', 'user = "eve"')
    assert set(lines.splitlines()) <= set(file.read_text().splitlines())
    assert "[later]\nkey = 1\n" in file.read_text()


@pytest.mark.parametrize(
    "content",
    [
        'profiles = {work = {user = "ada"}}\nviews = {}\n',
        '[profiles]\nwork = {user = "ada"}\n',
        '\ufeffprofiles."work".user = "ada"\r\n',
        '[profiles.work]\nuser = "ada"\n[other]\nx = 1\n[profiles.home]\nuser = "bob"\n',
    ],
)
def test_edits_understand_every_form_of_table(missing: Path, content: str) -> None:
    put(missing, content)
    others = {name: profile for name, profile in profiles.load().profiles.items() if name != "work"}
    new = Profile("new", "eve", url_env="X")
    profiles.add(new)
    profiles.use("new")
    profiles.set_user_id(Profile("work", "ada"), ID)
    assert profiles.load().profiles == {**others, "new": new, "work": Profile("work", "ada", ID)}
    profiles.remove("work")
    profiles.save_view("a", "+x")
    written = frozenset({"new", *others} - {LOCAL})
    assert profiles.load() == Profiles("new", {**others, "new": new}, {"a": "+x"}, written)


@pytest.mark.parametrize(("text", "allowed"), [("", True), ('daemon = "auto"', True), ('daemon = "off"', False)])
def test_daemon_can_be_turned_off(file: Path, text: str, *, allowed: bool) -> None:
    file.write_text(f"{text}\n{file.read_text()}")
    assert profiles.load().daemon is allowed


@pytest.mark.parametrize("value", ["false", '"never"', "1"])
def test_daemon_is_auto_or_off(file: Path, value: str) -> None:
    file.write_text(f"daemon = {value}\n{file.read_text()}")
    with pytest.raises(ValidationError, match='must be "auto" or "off"'):
        profiles.load()


BAD = [
    ('active = "work\n', "line 1"),
    (f"[profiles.work]\nurl = {URL}\n", "line 2"),
    (f'["{URL}"]\n["{URL}"]\n', "line 2"),
    ("x = " + "[" * 10_000, "nested"),
    ("x = " + "9" * 5_000, "is not valid TOML"),
    ('active = "local"\nuser = "\xff"\n'.encode("latin-1"), "UTF-8: look at line 2"),
    (f'active = "{URL}"\n', "active"),
    ('active = "work"\n', "active"),
    ("profiles = 1\n", "profiles"),
    ("profiles.work = 1\n", "profiles.work"),
    (f'profiles."{URL}".user = "ada"\n', "profiles"),
    ("[profiles.work]\n", "profiles.work.user is missing"),
    ("[profiles.work]\nuser = 1\n", "profiles.work.user"),
    ('[profiles.work]\nuser = "a\\u001bda"\n', "profiles.work.user"),
    ('[profiles.work]\nuser = "ada"\nuser_id = "s3cret"\n', "profiles.work.user_id"),
    ('[profiles.work]\nuser = "ada"\nurl = ["s3cret"]\n', "profiles.work.url"),
    (f'[profiles.work]\nuser = "ada"\nurl_env = "{URL}"\n', "profiles.work.url_env"),
    (f'[profiles.work]\nuser = "ada"\nurl = "{URL}"\nurl_env = "X"\n', "profiles.work.url_env"),
    ('[profiles.work]\nuser = "ada"\npooled = "yes"\n', "profiles.work.pooled"),
    ('[profiles.work]\nuser = "ada"\ntimeout = true\n', "profiles.work.timeout"),
    (f'[profiles.local]\nurl = "{URL}"\n', "profiles.local.url"),
]


@pytest.mark.parametrize(("content", "place"), BAD, ids=[place for _, place in BAD])
def test_bad_file_names_place_without_values(missing: Path, content: str | bytes, place: str) -> None:
    put(missing, content)
    with unchanged(missing):
        with pytest.raises(ValidationError) as caught:
            profiles.load()
        with pytest.raises((ValidationError, NotFound)) as edited:
            profiles.use("nope")
    assert str(missing) in caught.value.detail
    assert place in caught.value.detail
    assert caught.value.hint
    assert "s3cret" not in texts(caught.value) + texts(edited.value)


def test_url_in_place_of_name_is_not_repeated(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TODO_PROFILE", URL)
    with pytest.raises(NotFound) as first:
        profiles.resolve()
    assert "s3cret" not in texts(first.value)
    acts: tuple[Callable[[str], object], ...] = (profiles.resolve, profiles.use, profiles.remove, profiles.remove_view)
    for act in (*acts, profiles.check_removable, profiles.check_new):
        with pytest.raises(TodoError) as caught:
            act(URL)
        assert "s3cret" not in texts(caught.value)
    assert "s3cret" not in repr(HOME)


def test_path_that_is_no_file_is_refused(missing: Path) -> None:
    missing.mkdir(parents=True)
    with pytest.raises(ValidationError, match="is not a file"):
        profiles.add(WORK)
    missing.rmdir()
    os.mkfifo(missing, 0o600)
    with pytest.raises(ValidationError, match="is not a file"):
        profiles.load()
    missing.unlink()
    missing.symlink_to(missing)
    with pytest.raises(ValidationError, match="cannot be read"):
        profiles.load()


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_file_that_others_may_write_is_refused(file: Path, mode: int) -> None:
    file.chmod(mode)
    with unchanged(file):
        for act in (profiles.load, lambda: profiles.use("home")):
            with pytest.raises(AccessDenied) as caught:
                act()
            assert caught.value.command == ("chmod", "600", str(file))


def test_file_of_another_user_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() == 0:
        os.chown(file, 65_534, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: file.stat().st_uid + 1)
    with pytest.raises(AccessDenied, match="belongs to another user"):
        profiles.load()


@pytest.mark.parametrize("exists", [True, False])
def test_symbolic_link_stays_one(missing: Path, tmp_path: Path, exists: bool) -> None:
    target = tmp_path / "dotfiles" / "todo.toml"
    target.parent.mkdir()
    if exists:
        put(target, ANNOTATED)
    missing.parent.mkdir()
    missing.symlink_to(Path("..") / "dotfiles" / "todo.toml")
    profiles.add(Profile("new", "bob"))
    assert missing.is_symlink()
    assert "[profiles.new]" in target.read_text()
    assert [path.name for path in target.parent.iterdir()] == ["todo.toml"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()], ids=["full", "Ctrl-C"])
def test_interrupted_write_leaves_old_file(file: Path, call: str, error: BaseException) -> None:
    with pytest.MonkeyPatch.context() as patch, unchanged(file):
        patch.setattr(os, call, Mock(side_effect=error))
        with pytest.raises((TodoError, KeyboardInterrupt)) as caught:
            profiles.use("home")
    if isinstance(error, OSError):
        assert str(caught.value) == f"{file} was not written: No space left."
    profiles.use("home")
    assert profiles.load().active == "home"


@pytest.mark.parametrize("wrong", ["active = ", '[profiles.work]\nurl = "s3cret"\n'])
def test_result_that_is_not_valid_is_not_written(file: Path, monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setattr("tomlkit.dumps", lambda document: wrong)
    with unchanged(file), pytest.raises(ValidationError) as caught:
        profiles.use("home")
    assert "s3cret" not in texts(caught.value)


ADD = """
import sys, filelock, tomlkit
from todocli import profiles
sys.stdin.read()
for number in "12345":
    profiles.add(profiles.Profile(sys.argv[1] + number, "ada"))
"""


@pytest.mark.slow
def test_parallel_processes_lose_no_edit() -> None:
    writers = [subprocess.Popen([sys.executable, "-c", ADD, name], stdin=subprocess.PIPE) for name in "abcd"]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.close()
    assert [writer.wait() for writer in writers] == [0] * 4
    assert profiles.load().written == {name + number for name in "abcd" for number in "12345"}


HOLD = """
import sys
from todocli import config_file, paths
with config_file.edit(paths.config_file(), dict):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.slow
def test_lock_has_deadline_and_ends_with_its_process(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with monkeypatch.context() as patch, unchanged(file):
            patch.setattr(config_file, "LOCK_SECONDS", 0)
            with pytest.raises(TodoError, match="another process kept it locked"):
                profiles.use("home")
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    profiles.use("home")
    assert profiles.load().active == "home"


@pytest.mark.parametrize(
    "name", ["", " ", " a", "a ", "a\n", "a\x00b", "a\x1bb", "a\x9bb", "a\u202eb", "\ud800", "x" * 65, URL]
)
def test_invalid_user_name_is_refused(name: str) -> None:
    with pytest.raises(ValidationError) as caught:
        profiles.check_user_name(name)
    assert caught.value.field_errors[0].field == "user"
    assert "s3cret" not in texts(caught.value)


@pytest.mark.parametrize(
    ("login", "expected"),
    [("ada", "ada"), (" a\x1bd\na ", "ada"), ("x" * 70, "x" * 64), ("\x1b", "user"), ("a://b", "user")],
)
def test_login_name_becomes_user_name(login: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", login)
    assert profiles.login_name() == expected


@pytest.mark.slow
@pytest.mark.parametrize("content", [None, ANNOTATED])
def test_reading_imports_no_writer(missing: Path, content: str | None) -> None:
    if content is not None:
        put(missing, content)
    heavy = {"tomllib", "tomlkit", "tempfile", "filelock", "sqlalchemy", "typer", "todocli.database"}
    code = f"import sys; from todocli import profiles; profiles.resolve(); print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ("[]" if content is None else "['tomllib']")


@pytest.mark.parametrize("given", ["", "relative", None])
def test_home_is_not_guessed(monkeypatch: pytest.MonkeyPatch, given: str | None) -> None:
    monkeypatch.delenv("TODO_HOME")
    monkeypatch.delenv("HOME", raising=False)
    if given is not None:
        monkeypatch.setenv("HOME", given)
    for place in (paths.config_file, paths.database_file, paths.drafts_folder, paths.cache_folder):
        with pytest.raises(TodoError, match="HOME is ") as caught:
            place()
        assert "TODO_HOME" in str(caught.value.hint)
    monkeypatch.setenv("HOME", "/srv/ada")
    assert paths.database_file().is_relative_to("/srv/ada")
