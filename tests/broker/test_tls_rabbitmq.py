"""RabbitMQ over TLS: with a certificate of ours and without, for publishing and listening."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from medtrack_cli import private_broker as private
from medtrack_cli.core.connection_settings import Host, TlsSettings
from medtrack_cli.errors import BrokerUnreachable
from medtrack_cli.private_broker import PrivateBroker
from tests.broker.certificates import Authority, Chain, tls_server
from tests.broker.publishing import publish
from tests.broker.witness import Witness, client, settings_of
from tests.builders import message, numbered
from tests.cli.tool import Ran, Tool
from tests.faults.proxy import free_port
from tests.running import run_json

PASSPHRASE = "correct horse battery"
PROVES_NOTHING = "{verify, verify_none}"
MUTUAL = "{verify, verify_peer}, {fail_if_no_peer_cert, true}"
MUTUAL_1_2 = f"{MUTUAL}, {{versions, ['tlsv1.2']}}"

# RabbitMQ 4 takes one argument more.
START = """
    {{ok, _}} = application:ensure_all_started(ssl),
    Options = [{{cacertfile, "{ca}"}}, {{certfile, "{pair}"}}, {{keyfile, "{pair}"}}, {options}],
    More = [1 || erlang:function_exported(rabbit_networking, start_ssl_listener, 4)],
    Listener = {{"127.0.0.1", {port}, inet}},
    ok = apply(rabbit_networking, start_ssl_listener, [Listener, Options, 2 | More]).
"""


class Secured(NamedTuple):
    """A broker's TLS listeners, and the files with which they can be reached."""

    authority: Authority
    certificate: Path
    key: Path
    ports: Mapping[str, int]

    def url(self, options: str) -> str:
        return f"amqps://admin:password@localhost:{self.ports[options]}/%2F"


@pytest.fixture(scope="module")
def secured(
    private_broker: PrivateBroker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Secured]:
    """Let the suite's broker listen on TLS ports, each with other demands, for these tests only."""
    authority = Authority(tmp_path_factory.mktemp("authority"))
    pair = authority.pair("broker", "localhost")
    certificate, key = authority.encrypted("me", "me@example.org", PASSPHRASE)
    ports = {}
    for options in (PROVES_NOTHING, MUTUAL, MUTUAL_1_2):
        ports[options] = free_port()
        start = START.format(ca=authority.ca_file, pair=pair, options=options, port=ports[options])
        private.rabbitmqctl(private_broker, "eval", start)
    yield Secured(authority, certificate, key, ports)
    for port in ports.values():
        stop = f'ok = rabbit_networking:stop_tcp_listener({{"127.0.0.1", {port}, inet}}).'
        private.rabbitmqctl(private_broker, "eval", stop)


def assert_goes_through(
    tool: Tool, private_broker: PrivateBroker, *options: str, **environ: Any
) -> None:
    """Assert that what is published over TLS arrives at a listener over TLS, and at a witness."""
    sent = list(numbered(2))
    name = tool.write("events.ndjson", b"".join(sent))
    tool.environ = {**tool.environ, **environ}
    with client(private_broker.amqp_url) as channel, Witness(channel) as witness:
        listener = tool.listen("--count", "2", "--timeout", "30", *options)
        published = tool.run("publish", "-f", name, "-o", "json", *options)
        received = listener.end()
        held = [each.body for each in witness.take()]
    assert (published.code, published.summary["confirmed"]) == (0, 2), published.err
    assert held == [line.strip() for line in sent]
    assert (received.code, len(received.of_kind("event"))) == (0, 2), received.err
    assert "amqps://" in published.err
    assert "warning" not in published.err.lower()


def test_a_trusted_broker(tool: Tool, private_broker: PrivateBroker, secured: Secured) -> None:
    """With the broker's authority on the command line, events go both ways."""
    ca_file = str(secured.authority.ca_file)
    url = secured.url(PROVES_NOTHING)
    assert_goes_through(tool, private_broker, "--ca-file", ca_file, MEDTRACK_URL=url)


