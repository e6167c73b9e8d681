"""Asks the HTTP API everything that its description allows, and much that it does not, as two users, on both engines.

    pip install schemathesis && python -m tests.benchmarks.api_contract [EXAMPLES]

Schemathesis follows the links, too. What it may not find: a fault of the server, an answer that is not described, a
request that is answered without a token, a user who gets what is another's. Two of its checks are left out: it takes a
refusal by a rule that JSON Schema cannot express for a fault (`positive_data_acceptance`), and a todo that was removed
after its `Idempotency-Key` was used for one that was never made (`ensure_resource_availability`).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support import postgres
from tests.support.served import TODO, serving

NAMES = ("ada", "bob")
LEFT_OUT = "positive_data_acceptance,ensure_resource_availability"
REFUSALS = ["400", "401", "403", "404", "405", "406", "409", "413", "415", "422", "428", "429", "5xx"]
"""How invalid data may be refused. Schemathesis does not know 413, which a text of more than 64 KiB gets."""


def main() -> None:
    """Run it on SQLite and on Postgres, and print what was found."""
    examples = sys.argv[1] if len(sys.argv) > 1 else "100"
    print("== SQLite")
    _ask(examples, {})
    print("== Postgres")
    with postgres.migrated() as url:
        _ask(examples, {"TODO_DATABASE_URL": url.text()})


def _ask(examples: str, environment: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as home:
        os.environ.update({"TODO_HOME": home, "SCHEMATHESIS_HOOKS": "tests.benchmarks.api_checks", **environment})
        _prepare(Path(home))
        with serving(log=subprocess.DEVNULL) as (_, address):
            command = [str(Path(sys.executable).with_name("schemathesis"))]
            command += ["--config-file", str(Path(home, "schemathesis.toml")), "run", f"{address}/openapi.json"]
            command += ["--checks", "all", "--exclude-checks", LEFT_OUT, "--max-examples", examples, "--no-color"]
            text = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        print(re.sub(r"(?s).*?(?=\n=+ (FAILURES|SUMMARY) =)", "", text, count=1), flush=True)


def _prepare(home: Path) -> None:
    """Add the users with a token each, and tell Schemathesis and our own check of them."""
    tokens = {}
    for name in NAMES:
        user = json.loads(_todo("user", "add", name, "--json"))
        tokens[_todo("token", "create", "fuzz", name=name).strip()] = user["id"]
    headers = [{"name": "Authorization", "value": f"Bearer {token}"} for token in tokens]
    users = [{"name": name, "fixedHeaders": [header]} for name, header in zip(NAMES, headers, strict=True)]
    (home / "users.json").write_text(json.dumps({"auth": users}))
    (home / "schemathesis.toml").write_text(
        f'[auth.wfc]\npath = "{home}/users.json"\npeers = {json.dumps(NAMES)}\n'
        f"[checks.negative_data_rejection]\nexpected-statuses = {json.dumps(REFUSALS)}\n"
    )
    os.environ["TODO_FUZZ_USERS"] = json.dumps(tokens)


def _todo(*words: str, name: str = NAMES[0]) -> str:
    environment = {**os.environ, "LOGNAME": name}
    return subprocess.run([*TODO, *words], check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout


if __name__ == "__main__":
    main()
