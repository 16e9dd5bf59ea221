"""`medtrack publish` with a real broker, and with what is none."""

import signal
import time

import pytest

from medtrack_cli.private_broker import EXCHANGE, PrivateBroker
from tests.broker.witness import Witness, client, settings_of
from tests.builders import numbered
from tests.cli.tool import Tool
from tests.conftest import Broker
from tests.faults.proxy import Proxy, Shape, free_port, http, serving, silence, tls


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
    assert "exchange 'missing.exchange' is missing" in ran.err


def test_a_wrong_password_is_exit_code_77(connected: Tool, broker: Broker) -> None:
    """Through the command line a refused login is 77, and no password is shown."""
    name = connected.write("events.ndjson", b"".join(numbered(3)))
    port = settings_of(broker.amqp_url).hosts[0].port
    url = f"amqp://nobody:wr0ng@localhost:{port}"
    ran = connected.run("publish", "-f", name, "-o", "json", MEDTRACK_URL=url)
    assert ran.code == 77
    assert ran.summary["unsent"] == 3
    assert "wr0ng" not in ran.out + ran.err


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
        (tls, "amqp", 77, "this port speaks TLS"),
        (http, "amqps", 77, "speaks no TLS on this port"),
        (tls, "amqps", 77, "signed by itself"),
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


def test_a_file_that_changes_after_its_check_stops_the_run(
    tool: Tool, private_broker: PrivateBroker
) -> None:
    """What was checked is no longer what is there: all is unsent, 66."""
    url = private_broker.amqp_url
    name = tool.write("events.ndjson", b"".join(numbered(2)))
    with (
        client(url) as channel,
        Witness(channel) as witness,
        Proxy(private_broker.amqp_port, Shape(delay=0.3)) as proxy,
    ):
        through = proxy.through(url)
        running = tool.start("publish", "-f", name, "-o", "json", MEDTRACK_URL=through)
        running.await_text("connecting to")
        tool.write("events.ndjson", b"".join(numbered(3)))
        ran = running.end()
        assert (ran.code, ran.summary["unsent"], witness.take()) == (66, 2, [])
    assert "file changed while it was being read: events.ndjson" in ran.err


def test_a_small_file_may_change_while_it_is_sent(connected: Tool, witness: Witness) -> None:
    """What was checked is sent from memory, whatever becomes of the file."""
    name = connected.write("events.ndjson", b"".join(numbered(4)))
    running = connected.start("publish", "-f", name, "--rate", "4", "-o", "json")
    until = time.monotonic() + 20
    while not witness.channel.queue_declare(witness.queue, passive=True).method.message_count:
        assert time.monotonic() < until, running.err
        time.sleep(0.02)
    connected.write("events.ndjson", b"no event\n")
    ran = running.end()
    bodies = [each.body for each in witness.take()]
    assert (ran.code, ran.summary["confirmed"]) == (0, 4), ran.err
    assert bodies == [line.rstrip() for line in numbered(4)]


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
