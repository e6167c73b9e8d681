"""Database URLs: what is understood, what is refused, and that no password is ever shown."""

from __future__ import annotations

import subprocess
import sys
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todocli.database.postgres.url import EXAMPLE, PostgresURL
from todocli.database.redact import redact
from todocli.errors import ValidationError

NEON = "postgresql://ada:npg_S3cret@ep-cool-name-123456-pooler.eu-central-1.aws.neon.tech/neondb"
NEON_QUERY = "?sslmode=require&channel_binding=require"


def refused(text: str) -> ValidationError:
    """Return the error that `text` meets, after looking for `SECRET` and `cret` everywhere in it."""
    with pytest.raises(ValidationError) as caught:
        PostgresURL.parse(text)
    error = caught.value
    assert error.field_errors[0].field == "url"
    assert error.hint
    assert error.__cause__ is None
    assert error.__context__ is None
    shown = " ".join([str(error), repr(error), repr(error.args), error.detail, error.hint, str(error.field_errors)])
    assert "cret" not in shown.lower()
    # The last lines of a traceback, without the lines of source code above them.
    assert "cret" not in "".join(traceback.format_exception_only(error)).lower()
    return error


def test_neon_snippet_is_understood() -> None:
    url = PostgresURL.parse(NEON + NEON_QUERY)
    assert url.host == "ep-cool-name-123456-pooler.eu-central-1.aws.neon.tech"
    assert (url.user, url.password, url.database, url.port) == ("ada", "npg_S3cret", "neondb", None)
    assert url.query == (("sslmode", "require"), ("channel_binding", "require"))
    assert url.is_neon


@pytest.mark.parametrize(
    "around",
    [
        "  {}\n",
        "'{}'",
        '"{}"',
        "“{}”",
        "psql {}",
        "psql '{}'",
        'psql  "{}" ',
        "  psql '{}'\n",
        "DATABASE_URL={}",
        'DATABASE_URL="{}"',
        "export DATABASE_URL='{}'\n",
    ],
)
def test_text_around_url_is_dropped(around: str) -> None:
    plain = NEON + NEON_QUERY
    assert PostgresURL.parse(around.format(plain)) == PostgresURL.parse(plain)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg", "PostgreSQL"])
