"""A real PgBouncer in transaction mode, as Neon's pooled hosts have it: no state of a session survives a statement."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from todocli.database.postgres.url import PostgresURL

PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")

_SETTINGS = """\
[databases]
* = host={host} port={port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
pool_mode = transaction
default_pool_size = {size}
auth_type = scram-sha-256
auth_file = {users}
max_client_conn = 100
query_wait_timeout = 20
"""


@contextmanager
def pooled(url: PostgresURL, *, size: int = 2) -> Iterator[PostgresURL]:
    """Give the URL of `url`'s database by way of a pooler that keeps `size` connections to it."""
    assert PROGRAM
    with socket.create_server(("127.0.0.1", 0)) as free:
        listen = int(free.getsockname()[1])
    folder = Path(tempfile.mkdtemp(prefix="todo-pgbouncer-"))
    folder.chmod(0o755)  # it runs as nobody where we are root
    users, settings = folder / "users.txt", folder / "pgbouncer.ini"
    users.write_text(f'"{url.user}" "{url.password}"\n')
    settings.write_text(_SETTINGS.format(host=url.host, port=url.port, listen=listen, size=size, users=users))
    as_nobody = ["-u", "nobody"] if os.geteuid() == 0 else []
    process = subprocess.Popen(
        [PROGRAM, "-q", *as_nobody, str(settings)], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait(listen, process)
        yield replace(url, host="127.0.0.1", port=listen)
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError("PgBouncer did not start.")
