"""How many requests one worker answers: `python -m tests.benchmarks.api_load [SECONDS]` (it needs wrk).

Each of four requests on Postgres, by eight clients; beside it the least that FastAPI and SQLModel can do, with a
table of its own in the same database. All take rounds in one run, three times; each figure is the median.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support import postgres
from tests.support.served import TODO, free_port, serving

ROUNDS = 3
CLIENTS = 8
TODOS = 200

REQUESTS = {
    "list of 20": ("?limit=20", ""),
    "one todo": ("/{id}", ""),
    "create": ("", 'wrk.method = "POST"\nwrk.body = \'{{"title": "Pay rent"}}\''),
    "change": (
        "/{id}",
        """wrk.method = "PATCH"
        local sent = 0
        request = function()
            sent = sent + 1
            return wrk.format(nil, nil, nil, string.format('{{"title": "Pay rent %d"}}', sent))
        end""",
    ),
}
"""The path below /todos, and the rest for wrk in Lua, by what is asked for."""


def main() -> None:
    """Measure, and print a table."""
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as home, postgres.migrated() as url:
        os.environ.update(TODO_HOME=home, TODO_DATABASE_URL=url.text(), LOGNAME="ada")
        os.environ["BARE_URL"] = url.text().replace("postgresql://", "postgresql+psycopg://")
        _todo("user", "add", "ada")
        token = _todo("token", "create", "load").strip()
        with _bare() as bare, serving(log=subprocess.DEVNULL) as (_, ours):
            servers = {"todo serve": ours, "bare FastAPI": bare}
            ids = {}
            for title in range(TODOS):
                for who, server in servers.items():
                    ids[who] = _add(server, f"Todo {title}", token)
            found: dict[tuple[str, str], list[tuple[float, float]]] = {}
            for _ in range(ROUNDS):
                for what, (path, lua) in REQUESTS.items():
                    for who, server in servers.items():
                        script = Path(home, "request.lua")
                        script.write_text('wrk.headers["Content-Type"] = "application/json"\n' + lua.format())
                        address = f"{server}/api/v1/todos{path.format(id=ids[who])}"
                        found.setdefault((what, who), []).append(_wrk(address, token, seconds, script))
    print(f"{'':12}  {'':14}  requests/s  p99 in ms")
    for (what, who), rounds in found.items():
        rate, late = (statistics.median(values) for values in zip(*rounds, strict=True))
        print(f"{what:12}  {who:14}  {rate:10.0f}  {late:9.1f}")


def _wrk(address: str, token: str, seconds: int, script: Path) -> tuple[float, float]:
    """Return the requests per second and the 99th percentile in milliseconds."""
    command = ["wrk", "-t1", f"-c{CLIENTS}", f"-d{seconds}s", "--latency", "-H", f"Authorization: Bearer {token}"]
    text = subprocess.run([*command, "-s", script, address], check=True, stdout=subprocess.PIPE, text=True).stdout
    if re.search(r"Non-2xx|Socket errors", text):
        raise SystemExit(text)
    rate, late = re.search(r"Requests/sec: +([\d.]+)", text), re.search(r"99% +([\d.]+)(us|ms|s)", text)
    assert rate
    assert late
    return float(rate[1]), float(late[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[late[2]]


@contextmanager
def _bare() -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "tests.benchmarks.bare_api:app", "--port", str(port)]
    with subprocess.Popen([*command, "--log-level", "warning"]) as process:
        try:
            address = f"http://127.0.0.1:{port}"
            while True:
                try:
                    urllib.request.urlopen(f"{address}/api/v1/todos", timeout=5).close()
                    break
                except OSError:
                    if process.poll() is not None:
                        raise
                    time.sleep(0.05)
            yield address
        finally:
            process.kill()


def _add(server: str, title: str, token: str) -> str:
    """Add a todo, and return its id."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{server}/api/v1/todos", json.dumps({"title": title}).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as answered:
        return str(json.load(answered)["id"])


def _todo(*words: str) -> str:
    return subprocess.run([*TODO, *words], check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    main()