def test_both_postgres_schemes_are_accepted(scheme: str) -> None:
    expected = PostgresURL("h", "db", "ada", "pw", 5433)
    assert PostgresURL.parse(f"{scheme}://ada:pw@h:5433/db") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://ada@h", PostgresURL("h", "ada", "ada")),
        ("postgresql://ada@h/", PostgresURL("h", "ada", "ada")),
        ("postgresql://ada@h:/db?", PostgresURL("h", "db", "ada")),
        ("postgresql://ada:@h/db", PostgresURL("h", "db", "ada")),
        ("postgresql://ada:a:b@h/db", PostgresURL("h", "db", "ada", "a:b")),
        ("postgresql://a%40b:p%2Fq%23%25%20%C3%A4@h/d%20b", PostgresURL("h", "d b", "a@b", "p/q#% ä")),
        ("postgresql://ada:pw@[::1]:5433/db", PostgresURL("::1", "db", "ada", "pw", 5433)),
        ("postgresql://ada@[fe80::1%25eth0]/db", PostgresURL("fe80::1%eth0", "db", "ada")),
        ("postgresql://ada@10.0.0.1/db", PostgresURL("10.0.0.1", "db", "ada")),
        ("postgresql://ada:pw@/db?host=/run/postgresql", PostgresURL("/run/postgresql", "db", "ada", "pw")),
        ("postgresql://ada@/db?host=%2Ftmp&port=5433", PostgresURL("/tmp", "db", "ada", None, 5433)),
        ("postgresql://ada@%2Ftmp/db", PostgresURL("/tmp", "db", "ada")),
        ("postgresql:///db?host=/tmp&user=ada&password=pw", PostgresURL("/tmp", "db", "ada", "pw")),
        ("postgresql://ada@h/db?dbname=other&host=g&port=1", PostgresURL("g", "other", "ada", None, 1)),
        ("postgresql://ada@h/db?ssl=true", PostgresURL("h", "db", "ada", query=(("sslmode", "require"),))),
        (
            "postgresql://ada@h/db?options=-c%20a%3Db+c&sslmode=prefer&sslmode=require&x=",
            PostgresURL(
                "h",
                "db",
                "ada",
                query=(("options", "-c a=b+c"), ("sslmode", "prefer"), ("sslmode", "require"), ("x", "")),
            ),
        ),
    ],
)
def test_url_is_parsed(text: str, expected: PostgresURL) -> None:
    assert PostgresURL.parse(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://ada:pw@h:5433/db",
        "postgresql://ada@h",
        "postgresql://ada:pw@[::1]:5433/db",
        "postgresql://a%40b:p%2Fq%23%25%20%C3%A4@h/d%20b?application_name=a%26b",
        "postgresql://ada:a:b@h/db",
        "postgresql://ada@/db?host=%2Ftmp&port=5433",
        "postgresql://ada:pw@h/db?options=-c%20a%3Db%2Bc&sslmode=require",
        "postgresql://ada:x@h/db?dbname=other&host=g&port=1&password=pw&user=bob",
        "postgresql://ada@h/db?ssl=true",
    ],
)
def test_parsing_agrees_with_libpq(text: str) -> None:
    from psycopg.conninfo import conninfo_to_dict

    def parts(url: str) -> dict[str, object]:
        found: dict[str, object] = {key: value for key, value in conninfo_to_dict(url).items() if value is not None}
        found.setdefault("dbname", found["user"])
        return found

    url = PostgresURL.parse(text)
    assert parts(url.text()) == parts(text)
    expected: dict[str, object] = {"host": url.host, "user": url.user, "dbname": url.database, **dict(url.query)}
    expected |= {"password": url.password} if url.password else {}
    expected |= {"port": str(url.port)} if url.port else {}
    assert parts(text) == expected


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "empty"),
        ("  ''  ", "empty"),
        ("secret", "does not begin with postgresql://"),
        ("ada:secret@h/db", "does not begin with postgresql://"),
        ("secret://ada:secret@h/db", "does not begin with postgresql://"),
        ("host=h user=ada password=secret", "does not begin with postgresql://"),
        ("psql -h h -U ada secret", "does not begin with postgresql://"),
        ("sqlite:///secret.db", "SQLite"),
        ("sqlite+aiosqlite:///secret.db", "SQLite"),
        ("mysql://ada:secret@h/db", "mysql"),
        ("mysql+pymysql://ada:secret@h/db", "mysql"),
        ("postgresql://", "has no host"),
        ("postgresql:///db", "has no host"),
        ("postgresql://ada:secret@/db", "has no host"),
        ("postgresql://ada:secret@:5432/db", "has no host"),
        ("postgresql://h/db", "has no user"),
        ("postgresql://:secret@h/db", "has no user"),
        ("postgresql://secret/db", "has no user"),
        ("postgresql://ada:secret@h1,h2/db", "several hosts"),
        ("postgresql://ada:pw@h:secret/db", "port"),
        ("postgresql://ada:secret/db", "has no user"),
        ("postgresql://ada:secret@h:0/db", "port"),
        ("postgresql://ada:secret@h:65536/db", "port"),
        ("postgresql://ada:secret@h:５４３２/db", "port"),
        ("postgresql://ada:secret@::1/db", "more than one colon"),
        ("postgresql://ada:secret@[::1/db", "brackets"),
        ("postgresql://ada:secret@[secret]/db", "brackets"),
        ("postgresql://ada:secret@[::1]secret/db", "brackets"),
        ("postgresql://ada:pw@se%20cret/db", "host"),
        ("postgresql://ada:secret@h/a/b", "database name contains a /"),
        ("postgresql://ada:secret@h/db?sslmode", "name=value"),
        ("postgresql://ada:secret@h/db?=secret", "name=value"),
        ("postgresql://ada:secret@h/db?a=b&&c=d", "name=value"),
    ],
)
def test_bad_url_is_refused_with_reason(text: str, fault: str) -> None:
    assert fault in refused(text).detail


@pytest.mark.parametrize(
    "password",
    ["p@secret", "p/secret", "p#secret", "p?secret", "p%zzsecret", "secret%", "p secret", "p\tsecret", "p@1/secret"],
)
@pytest.mark.parametrize("rest", ["@h/db", "@h:5432/db?sslmode=require", "@[::1]/db"])
def test_unescaped_character_in_password_is_named(password: str, rest: str) -> None:
    error = refused(f"postgresql://ada:{password}{rest}")
    assert error.hint is not None
    assert "Percent-encode" in error.hint
    assert "%40" in error.hint


@pytest.mark.parametrize("text", ["postgresql://ada:p%FFsecret@h/db", "postgresql://ada:p%00secret@h/db"])
def test_escape_that_is_not_utf8_is_refused(text: str) -> None:
    refused(text)


def test_surrogate_from_environment_is_refused() -> None:
    refused("postgresql://ada:secret\udcff@h/db")


