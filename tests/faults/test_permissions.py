"""What a user may not do, and what isn't there: said with the line that would change it."""

import json
import socket
import time

import pytest

from medtrack_cli.broker.management import client
from medtrack_cli.core.messages import Outcome
from medtrack_cli.private_broker import PrivateBroker
from tests.broker.certificates import Authority, Received, raw_server, tls_server
from tests.broker.publishing import publish
from tests.broker.witness import settings_of
from tests.builders import message, numbered
from tests.cli.tool import Ran, Tool
from tests.faults.breaking import durable, held_by
from tests.faults.permissions import account, run_hinted_line, vhost

PUBLISH = ("publish", "-f", "events.ndjson", "-o", "human")
LISTEN = ("listen", "student.*", "--timeout", "0.2", "-o", "human")
KEY = "student.deleted"

# What the user lacks of the broker's permissions; the command that needs it; the sentence.
LACKING = {
    "write, to publish": ({"write": "^$"}, PUBLISH, "write to exchange 'medtrack.events'"),
    "configure, to listen": ({"configure": "^$"}, LISTEN, "configure queue 'medtrack.tap."),
    "write, to listen": ({"write": "^$"}, LISTEN, "write to queue 'medtrack.tap."),
    "read of the exchange": ({"read": "^medtrack.tap"}, LISTEN, "read from exchange 'medtrack."),
    "read of the queue": ({"read": "^medtrack.events$"}, LISTEN, "read from queue 'medtrack.tap."),
}
TOPICS = {
    "write": (PUBLISH, f"write to exchange 'medtrack.events' with routing key '{KEY}'"),
    "read": (LISTEN, "read from exchange 'medtrack.events' with routing key 'student.*'"),
}


def run(tool: Tool, command: tuple[str, ...], url: str, *more: str) -> Ran:
    """Run a command as a user."""
    tool.write("events.ndjson", b"".join(numbered(2)))
    return tool.run(*command, *more, MEDTRACK_URL=url)


@pytest.mark.parametrize("name", LACKING)
def test_a_lacking_permission_is_named_with_the_line_that_grants_it(
    tool: Tool, fragile_broker: PrivateBroker, name: str
) -> None:
    """The error names permission and resource: 77. With the hint's line run, it works."""
    lacks, command, words = LACKING[name]
    with account(fragile_broker) as user, durable(fragile_broker, "tests.permission"):
        user.may(**lacks)
        ran = run(tool, command, user.url)
        assert f"error: {user.name} may not {words}" in ran.err
        assert (ran.code, "a-users-secret" in ran.err) == (77, False), ran.err
        run_hinted_line(fragile_broker, ran.err)
        allowed = run(tool, command, user.url)
        held = held_by(fragile_broker, "tests.permission")
    assert allowed.code == 0, allowed.err
    assert len(held) == (2 if command is PUBLISH else 0), "what was refused has arrived"


@pytest.mark.parametrize("permission", TOPICS)
def test_a_lacking_topic_permission_is_named_with_the_line_that_grants_it(
    tool: Tool, fragile_broker: PrivateBroker, permission: str
) -> None:
    """A routing key that the user may not use is named: 77. With the hint's line run, it works."""
    command, words = TOPICS[permission]
    with account(fragile_broker) as user, durable(fragile_broker, "tests.topic"):
        user.may()
        user.may_use(**{permission: "^user"})
        ran = run(tool, command, user.url)
        assert f"error: {user.name} may not {words}" in ran.err
        assert ran.code == 77
        run_hinted_line(fragile_broker, ran.err)
        allowed = run(tool, command, user.url)
    assert allowed.code == 0, allowed.err


def test_a_refused_key_among_others_is_refused_alone(fragile_broker: PrivateBroker) -> None:
    """When one key of many is refused, that event is; what stands after it is not said sent."""
    with account(fragile_broker) as user, durable(fragile_broker, "tests.among"):
        user.may()
        user.may_use(write="^allowed")
        sent = [message(number, routing_key="allowed") for number in range(1, 40)]
        sent[20] = message(21, routing_key="refused")
        published = publish(settings_of(user.url), sent)
        held = {each.message_id for each in held_by(fragile_broker, "tests.among")}
    assert published.error is not None
    assert "routing key 'refused'" in published.error.what
    assert published.positions(Outcome.REFUSED) == [21]
    outcomes = {each.outcome for each in published.receipts}
    assert outcomes <= {Outcome.CONFIRMED, Outcome.REFUSED, Outcome.UNKNOWN, Outcome.UNSENT}
    said = {each.message_id for each in published.receipts if each.outcome.value == "confirmed"}
    assert said <= held
    assert sent[20].message_id not in held


def test_one_of_two_refused_keys_is_unknown(fragile_broker: PrivateBroker) -> None:
    """When two in flight have the key that is refused, neither is said to be the one."""
    with account(fragile_broker) as user, durable(fragile_broker, "tests.among"):
        user.may()
        user.may_use(write="^allowed")
        keys = ["allowed", *["refused"] * 2, "allowed"]
        sent = [message(number, routing_key=key) for number, key in enumerate(keys, 1)]
        published = publish(settings_of(user.url), sent)
    assert published.positions(Outcome.REFUSED) == []
    assert published.positions(Outcome.UNKNOWN) == [2, 3, 4]


