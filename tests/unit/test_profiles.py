"""The profile file and the environment: who the user is, and on which database."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todocli import profiles
from todocli.errors import AccessDenied, Conflict, NotFound, TodoError, ValidationError
from todocli.profiles import LOCAL, Profile, storage

ID = UUID("01900000-0000-7000-8000-000000000001")
URL = "postgresql://ada:s3cret@h/db"
WORK = Profile("work", "ada", url_env="DATABASE_URL")

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

[later]
key = 1
"""


@pytest.fixture(autouse=True)
def _a_machine_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TODO_PROFILE", "TODO_DATABASE_URL", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TODO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LOGNAME", "grace")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "home" / "config.toml"


def put(file: Path, content: str | bytes) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    file.chmod(0o600)


@contextmanager
def unchanged(file: Path) -> Iterator[None]:
    """Look that the file is as it was, and that nothing lies beside it but its lock."""
    before = file.read_bytes()
    yield
    assert file.read_bytes() == before
    assert {path.name for path in file.parent.iterdir()} <= {"config.toml", "config.toml.lock"}


def said(error: TodoError) -> str:
    chain = [error, error.__cause__, error.__context__]
    return " ".join([error.detail, error.hint or "", str(error.field_errors), *map(repr, chain), *map(str, chain)])


# What is read


def test_without_a_file_there_is_local() -> None:
    known = profiles.load()
    assert known.active == LOCAL
    assert dict(known.profiles) == {LOCAL: Profile(LOCAL, "grace")}
    assert profiles.resolve() == Profile(LOCAL, "grace")
    assert profiles.resolve().embedded
    assert profiles.resolve().database_url() is None


def test_reading_makes_nothing(tmp_path: Path) -> None:
    profiles.resolve()
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_read(file: Path) -> None:
    put(file, ANNOTATED)
    known = profiles.load()
    assert known.active == "work"
    assert dict(known.profiles) == {
        LOCAL: Profile(LOCAL, "grace"),
        "work": WORK,
        "home": Profile("home", "ada l", url=URL),
    }


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", Profile(LOCAL, "grace")),
        ("# nothing\n", Profile(LOCAL, "grace")),
        ('[profiles.local]\nuser = "ada"\n', Profile(LOCAL, "ada")),
        ("[profiles.local]\n", Profile(LOCAL, "grace")),
        (f'[profiles.local]\nuser_id = "{ID}"\n', Profile(LOCAL, "grace", ID)),
        ('active="a"\n[profiles]\na = {user = "ada", pooled = true}\n', Profile("a", "ada", pooled=True)),
        ('active="a.b"\nprofiles."a.b".user = "ada"\n', Profile("a.b", "ada")),
        ('\ufeffactive="a"\r\n[profiles.a]\r\nuser = "ada"\r\n', Profile("a", "ada")),
    ],
)
def test_the_active_profile(file: Path, content: str, expected: Profile) -> None:
    put(file, content)
    assert profiles.resolve() == expected


