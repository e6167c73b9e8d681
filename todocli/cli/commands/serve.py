"""The command serve: the HTTP API, until it is stopped."""

from __future__ import annotations

import errno
import json
import os
import re
from pathlib import Path
from typing import Annotated

import typer

from todocli.cli.command import Lasting
from todocli.cli.context import Context
from todocli.cli.installer import install_extra
from todocli.errors import TodoError, UsageError, ValidationError

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("serve", cls=Lasting, rich_help_panel="Operators")(serve)


def serve(
    context: Context,
    host: Annotated[str, typer.Option("--host", metavar="HOST", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", metavar="PORT", min=0, max=65_535, help="The port; 0 for any free one.")
    ] = 8000,
    workers: Annotated[int, typer.Option("--workers", metavar="N", min=1, max=64, help="The number of processes.")] = 1,
    pool: Annotated[
        int, typer.Option("--pool", metavar="N", min=1, max=100, help="The database connections of each process.")
    ] = 5,
    allow_host: Annotated[
        list[str] | None, typer.Option("--allow-host", metavar="NAME", help="Also answer requests for this host.")
    ] = None,
    cors: Annotated[
        list[str] | None, typer.Option("--cors", metavar="ORIGIN", help="Allow requests from pages of this origin.")
    ] = None,
    trust_header: Annotated[
        str | None,
        typer.Option("--trust-header", metavar="NAME", help="Take the user's UUID from this header, set by a gateway."),
    ] = None,
    behind_proxy: Annotated[
        bool, typer.Option("--behind-proxy", metavar="", help="Confirm that only a gateway can reach this server.")
    ] = False,
    proxy: Annotated[
        list[str] | None,
        typer.Option("--proxy", metavar="ADDRESS", help="Take clients' addresses from the headers of this proxy."),
    ] = None,
    root_path: Annotated[
        str, typer.Option("--root-path", metavar="PATH", help="The path that a proxy strips: /todo.")
    ] = "",
    max_refused: Annotated[
        int | None,
        typer.Option(
            "--max-refused",
            metavar="N",
            min=0,
            help="Refused tokens an address may send a minute (30); 0 for any number.",
        ),
    ] = None,
    metrics: Annotated[
        bool, typer.Option("--metrics", metavar="", help="Answer GET /metrics, for Prometheus, without a token.")
    ] = False,
    openapi: Annotated[
        bool, typer.Option("--openapi", metavar="", help="Print the OpenAPI document, and exit.")
    ] = False,
) -> None:
    """Serve the same todos over HTTP: as a page for the browser, and to other programs.

    todo serve --port 8765
    """
    try:
        import fastapi  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError:
        raise UsageError("The HTTP API is not installed.", hint="Install it", command=install_extra("api")) from None
    from todocli.api.settings import LOOPBACK as NAMES
    from todocli.api.settings import REFUSED_TOKENS, VARIABLE, Settings

    _check(host, allow_host or (), cors or (), trust_header, behind_proxy)
    _check_proxy(proxy or (), root_path)
    if (behind_proxy or trust_header) and not proxy:  # every client has the address of the gateway
        if max_refused:
            raise UsageError("Behind a gateway, --max-refused would block every client at once.")
        max_refused = 0
    elif max_refused is None:
        max_refused = REFUSED_TOKENS
    listens_at = f"[{host}]" if ":" in host else host
    public = re.match(r"https?://(\[[^]]*\]|[^:/]+)", context.settings.public_url)
    own = ([listens_at] if host not in ("0.0.0.0", "::") else []) + ([public[1]] if public else [])  # noqa: S104
    names = (*NAMES, *own, *(allow_host or ()))
    settings = Settings(
        context.shared.profile, names, tuple(cors or ()), trust_header, pool, max_refused, metrics, root_path
    )
    if openapi:
        from todocli.api.app import openapi as openapi_document

        typer.echo(json.dumps(openapi_document(settings), indent=2, ensure_ascii=False))
        return
    with context.workspace() as workspace:  # report a database that is not ready now, not from a worker
        from todocli.database import probe

        if workspace.store.only_reads and isinstance(context.target, Path):
            from todocli.database.setup import ensure_schema

            ensure_schema(context.target)  # raises the reason
        probe.check(workspace.store)
    port = _usable_port(host, port)
    os.environ[VARIABLE] = settings.text()
    if trust_header:
        context.output.note(f"WARNING: any client that reaches this port can act as any user, via {trust_header}.")
    if host not in LOOPBACK and not behind_proxy:
        context.output.note(
            f"WARNING: {host} takes connections from other machines, and without TLS anyone on the way can read tokens."
            " Put a proxy with TLS in front, and pass --behind-proxy."
        )
    interfaces = f"a page for the browser; API: {root_path}/api/v1, try it: {root_path}/docs"
    context.output.note(f"Serving on http://{listens_at}:{port} ({interfaces})")
    from todocli.api import server

    server.run(
        "todocli.cli.worker:worker",
        host=host,
        port=port,
        workers=workers,
        log_config=_LOGGING,
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxy),
        forwarded_allow_ips=list(proxy or ()),
        root_path=root_path,
    )