def test_a_closed_vhost_is_opened_by_the_hinted_line(
    tool: Tool, fragile_broker: PrivateBroker
) -> None:
    """A user without permissions on the vhost is told so: 77; the hint's line is enough for all."""
    with account(fragile_broker) as user, durable(fragile_broker, "tests.vhost"):
        ran = run(tool, PUBLISH, user.url, "--retry-for", "20")
        assert f"error: {user.name} has no access to vhost '/'" in ran.err
        assert (ran.code, ran.err.count("connecting to")) == (77, 1)
        granted = run_hinted_line(fragile_broker, ran.err)
        both = [run(tool, command, user.url) for command in (PUBLISH, LISTEN)]
    assert [each.code for each in both] == [0, 0], both
    assert ".*" not in granted, "no more than is needed"


@pytest.mark.parametrize("command", [PUBLISH, LISTEN], ids=["publish", "listen"])
def test_refused_credentials_are_one_login(
    tool: Tool, fragile_broker: PrivateBroker, command: tuple[str, ...]
) -> None:
    """A wrong password is tried once, whatever --retry-for says: 77, and one line in the log."""
    log = fragile_broker.folder / "log" / "rabbitmq.log"
    with account(fragile_broker) as user:
        url = user.url.replace("a-users-secret", "wrong-one")
        ran = run(tool, command, url, "--retry-for", "20")
        time.sleep(0.5)  # the time for a second try, and for the log
        logins = log.read_text().count(f"login refused: user '{user.name}'")
    assert (ran.code, "login refused" in ran.err, logins) == (77, True, 1), ran.err
    assert "wrong-one" not in ran.err


@pytest.mark.parametrize("command", [PUBLISH, LISTEN], ids=["publish", "listen"])
@pytest.mark.parametrize("tags", ["management", ""])
def test_a_missing_exchange_has_near_names_where_they_can_be_read(
    tool: Tool, fragile_broker: PrivateBroker, command: tuple[str, ...], tags: str
) -> None:
    """With the management API and the right to read it, the near exchange is named; else how to."""
    tool.environ = {
        **tool.environ,
        "MEDTRACK_MANAGEMENT_URL": f"http://127.0.0.1:{fragile_broker.management_port}",
    }
    with account(fragile_broker, tags) as user:
        user.may()
        ran = run(tool, command, user.url, "--exchange", "medtrack.event")
    assert ran.code == 76
    assert "error: exchange 'medtrack.event' is missing in vhost '/': amqp://" in ran.err
    hint = "did you mean medtrack.events?" if tags else "rabbitmqctl list_exchanges -p / name"
    assert hint in ran.err


def test_a_missing_vhost_has_near_names(tool: Tool, fragile_broker: PrivateBroker) -> None:
    """A vhost that isn't there is 76, once, with the near one where it can be read."""
    url = f"{fragile_broker.amqp_url.removesuffix('%2F')}medtrack-tset"
    api = f"http://127.0.0.1:{fragile_broker.management_port}"
    with vhost(fragile_broker, "medtrack-test"):
        alone = run(tool, PUBLISH, url, "--retry-for", "20")
        ran = tool.run(*LISTEN, "--retry-for", "20", MEDTRACK_URL=url, MEDTRACK_MANAGEMENT_URL=api)
    assert (alone.code, ran.code) == (76, 76)
    assert "error: vhost 'medtrack-tset' is missing: amqp://" in ran.err
    assert "did you mean medtrack-test?" in ran.err
    assert "rabbitmqctl list_vhosts" in alone.err
    assert ran.err.count("connecting to") == 1


def test_the_login_goes_to_no_other_machine_in_the_clear() -> None:
    """A management URL of plain http beyond this machine is never asked; on it, it is."""
    with raw_server(_answer_names) as received:
        beyond = settings_of(
            "amqp://a:b@localhost", management_url=f"http://0.0.0.0:{received.port}"
        )
        assert (client.names(beyond, "exchanges"), received.clients) == ((), 0)
        local = settings_of(
            "amqp://a:b@localhost", management_url=f"http://127.0.0.1:{received.port}"
        )
        assert (client.names(local, "exchanges"), received.clients) == (("near",), 1)


def test_the_login_goes_to_no_server_that_cant_be_trusted(
    tool: Tool,
) -> None:
    """The management API's certificate is checked, and a redirect isn't followed."""
    pair = Authority(tool.folder).pair("server", "localhost")
    with tls_server(pair) as untrusted, raw_server(_answer_names) as elsewhere:
        for_tls = f"https://localhost:{untrusted.port}"
        settings = settings_of("amqp://a:b@localhost", management_url=for_tls)
        assert client.names(settings, "exchanges") == ()
        assert (untrusted.clients, untrusted.said) == (1, b"")

        def redirect(peer: socket.socket, received: Received) -> None:
            received.said += peer.recv(65536)
            where = f"Location: http://127.0.0.1:{elsewhere.port}/api/exchanges".encode()
            peer.sendall(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n" + where + b"\r\n\r\n")

        with raw_server(redirect) as redirecting:
            url = f"http://127.0.0.1:{redirecting.port}"
            settings = settings_of("amqp://a:b@localhost", management_url=url)
            assert client.names(settings, "exchanges") == ()
        assert (redirecting.clients, elsewhere.clients) == (1, 0)


def _answer_names(peer: socket.socket, received: Received) -> None:
    received.said += peer.recv(65536)
    body = json.dumps([{"name": ""}, {"name": "near"}]).encode()
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
