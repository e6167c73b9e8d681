"""`todo serve` as a process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

TODO = [sys.executable, "-m", "todocli"]


def free_port() -> int:
    """Return a port where nobody listens."""
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        port: int = place.getsockname()[1]
        return port


@contextmanager
def serving(*options: str, log: int = subprocess.PIPE) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the server; give its process, and its address when it answers. `log` is where its stderr goes."""
    port = free_port()
    with subprocess.Popen(
        [*TODO, "serve", "--port", str(port), *options], stderr=log, text=True, env=dict(os.environ)
    ) as process:
        address = f"http://127.0.0.1:{port}"
        try:
            for _ in range(600):
                try:
                    urllib.request.urlopen(f"{address}/readyz", timeout=5).close()
                    break
                except OSError:
                    assert process.poll() is None, process.communicate()[1]
                    time.sleep(0.05)
            yield process, address
        finally:
            process.kill()