def _check(
    host: str, allow_host: list[str] | tuple[()], cors: list[str] | tuple[()], trust_header: str | None, proxy: bool
) -> None:
    """Raise `UsageError` or `ValidationError` for options that are unsafe or malformed."""
    if not re.fullmatch(r"[\w.:%-]+", host, re.ASCII):
        raise ValidationError.of("host", f"--host takes an address, not {host[:60]!r}.", hint="Write it like 127.0.0.1")
    if trust_header and host not in LOOPBACK and not proxy:
        detail = f"Any client that reaches {host} could name any user in {trust_header}."
        raise UsageError(detail, hint="Listen on 127.0.0.1, or pass --behind-proxy if only a gateway can reach it.")
    for origin in cors:
        if not origin.startswith(("http://", "https://")) or origin.count("/") != 2:
            detail = f"--cors takes an origin, not {origin[:60]!r}."
            raise ValidationError.of("cors", detail, hint="Write it like https://app.example")
    for name in allow_host:
        if not re.fullmatch(r"[\w.-]+|\[[0-9A-Fa-f:.]+\]", name, re.ASCII):
            detail = f"--allow-host takes a host name, not {name[:60]!r}."
            raise ValidationError.of("allow-host", detail, hint="Write it without a scheme or port: todo.example")
    if trust_header is not None and not re.fullmatch(r"[\w-]+", trust_header, re.ASCII):
        detail = f"{trust_header[:40]!r} is not a header name."
        raise ValidationError.of("trust-header", detail, hint="Write --trust-header X-User-ID")


def _check_proxy(proxy: list[str] | tuple[()], root_path: str) -> None:
    """Raise `ValidationError` for an address that names no proxy, or a path that is no prefix."""
    import ipaddress

    for address in proxy:
        try:
            ipaddress.ip_network(address)
        except ValueError:
            detail = f"--proxy takes an IP address or a network, not {address[:60]!r}."
            raise ValidationError.of("proxy", detail, hint="Write it like 10.0.0.2 or 10.0.0.0/24") from None
    if not re.fullmatch(r"(/[\w.~-]+)*", root_path, re.ASCII):
        detail = f"--root-path takes a path, not {root_path[:60]!r}."
        raise ValidationError.of("root-path", detail, hint="Write it like /todo, without a slash at the end")


def _usable_port(host: str, port: int) -> int:
    """Return the port, or a free one for 0. Raises `TodoError` if it cannot be listened on."""
    import socket

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.create_server((host, port), family=family) as listener:
            found: int = listener.getsockname()[1]
            return found
    except OSError as error:
        is_taken = error.errno == errno.EADDRINUSE
        reason = "the address is in use" if is_taken else str(error.strerror).partition(" (while")[0]
        hint = "Choose another --port." if is_taken else "Check --host and --port."
        raise TodoError(f"Cannot listen on {host}:{port}: {reason}.", hint=hint) from None


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
