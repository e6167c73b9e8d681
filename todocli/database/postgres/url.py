"""A Postgres URL: parsed, normalised, and printed without its password.

No message here quotes any part of the text: in a malformed URL the password may be anywhere.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import NoReturn
from urllib.parse import quote, unquote_to_bytes

from todocli.database.redact import HIDDEN
from todocli.errors import FieldError, ValidationError

EXAMPLE = "postgresql://ada:password@ep-cool-name-123456.eu-central-1.aws.neon.tech/neondb?sslmode=require"

_SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")
_OTHER_DATABASES = ("sqlite", "mysql", "mariadb", "mssql", "oracle", "mongodb", "redis")
_QUOTES = "'\"`‘’“”"
_LEADING_WORDS = re.compile(r"(?:(?:export\s+)?[A-Za-z_]\w*=|psql\s)\s*")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_NAMED_HOST = re.compile(r"[\w.-]+")
_IPV6_HOST = re.compile(r"[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*(?:%[\w.-]+)?")
_PORT = re.compile(r"[0-9]{1,5}")
_PLACES = ("user", "password", "host", "port", "dbname")
_SHOWN_KEYS = frozenset(
    {
        *(
            "application_name",
            "channel_binding",
            "client_encoding",
            "connect_timeout",
            "gssencmode",
            "host",
            "hostaddr",
        ),
        *("keepalives", "keepalives_count", "keepalives_idle", "keepalives_interval", "options", "require_auth"),
        *("sslcert", "sslkey", "sslmode", "sslnegotiation", "sslrootcert", "sslsni", "target_session_attrs"),
    }
)
"""Parameters without secrets; the values of all others are hidden."""

_FORM_HINT = f"Write it like {EXAMPLE}"
_ESCAPE_HINT = (
    "Percent-encode special characters in the user and the password: "
    "@ is %40, / is %2F, # is %23, ? is %3F, % is %25, a space is %20."
)


@dataclass(frozen=True, repr=False)
class PostgresURL:
    """A Postgres database and the role to use. `str` and `repr` never show the password.

    `host` is a name, an address (IPv6 without brackets), or the folder of a Unix socket (it begins with `/`).
    `query` holds the remaining parameters, decoded, in their order.
    """

    host: str
    database: str
    user: str
    password: str | None = None
    port: int | None = None
    query: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, text: str) -> PostgresURL:
        """Parse a URL as Neon's console and command line print it.

        White space, quotes, `psql` and `NAME=` around it are dropped; of a JSON object it takes the
        `connection_string`. As in libpq, the database defaults to the
        user's name, and `user`, `password`, `host`, `port` and `dbname` in the query take precedence. Unlike in
        libpq, exactly one host and a user are required.

        Raises `todocli.errors.ValidationError` for the field `url`, without any part of the text.
        """
        authority, path, query_text = _parts(_address(_bare(text)))
        login, _, place = authority.rpartition("@")
        user_text, _, password_text = login.partition(":")
        host, port_text = _host_and_port(place)

        parameters = _parameters(query_text)
        found = {
            "user": _decoded(user_text),
            "password": _decoded(password_text),
            "host": host,
            "port": port_text,
            "dbname": _decoded(path),
        }
        found |= {key: value for key, value in parameters if key in _PLACES}
        if not found["host"]:
            _refuse("It has no host.")
        _check_host(found["host"])
        if not found["user"]:
            _refuse("It has no user.")
        return cls(
            host=found["host"],
            database=found["dbname"] or found["user"],
            user=found["user"],
            password=found["password"] or None,
            port=_port(found["port"]),
            query=tuple(_as_libpq(pair) for pair in parameters if pair[0] not in _PLACES),
        )

    @property
    def is_neon(self) -> bool:
        """Whether the host is one of Neon's."""
        return not self.host.startswith("/") and self.host.lower().rstrip(".").endswith(".neon.tech")

    def direct(self) -> PostgresURL:
        """Return the URL of the direct host: Neon's pooler has `-pooler` at the end of the first label."""
        label, dot, domain = self.host.partition(".")
        if not self.is_neon or not label.endswith("-pooler"):
            return self
        return replace(self, host=f"{label.removesuffix('-pooler')}{dot}{domain}")

    def text(self) -> str:
        """Return the whole URL, with the password; `parse` reads it back unchanged."""
        return self._written(self.password, self.query)

    def redacted(self) -> str:
        """Return the URL with `***` for the password and other secrets."""
        query = tuple((key, value if key in _SHOWN_KEYS else HIDDEN) for key, value in self.query)
        return self._written(None if self.password is None else HIDDEN, query)

    def __str__(self) -> str:
        return self.redacted()

    def __repr__(self) -> str:
        return f"PostgresURL({self.redacted()!r})"

    def _written(self, password: str | None, query: tuple[tuple[str, str], ...]) -> str:
        is_socket = self.host.startswith("/")
        if is_socket:
            query = (("host", self.host), *query)
        login = _encoded(self.user) if password is None else f"{_encoded(self.user)}:{_encoded(password)}"
        host = "" if is_socket else f"[{_encoded(self.host, ':')}]" if ":" in self.host else _encoded(self.host)
        port = "" if self.port is None else f":{self.port}"
        parameters = "&".join(f"{_encoded(key)}={_encoded(value)}" for key, value in query)
        tail = f"?{parameters}" if parameters else ""
        return f"postgresql://{login}@{host}{port}/{_encoded(self.database)}{tail}"


