"""URLs by RabbitMQ's specification, and messages that never quote a secret."""

from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from medtrack_cli.config.url import is_loopback, parse_host, parse_url
from medtrack_cli.core.connection_settings import Secret
from medtrack_cli.errors import ConfigError

# No piece of four of these stands in any message of ours.
PASSWORDS = st.text("QXZJÄЖ0789/#@%:[]?&=", min_size=4, max_size=12)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("amqp://user:pass@host:10000/vhost", ("user", "pass", "host", 10000, "vhost")),
        (
            "amqp://user%61:%61pass@ho%61st:10000/v%2fhost",
            ("usera", "apass", "hoast", 10000, "v/host"),
        ),
        ("amqp://", (None, None, None, None, None)),
        ("amqp://:@/", ("", "", None, None, "")),
        ("amqp://user@", ("user", None, None, None, None)),
        ("amqp://user:pass@", ("user", "pass", None, None, None)),
        ("amqp://host", (None, None, "host", None, None)),
        ("amqp://:10000", (None, None, None, 10000, None)),
        ("amqp:///vhost", (None, None, None, None, "vhost")),
        ("amqp://host/", (None, None, "host", None, "")),
        ("amqp://host/%2f", (None, None, "host", None, "/")),
        ("amqp://[::1]", (None, None, "::1", None, None)),
        ("AMQP://[2001:db8::1]:5673/%2F", (None, None, "2001:db8::1", 5673, "/")),
    ],
)
def test_specification(
    text: str, expected: tuple[str | None, str | None, str | None, int | None, str | None]
) -> None:
    """A URL is read as the examples of RabbitMQ's URI specification say."""
    url = parse_url(text)
    password = url.password.reveal() if url.password else None

    assert (url.username, password, url.host, url.port, url.vhost) == expected
    assert not url.tls


def test_query_parameters() -> None:
    """RabbitMQ's TLS and heartbeat parameters are understood."""
    url = parse_url(
        "amqps://h?cacertfile=%2Fca.pem&certfile=c.pem&keyfile=k.pem&verify=verify_peer"
        "&server_name_indication=broker&heartbeat=30&auth_mechanism=PLAIN"
    )

    assert (url.ca_file, url.cert_file, url.key_file) == ("/ca.pem", "c.pem", "k.pem")
    assert (url.tls, url.server_name, url.heartbeat) == (True, "broker", 30)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("https://h", "not an AMQP URL", "amqps://"),
        ("h:5672", "not an AMQP URL", "amqps://"),
        ("amqps://h?verify=verify_none", "can't be switched off", "--ca-file"),
        ("amqps://h?cacertfil=x", "unknown URL parameter", "cacertfile?"),
        ("amqps://h?ssl_options={}", "ssl_options isn't supported", "leave it out"),
        ("amqps://h?depth=1", "depth isn't supported", "leave it out"),
        ("amqp://h?cacertfile=x", "cacertfile needs TLS", "amqps://"),
        ("amqps://h?heartbeat=1&heartbeat=2", "heartbeat twice", "one of them"),
        ("amqp://h?heartbeat=0", "heartbeat", "1 to 65535"),
        ("amqp://h?auth_mechanism=external", "auth_mechanism", "leave it out"),
        ("amqp://h:0", "not a port number", "65535"),
        ("amqp://h:65536", "not a port number", "65535"),
        ("amqp://h:http", "not a host and port", "amqps://"),
        ("amqp://[::g]", "not a host name", "amqps://"),
        ("amqp://h//", "raw /", "%2F"),
        ("amqp://h/%ff", "isn't UTF-8", "percent-encode"),
        ("amqp://h /", "space or control", "percent-encode"),
    ],
)
def test_refusals(text: str, message: str, hint: str) -> None:
    """What can't be honoured is refused, with the source and the next step."""
    with pytest.raises(ConfigError) as caught:
        parse_url(text, "MEDTRACK_URL")

    assert message in caught.value.what
    assert hint in caught.value.hint
    assert caught.value.subject == "MEDTRACK_URL"


@settings(deadline=None)  # the machine may be busy
@given(PASSWORDS | st.text(st.characters(codec="utf-8"), max_size=20))
def test_encoded_password_round_trips(password: str) -> None:
    """Any password works when it is percent-encoded."""
    url = parse_url(f"amqp://me:{quote(password, safe='')}@host:5673/v")

    assert (url.username, url.host, url.port, url.vhost) == ("me", "host", 5673, "v")
    assert Secret(password) == url.password


@settings(deadline=None)  # the machine may be busy
@given(PASSWORDS, st.sampled_from(["amqp://me:{}@host", "amqp://me:{}@host:5673/v?heartbeat=9"]))
@example("QX/Z@J", "amqp://me:{}@host")
@example("QX?ZJ=0", "amqp://me:{}@host")
@example("QX#ZJ", "amqp://me:{}@host")
def test_raw_password_is_read_right_or_never_shown(password: str, template: str) -> None:
    """A password that isn't encoded is read as it stands or refused without a piece of it."""
    try:
        url = parse_url(template.format(password))
    except ConfigError as error:
        shown = f"{error} {error.hint} {error!r} {error.__cause__!r}"
        pieces = {password[at : at + 4] for at in range(len(password) - 3)}
        assert not [piece for piece in pieces if piece in shown]
    else:
        decoded = parse_url(f"amqp://:{password}@").password
        assert ("host", decoded) == (url.host, url.password)
        assert not set("/#@:[]?") & set(password)


@pytest.mark.parametrize("raw", ["a/b", "a#b", "a@b", "a:b", "a?b", "a[b", "a%b"])
def test_reserved_characters_ask_for_encoding(raw: str) -> None:
    """A raw reserved character in a password is refused with how to write it."""
    with pytest.raises(ConfigError, match="raw") as caught:
        parse_url(f"amqp://me:{raw}@host/v")

    assert "%" in caught.value.hint


def test_secret_is_not_in_the_repr() -> None:
    """The parsed URL never prints its password."""
    assert "hunter" not in repr(parse_url("amqp://me:hunter2@host"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("host", ("host", None)),
        ("host:5673", ("host", 5673)),
        ("::1", ("::1", None)),
        ("[::1]:5673", ("::1", 5673)),
    ],
)
def test_hosts(text: str, expected: object) -> None:
    """A host may carry a port, and IPv6 works with and without brackets."""
    assert expected == parse_host(text, "flag --host")


@pytest.mark.parametrize("text", ["", "a b", "amqp://me:hunter2@h", "me:hunter2@h", "h:x", "-o"])
def test_not_a_host(text: str) -> None:
    """What is no host is refused without being quoted."""
    with pytest.raises(ConfigError) as caught:
        parse_host(text, "flag --host")

    assert "hunter2" not in f"{caught.value} {caught.value.hint}"


def test_parameters_of_other_clients_are_ignored() -> None:
    """What tunes other clients, and an & too many, change nothing; the names are kept."""
    url = parse_url("amqp://h?connection_timeout=442&&channel_max=3&heartbeat=7&channel_max=4&")
    assert (url.heartbeat, url.ignored) == (7, ("connection_timeout", "channel_max"))


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("LocalHost", True),
        ("LOCALHOST.", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("::1%lo.example.org", False),
        ("127.0.0.1.example.org", False),
        ("localhost.example.org", False),
        ("10.0.0.1", False),
    ],
)
def test_loopback(host: str, expected: object) -> None:
    """Only addresses of this machine are loopback, whatever a name begins with."""
    assert expected is is_loopback(host)
