"""Publishing to a real broker: what is reported confirmed is there, and nothing else."""

import secrets
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from medtrack_cli.broker.private import EXCHANGE, PrivateBroker
from medtrack_cli.core.connection import Host, Secret
from medtrack_cli.core.messages import Message, Outcome
from medtrack_cli.core.ports import Stop
from medtrack_cli.errors import AccessRefused, BrokerUnreachable, TopologyError
from tests.broker.publishing import publish
from tests.broker.witness import Witness, client, settings_of
from tests.cli.tool import Tool, numbered
from tests.conftest import Broker
from tests.core.values import message
from tests.faults.proxy import LOOPBACK, free_port, http, serving, silence, tls


def test_all_that_is_confirmed_is_there_in_order(broker: Broker, witness: Witness) -> None:
    """Of 5,000 messages each is confirmed once, and lies in a durable queue once, in order."""
    sent = [message(position) for position in range(1, 5001)]
    published = publish(settings_of(broker.amqp_url), sent)
    assert published.error is None
    assert published.positions(Outcome.CONFIRMED) == list(range(1, 5001))
    assert [(held.message_id, held.body) for held in witness.take()] == [
        (each.message_id, each.body) for each in sent
    ]


def test_messages_are_persistent(broker: Broker, witness: Witness) -> None:
    """What is published survives the broker's restart."""
    publish(settings_of(broker.amqp_url), [message()])
    (held,) = witness.take()
    assert held.properties.delivery_mode == 2
    assert held.properties.content_type == "application/json"


def test_returns_are_matched_to_their_messages(broker: Broker) -> None:
    """Among many, exactly the messages that no queue wanted are unroutable."""
    sent = [
        message(position, routing_key="tests.wanted" if position % 3 else "tests.unwanted")
        for position in range(1, 1501)
    ]
    with client(broker.amqp_url) as channel, Witness(channel, "tests.wanted") as wanted:
        published = publish(settings_of(broker.amqp_url), sent)
        held = wanted.take()
    unwanted = [each.position for each in sent if each.routing_key == "tests.unwanted"]
    assert published.positions(Outcome.UNROUTABLE) == unwanted
    assert len(published.positions(Outcome.CONFIRMED)) == len(held) == 1000


def test_a_missing_exchange_refuses_the_first_alone(broker: Broker) -> None:
    """Without the exchange the first message is refused, all others are unsent."""
    settings = settings_of(broker.amqp_url, exchange=f"missing.{secrets.token_hex(4)}")
    published = publish(settings, [message(position) for position in range(1, 201)])
    assert isinstance(published.error, TopologyError)
    assert settings.exchange in published.error.message
    assert published.positions(Outcome.REFUSED) == [1]
    assert set(published.positions(Outcome.UNSENT)) == {
        each.position for each in published.receipts if each.position > 1
    }


def test_the_tool_accounts_for_a_missing_exchange(connected: Tool) -> None:
    """Through the command line a missing exchange is exit code 76 and numbers that add up."""
    name = connected.write("events.ndjson", b"".join(numbered(1200)))
    ran = connected.run("publish", "-f", name, "--exchange", "missing.exchange", "-o", "json")
    assert ran.code == 76
    assert ran.summary["kind"] == "published"
    assert {name: ran.summary[name] for name in ("total", "refused", "unsent", "exit_code")} == {
        "total": 1200,
        "refused": 1,
        "unsent": 1199,
        "exit_code": 76,
    }
    assert "exchange missing" in ran.err


def test_a_full_queue_refuses(broker: Broker) -> None:
    """What a full queue nacks is tried again, then refused; what it took is confirmed."""
    full = {"x-max-length": 2, "x-overflow": "reject-publish"}
    with client(broker.amqp_url) as channel, Witness(channel, "tests.full", arguments=full) as held:
        sent = [message(position, routing_key="tests.full") for position in range(1, 6)]
        published = publish(settings_of(broker.amqp_url), sent, nack_retries=1)
        kept = [each.message_id for each in held.take()]
    assert published.error is None
    assert len(published.receipts) == 5
    confirmed = published.positions(Outcome.CONFIRMED)
    assert sorted(kept) == [f"id-{position}" for position in confirmed]
    assert len(published.positions(Outcome.REFUSED)) == 5 - len(confirmed) >= 2


def take_one(url: str, queue: str) -> None:
    """Take one message out of a full queue, when a first try to add to it has failed."""
    with client(url) as channel:
        time.sleep(0.4)
        channel.basic_get(queue, auto_ack=True)


