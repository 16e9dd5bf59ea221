"""The queues that listen declares, leaves and takes from, as the broker sees them."""

import json
import signal
import time
from typing import Any

import pytest
import urllib3
from pika.adapters.blocking_connection import BlockingChannel

from medtrack_cli.broker.amqp.consumer import AmqpConsumer
from medtrack_cli.core.listening.sources import Queue
from medtrack_cli.core.ports import Listening, Stop
from medtrack_cli.private_broker import EXCHANGE, PrivateBroker
from tests.broker.witness import client, settings_of
from tests.builders import numbered
from tests.cli.pty_run import answering
from tests.cli.tool import Ran, Tool
from tests.faults.breaking import await_lines, queue_of
from tests.faults.fake_broker import fake_broker
from tests.faults.permissions import account, run_hinted_line

KEY = "student.deleted"
TAP = "tests.durable"


def seen_by(broker: PrivateBroker, kind: str) -> list[dict[str, Any]]:
    """List the broker's queues, exchanges or bindings."""
    login = urllib3.make_headers(basic_auth="admin:password")
    url = f"http://127.0.0.1:{broker.management_port}/api/{kind}"
    answer = urllib3.request("GET", url, headers=login)
    listed: list[dict[str, Any]] = answer.json()
    return listed


def one_queue(broker: PrivateBroker, name: str) -> dict[str, Any] | None:
    """Look at one queue; None when it isn't there."""
    return next((each for each in seen_by(broker, "queues") if each["name"] == name), None)


def send(channel: BlockingChannel, *numbers: int) -> None:
    """Publish events that can be told apart by their numbers."""
    for number in numbers:
        channel.basic_publish(EXCHANGE, KEY, next(numbered(1, number)).strip())


def numbers(ran: Ran) -> list[int]:
    """Read back which events were received, in their order."""
    return [int(each["body"]["payload"]["student_id"][:8]) for each in ran.of_kind("event")]


def error_of(ran: Ran) -> dict[str, Any]:
    """Read the error that ended a run."""
    error: dict[str, Any] = json.loads(ran.err.splitlines()[-1])
    assert error["kind"] == "error", ran.err
    return error


def await_gone(broker: PrivateBroker, queue: str, seconds: float = 10) -> None:
    """Wait until a queue is no more."""
    until = time.monotonic() + seconds
    while one_queue(broker, queue):
        assert time.monotonic() < until, f"{queue} is still there"
        time.sleep(0.1)


def test_a_tap_is_one_exclusive_bounded_queue(away: Tool, fragile_broker: PrivateBroker) -> None:
    """Listening declares one classic exclusive queue with its bindings, and nothing else."""
    kinds = ("queues", "exchanges", "bindings")
    before = [seen_by(fragile_broker, kind) for kind in kinds]
    running = away.start("listen", "-o", "json", "student.*", "user.#")
    running.await_text('"listening"')
    name = queue_of(running)
    queue = one_queue(fragile_broker, name)
    assert queue is not None
    assert name.startswith("medtrack.tap.")
    assert (queue["exclusive"], queue["durable"]) == (True, False)
    assert queue["arguments"] == {
        "x-queue-type": "classic",
        "x-max-length": 1_000_000,
        "x-max-length-bytes": 1024**3,
        "x-overflow": "drop-head",
    }
    after = [seen_by(fragile_broker, kind) for kind in kinds]
    assert [len(more) - len(less) for more, less in zip(after, before, strict=True)] == [1, 0, 3]
    bound = {each["routing_key"] for each in after[2] if each["destination"] == name}
    assert bound == {name, "student.*", "user.#"}, "the first is the default exchange's"
    running.signal(signal.SIGTERM)
    running.end()
    await_gone(fragile_broker, name)


def test_a_killed_listener_leaves_no_tap(away: Tool, fragile_broker: PrivateBroker) -> None:
    """After kill -9 the broker itself deletes the tap."""
    running = away.listen()
    name = queue_of(running)
    assert one_queue(fragile_broker, name)
    running.signal(signal.SIGKILL)
    running.end()
    await_gone(fragile_broker, name)


def test_a_named_tap_keeps_what_is_published(away: Tool, fragile_broker: PrivateBroker) -> None:
    """A durable tap has the promised arguments, outlives its listener, and goes on in order."""
    with client(fragile_broker.amqp_url) as channel:
        running = away.listen("--durable", TAP, "--count", "2")
        queue = one_queue(fragile_broker, TAP)
        assert queue is not None
        assert (queue["exclusive"], queue["durable"], queue["auto_delete"]) == (False, True, False)
        assert queue["arguments"] == {
            "x-queue-type": "classic",
            "x-expires": 600_000,
            "x-max-length": 10_000,
            "x-max-length-bytes": 64 * 1024**2,
            "x-overflow": "drop-head",
        }
        send(channel, 1, 2, 3)
        first = running.end()
        send(channel, 4)
        second = away.run("listen", "-o", "json", "--durable", TAP, "--count", "2")
        channel.queue_delete(TAP)
    assert (first.code, numbers(first)) == (0, [1, 2])
    assert (second.code, numbers(second)) == (0, [3, 4])


