"""TLS that can't be trusted: each refusal has its sentence, and no AMQP is spoken."""

import socket
import ssl
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.broker.certificates import Authority, Chain, Received, raw_server, tls_server
from tests.builders import numbered
from tests.cli.pty_run import answering
from tests.cli.tool import Ran, Tool
from tests.faults.proxy import http, silence

NOW = datetime.now(UTC)
YEAR = timedelta(days=365)
EXPIRED = {"not_before": NOW - 2 * YEAR, "not_after": NOW - YEAR}
FUTURE = {"not_before": NOW + YEAR, "not_after": NOW + 2 * YEAR}
PASSPHRASE = "correct horse battery"

COMMANDS = {
    "publish": ("publish", "-f", "events.ndjson", "--retry-for", "20"),
    "listen": ("listen", "--count", "1", "--retry-for", "20"),
}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Give the authority that the tests trust."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Give an authority that nobody trusts."""
    return Authority(tmp_path_factory.mktemp("stranger"))


def dates(validity: dict[str, datetime]) -> str:
    """Write a certificate's dates as they must be shown."""
    since, until = (f"{each:%Y-%m-%d %H:%M}" for each in validity.values())
    return f"valid {since} to {until} UTC"


class Case(NamedTuple):
    """A server's certificate, and the sentences that refuse it."""

    words: tuple[str, ...]
    identity: str = "localhost"
    validity: dict[str, datetime] = {}  # noqa: RUF012 -- never changed
    is_stranger: bool = False
    newest: ssl.TLSVersion | None = None


CASES = {
    "wrong authority": Case(("signed by an authority unknown here", "--ca-file"), is_stranger=True),
    "expired": Case(("has expired", dates(EXPIRED)), validity=EXPIRED),
    "not yet valid": Case(("not valid yet", dates(FUTURE)), validity=FUTURE),
    "wrong name": Case(("is for broker.example, not for localhost",), identity="broker.example"),
    "TLS 1.1": Case(("speaks no TLS 1.2 or newer",), newest=ssl.TLSVersion.TLSv1_1),
}


def assert_refused(ran: Ran, received: Received, code: int, *words: str) -> None:
    """Assert that a server was asked once, told nothing, and named in an error with a hint."""
    assert (ran.code, received.said) == (code, b""), ran.err
    assert received.clients > 0, "nobody came"
    assert ran.err.count("connecting to") == 1, ran.err
    error, hint = ran.err.splitlines()[-2:]
    assert error.startswith("error: ")
    assert error.endswith(f"@localhost:{received.port}/%2F")
    assert hint.strip().startswith("hint: ")
    assert [each for each in words if each not in ran.err] == []


def run(
    tool: Tool, command: str, received: Received, *more: str, scheme: str = "amqps", **environ: Any
) -> Ran:
    """Run a command against a server, for people to read."""
    tool.write("events.ndjson", b"".join(numbered(1)))
    url = f"{scheme}://admin:secret@localhost:{received.port}/%2F"
    return tool.run(*COMMANDS[command], "-o", "human", *more, MEDTRACK_URL=url, **environ)


@pytest.mark.parametrize(("name", "command"), [*zip(CASES, cycle(COMMANDS), strict=False)])
def test_an_untrusted_server_hears_no_amqp(
    tool: Tool, authority: Authority, stranger: Authority, name: str, command: str
) -> None:
    """What is wrong with TLS is said once, with the certificate's names or dates; 77, no retry."""
    case = CASES[name]
    signer = stranger if case.is_stranger else authority
    with tls_server(signer.pair("server", case.identity, **case.validity), case.newest) as received:
        ran = run(tool, command, received, "--ca-file", str(authority.ca_file))
    assert_refused(ran, received, 77, *case.words)


CHAINS = {
    "no name but the common one": (
        Chain(names=()),
        ("names no host in its subjectAltName", "a common name (localhost) names no host"),
    ),
    "no name at all": (
        Chain(names=(), common=""),
        ("names no host in its subjectAltName", "needs localhost there"),
    ),
    "another name, the common one right": (
        Chain(names=("broker.example",)),
        ("is for broker.example, not for localhost",),
    ),
    "authority expired": (
        Chain(signer_days=(-9, -2)),
        ("the certificate of the authority that signed the broker's", "(an authority) has expired"),
    ),
    "authority not yet valid": (
        Chain(signer_days=(2, 9)),
        ("the certificate of the authority that signed the broker's", "is not valid yet"),
    ),
    "expired": (Chain(days=(-9, -2)), ("the broker's certificate has expired (valid ",)),
    "for clients": (
        Chain(usage=ExtendedKeyUsageOID.CLIENT_AUTH),
        ("the broker's certificate isn't made for servers", "serverAuth"),
    ),
    "short key": (Chain(bits=1024), ("has a key that is too short", "RSA of 2048 bits")),
    "SHA-1": (
        Chain(by_sha1=True),
        ("is signed with a hash that is too weak, such as SHA-1", "SHA-256 or better"),
    ),
    "name constraints": (
        Chain(may_sign="example.org"),
        ("has a name that its authority may not sign", "name constraints"),
    ),
}