@pytest.mark.parametrize("options", [MUTUAL, MUTUAL_1_2], ids=["TLS 1.3", "TLS 1.2"])
def test_a_broker_that_wants_a_certificate(
    tool: Tool, private_broker: PrivateBroker, secured: Secured, options: str
) -> None:
    """With a certificate of ours, its key encrypted, events go both ways."""
    files = {
        "--ca-file": secured.authority.ca_file,
        "--cert-file": secured.certificate,
        "--key-file": secured.key,
    }
    assert_goes_through(
        tool,
        private_broker,
        *(part for option, path in files.items() for part in (option, str(path))),
        MEDTRACK_URL=secured.url(options),
        MEDTRACK_KEY_PASSPHRASE=PASSPHRASE,
    )


def test_a_profile_with_tls(tool: Tool, private_broker: PrivateBroker, secured: Secured) -> None:
    """A profile's `tls` is enough; its paths start at the file's folder."""
    folder = secured.authority.folder
    files = "ca_file: ca.pem, cert_file: me.crt, key_file: me.key"
    config = folder / "medtrack-config.yaml"
    config.write_text(
        f"""profiles:
  secured:
    hosts: [localhost:{secured.ports[MUTUAL]}]
    tls: {{{files}}}
    username: admin
    password_env: BROKER_PASSWORD
"""
    )
    config.chmod(0o600)
    assert_goes_through(
        tool,
        private_broker,
        MEDTRACK_CONFIG=str(config),
        MEDTRACK_PROFILE="secured",
        BROKER_PASSWORD="password",
        MEDTRACK_KEY_PASSPHRASE=PASSPHRASE,
    )


@pytest.mark.parametrize("is_good_there", [True, False])
def test_a_host_that_cant_be_trusted_is_left_for_another(
    tmp_path: Path, secured: Secured, *, is_good_there: bool
) -> None:
    """Where one of several hosts shows a wrong certificate, it is asked once, then the others."""
    port = secured.ports[PROVES_NOTHING] if is_good_there else free_port()
    with tls_server(Authority(tmp_path).pair("stranger", "localhost")) as wrong:
        hosts = (Host("localhost", wrong.port), Host("localhost", port))
        tls = TlsSettings(ca_file=secured.authority.ca_file)
        settings = settings_of("amqps://admin:password@localhost", hosts=hosts, tls=tls)
        published = publish(settings, [message()], retry_for=2)
    asked = [str(host) for host in hosts for note in published.notes if f"@{host}" in note]
    assert (asked.count(str(hosts[0])), wrong.said) == (1, b"")
    assert any(note.startswith(f"{hosts[0]} is left out: ") for note in published.notes)
    if is_good_there:
        assert (published.error, asked) == (None, [str(each) for each in hosts])
    else:
        assert isinstance(published.error, BrokerUnreachable)
        assert asked.count(str(hosts[1])) > 1, "the other host may come back"


def refused(tool: Tool, secured: Secured, options: str, *more: str) -> Ran:
    """Publish to a listener that refuses."""
    name = tool.write("events.ndjson", b"".join(numbered(1)))
    ca_file = str(secured.authority.ca_file)
    ran = tool.run(
        *("publish", "-f", name, "--retry-for", "20", "--ca-file", ca_file, *more),
        MEDTRACK_URL=secured.url(options),
    )
    assert (ran.code, ran.err.count("connecting to")) == (77, 1), ran.err
    return ran


@pytest.mark.parametrize("options", [MUTUAL, MUTUAL_1_2], ids=["TLS 1.3", "TLS 1.2"])
def test_a_missing_certificate_of_ours(tool: Tool, secured: Secured, options: str) -> None:
    """A broker that wants a certificate and gets none is an error that says how to give one: 77."""
    ran = refused(tool, secured, options)
    assert "certificate of yours" in ran.err
    assert "--cert-file" in ran.err