def test_example_in_hints_is_valid() -> None:
    assert PostgresURL.parse(EXAMPLE).is_neon


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://ada:pw@h:5433/db?sslmode=require", "postgresql://ada:***@h:5433/db?sslmode=require"),
        ("postgres://ada@h", "postgresql://ada@h/ada"),
        ("postgresql://ada@h/db?password=pw", "postgresql://ada:***@h/db"),
        ("postgresql://ada:p@[::1]:1/db", "postgresql://ada:***@[::1]:1/db"),
        (
            "postgresql://ada:pw@h/db?sslpassword=pw&sslkey=k&scram_client_key=pw",
            "postgresql://ada:***@h/db?sslpassword=***&sslkey=k&scram_client_key=***",
        ),
        ("postgresql://ada:pw@/db?host=/tmp", "postgresql://ada:***@/db?host=%2Ftmp"),
        ("postgresql://a%1B%5B:pw@h/d%0Ab", "postgresql://a%1B%5B:***@h/d%0Ab"),
    ],
)
def test_redacted_url_hides_password(text: str, shown: str) -> None:
    url = PostgresURL.parse(text)
    assert url.redacted() == str(url) == f"{url}" == shown
    assert repr(url) == f"PostgresURL({shown!r})"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("ep-a.eu-central-1.aws.neon.tech", True),
        ("EP-A.Neon.Tech", True),
        ("ep-a.neon.tech.", True),
        ("neon.tech.example.com", False),
        ("myneon.tech", False),
        ("/run/ep.neon.tech", False),
    ],
)
def test_is_neon_by_host(host: str, expected: bool) -> None:
    assert PostgresURL(host, "db", "ada").is_neon is expected


texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)
hosts = st.one_of(
    st.from_regex(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?", fullmatch=True),
    st.ip_addresses().map(str),
    st.just("fe80::1%eth0"),
    texts.map(lambda name: f"/{name}"),
)
keys = texts.filter(lambda key: key not in {"user", "password", "host", "port", "dbname", "ssl"})
urls = st.builds(
    PostgresURL,
    host=hosts,
    database=texts,
    user=texts,
    password=st.none() | texts,
    port=st.none() | st.integers(1, 65_535),
    query=st.lists(st.tuples(keys, st.just("") | texts)).map(tuple),
)


@given(urls)
def test_text_of_url_reads_back(url: PostgresURL) -> None:
    assert PostgresURL.parse(url.text()) == url
    assert PostgresURL.parse(f" psql '{url.text()}'") == url
    assert url.text().isascii()


@given(urls, st.text("scret0/@:#? '\"\\&=%", min_size=1).map(lambda tail: f"QQ{tail}QQ"))
def test_shown_url_never_has_password(url: PostgresURL, secret: str) -> None:
    shown = PostgresURL(url.host, url.database, url.user, secret, url.port, (*url.query, ("sslpassword", secret)))
    for text in (str(shown), repr(shown), f"{shown!s:>9}", redact(shown.text())):
        assert secret not in text.replace(url.user, "")
    assert PostgresURL.parse(shown.redacted()).password == "***"


@given(st.text("scret@/:#?%&='\" \\\n[]0", max_size=40), st.text("scret@/:#?%&='\" ", max_size=20))
def test_error_never_repeats_input(left: str, right: str) -> None:
    marker = "ZQZQ"
    shown = ""
    try:
        PostgresURL.parse(f"postgresql://ada:{left}{marker}{right}")
    except ValidationError as error:
        shown = repr((error.args, error.detail, error.hint, error.field_errors, error.__context__))
    assert marker not in shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            'connection to "postgresql://ada:s3cret@h/db" failed',
            'connection to "postgresql://ada:***@h/db" failed',
        ),
        ("postgres://ada:p@s/s#x@h/db gone", "postgres://ada:***@h/db gone"),
        ("'postgresql://ada:two words@h/db'", "'postgresql://ada:***@h/db'"),
        ("postgresql+psycopg://:s3cret@h", "postgresql+psycopg://:***@h"),
        ("host=h password=s3cret dbname=db", "host=h password=*** dbname=db"),
        ("host=h password='it\\'s a s3cret' dbname=db", "host=h password=*** dbname=db"),
        ("connect(password='s3cret', host='h')", "connect(password=***, host='h')"),
        ("password = s3\\ cret host=h", "password = *** host=h"),
        ("{'password': 's3cret', 'host': 'h'}", "{'password': ***, 'host': 'h'}"),
        ('{"sslpassword":"s3cret"}', '{"sslpassword":***}'),
        ("PGPASSWORD=s3cret psql", "PGPASSWORD=*** psql"),
        ("password='cut off s3cr", "password=***"),
        ("/db?sslpassword=s3cret&sslmode=require", "/db?sslpassword=***&sslmode=require"),
        (
            'FATAL:  password authentication failed for user "ada"',
            'FATAL:  password authentication failed for user "ada"',
        ),
        ("see http://example.com:80/a for more", "see http://example.com:80/a for more"),
        ("postgresql://ada@h:5432/db", "postgresql://ada@h:5432/db"),
    ],
)
def test_redact_replaces_passwords_in_text(text: str, expected: str) -> None:
    assert redact(text) == expected


@pytest.mark.slow
def test_parsing_loads_no_driver() -> None:
    code = (
        "import sys, todocli.database.postgres.url; "
        "print(sorted({'sqlalchemy', 'sqlmodel', 'psycopg', 'pydantic', 'typer'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