@pytest.mark.parametrize("name", CHAINS)
def test_a_certificate_that_is_refused_has_its_own_sentence(tool: Tool, name: str) -> None:
    """What is wrong is said of the certificate that it is wrong with, and no other trust asked."""
    chain, words = CHAINS[name]
    pair, ca_file = chain.write(tool.folder)
    with tls_server(pair) as received:
        ran = run(tool, "listen", received, "--ca-file", str(ca_file))
    assert_refused(ran, received, 77, *words)
    assert "give its authority" not in ran.err


@pytest.mark.parametrize(
    ("chain", "words"),
    [
        (Chain(by_sha1=True), "signed with a hash that is too weak, such as SHA-1"),
        (Chain(), "the broker's ciphers are all too weak"),
    ],
    ids=["SHA-1", "ciphers"],
)
def test_what_a_broker_refuses_itself_is_looked_for(tool: Tool, chain: Chain, words: str) -> None:
    """Where all that comes is an alert, the certificate tells whether its hash is why."""
    pair, ca_file = chain.write(tool.folder)
    with tls_server(pair, ssl.TLSVersion.TLSv1_2, "CAMELLIA128-SHA") as received:
        ran = run(tool, "listen", received, "--ca-file", str(ca_file))
    assert_refused(ran, received, 77, words)
    assert "--cert-file" not in ran.err


def test_a_chain_of_these_tests_is_trusted(tool: Tool) -> None:
    """With nothing wrong with it, the certificate of the test before is no hindrance."""
    pair, ca_file = Chain().write(tool.folder)
    with tls_server(pair) as received:
        ran = run(tool, "listen", received, "--ca-file", str(ca_file), "--retry-for", "1")
    assert received.said.startswith(b"AMQP\x00\x00\x09\x01"), ran.err


@pytest.mark.parametrize(
    ("server", "scheme", "code", "words"),
    [
        ("http", "amqps", 77, "speaks no TLS on this port"),
        ("http", "amqp", 69, "not an AMQP broker"),
        ("plain AMQP", "amqps", 77, "speaks no TLS on this port"),
        ("TLS", "amqp", 77, "this port speaks TLS"),
    ],
)
def test_another_protocol_is_named(  # noqa: PLR0913, PLR0917 -- a table
    tool: Tool, authority: Authority, server: str, scheme: str, code: int, words: str
) -> None:
    """A port that speaks something else is left at once, and never tried again."""

    def greet(client: socket.socket, _received: Received) -> None:
        if server == "http":
            http(client)
        client.sendall(b"AMQP\x00\x00\x09\x01")  # what RabbitMQ says to what it can't read
        client.close()

    pair = authority.pair("server", "localhost")
    with tls_server(pair) if server == "TLS" else raw_server(greet) as received:
        ran = run(tool, "publish", received, scheme=scheme)
    assert_refused(ran, received, code, words)


def test_a_silent_server_gets_no_more_than_its_time(tool: Tool) -> None:
    """A server that takes a TLS connection and says nothing is left when the time is up: 69."""
    with raw_server(lambda client, _received: silence(client)) as received:
        url = f"amqps://admin:secret@localhost:{received.port}"
        ran = tool.run("listen", "--retry-for", "1", MEDTRACK_URL=url, seconds=10)
    assert (ran.code, "no answer in time" in ran.err) == (69, True), ran.err
    assert received.clients > 0


WEAKENED: dict[str, tuple[dict[str, Any], str]] = {
    "URL": ({"MEDTRACK_URL": "?verify=verify_none"}, ""),
    "URL, name unchecked": ({"MEDTRACK_URL": "?server_name_indication=disable"}, ""),
    "URL, depth": ({"MEDTRACK_URL": "?depth=9"}, ""),
    "URL, client library": ({"MEDTRACK_URL": "?ssl_options={'cert_reqs':0}"}, ""),
    "file": ({}, "tls: {verify: verify_none}"),
    "file, like the option": ({}, "insecure: true"),
    "file, in tls": ({}, "tls: {insecure: true}"),
}


@pytest.mark.parametrize("name", WEAKENED)
def test_no_url_and_no_file_weakens_the_checks(tool: Tool, stranger: Authority, name: str) -> None:
    """What would switch checks off is an error of configuration, before anything is connected."""
    environ, line = WEAKENED[name]
    with tls_server(stranger.pair("server", "localhost")) as received:
        url = f"amqps://admin:secret@localhost:{received.port}/%2F"
        if line:
            profile = f"url: '{url}', {line}"
            tool.write("medtrack.yaml", f"default_profile: x\nprofiles: {{x: {{{profile}}}}}\n")
        ran = tool.run("listen", **{key: url + query for key, query in environ.items()})
    assert (ran.code, received.clients) == (78, 0), ran.err


