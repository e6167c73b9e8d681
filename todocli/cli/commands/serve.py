"""The command serve: the HTTP API, until it is stopped."""

from __future__ import annotations

import errno
import json
import os
import re
from typing import Annotated

import typer

from todocli.cli.context import Invocation
from todocli.cli.shared_options import Command, takes
from todocli.errors import FieldError, TodoError, UsageError, ValidationError

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("serve", cls=Command, rich_help_panel="Operators")(serve)


@takes("profile", "no_input", "color")
def serve(
    invocation: Invocation,
    host: Annotated[str, typer.Option("--host", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="At which port; 0 is any free one.")] = 8000,
    workers: Annotated[int, typer.Option("--workers", min=1, max=64, help="How many processes.")] = 1,
    allow_host: Annotated[
        list[str] | None, typer.Option("--allow-host", metavar="NAME", help="Also answer requests for this host.")
    ] = None,
    cors: Annotated[
        list[str] | None, typer.Option("--cors", metavar="ORIGIN", help="Let pages of this origin ask.")
    ] = None,
    trust_header: Annotated[
        str | None,
        typer.Option("--trust-header", metavar="NAME", help="Take the UUID of the user from this header of a gateway."),
    ] = None,
    behind_proxy: Annotated[
        bool, typer.Option("--behind-proxy", metavar="", help="A gateway stands before it, whoever can reach it.")
    ] = False,
    openapi: Annotated[
        bool, typer.Option("--openapi", metavar="", help="Print its OpenAPI document, and end.")
    ] = False,
) -> None:
    """Serve the HTTP API: the same todos, for web pages, phones and other programs."""
    try:
        import fastapi  # noqa: F401
        import uvicorn
    except ImportError:
        hint = "Install the extra: pip install 'todocli[api]'"
        raise UsageError("The HTTP API is not installed.", hint=hint) from None
    from todocli.api.settings import LOOPBACK as NAMES
    from todocli.api.settings import VARIABLE, Settings

    if trust_header and host not in LOOPBACK and not behind_proxy:
        detail = f"Whoever reaches {host} could name any user in {trust_header}."
        raise UsageError(detail, hint="Listen on 127.0.0.1, or say that a gateway stands before it: --behind-proxy")
    for origin in cors or ():
        if not origin.startswith(("http://", "https://")) or origin.count("/") != 2:
            detail = f"--cors takes an origin, not {origin[:60]!r}."
            raise ValidationError(
                detail, hint="Write it as https://app.example", field_errors=(FieldError("cors", detail),)
            )
    for name in allow_host or ():
        if not re.fullmatch(r"[\w.-]+|\[[0-9A-Fa-f:.]+\]", name, re.ASCII):
            detail = f"--allow-host takes a name, not {name[:60]!r}."
            hint = "Write it without scheme and port: todo.example"
            raise ValidationError(detail, hint=hint, field_errors=(FieldError("allow-host", detail),))
    if trust_header is not None and not re.fullmatch(r"[\w-]+", trust_header, re.ASCII):
        detail = f"{trust_header[:40]!r} is not the name of a header."
        raise ValidationError(
            detail, hint="Write --trust-header X-User-ID", field_errors=(FieldError("trust-header", detail),)
        )
    listens_at = f"[{host}]" if ":" in host else host
    names = (*NAMES, *([listens_at] if host not in ("0.0.0.0", "::") else []), *(allow_host or ()))  # noqa: S104
    settings = Settings(invocation.profile_name, names, tuple(cors or ()), trust_header)
    if openapi:
        from todocli.api.app import openapi as described

        typer.echo(json.dumps(described(settings), indent=2, ensure_ascii=False))
        return
    with invocation.owned() as (store, _):  # what is wrong with it, is said now and not by a worker
        from todocli.database import probe

        probe.check(store)
    port = _usable_port(host, port)
    os.environ[VARIABLE] = settings.text()
    if trust_header:
        invocation.note(f"WARNING: whoever reaches this port is believed to be the user whom {trust_header} names.")
    invocation.note(f"Serving on http://{listens_at}:{port} (the API: /api/v1, to try it: /docs)")
    uvicorn.run(
        "todocli.api.app:worker",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        log_config=_LOGGING,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=10,
    )


def _usable_port(host: str, port: int) -> int:
    """Return the port, or a free one for 0. Raises `TodoError` unless somebody could listen there."""
    import socket

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.create_server((host, port), family=family) as place:
            found: int = place.getsockname()[1]
            return found
    except OSError as error:
        is_taken = error.errno == errno.EADDRINUSE
        reason = "the address is in use" if is_taken else str(error.strerror).partition(" (while")[0]
        hint = "Take another --port." if is_taken else "Look at --host and --port."
        raise TodoError(f"It cannot listen on {host}:{port}: {reason}.", hint=hint) from None


_LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain", "stream": "ext://sys.stderr"}},
    "loggers": {
        "todo": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        "uvicorn": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
    },
}
