"""What is shipped: the wheel and the sdist are built, installed outside the checkout, and used."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from dataclasses import dataclass
from email.parser import Parser
from pathlib import Path

import pytest

import todocli
from todocli.database import migrations, revisions
from todocli.database.postgres.url import PostgresURL
from todocli.database.schema import HEAD

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "alembic", "docs", "todocli")
CACHES = shutil.ignore_patterns("__pycache__", "_alembic")
RELEASE = f"todo_neon-{todocli.__version__}"
HISTORY = "".join(f"{revision.revision}\t{revision.message}\n" for revision in revisions.history())
WHERE = "from todocli.database import revisions; print(revisions.script_folder())"


def run(*command: str | Path, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a program as somebody whose home is `cwd`, with nothing of this process's surroundings."""
    environment = {"HOME": str(cwd), "PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", **variables}
    return subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def out(*command: str | Path, cwd: Path, **variables: str) -> str:
    """Run a program that must succeed; return its stdout."""
    done = run(*command, cwd=cwd, **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def checkout(folder: Path) -> Path:
    """Make a copy of what is built."""
    folder.mkdir()
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / part, ignore=CACHES)
        else:
            shutil.copy(ROOT / part, folder)
    return folder


def shipped(folder: Path) -> set[str]:
    """Return the names of the files below `folder` that belong to it."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)) for path in paths if not {"__pycache__", "_alembic"} & {*path.parts}}


@dataclass(frozen=True)
class Installation:
    """A virtual environment of its own, and what is installed in it."""

    folder: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin/python"

    @property
    def todo(self) -> Path:
        """Its console script."""
        return self.folder / "bin/todo"

    @property
    def packages(self) -> Path:
        """Where its packages are."""
        [packages] = self.folder.resolve().glob("lib/python*/site-packages")
        return packages

    @classmethod
    def of(cls, wheel: Path, folder: Path) -> Installation:
        """Install `wheel` with pip. The dependencies are this environment's, each in the place where pip puts it."""
        has_pip = importlib.util.find_spec("pip") is not None
        venv.create(folder, with_pip=not has_pip, symlinks=True)
        made = cls(folder)
        for place in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
            for path in Path(place).iterdir():
                ours = path.name.startswith(("todocli", "todo_neon", "_todo_neon", "pip", "__pycache__"))
                if not ours and path.suffix != ".pth" and not (made.packages / path.name).exists():
                    (made.packages / path.name).symlink_to(path)
        pip: list[str | Path] = [made.python, "-m", "pip"]
        if has_pip:
            pip = [sys.executable, "-m", "pip", "--python", made.python]
        options = ["--quiet", "--no-deps", "--no-index", "--disable-pip-version-check"]
        out(*pip, "install", *options, wheel, cwd=folder, PIP_CONFIG_FILE=os.devnull)
        return made


@dataclass(frozen=True)
class Built:
    """What `build` makes of the checkout."""

    wheel: Path
    sdist: Path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Build the sdist of the checkout, and the wheel from the sdist."""
    folder = tmp_path_factory.mktemp("built")
    out(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    [wheel], [sdist] = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return Built(wheel, sdist)


@pytest.fixture(scope="module")
def installation(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Install the wheel."""
    return Installation.of(built.wheel, tmp_path_factory.mktemp("installed") / "venv")