def test_a_queue_that_has_room_again_gets_what_was_nacked(broker: Broker) -> None:
    """A message nacked at first is confirmed when the queue has room before the last try."""
    full = {"x-max-length": 1, "x-overflow": "reject-publish"}
    with client(broker.amqp_url) as channel, Witness(channel, "tests.full", arguments=full) as held:
        publish(settings_of(broker.amqp_url), [message(1, routing_key="tests.full")])
        room = threading.Thread(target=take_one, args=(broker.amqp_url, held.queue))
        room.start()
        again = message(2, routing_key="tests.full")
        published = publish(settings_of(broker.amqp_url), [again], nack_retries=8)
        room.join(10)
        kept = [each.message_id for each in held.take()]
    assert published.positions(Outcome.CONFIRMED) == [2]
    assert kept == ["id-2"]


@pytest.mark.parametrize("size", [4087, 4088, 4089, 131_064, 131_065, 200_000, 1024 * 1024])
def test_large_bodies_are_exact(broker: Broker, witness: Witness, size: int) -> None:
    """A body around and beyond the size of a frame arrives byte for byte."""
    body = secrets.token_bytes(size)
    published = publish(settings_of(broker.amqp_url), [message(1, body=body), message(2)])
    assert published.positions(Outcome.CONFIRMED) == [1, 2]
    assert [held.body for held in witness.take()] == [body, message(2).body]


def test_a_wrong_password_is_tried_once(broker: Broker) -> None:
    """A refused login is an error at once, after one attempt in the broker's own log."""
    user = f"nobody-{secrets.token_hex(4)}"
    settings = settings_of(broker.amqp_url, username=user, password=Secret("wrong-horse"))
    published = publish(settings, [message()], retry_for=30)
    assert isinstance(published.error, AccessRefused)
    assert len(published.notes) == 1
    assert "wrong-horse" not in f"{published.notes} {published.error} {published.error.hint}"
    if isinstance(broker, PrivateBroker):
        log = broker.folder / "log" / "rabbitmq.log"
        until = time.monotonic() + 10
        while user not in log.read_text():
            assert time.monotonic() < until, "the broker logged no attempt"
            time.sleep(0.1)
        assert log.read_text().count(f"user '{user}'") == 1


def test_a_wrong_password_is_exit_code_77(connected: Tool, broker: Broker) -> None:
    """Through the command line a refused login is 77, and no password is shown."""
    name = connected.write("events.ndjson", b"".join(numbered(3)))
    port = settings_of(broker.amqp_url).hosts[0].port
    url = f"amqp://nobody:wr0ng@localhost:{port}"
    ran = connected.run("publish", "-f", name, "-o", "json", MEDTRACK_URL=url)
    assert ran.code == 77
    assert ran.summary["unsent"] == 3
    assert "wr0ng" not in ran.out + ran.err


def test_a_missing_vhost_is_an_error_of_topology(broker: Broker) -> None:
    """A vhost that isn't there is named, and not tried again."""
    published = publish(settings_of(broker.amqp_url, vhost="nowhere"), [message()], retry_for=30)
    assert isinstance(published.error, TopologyError)
    assert "nowhere" in published.error.what
    assert len(published.notes) == 1


def test_a_closed_port_is_unreachable_at_once(tool: Tool) -> None:
    """Where nobody listens, it is said at once: exit code 69, everything unsent."""
    name = tool.write("events.ndjson", b"".join(numbered(3)))
    started = time.monotonic()
    ran = tool.run("publish", "-f", name, "-o", "json", "--url", f"amqp://127.0.0.1:{free_port()}")
    assert time.monotonic() - started < 3
    assert ran.code == 69
    assert "connection refused" in ran.err
    assert ran.summary["unsent"] == 3


@pytest.mark.parametrize(
    ("server", "scheme", "code", "words"),
    [
        (silence, "amqp", 69, "no answer in time"),
        (http, "amqp", 69, "not an AMQP broker"),
        (tls, "amqp", 69, "not an AMQP broker"),
        (http, "amqps", 77, "TLS handshake failed"),
        (tls, "amqps", 77, "certificate"),
    ],
    ids=["silent", "http", "tls port, plain", "plain port, tls", "unknown certificate"],
)
def test_what_is_no_broker_is_named(
    tool: Tool, server: type, scheme: str, code: int, words: str
) -> None:
    """A server that is no broker of the kind expected has its own sentence and exit code."""
    with serving(server) as port:
        name = tool.write("events.ndjson", b"".join(numbered(2)))
        url = f"{scheme}://localhost:{port}"
        ran = tool.run("publish", "-f", name, "--retry-for", "2", "--url", url)
    assert (ran.code, words in ran.err) == (code, True), ran.err
    assert "hint:" in ran.err


def test_the_next_host_is_tried(broker: Broker, witness: Witness) -> None:
    """With several hosts the first that answers is taken, and each attempt is said."""
    real = settings_of(broker.amqp_url)
    settings = settings_of(broker.amqp_url, hosts=(Host(LOOPBACK, free_port()), *real.hosts))
    published = publish(settings, [message()])
    assert published.positions(Outcome.CONFIRMED) == [1]
    assert len(published.notes) == 2
    assert len(witness.take()) == 1


