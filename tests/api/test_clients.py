"""Clients that others generate from the OpenAPI document, and the tools that judge it. They come from npm and PyPI."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.served import TODO, serving
from todocli.api.app import openapi
from todocli.api.settings import Settings

pytestmark = pytest.mark.external

PROGRAMS = Path(__file__).with_name("clients")
NPM = ("@redocly/cli@2", "@stoplight/spectral-cli@6", "@types/node@20", "openapi-fetch@0.17", "openapi-typescript@7")
TYPESCRIPT = "typescript@5"  # openapi-typescript does not know later ones
COMPILER = {
    "strict": True,
    "exactOptionalPropertyTypes": True,
    "module": "nodenext",
    "noUncheckedIndexedAccess": True,
    "target": "es2022",
    "types": ["node"],
}
EXPECTED = [True, 1, 2, 204, "NOT_FOUND"]


def run(*command: str | Path, folder: Path) -> str:
    """Run a tool that must succeed, and return all that it printed."""
    done = subprocess.run(
        list(map(str, command)), cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the OpenAPI document, and the tools for Node."""
    if not shutil.which("npm"):
        pytest.skip("npm is not installed")
    folder = tmp_path_factory.mktemp("node")
    (folder / "openapi.json").write_text(json.dumps(openapi(Settings())))
    (folder / "package.json").write_text("{}")
    run("npm", "install", "--no-audit", "--no-fund", TYPESCRIPT, *NPM, folder=folder)
    return folder


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A server on the embedded database: its address, and a token."""
    created = subprocess.run([*TODO, "token", "create", "client"], stdout=subprocess.PIPE, text=True, check=True)
    with serving(log=subprocess.DEVNULL) as (_, address):
        yield [address, created.stdout.strip()]


def test_typescript_client(node: Path, served: list[str]) -> None:
    run("npx", "openapi-typescript", "openapi.json", "-o", "api.d.ts", folder=node)
    shutil.copy(PROGRAMS / "client.ts", node)
    (node / "tsconfig.json").write_text(json.dumps({"compilerOptions": COMPILER, "files": ["client.ts"]}))
    run("npx", "tsc", folder=node)
    assert json.loads(run("node", "client.js", *served, folder=node)) == EXPECTED


def test_python_client(tmp_path: Path, served: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv/bin/python"
    run(python, "-m", "pip", "install", "--quiet", "openapi-python-client", "mypy", "ruff", folder=tmp_path)
    (tmp_path / "openapi.json").write_text(json.dumps(openapi(Settings())))
    monkeypatch.setenv("PATH", f"{python.parent}{os.pathsep}{os.environ['PATH']}")  # it formats with Ruff
    generate = ["generate", "--path", "openapi.json", "--meta", "none", "--output-path", "todo_client"]
    text = run(python.with_name("openapi-python-client"), *generate, folder=tmp_path)
    assert "Warning" not in text
    program = Path(shutil.copy(PROGRAMS / "client_program.py", tmp_path))
    # The generator's own client.py, the same for every API, has errors under --strict.
    run(python, "-m", "mypy", "--strict", "--follow-imports", "silent", program, folder=tmp_path)
    assert json.loads(run(python, program, *served, folder=tmp_path)) == EXPECTED


def test_swagger_ui_sends_every_operation(node: Path, served: list[str], tmp_path: Path) -> None:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if not chromium:
        pytest.skip("Chromium is not installed")
    shutil.copy(PROGRAMS / "swagger.mjs", node)
    run("npm", "install", "--no-audit", "--no-fund", "playwright-core@1", folder=node)
    text = run("node", "swagger.mjs", *served, chromium, tmp_path / "swagger.png", folder=node)
    assert json.loads(text) == {"statuses": [201, 200, 200, 200, 204], "faults": []}


def test_linters_find_nothing(node: Path) -> None:
    (node / ".spectral.yaml").write_text('extends: ["spectral:oas"]\n')
    text = run("npx", "spectral", "lint", "--fail-severity", "hint", "openapi.json", folder=node)
    assert "No results" in text
    text = run("npx", "redocly", "lint", "--format", "json", "openapi.json", folder=node)
    totals = json.loads(text[text.index("{\n") : text.rindex("}") + 1])["totals"]
    assert totals == {"errors": 0, "warnings": 0, "ignored": 0}


def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    """In an environment of its own: its dependencies are not those of the tests."""
    python = tmp_path / "venv/bin/python"
    venv.create(python.parents[1], with_pip=True, system_site_packages=False)
    root = PROGRAMS.parents[2]
    run(python, "-m", "pip", "install", "--quiet", "schemathesis", f"{root}[test]", folder=tmp_path)
    text = run(python, "-m", "tests.benchmarks.api_contract", "20", folder=root)
    found = re.findall(r"(\d+) generated, (\d+) passed", text)
    assert [passed for passed, _ in found] == [generated for _, generated in found] != [], text
    assert "FAILURES" not in text, text