@pytest.mark.parametrize("options", [MUTUAL, MUTUAL_1_2], ids=["TLS 1.3", "TLS 1.2"])
def test_a_certificate_of_ours_that_the_broker_distrusts(
    tool: Tool, secured: Secured, options: str
) -> None:
    """A broker that doesn't know our authority has its own sentence, whenever it says so: 77."""
    pair = Authority(tool.folder).pair("stranger", "me@example.org")
    ran = refused(tool, secured, options, "--cert-file", str(pair))
    assert "the broker refused your certificate" in ran.err


@pytest.mark.long
@pytest.mark.parametrize("options", [PROVES_NOTHING, "{versions, ['tlsv1.2']}"])
def test_a_certificate_that_only_sha1_vouches_for(
    tool: Tool, private_broker: PrivateBroker, options: str
) -> None:
    """RabbitMQ refuses the handshake itself, without a reason; what is wrong is said: 77."""
    pair, ca_file = Chain(by_sha1=True).write(tool.folder)
    port = free_port()
    start = START.format(ca=ca_file, pair=pair, options=options, port=port)
    private.rabbitmqctl(private_broker, "eval", start)
    url = f"amqps://admin:password@localhost:{port}/%2F"
    ran = tool.run("listen", "--retry-for", "20", "--ca-file", str(ca_file), MEDTRACK_URL=url)
    stop = f'ok = rabbit_networking:stop_tcp_listener({{"127.0.0.1", {port}, inet}}).'
    private.rabbitmqctl(private_broker, "eval", stop)
    assert (ran.code, ran.err.count("connecting to")) == (77, 1), ran.err
    assert "signed with a hash that is too weak, such as SHA-1" in ran.err


def test_the_ports_are_told_apart(
    tool: Tool, private_broker: PrivateBroker, secured: Secured
) -> None:
    """Plain AMQP to RabbitMQ's TLS port and TLS to its plain port are each said, once."""
    mixed_up = {
        secured.url(MUTUAL_1_2).replace("amqps:", "amqp:"): "this port speaks TLS",
        private_broker.amqp_url.replace("amqp:", "amqps:"): "speaks no TLS on this port",
    }
    for url, words in mixed_up.items():
        ran = tool.run("listen", "--retry-for", "20", MEDTRACK_URL=url)
        assert (ran.code, words in ran.err) == (77, True), ran.err
        assert ran.err.count("connecting to") == 1


@pytest.mark.parametrize("options", [MUTUAL, MUTUAL_1_2], ids=["TLS 1.3", "TLS 1.2"])
def test_doctor_sees_the_chain_and_what_the_broker_wants(secured: Secured, options: str) -> None:
    """Without a certificate of ours the chain fails, in both versions; with it all TLS is well."""
    environ = {
        "MEDTRACK_URL": secured.url(options),
        "MEDTRACK_KEY_PASSPHRASE": PASSPHRASE,
    }
    trust = ("--ca-file", str(secured.authority.ca_file))
    own = ("--cert-file", str(secured.certificate), "--key-file", str(secured.key))
    without, ran = (run_json("doctor", *trust, *each, environ=environ) for each in ((), own))
    assert (without.code, without.summary["cause"]) == (77, "tls_chain")
    (failure,) = failed(without)
    assert "certificate of yours" in failure["seen"] + failure["fix"]
    assert "--cert-file" in failure["fix"]
    results = {each["id"]: each for each in ran.of_kind("check")}
    assert (ran.code, failed(ran)) == (0, [])
    tls = ("protocol", "tls_chain", "tls_name", "tls_expiry", "login", "round_trip")
    assert {results[each]["status"] for each in tls} == {"ok"}
    said, titles, own_link, root = results["tls_chain"]["seen"].split("\n")
    assert said.startswith("signed by an authority that is trusted here (trustme")
    assert titles.split() == ["certificate", "of", "signed", "by", "until"]
    assert (own_link[:9], root[:9]) == ("1 trustme", "2 trustme")


def failed(ran: Ran) -> list[dict[str, Any]]:
    """Give the checks that failed."""
    return [each for each in ran.of_kind("check") if each["status"] == "failed"]