def test_a_queue_declared_otherwise_is_no_tap(away: Tool, fragile_broker: PrivateBroker) -> None:
    """A name that stands for another kind of queue is 76, with the difference; it stays so."""
    with client(fragile_broker.amqp_url) as channel:
        channel.queue_declare(TAP, durable=True, arguments={"x-max-length": 5})
        before = one_queue(fragile_broker, TAP)
        ran = away.run("listen", "-o", "json", "--durable", TAP, "--timeout", "5")
        after = one_queue(fragile_broker, TAP)
        channel.queue_delete(TAP)
    error = error_of(ran)
    assert (ran.code, error["exit_code"]) == (76, 76)
    assert "x-" in error["message"]
    assert TAP in error["message"]
    assert before is not None
    assert after is not None
    assert after["arguments"] == before["arguments"]


def test_a_named_tap_has_one_listener(away: Tool, fragile_broker: PrivateBroker) -> None:
    """A second listener of one durable name is refused: events aren't shared out in silence."""
    first = away.listen("--durable", TAP)
    second = away.run("listen", "-o", "json", "--durable", TAP, "--timeout", "5")
    with client(fragile_broker.amqp_url) as channel:
        send(channel, 1, 2)
        await_lines(first, 2)
        first.signal(signal.SIGTERM)
        received = first.end()
        channel.queue_delete(TAP)
    assert numbers(received) == [1, 2]
    assert second.code == 76
    assert TAP in error_of(second)["message"]
    assert "another" in error_of(second)["message"]


@pytest.mark.parametrize("kind", ["classic", pytest.param("quorum", marks=pytest.mark.long)])
def test_what_isnt_written_stays_in_the_queue(
    away: Tool, fragile_broker: PrivateBroker, kind: str
) -> None:
    """--queue takes what it writes; the rest stays, in order, and nothing is declared.

    The quorum queues of RabbitMQ 3 put at their end what comes back.
    """
    with client(fragile_broker.amqp_url) as channel:
        channel.queue_declare("tests.taken", durable=True, arguments={"x-queue-type": kind})
        channel.queue_bind("tests.taken", EXCHANGE, "#")
        channel.confirm_delivery()
        send(channel, *range(1, 8))
        before = len(seen_by(fragile_broker, "queues"))
        command = ("listen", "-o", "json", "--queue", "tests.taken", "--yes")
        first = away.run(*command, "--count", "3")
        rest = away.run(*command, "--timeout", "1")
        assert len(seen_by(fragile_broker, "queues")) == before
        channel.queue_delete("tests.taken")
    assert (first.code, numbers(first)) == (0, [1, 2, 3])
    keeps_order = kind == "classic" or not fragile_broker.version.startswith("3.")
    left = numbers(rest) if keeps_order else sorted(numbers(rest))
    assert (rest.code, left) == (0, [4, 5, 6, 7])


def test_taking_from_a_queue_is_asked_for(away: Tool, fragile_broker: PrivateBroker) -> None:
    """On a terminal --queue asks with queue, vhost, broker and count; only a yes takes anything."""
    command = ("listen", "--queue", "tests.asked", "--count", "2", "-o", "json")
    with client(fragile_broker.amqp_url) as channel:
        channel.queue_declare("tests.asked", durable=True)
        channel.queue_bind("tests.asked", EXCHANGE, "#")
        channel.confirm_delivery()
        send(channel, 1, 2)
        script = away.run(*command)
        no, refused = answering(away, command, {}, b"[y/N]", b"n\n")
        left = channel.queue_declare("tests.asked", passive=True).method.message_count
        yes, taken = answering(away, command, {}, b"[y/N]", b"y\n")
        emptied = channel.queue_declare("tests.asked", passive=True).method.message_count
        channel.queue_delete("tests.asked")
    assert (script.code, no, left) == (2, 2, 2)
    assert "--yes" in script.err
    for text in ("tests.asked", f"127.0.0.1:{fragile_broker.amqp_port}", "vhost", "2 messages"):
        assert text in refused.decode(), text
    assert (yes, emptied) == (0, 0)
    assert b'"kind":"event"' in taken


