"""The examples in docs/deploy, tried with the programs that they are for."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from tests.support.served import TODO, free_port, serving
from tests.support.waiting import wait_until

pytestmark = pytest.mark.external

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs/deploy"
CLIENT = "127.0.0.2"


def _needs(program: str) -> None:
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed")


def test_unit_is_valid_and_confined(tmp_path: Path) -> None:
    _needs("systemd-analyze")
    unit = tmp_path / "todo.service"
    program = Path(sys.executable).with_name("todo")
    unit.write_text((EXAMPLES / "todo.service").read_text().replace("/opt/todo/bin/todo", str(program)))
    for words in (("verify", unit), ("security", "--offline=true", "--threshold=20", unit)):
        done = subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def _nginx(served_at: str, folder: Path) -> Iterator[int]:
    """Run nginx with the example; give its port."""
    port, pair = free_port(), trustme.CA().issue_cert("site.example")
    pair.private_key_pem.write_to_path(folder / "site.key")
    for certificate in pair.cert_chain_pems:
        certificate.write_to_path(folder / "site.pem", append=True)
    site = (EXAMPLES / "nginx.conf").read_text()
    for given, used in (
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("/etc/nginx/site.example.pem", f"{folder}/site.pem"),
        ("/etc/nginx/site.example.key", f"{folder}/site.key"),
        ("http://127.0.0.1:8000", served_at),
    ):
        assert given in site
        site = site.replace(given, used)
    (folder / "nginx.conf").write_text(
        f"pid {folder}/pid; error_log {folder}/errors; events {{}} http {{ access_log off; {site} }}"
    )
    with subprocess.Popen(["nginx", "-c", folder / "nginx.conf", "-g", "daemon off;"]) as process:
        try:
            wait_until((folder / "pid").exists, "the start of nginx")
            yield port
        finally:
            process.terminate()


def test_nginx_serves_it_with_tls_under_a_prefix(home: Path) -> None:
    _needs("nginx")
    options = re.findall(r"todo serve (.*)", (EXAMPLES / "nginx.conf").read_text())[0]
    token = subprocess.run(
        [*TODO, "token", "create", "x"], stdout=subprocess.PIPE, text=True, check=True
    ).stdout.strip()
    with (
        tempfile.TemporaryDirectory() as folder,
        (home / "log").open("w") as log,
        serving(*shlex.split(options), log=log.fileno()) as (_, address),
        _nginx(address, Path(folder)) as port,
    ):

        def ask(path: str, *words: str, at: str = f"https://site.example:{port}") -> str:
            place = ["--connect-to", f"site.example:{port}:127.0.0.1:{port}", "--insecure", "--interface", CLIENT]
            command = ["curl", "--silent", "--show-error", *place, "--oauth2-bearer", token, *words, f"{at}{path}"]
            return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout

        added = ask("/todo/api/v1/todos", "--include", "--json", '{"title": "a"}', "-H", "X-Forwarded-For: 192.0.2.1")
        path = re.findall(r"(?im)^location: (\S+)", added)[0]
        assert path.startswith("/todo/api/v1/todos/")
        assert json.loads(ask(path))["title"] == "a"
        assert "/todo/docs/swagger-ui.css" in ask("/todo/docs")
        ask("/healthz", "-H", "X-Forwarded-For: 192.0.2.1", at=address)  # not by way of the proxy
    clients = [json.loads(line)["client"] for line in (home / "log").read_text().splitlines() if '"client"' in line]
    assert clients[-4:] == [CLIENT] * 4


def test_image_serves_and_is_healthy(tmp_path: Path) -> None:
    """Without a container: what its RUN installs, and its HEALTHCHECK while it serves."""
    text = (EXAMPLES / "Containerfile").read_text().replace("\\\n", " ")
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv/bin/python"
    assert "pip install --no-cache-dir '/source[api]'" in text
    subprocess.run([python, "-m", "pip", "install", "--quiet", f"{ROOT}[api]"], check=True)
    check = json.loads(re.findall(r"HEALTHCHECK .*CMD (\[.*\])", text)[0])
    serve = json.loads(re.findall(r"(?m)^CMD (\[.*\])", text)[0])
    with serving(*serve[1:], log=subprocess.DEVNULL) as (_, address):
        port = address.rpartition(":")[2]
        command = [python, *(word.replace(":8000", f":{port}") for word in check[1:])]
        assert subprocess.run(command, check=False).returncode == 0
    assert subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode != 0