@pytest.mark.parametrize(
    "environ",
    [
        {"MEDTRACK_INSECURE": "1"},
        {"PYTHONHTTPSVERIFY": "0"},
        {"SSLKEYLOGFILE": "keys.log"},
    ],
    ids=lambda environ: next(iter(environ)),
)
def test_no_variable_weakens_the_checks(
    tool: Tool, stranger: Authority, environ: dict[str, Any]
) -> None:
    """Variables that switch checks off elsewhere do nothing, and no key is written down."""
    with tls_server(stranger.pair("server", "localhost")) as received:
        ran = run(tool, "listen", received, **environ)
    assert_refused(ran, received, 77, "unknown here")
    assert not (tool.folder / "keys.log").exists()


def test_insecure_is_typed_and_warned_of(tool: Tool, stranger: Authority) -> None:
    """With --insecure on the command line any certificate will do, and a warning says so."""
    with tls_server(stranger.pair("server", "elsewhere.example", **EXPIRED)) as received:
        url = f"amqps://admin:secret@localhost:{received.port}/%2F"
        ran = tool.run("listen", "--insecure", "--retry-for", "1", MEDTRACK_URL=url)
    assert received.said.startswith(b"AMQP\x00\x00\x09\x01"), ran.err
    warned = "certificates are not checked (--insecure): any server that answers as localhost"
    assert f"{warned}:{received.port}" in ran.err
    assert "secret" not in ran.err


@pytest.mark.parametrize("command", ["--insecure", None])
def test_the_settings_say_whether_certificates_are_checked(tool: Tool, command: str | None) -> None:
    """`config show` tells of --insecure, and that nothing else can say it."""
    shown = tool.run("config", "show", "-o", "json", *([command] if command else []))
    (verify,) = [each for each in shown.records if each.get("name") == "tls.verify"]
    assert verify["value"] is (command is None)
    assert "--insecure" in verify["source"]


def own(tool: Tool, certificate: Path | None, key: Path | None, **environ: Any) -> Ran:
    """Listen at a port where nobody is, with a certificate of ours."""
    options = {"--cert-file": certificate, "--key-file": key}
    typed = [part for name, path in options.items() if path for part in (name, str(path))]
    url = "amqps://admin:secret@localhost:1/%2F"
    return tool.run("listen", *typed, MEDTRACK_URL=url, **environ)


def test_own_files_that_cant_be_used(tool: Tool, authority: Authority, stranger: Authority) -> None:
    """A certificate or key that is missing, none, another's or locked is named, with why: 77."""
    certificate, key = authority.encrypted("me", "me@example.org", PASSPHRASE)
    other = stranger.pair("other", "me@example.org")
    text = tool.folder / tool.write("notes.txt", "no certificate")
    missing = tool.folder / "missing.pem"
    wrong = {"MEDTRACK_KEY_PASSPHRASE": "wrong-one"}
    tried = [
        (own(tool, missing, other), "can't be read (No such file", missing),
        (own(tool, certificate, missing), "can't be read (No such file", missing),
        (own(tool, certificate, tool.folder), "can't be read (Is a directory", tool.folder),
        (own(tool, text, other), "your certificate can't be used", text),
        (own(tool, certificate, text), "can't be used", text),
        (own(tool, certificate, other), "belongs to another certificate", other),
        (own(tool, certificate, key), "encrypted", key),
        (own(tool, certificate, key, **wrong), "is the passphrase right?", key),
        (own(tool, certificate, key, MEDTRACK_KEY_PASSPHRASE="x" * 2000), "passphrase", key),
    ]
    for ran, words, path in tried:
        assert (ran.code, words in ran.err, str(path) in ran.err) == (77, True, True), ran.err
        assert "wrong-one" not in ran.err
    alone = own(tool, None, key, MEDTRACK_KEY_PASSPHRASE=PASSPHRASE)
    assert (alone.code, "without its certificate" in alone.err) == (78, True), alone.err


def test_a_passphrase_is_asked_for_and_never_shown(tool: Tool, authority: Authority) -> None:
    """On a terminal the passphrase is asked for without echo; with it the key opens."""
    certificate, key = authority.encrypted("me", "me@example.org", PASSPHRASE)
    with raw_server(lambda client, _received: client.close()) as received:
        code, seen = answering(
            tool,
            ("listen", "--cert-file", str(certificate), "--key-file", str(key)),
            {"MEDTRACK_URL": f"amqps://admin:secret@localhost:{received.port}/%2F"},
            question=b"private key",
            answer=f"{PASSPHRASE}\n".encode(),
        )
    assert (code, received.clients > 0) == (69, True), seen
    assert str(key).encode() in seen
    assert PASSPHRASE.encode() not in seen