@pytest.mark.long
def test_a_named_tap_needs_rights_on_its_own_queue_only(
    away: Tool, fragile_broker: PrivateBroker
) -> None:
    """A user without them is given the line that grants them: 77; with it run, all works."""
    command = ("listen", "-o", "human", "--durable", TAP, "--timeout", "0.2")
    with account(fragile_broker) as user:
        user.may(configure="^$")
        ran = away.run(*command, MEDTRACK_URL=user.url)
        granted = run_hinted_line(fragile_broker, ran.err)
        allowed = away.run(*command, MEDTRACK_URL=user.url)
    with client(fragile_broker.amqp_url) as channel:
        channel.queue_delete(TAP)
    assert (ran.code, allowed.code) == (77, 0), allowed.err
    assert f"may not configure queue '{TAP}'" in ran.err
    pattern = TAP.replace(".", r"\.")
    assert granted[-3:-1] == [f"^{pattern}$", f"^{pattern}$"]


@pytest.mark.long
def test_taking_from_a_queue_needs_reading_it_only(
    away: Tool, fragile_broker: PrivateBroker
) -> None:
    """A user who may not read it is given the line that grants that alone: 77; then it works."""
    command = ("listen", "-o", "human", "--queue", "tests.read", "--yes", "--timeout", "0.2")
    with client(fragile_broker.amqp_url) as channel, account(fragile_broker) as user:
        channel.queue_declare("tests.read", durable=True)
        user.may(read="^$")
        ran = away.run(*command, MEDTRACK_URL=user.url)
        granted = run_hinted_line(fragile_broker, ran.err)
        allowed = away.run(*command, MEDTRACK_URL=user.url)
        channel.queue_delete("tests.read")
    assert (ran.code, allowed.code) == (77, 0), allowed.err
    assert "may not read from queue 'tests.read'" in ran.err
    assert granted[-3:] == ["^$", "^$", r"^tests\.read$"]


def test_a_missing_queue_is_not_declared(away: Tool, fragile_broker: PrivateBroker) -> None:
    """--queue with a name that isn't there is 76, and afterwards it still isn't there."""
    ran = away.run("listen", "--queue", "tests.nowhere", "--yes", "--timeout", "5")
    assert (ran.code, error_of(ran)["code"]) == (76, "topology")
    assert "tests.nowhere" in error_of(ran)["message"]
    assert one_queue(fragile_broker, "tests.nowhere") is None


def test_nothing_is_taken_of_a_stream(away: Tool, fragile_broker: PrivateBroker) -> None:
    """--queue on a stream is 2 and says so, before anybody is asked for a yes."""
    command = ("listen", "-o", "json", "--queue", "tests.stream")
    with client(fragile_broker.amqp_url) as channel:
        channel.queue_declare("tests.stream", durable=True, arguments={"x-queue-type": "stream"})
        channel.basic_publish("", "tests.stream", b"{}")
        script = away.run(*command, "--yes", "--timeout", "9")
        code, asked = answering(away, command, {}, b"is a stream", b"")
        channel.queue_delete("tests.stream")
    assert (script.code, code) == (2, 2)
    assert "'tests.stream' is a stream" in error_of(script)["message"]
    assert b"[y/N]" not in asked


def test_to_ask_for_a_stream_counts_as_no_delivery(
    away: Tool, fragile_broker: PrivateBroker
) -> None:
    """What a quorum queue holds isn't delivered to find out that it is no stream."""
    with client(fragile_broker.amqp_url) as channel:
        channel.queue_declare("tests.quorum", durable=True, arguments={"x-queue-type": "quorum"})
        channel.basic_publish("", "tests.quorum", b"{}")
        ran = away.run("listen", "-o", "json", "--queue", "tests.quorum", "--yes", "--count", "1")
        channel.queue_delete("tests.quorum")
    (event,) = ran.of_kind("event")
    assert (event["redelivered"], event["headers"]) == (False, {})


@pytest.mark.parametrize("said", [{"version": "3.8.34"}, {"product": "LavinMQ"}])
def test_who_takes_any_consumer_is_not_asked_for_streams(said: dict[str, str]) -> None:
    """A broker that ignores what it doesn't know would call each of its queues a stream."""
    with fake_broker(lambda _send, _count: None, **said) as port:
        settings = settings_of(f"amqp://a:b@127.0.0.1:{port}")
        with AmqpConsumer(settings, Queue("tests.any"), print, Stop()) as consumer:
            assert isinstance(next(consumer.deliveries()), Listening)


@pytest.mark.parametrize("more", [("student.*",), ("--durable", "name")])
def test_a_queue_has_its_own_bindings(tool: Tool, more: tuple[str, ...]) -> None:
    """Patterns or a durable name beside --queue are a usage error, before anything is asked."""
    ran = tool.run("listen", "--queue", "tests.any", *more, "-o", "json")
    assert (ran.code, ran.err.count("connecting")) == (2, 0)
    assert more[0] in ran.err or "patterns" in ran.err