def test_what_chooses_the_profile(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(file, ANNOTATED)
    assert profiles.resolve().name == "work"
    monkeypatch.setenv("TODO_PROFILE", "")
    assert profiles.resolve().name == "work"
    monkeypatch.setenv("TODO_PROFILE", "home")
    assert profiles.resolve().name == "home"
    assert profiles.resolve(LOCAL).name == LOCAL


def test_an_unknown_profile_names_the_known_ones(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(file, ANNOTATED)
    with pytest.raises(NotFound) as caught:
        profiles.resolve("wrok")
    assert '"wrok"' in caught.value.detail
    assert caught.value.hint == "The profiles are home, local, work."
    with pytest.raises(NotFound):
        profiles.resolve("")
    monkeypatch.setenv("TODO_PROFILE", "nope")
    with pytest.raises(NotFound, match="TODO_PROFILE"):
        profiles.resolve()


def test_a_url_in_the_place_of_a_profile_is_not_repeated(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(file, ANNOTATED)
    for act in (profiles.resolve, profiles.use, profiles.remove, profiles.check_removable, profiles.check_new):
        with pytest.raises(TodoError) as caught:
            act(URL)
        assert "s3cret" not in said(caught.value)
    monkeypatch.setenv("TODO_PROFILE", URL)
    with pytest.raises(NotFound) as caught_too:
        profiles.resolve()
    assert "s3cret" not in said(caught_too.value)


def test_the_environment_overrides_the_database(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(file, f'active = "work"\n[profiles.work]\nuser = "ada"\nuser_id = "{ID}"\nurl_env = "DATABASE_URL"\n')
    assert profiles.resolve().user_id == ID
    monkeypatch.setenv("TODO_DATABASE_URL", "postgresql://other/db")
    profile = profiles.resolve()
    assert profile == Profile("work", "ada", url="postgresql://other/db")
    assert profile.database_url() == "postgresql://other/db"
    monkeypatch.setenv("TODO_DATABASE_URL", "")
    assert profiles.resolve().url_env == "DATABASE_URL"


def test_plain_database_url_is_never_taken_silently(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", URL)
    assert profiles.resolve().embedded


@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_not_set_is_named(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if value is not None:
        monkeypatch.setenv("DATABASE_URL", value)
    assert not WORK.embedded
    with pytest.raises(ValidationError) as caught:
        WORK.database_url()
    assert "DATABASE_URL" in caught.value.detail
    assert "export DATABASE_URL=" in (caught.value.hint or "")
    monkeypatch.setenv("DATABASE_URL", URL)
    assert WORK.database_url() == URL


def test_a_repr_shows_no_url() -> None:
    assert "s3cret" not in repr(Profile("home", "ada", url=URL))


# What is broken


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ('active = "work\n', "line 1"),
        ('active = "local"\n\n[profiles.work\n', "line 3"),
        (f"[profiles.work]\nurl = {URL}\n", "line 2"),
        (f'[profiles.work]\nurl = "{URL}\n', "line 2"),
        (f'["{URL}"]\n["{URL}"]\n', "line 2"),
        ("x = " + "[" * 10_000, "nested"),
        ('active = "local"\nuser = "\xff"\n'.encode("latin-1"), "line 2"),
        ("active = 1\n", "active"),
        (f'active = "{URL}"\n', "active"),
        ('active = "work"\n', "active"),
        ("profiles = 1\n", "profiles"),
        ("profiles.work = 1\n", "profiles.work"),
        (f'profiles."{URL}".user = "ada"\n', "profiles"),
        ("[profiles.work]\n", "profiles.work.user"),
        ("[profiles.work]\nuser = 1\n", "profiles.work.user"),
        ('[profiles.work]\nuser = ""\n', "profiles.work.user"),
        ('[profiles.work]\nuser = " ada"\n', "profiles.work.user"),
        ('[profiles.work]\nuser = "a\\u001bda"\n', "profiles.work.user"),
        ('[profiles.work]\nuser = "ada"\nuser_id = "s3cret"\n', "profiles.work.user_id"),
        ('[profiles.work]\nuser = "ada"\nuser_id = 7\n', "profiles.work.user_id"),
        ('[profiles.work]\nuser = "ada"\nurl = ["s3cret"]\n', "profiles.work.url"),
        ('[profiles.work]\nuser = "ada"\nurl = " "\n', "profiles.work.url"),
        (f'[profiles.work]\nuser = "ada"\nurl_env = "{URL}"\n', "profiles.work.url_env"),
        (f'[profiles.work]\nuser = "ada"\nurl = "{URL}"\nurl_env = "X"\n', "profiles.work.url_env"),
        ('[profiles.work]\nuser = "ada"\npooled = "yes"\n', "profiles.work.pooled"),
        (f'[profiles.local]\nurl = "{URL}"\n', "profiles.local.url"),
        ('[profiles.local]\nurl_env = "X"\n', "profiles.local.url_env"),
    ],
)
def test_a_broken_file_says_where_and_is_left_alone(file: Path, content: str | bytes, where: str) -> None:
    put(file, content)
    with pytest.raises(ValidationError) as caught:
        profiles.resolve()
    error = caught.value
    assert str(file) in error.detail
    assert where in error.detail
    assert error.hint
    assert "s3cret" not in said(error)
    with unchanged(file), pytest.raises((ValidationError, NotFound)):
        profiles.set_user_id(profiles.resolve(), ID)


def test_a_file_with_an_unknown_active_profile_can_be_repaired(file: Path) -> None:
    put(file, 'active = "gone"\n[profiles.work]\nuser = "ada"\n')
    with pytest.raises(ValidationError, match="gone"):
        profiles.load()
    profiles.use("work")
    assert profiles.load().active == "work"


def test_what_is_no_file_is_refused(file: Path) -> None:
    file.mkdir(parents=True)
    for act in (profiles.load, lambda: profiles.add(WORK)):
        with pytest.raises(ValidationError, match="is not a file"):
            act()
    assert file.is_dir()
    file.rmdir()
    os.mkfifo(file, 0o600)
    with pytest.raises(ValidationError, match="is not a file"):
        profiles.load()


def test_a_file_that_cannot_be_opened_is_named(file: Path) -> None:
    file.parent.mkdir()
    file.symlink_to(file)
    with pytest.raises(ValidationError, match=r"config\.toml cannot be read"):
        profiles.load()


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_can_change_is_not_trusted(file: Path, mode: int) -> None:
    put(file, ANNOTATED)
    file.chmod(mode)
    with unchanged(file):
        for act in (profiles.load, lambda: profiles.use("home")):
            with pytest.raises(AccessDenied) as caught:
                act()
            assert f"chmod 600 {file}" in (caught.value.hint or "")


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o644])
def test_a_file_that_others_cannot_change_is_trusted(file: Path, mode: int) -> None:
    put(file, ANNOTATED)
    file.chmod(mode)
    assert profiles.load().active == "work"


def test_the_file_of_another_user_is_not_trusted(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(file, ANNOTATED)
    if os.geteuid() == 0:
        os.chown(file, 65_534, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: file.stat().st_uid + 1)
    with pytest.raises(AccessDenied, match="belongs to another user"):
        profiles.load()


# What is written


def test_the_first_profile_makes_the_file(file: Path) -> None:
    old = os.umask(0)
    try:
        profiles.add(WORK)
    finally:
        os.umask(old)
    assert file.read_text() == '[profiles.work]\nuser = "ada"\nurl_env = "DATABASE_URL"\n'
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert profiles.load().active == LOCAL
    assert profiles.resolve("work") == WORK


@pytest.mark.parametrize(
    "profile",
    [
        Profile("a", "ada"),
        Profile("a.b-c_D", 'Ada "the first" \\ Lovelace ä 🚀', ID, url="postgresql://a:'\"\\\n@h/d"),
        Profile("a", "ada", ID, url_env="X", pooled=True),
        Profile(LOCAL, "ada"),
    ],
)
@pytest.mark.parametrize("content", [None, "", ANNOTATED, "# only words", "\r\n# windows\r\n"])
def test_what_was_added_is_read_back(file: Path, profile: Profile, content: str | None) -> None:
    if content is not None:
        put(file, content)
    others = {name: other for name, other in profiles.load().profiles.items() if name != profile.name}
    profiles.add(profile, make_active=True)
    assert profiles.resolve() == profile
    assert dict(profiles.load().profiles) == {profile.name: profile, **others}


def test_comments_and_unknown_keys_stay(file: Path) -> None:
    put(file, ANNOTATED)
    profiles.add(Profile("new", "bob"), make_active=True)
    profiles.set_user_id(profiles.resolve("home"), ID)
    profiles.remove("new")
    text = file.read_text()
    lines = set(ANNOTATED.splitlines()) - {'active = "work"   # since May'}
    assert lines <= set(text.splitlines())
    assert 'active = "local"   # since May' in text
    assert profiles.resolve("home") == Profile("home", "ada l", ID, url=URL)
    assert "[later]\nkey = 1\n" in text


def test_a_new_key_stands_in_its_own_table(file: Path) -> None:
    put(file, ANNOTATED)
    profiles.set_user_id(profiles.resolve("work"), ID)
    assert file.read_text() == ANNOTATED.replace("later version\n", f'later version\nuser_id = "{ID}"\n')


def test_a_name_is_taken_once(file: Path) -> None:
    put(file, ANNOTATED)
    profiles.check_new("new")
    profiles.check_new(LOCAL)
    with unchanged(file):
        with pytest.raises(Conflict, match='"work"'):
            profiles.add(Profile("work", "bob"))
        with pytest.raises(Conflict, match='"work"'):
            profiles.check_new("work")
    profiles.add(Profile(LOCAL, "ada"))
    with pytest.raises(Conflict):
        profiles.check_new(LOCAL)


@pytest.mark.parametrize(
    ("profile", "field"),
    [
        (Profile("", "ada"), "name"),
        (Profile("a b", "ada"), "name"),
        (Profile("-a", "ada"), "name"),
        (Profile("ä", "ada"), "name"),
        (Profile("a\n", "ada"), "name"),
        (Profile("a" * 65, "ada"), "name"),
        (Profile("a", ""), "user"),
        (Profile("a", "x" * 65), "user"),
        (Profile("a", "ada", url=""), "url"),
        (Profile("a", "ada", url_env=URL), "url_env"),
        (Profile("a", "ada", url=URL, url_env="X"), "url_env"),
        (Profile(LOCAL, "ada", url=URL), "url"),
        (Profile(LOCAL, "ada", url_env="X"), "url_env"),
    ],
)
def test_a_profile_that_is_none_is_not_added(file: Path, profile: Profile, field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        profiles.add(profile)
    assert [fault.field for fault in caught.value.field_errors] == [field]
    assert "s3cret" not in said(caught.value)
    assert not file.exists()


def test_removing_the_active_profile_falls_back_to_local(file: Path) -> None:
    put(file, ANNOTATED)
    profiles.remove("work")
    assert profiles.load().active == LOCAL
    assert set(profiles.load().profiles) == {LOCAL, "home"}
    profiles.remove("home")
    assert set(profiles.load().profiles) == {LOCAL}
    with pytest.raises(NotFound):
        profiles.remove("home")


def test_local_cannot_be_removed(file: Path) -> None:
    for act in (lambda: profiles.remove(LOCAL), lambda: profiles.check_removable(LOCAL)):
        with pytest.raises(ValidationError, match="always there"):
            act()
    put(file, 'active = "local"\n[profiles.local]\nuser = "ada"\n')
    assert profiles.check_removable(LOCAL).user == "ada"
    profiles.remove(LOCAL)
    assert profiles.resolve() == Profile(LOCAL, "grace")


def test_use(file: Path) -> None:
    with pytest.raises(NotFound):
        profiles.use("work")
    assert not file.exists()
    profiles.use(LOCAL)
    assert not file.exists()
    put(file, ANNOTATED)
    profiles.use("home")
    assert profiles.load().active == "home"
    assert file.read_text() == ANNOTATED.replace('active = "work"', 'active = "home"')


def test_an_id_is_kept_only_for_the_same_user_and_database(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(file, ANNOTATED)
    home = profiles.resolve("home")
    with unchanged(file):
        assert not profiles.set_user_id(Profile("home", "bob", url=URL), ID)
        assert not profiles.set_user_id(Profile("gone", "bob"), ID)
        monkeypatch.setenv("TODO_DATABASE_URL", "postgresql://other/db")
        assert not profiles.set_user_id(profiles.resolve("home"), ID)
        monkeypatch.delenv("TODO_DATABASE_URL")
    assert profiles.set_user_id(home, ID)
    assert profiles.resolve("home").user_id == ID
    with unchanged(file):
        assert profiles.set_user_id(home, ID)


def test_rename_user(file: Path) -> None:
    put(file, ANNOTATED)
    assert profiles.rename_user(profiles.resolve(LOCAL), "ada")
    assert profiles.resolve(LOCAL) == Profile(LOCAL, "ada")
    work = profiles.resolve("work")
    assert profiles.set_user_id(work, ID)
    assert profiles.rename_user(work, "ada2")
    assert profiles.resolve("work") == Profile("work", "ada2", ID, url_env="DATABASE_URL")
    assert not profiles.rename_user(work, "ada3")
    with pytest.raises(ValidationError):
        profiles.rename_user(profiles.resolve("work"), " x")


@pytest.mark.parametrize(
    "content",
    [
        'profiles = {work = {user = "ada"}}\n',
        '[profiles]\nwork = {user = "ada"}\n',
        'profiles.work.user = "ada"\n',
        '[profiles.work]\nuser = "ada"\n[other]\nx = 1\n[profiles.home]\nuser = "bob"\n',
        '[[other]]\nx = 1\n[profiles]\n[profiles.work]\nuser = "ada"\n[[other]]\nx = 2\n',
        'x = 1\n[profiles."work"]\nuser = """ada"""\n',
    ],
)
def test_every_form_of_toml_is_edited_rightly_or_not_at_all(file: Path, content: str) -> None:
    put(file, content)

    def tried(act: Callable[[], object]) -> bool:
        before = file.read_text()
        fault = None
        try:
            act()
        except TodoError as error:
            fault = error.detail
        assert fault is None or ("cannot edit safely" in fault and file.read_text() == before)
        return fault is None

    known = dict(profiles.load().profiles)
    new = Profile("new", "eve", url_env="X")
    if tried(lambda: profiles.add(new, make_active=True)):
        known["new"] = new
        assert profiles.resolve() == new
    assert dict(profiles.load().profiles) == known
    if tried(lambda: profiles.set_user_id(known["work"], ID)):
        known["work"] = Profile("work", "ada", ID)
    assert dict(profiles.load().profiles) == known
    if tried(lambda: profiles.remove("work")):
        del known["work"]
    assert dict(profiles.load().profiles) == known


@pytest.mark.parametrize("wrong", ['active = "local"\n', "active = ", ANNOTATED.replace("ada l", "eve")])
def test_an_edit_that_says_something_else_is_not_written(
    file: Path, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    import tomlkit

    put(file, ANNOTATED)
    monkeypatch.setattr(tomlkit, "dumps", lambda document: wrong)
    with unchanged(file), pytest.raises(TodoError, match="cannot edit safely"):
        profiles.use("home")


def test_a_link_into_another_folder_stays_a_link(file: Path, tmp_path: Path) -> None:
    dotfiles = tmp_path / "dotfiles"
    dotfiles.mkdir()
    target = dotfiles / "todo.toml"
    put(target, ANNOTATED)
    file.parent.mkdir()
    file.symlink_to(Path("..") / "dotfiles" / "todo.toml")
    profiles.use("home")
    assert file.is_symlink()
    assert 'active = "home"' in target.read_text()
    assert [path.name for path in dotfiles.iterdir()] == ["todo.toml"]


def test_a_link_to_what_is_not_there_yet_is_written_through(file: Path, tmp_path: Path) -> None:
    file.parent.mkdir()
    file.symlink_to(tmp_path / "later.toml")
    profiles.add(WORK)
    assert file.is_symlink()
    assert (tmp_path / "later.toml").exists()


# What fails


def _no_file(**_: object) -> None:
    raise PermissionError(errno.EACCES, "Permission denied")


def _no_name(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_folder_that_cannot_be_written_changes_nothing(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(file, ANNOTATED)
    monkeypatch.setattr(tempfile, "mkstemp", _no_file)
    with unchanged(file), pytest.raises(TodoError, match="you may not write there") as caught:
        profiles.use("home")
    assert caught.value.code == "SERVER_ERROR"
    assert str(file.parent) in (caught.value.hint or "")


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_fault_at_the_end_changes_nothing(file: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    put(file, ANNOTATED)
    monkeypatch.setattr(os, step, _no_name)
    with unchanged(file), pytest.raises(TodoError, match="no space is left"):
        profiles.use("home")


def test_a_file_in_the_place_of_the_folder_is_named(file: Path) -> None:
    file.parent.write_text("x")
    with pytest.raises(TodoError, match=r"config\.toml"):
        profiles.add(WORK)
    assert file.parent.read_text() == "x"


FULL_DISK = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (16, 16))
from todocli import errors, profiles
try:
    profiles.use("home")
except errors.TodoError as error:
    print(type(error).__name__, error.detail)
"""


def test_a_disk_that_takes_no_more_changes_nothing(file: Path) -> None:
    put(file, ANNOTATED)
    with unchanged(file):
        done = subprocess.run([sys.executable, "-B", "-c", FULL_DISK], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"TodoError {file} was not written: ")


# Several processes

ADD_MANY = """
import sys
from todocli import profiles
for number in range(5):
    profiles.add(profiles.Profile(f"p{sys.argv[1]}-{number}", "ada"))
"""


def test_processes_that_add_at_once_lose_nothing() -> None:
    writers = [subprocess.Popen([sys.executable, "-c", ADD_MANY, str(number)]) for number in range(6)]
    assert [writer.wait(60) for writer in writers] == [0] * 6
    expected = {LOCAL} | {f"p{writer}-{number}" for writer in range(6) for number in range(5)}
    assert set(profiles.load().profiles) == expected


HOLD = """
import sys
from todocli import paths
from todocli.profiles import storage
with storage.locked(paths.config_file()):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_writer_that_never_ends_is_given_up_and_a_dead_one_forgotten(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(file, ANNOTATED)
    monkeypatch.setattr(storage, "LOCK_TRIES", 2)
    monkeypatch.setattr(storage, "LOCK_PAUSE", 0)
    with subprocess.Popen([sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with unchanged(file), pytest.raises(TodoError, match="another todo"):
            profiles.use("home")
        holder.send_signal(signal.SIGKILL)
        holder.wait(30)
    profiles.use("home")
    assert profiles.load().active == "home"


# Names


@pytest.mark.parametrize("name", ["a", "Ada Lovelace", "ä", "李", "a@b.example", "x" * 64, "🚀", "o'neil\\"])
def test_user_names(name: str) -> None:
    assert profiles.check_user_name(name) == name


@pytest.mark.parametrize(
    "name", ["", " ", "\t", " a", "a ", "a\n", "a\x00b", "a\x1bb", "a\x9bb", "a\u202eb", "a\u200bb", "\ud800", "x" * 65]
)
def test_what_is_no_user_name(name: str) -> None:
    with pytest.raises(ValidationError) as caught:
        profiles.check_user_name(name)
    assert caught.value.field_errors[0].field == "user"


@pytest.mark.parametrize(
    ("login", "expected"), [("ada", "ada"), (" a\x1bd\na ", "ada"), ("x" * 70, "x" * 64), ("\x1b", "user")]
)
def test_login_name(login: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", login)
    assert profiles.login_name() == expected


def test_a_machine_without_a_login_name(monkeypatch: pytest.MonkeyPatch) -> None:
    import getpass

    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert profiles.login_name() == "user"


@given(st.text())
def test_every_login_name_becomes_a_user_name(login: str) -> None:
    import getpass

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(getpass, "getuser", lambda: login)
        name = profiles.login_name()
    assert profiles.check_user_name(name) == name


# What is loaded


@pytest.mark.parametrize("content", [None, ANNOTATED])
def test_reading_loads_no_writer(file: Path, content: str | None) -> None:
    if content is not None:
        put(file, content)
    heavy = {"tomllib", "tomlkit", "tempfile", "sqlalchemy", "typer", "todocli.database"}
    code = f"import sys; from todocli import profiles; profiles.resolve(); print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ("[]" if content is None else "['tomllib']")