def test_wheel_contents(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as wheel:
        names = {name for name in wheel.namelist() if not name.startswith(f"{RELEASE}.dist-info/")}
        about = Parser().parsestr(wheel.read(f"{RELEASE}.dist-info/METADATA").decode())
        scripts = wheel.read(f"{RELEASE}.dist-info/entry_points.txt").decode()
        licence = wheel.read(f"{RELEASE}.dist-info/licenses/LICENSE").decode()
    program = {f"todocli/{name}" for name in shipped(ROOT / "todocli")}
    migration_files = {f"todocli/_alembic/{name}" for name in shipped(ROOT / "alembic")}
    man_pages = {f"{RELEASE}.data/data/share/man/{name}" for name in shipped(ROOT / "docs/man")}
    assert names == program | migration_files | man_pages
    assert f"{RELEASE}.data/data/share/man/man1/todo.1" in man_pages
    assert {"todocli/py.typed", "todocli/_alembic/env.py", "todocli/_alembic/script.py.mako"} < names
    types = {".py", ".typed", ".mako", ".sql", ".md", ".html", ".css", ".js", ".svg", ".png", ".webmanifest"}
    assert {Path(name).suffix for name in names - man_pages} == types
    assert scripts == "[console_scripts]\ntodo = todocli.__main__:main\n"
    assert licence == (ROOT / "LICENSE").read_text("utf-8")
    assert (about["Name"], about["Version"], about["Requires-Python"]) == ("todo-neon", todocli.__version__, ">=3.11")
    assert about["License-Expression"] == "MIT"
    assert about.get_payload() == (ROOT / "README.md").read_text("utf-8")


def test_sdist_contents(built: Built) -> None:
    with tarfile.open(built.sdist) as sdist:
        names = {Path(*Path(name).parts[1:]).as_posix() for name in sdist.getnames()}
    expected = {"pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE"}
    folders = ("alembic", "docs", "scripts", "tests", "todocli")
    expected |= {f"{folder}/{name}" for folder in folders for name in shipped(ROOT / folder)}
    assert names - {"PKG-INFO", ".gitignore"} == expected


def test_wheel_from_checkout_equals_wheel_from_sdist(built: Built, tmp_path: Path) -> None:
    out(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, ROOT, cwd=tmp_path)
    with zipfile.ZipFile(tmp_path / built.wheel.name) as ours, zipfile.ZipFile(built.wheel) as theirs:
        contents = [{info.filename: info.CRC for info in wheel.infolist()} for wheel in (ours, theirs)]
    assert contents[0] == contents[1]


def test_installed_program_stores_todos(installation: Installation, tmp_path: Path) -> None:
    done = run(installation.todo, "add", "Buy", "milk", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "1\topen\tBuy milk\n")
    place = re.fullmatch(r"Your todos are in (.+)\n", done.stderr)
    assert place
    assert Path(place[1]).is_relative_to(tmp_path)
    assert Path(place[1]).is_file()
    listed = run(installation.todo, "list", "--json", cwd=tmp_path)
    assert listed.stderr == ""
    assert [item["title"] for item in json.loads(listed.stdout)["items"]] == ["Buy milk"]


def test_installed_program_prints_openapi(installation: Installation, tmp_path: Path) -> None:
    published = (ROOT / "tests/snapshots/openapi.json").read_text("utf-8")
    assert out(installation.todo, "serve", "--openapi", cwd=tmp_path) == published


def test_installed_program_has_help_topics(installation: Installation, tmp_path: Path) -> None:
    topic = (ROOT / "todocli/help/dates.md").read_text("utf-8")
    assert out(installation.todo, "help", "dates", cwd=tmp_path).startswith(topic)
    assert (installation.folder / "share/man/man1/todo.1").is_file()


def test_installed_program_works_on_postgres(
    installation: Installation, empty_postgres_url: PostgresURL, tmp_path: Path
) -> None:
    def todo(*words: str) -> str:
        return out(installation.todo, *words, cwd=tmp_path, TODO_DATABASE_URL=empty_postgres_url.text(), USER="ada")

    assert run(installation.todo, "list", cwd=tmp_path, TODO_DATABASE_URL=empty_postgres_url.text()).returncode == 8
    todo("db", "upgrade")
    assert migrations.current(empty_postgres_url) == HEAD
    todo("db", "check")
    user = json.loads(todo("profile", "show", "--json"))["user"]
    todo("user", "add", user)
    assert todo("add", "Ship it") == "1\topen\tShip it\n"
    assert todo("list") == "1\topen\tShip it\n"
    assert not list(tmp_path.rglob("todo.db"))


def test_installed_program_finds_its_migrations(installation: Installation, tmp_path: Path) -> None:
    assert (installation.packages / "alembic/__init__.py").is_file()  # the library is beside the package
    assert out(installation.python, "-c", WHERE, cwd=tmp_path) == f"{installation.packages}/todocli/_alembic\n"
    assert out(installation.todo, "db", "history", cwd=tmp_path) == HISTORY


def test_runs_as_a_module(installation: Installation, tmp_path: Path) -> None:
    version = f"todo {todocli.__version__}\n"
    assert out(installation.todo, "--version", cwd=tmp_path) == version
    assert out(installation.python, "-m", "todocli", "--version", cwd=tmp_path) == version
    assert out(installation.python, "-m", "todocli", "db", "history", cwd=tmp_path) == HISTORY


def test_runs_in_a_checkout(installation: Installation, tmp_path: Path) -> None:
    folder = checkout(tmp_path / "checkout")
    assert out(installation.python, "-c", WHERE, cwd=folder) == f"{folder.resolve()}/alembic\n"
    assert out(installation.python, "-m", "todocli", "db", "history", cwd=folder) == HISTORY


def test_editable_install_uses_migrations_of_its_checkout(tmp_path: Path) -> None:
    folder = checkout(tmp_path / "checkout")
    hook = "import sys; from hatchling import build; build.build_editable(sys.argv[1])"
    out(sys.executable, "-c", hook, tmp_path, cwd=folder)
    [wheel] = tmp_path.glob("*.whl")
    editable = Installation.of(wheel, tmp_path / "venv")

    shutil.copytree(folder / "alembic", folder / "todocli/_alembic")
    assert (editable.packages / "todocli/_alembic/env.py").is_file()
    script = folder / "alembic/versions" / next((ROOT / "alembic/versions").glob("0102_*.py")).name
    text = script.read_text("utf-8")
    script.write_text(text.replace('"""', '"""Newer: ', 1), "utf-8")

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert out(editable.python, "-c", WHERE, cwd=elsewhere) == f"{folder.resolve()}/alembic\n"
    last = HISTORY.splitlines()[-1]
    assert out(editable.todo, "db", "history", cwd=elsewhere).splitlines()[-1] == last.replace("\t", "\tNewer: ")


def test_missing_migrations_are_reported(installation: Installation, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "todocli", tmp_path / "todocli", ignore=CACHES)
    done = run(installation.python, "-m", "todocli", "db", "history", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: This installation of todo lacks its migrations.\n hint: Reinstall it.\n"