def test_stopping_with_nothing_in_flight_ends_at_once(broker: Broker) -> None:
    """While the input says nothing, a wish to stop ends publishing within a moment."""
    stop, ended = Stop(), threading.Event()

    def slow() -> Iterator[Message]:
        yield message(1)
        ended.wait(20)

    threading.Timer(0.5, stop.request, [130]).start()
    started = time.monotonic()
    published = publish(settings_of(broker.amqp_url), slow(), stop)
    assert time.monotonic() - started < 3
    ended.set()
    assert [each.position for each in published.receipts] == [1]


def test_an_interrupted_publish_adds_up(connected: Tool, witness: Witness) -> None:
    """Ctrl-C while events come through a pipe: 130, one receipt an event read, all true."""
    running = connected.start("publish", "-f", "-", "-o", "json", piped=True)
    running.stdin.write(b"".join(numbered(700)))
    running.stdin.flush()
    until = time.monotonic() + 20
    queue = witness.queue
    while witness.channel.queue_declare(queue, passive=True).method.message_count < 700:
        assert time.monotonic() < until, running.err
        time.sleep(0.05)
    running.signal(signal.SIGINT)
    code = running.process.wait(10)
    ran = running.end()
    assert code == ran.summary["exit_code"] == 130
    outcomes = [each["outcome"] for each in ran.of_kind("receipt")]
    assert ran.summary["total"] == len(outcomes) == 700
    assert ran.summary["confirmed"] == outcomes.count("confirmed") == len(witness.take())
    assert "Traceback" not in ran.err


def test_events_through_a_pipe_are_confirmed_as_they_come(
    connected: Tool, witness: Witness
) -> None:
    """An event written into the pipe is published at once, not when the pipe ends."""
    running = connected.start("publish", "-f", "-", "-o", "json", piped=True)
    for line in numbered(2):
        running.stdin.write(line)
        running.stdin.flush()
        until = time.monotonic() + 15
        while not witness.take():
            assert time.monotonic() < until, running.err
            time.sleep(0.05)
    ran = running.end()
    assert ran.code == 0
    assert ran.summary["confirmed"] == 2


def test_one_invalid_event_stops_a_run_of_files(connected: Tool, witness: Witness) -> None:
    """Files are validated whole first: with one bad event nothing leaves, and all is told."""
    lines = [*numbered(3), b'{"event_type": "student.deleted"}\n', *numbered(2)]
    name = connected.write("events.ndjson", b"".join(lines))
    ran = connected.run("publish", "-f", name, "-o", "json")
    assert ran.code == 1
    assert (ran.summary["total"], ran.summary["invalid"], ran.summary["unsent"]) == (6, 1, 5)
    assert witness.take() == []


def test_keep_going_sends_the_valid_ones(connected: Tool, witness: Witness) -> None:
    """With --keep-going the valid events are sent, the invalid one isn't, and it is exit code 1."""
    lines = [*numbered(3), b'{"event_type": "student.deleted"}\n', *numbered(2)]
    name = connected.write("events.ndjson", b"".join(lines))
    ran = connected.run("publish", "-f", name, "-o", "json", "--keep-going")
    assert ran.code == 1
    assert (ran.summary["confirmed"], ran.summary["invalid"]) == (5, 1)
    assert [held.body + b"\n" for held in witness.take()] == [*numbered(3), *numbered(2)]


def test_unroutable_is_a_verdict_unless_allowed(connected: Tool) -> None:
    """An event that no queue wants is exit code 1, and 0 with --allow-unroutable."""
    name = connected.write("events.ndjson", b"".join(numbered(2)))
    ran = connected.run("publish", "-f", name, "-o", "json")
    assert (ran.code, ran.summary["unroutable"]) == (1, 2)
    ran = connected.run("publish", "-f", name, "-o", "json", "--allow-unroutable")
    assert (ran.code, ran.summary["unroutable"]) == (0, 2)


def test_the_exchange_of_the_guide_is_the_default(connected: Tool, witness: Witness) -> None:
    """Without --exchange events go to the guide's exchange."""
    assert witness.exchange == EXCHANGE == "medtrack.events"
    name = connected.write("events.ndjson", b"".join(numbered(1)))
    assert connected.run("publish", "-f", name).code == 0
    assert len(witness.take()) == 1


def test_an_unreachable_broker_is_no_topology_error(broker: Broker) -> None:
    """A port where nobody listens is BrokerUnreachable, also while it is tried again."""
    settings = settings_of(broker.amqp_url, hosts=(Host(LOOPBACK, free_port()),))
    published = publish(settings, [message()], retry_for=1.5)
    assert isinstance(published.error, BrokerUnreachable)
    assert published.receipts == []