def _refuse(fault: str, hint: str = _FORM_HINT) -> NoReturn:
    raise ValidationError(
        f"The database URL cannot be used. {fault}", hint=hint, field_errors=(FieldError("url", fault),)
    )


def _bare(text: str) -> str:
    """Drop what surrounds a URL where it was copied."""
    if text.lstrip().startswith("{"):
        found = None
        with suppress(ValueError, KeyError):
            found = json.loads(text)["connection_string"]
        if not isinstance(found, str):
            _refuse("It is JSON without a connection_string.")
        text = found
    text = text.strip().strip(_QUOTES).strip()
    leading = _LEADING_WORDS.match(text)
    if leading:
        text = text[leading.end() :].strip().strip(_QUOTES).strip()
    return text


def _address(text: str) -> str:
    """Return what follows the scheme, which must be Postgres's."""
    if not text:
        _refuse("It is empty.")
    scheme, separator, rest = text.partition("://")
    scheme = scheme.lower()
    if separator and scheme in _SCHEMES:
        if any(character.isspace() or not character.isprintable() for character in rest):
            _refuse("It has white space or control characters inside.", _ESCAPE_HINT)
        return rest
    other = next((name for name in _OTHER_DATABASES if scheme.startswith(name)), None)
    if other == "sqlite":
        _refuse("It is for SQLite.", "A profile without a URL uses the embedded SQLite file.")
    if other:
        _refuse(f"It is for {other}; only Postgres is supported.")
    _refuse("It does not begin with postgresql://.")


def _parts(address: str) -> tuple[str, str, str]:
    """Split into authority, path and query, still encoded.

    A character that would end a part too early is refused: it may belong to a password.
    """
    if address.count("@") > 1:
        _refuse("It has more than one @.", _ESCAPE_HINT)
    if "#" in address:
        _refuse("It has a # that is not percent-encoded.", _ESCAPE_HINT)
    head, question, query = address.partition("?")
    authority, _, path = head.partition("/")
    if "@" in path:
        _refuse("It has a / before the @.", _ESCAPE_HINT)
    if question and "@" in query:
        _refuse("It has a ? before an @.", _ESCAPE_HINT)
    if "/" in path:
        _refuse("The database name contains a /.", _ESCAPE_HINT)
    return authority, path, query


def _host_and_port(place: str) -> tuple[str, str]:
    if place.startswith("["):
        host, bracket, port = place[1:].partition("]")
        if not bracket or (port and not port.startswith(":")) or not _IPV6_HOST.fullmatch(_decoded(host)):
            _refuse("The address in brackets is not an IPv6 address.")
        return _decoded(host), port[1:]
    if "," in place:
        _refuse("It has several hosts; only one is supported.")
    if place.count(":") > 1:
        _refuse("The host has more than one colon.", "Put an IPv6 address in brackets: postgresql://ada@[::1]:5432/db")
    host, _, port = place.partition(":")
    return _decoded(host), port


def _check_host(host: str) -> None:
    if not (host.startswith("/") or _NAMED_HOST.fullmatch(host) or _IPV6_HOST.fullmatch(host)):
        _refuse("The host name is not valid.", _ESCAPE_HINT)


def _port(text: str) -> int | None:
    if not text:
        return None
    if not _PORT.fullmatch(text) or not 1 <= int(text) <= 65_535:
        _refuse("The port is not a number from 1 to 65535.", f"{_FORM_HINT}. {_ESCAPE_HINT}")
    return int(text)


def _parameters(query: str) -> list[tuple[str, str]]:
    pairs = []
    for parameter in query.split("&") if query else ():
        key, equals, value = parameter.partition("=")
        if not key or not equals:
            _refuse("What follows the ? is not a list of name=value joined by &.")
        pairs.append((_decoded(key), _decoded(value)))
    return pairs


def _as_libpq(pair: tuple[str, str]) -> tuple[str, str]:
    return ("sslmode", "require") if pair == ("ssl", "true") else pair


def _decoded(text: str) -> str:
    if _BAD_ESCAPE.search(text):
        _refuse("It has a % that is not followed by two hexadecimal digits.", _ESCAPE_HINT)
    decoded = None
    with suppress(UnicodeError):  # that error holds the text, so ours is raised outside and not chained to it
        decoded = unquote_to_bytes(text).decode()
    if decoded is None:
        _refuse("Its percent-encoded characters are not UTF-8.", _ESCAPE_HINT)
    if "\0" in decoded:
        _refuse("It has a NUL character.", _ESCAPE_HINT)
    return decoded


def _encoded(text: str, plain: str = "*") -> str:
    return quote(text, safe=plain)
