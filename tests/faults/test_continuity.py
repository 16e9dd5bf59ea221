"""Whether a queue that survived a lost connection kept everything: told only where it is known."""

import json
import os
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pika
import pytest
import urllib3

from medtrack_cli import private_broker as private
from medtrack_cli.broker.amqp.consumer import AmqpConsumer
from medtrack_cli.core.listening.sources import QueueType, Tap
from medtrack_cli.core.ports import Resumed, Stop
from medtrack_cli.private_broker import EXCHANGE, PrivateBroker
from tests.broker.certificates import Received, raw_server
from tests.broker.witness import client, settings_of
from tests.cli.tool import Tool
from tests.faults.breaking import await_true, close_connections, kill, restart
from tests.faults.listening import TAP, Reader, check_story, keys, named_tap, say, told
from tests.faults.proxy import Proxy
from tests.faults.test_taps import error_of, one_queue
from tests.faults.versions import has_statistics

QUORUM = ("--queue-type", "quorum")
TRANSIENT = pika.BasicProperties(delivery_mode=1)


def api_of(broker: PrivateBroker) -> str:
    """Give the management API's URL, as the tool takes it."""
    return f"http://127.0.0.1:{broker.management_port}"


def is_known(broker: PrivateBroker) -> bool:
    """Return whether the broker's statistics begin some time ago."""
    login = urllib3.make_headers(basic_auth="admin:password")
    path = "nodes?node_stats_age=30&node_stats_incr=5"
    answer = urllib3.request("GET", f"{broker.management_url}/api/{path}", headers=login)
    samples = answer.json()[0].get("mem_used_details", {}).get("samples", [])
    return sum(bool(each["sample"]) for each in samples) > 2


def through(proxy: Proxy, broker: PrivateBroker, folder: Path, management_url: str = "") -> Tool:
    """Give the tool behind a proxy, with a management API or none."""
    environ = {"MEDTRACK_MANAGEMENT_URL": management_url} if management_url else {}
    return Tool(folder, MEDTRACK_URL=proxy.through(broker.amqp_url), **environ)


@pytest.mark.parametrize("kind", ["classic", "queue"])
def test_one_node_that_ran_all_the_time_has_kept_all(
    tmp_path: Path, fragile_broker: PrivateBroker, kind: str
) -> None:
    """A classic queue lost nothing when the API says: one node, whose RabbitMQ didn't stop."""
    is_told = has_statistics(fragile_broker)
    if is_told:
        await_true(lambda: is_known(fragile_broker))
    options = ("--durable", TAP) if kind == "classic" else ("--queue", TAP, "--yes")
    with (
        Proxy(fragile_broker.amqp_port) as proxy,
        named_tap(fragile_broker),
        client(fragile_broker.amqp_url) as channel,
        through(proxy, fragile_broker, tmp_path, api_of(fragile_broker)) as tool,
    ):
        if kind == "queue":
            channel.queue_declare(TAP, durable=True)
            channel.queue_bind(TAP, EXCHANGE, "#")
        running = tool.listen(*options)
        say(fragile_broker, "before.it")
        running.await_text("before.it", stream="out")
        proxy.cut()
        say(fragile_broker, "in.between")
        ran = check_story(running, fragile_broker, missed=not is_told)
    assert "in.between" in keys(ran)


def silent(client: socket.socket, _received: Received) -> None:
    """Take a question and never answer."""
    with suppress(OSError):
        while client.recv(65536):
            pass


def another(client: socket.socket, _received: Received) -> None:
    """Answer as the API of another broker that is one node and has been up for a year."""
    asked = client.recv(65536)
    row = {"name": "another", "uptime": 365 * 86_400_000}
    body = json.dumps(row if b"cluster-name" in asked else [row]).encode()
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


@pytest.mark.parametrize("answer", [None, silent, another], ids=["none", "silent", "another's"])
def test_what_nobody_excludes_may_be_missing(
    tmp_path: Path,
    fragile_broker: PrivateBroker,
    answer: Callable[[socket.socket, Received], None] | None,
) -> None:
    """Where the API isn't set, is silent, or another broker's, a classic tap promises nothing.

    It is received again within seconds all the same.
    """
    with (
        raw_server(answer or silent) as api,
        Proxy(fragile_broker.amqp_port) as proxy,
        named_tap(fragile_broker) as options,
        through(
            proxy, fragile_broker, tmp_path, f"http://127.0.0.1:{api.port}" if answer else ""
        ) as tool,
    ):
        running = tool.listen(*options)
        say(fragile_broker, "before.it")
        running.await_text("before.it", stream="out")
        proxy.cut()
        running.await_text('"resumed"', 5)
        check_story(running, fragile_broker)
        assert bool(api.clients) is (answer is not None)


def test_a_quorum_tap_has_the_same_bounds(away: Tool, fragile_broker: PrivateBroker) -> None:
    """A replicated tap is declared with a tap's bounds, and delivers again without a limit.

    To RabbitMQ 3, which has none unless told, -1 would mean to drop what comes back once.
    """
    with named_tap(fragile_broker) as options:
        away.listen(*options, *QUORUM)
        queue = one_queue(fragile_broker, TAP)
        assert queue is not None
        limit = {} if fragile_broker.version.startswith("3.") else {"x-delivery-limit": -1}
        assert queue["arguments"] == limit | {
            "x-queue-type": "quorum",
            "x-expires": 600_000,
            "x-max-length": 10_000,
            "x-max-length-bytes": 64 * 1024**2,
            "x-overflow": "drop-head",
        }


@pytest.mark.parametrize("first", [(), QUORUM], ids=["classic", "quorum"])
def test_a_tap_of_the_other_type_is_left_as_it_is(
    away: Tool, fragile_broker: PrivateBroker, first: tuple[str, ...]
) -> None:
    """A durable name that is there as the other type is 76, and the hint names the option."""
    second = () if first else QUORUM
    with named_tap(fragile_broker) as options:
        away.run("listen", *options, *first, "--timeout", "0.1")
        ran = away.run("listen", "-o", "json", *options, *second, "--timeout", "5")
    error = error_of(ran)
    assert (ran.code, error["exit_code"]) == (76, 76)
    assert "x-queue-type" in error["message"]
    assert "--queue-type" in error["hint"]


def test_a_queue_type_goes_with_a_durable_tap(tool: Tool) -> None:
    """--queue-type without --durable is a usage error, before anything is asked."""
    ran = tool.run("listen", *QUORUM, "-o", "json")
    assert (ran.code, ran.err.count("connecting")) == (2, 0)
    assert "--durable" in error_of(ran)["message"]


@pytest.mark.parametrize(
    ("more", "cautions"), [((), True), (QUORUM, False)], ids=["classic", "quorum"]
)
def test_the_ready_line_says_what_one_node_cant_promise(
    tool: Tool, fragile_broker: PrivateBroker, more: tuple[str, ...], *, cautions: bool
) -> None:
    """On several hosts a classic durable tap says that it is on one node only."""
    port = fragile_broker.amqp_port
    config = {"url": fragile_broker.amqp_url, "hosts": [f"127.0.0.1:{port}", f"localhost:{port}"]}
    settings = tool.write("several.yaml", json.dumps({"profiles": {"both": config}}).encode())
    (tool.folder / settings).chmod(0o600)
    profile = ("--config", settings, "--profile", "both")
    with named_tap(fragile_broker) as options:
        running = tool.listen(*profile, *options, *more)
        ready = told(running, "listening")
        running.signal(signal.SIGTERM)
        running.end()
        human = tool.run("listen", "-o", "human", *profile, *options, *more, "--timeout", "0.1")
    assert ("one node" in (ready["caution"] or "")) is cautions
    assert ("one node" in human.err) is cautions


def stop_and_start(broker: PrivateBroker) -> None:
    """Restart RabbitMQ inside its runtime, which goes on."""
    private.rabbitmqctl(broker, "stop_app")
    private.rabbitmqctl(broker, "start_app")


def kill_and_start(broker: PrivateBroker) -> None:
    """Kill the broker and start it again."""
    kill(broker)
    restart(broker)


@pytest.mark.long
@pytest.mark.parametrize("again", [stop_and_start, kill_and_start])
@pytest.mark.parametrize("more", [(), QUORUM], ids=["classic", "quorum"])
def test_a_restart_takes_what_is_transient(
    tmp_path: Path,
    fragile_broker: PrivateBroker,
    again: Callable[[PrivateBroker], None],
    more: tuple[str, ...],
) -> None:
    """What isn't persistent goes from a classic tap with a restart, and that is said.

    The gap begins before the first of what is missing. A quorum queue keeps it.
    """
    await_true(lambda: is_known(fragile_broker))
    wanted = [f"waits.{number}" for number in range(9000)]
    reader = Reader()
    with (
        named_tap(fragile_broker) as options,
        Tool(
            tmp_path,
            MEDTRACK_URL=fragile_broker.amqp_url,
            MEDTRACK_MANAGEMENT_URL=api_of(fragile_broker),
        ) as tool,
    ):
        running = tool.listen(*options, *more, to=reader.writing)
        os.close(reader.writing)
        with client(fragile_broker.amqp_url) as channel:
            channel.confirm_delivery()
            for key in wanted:
                channel.basic_publish(EXCHANGE, key, b"{}", TRANSIENT)
        again(fragile_broker)
        reader.start()
        running.await_text('"resumed"', 60)
        say(fragile_broker, "after.it")
        await_true(lambda: b"after.it" in reader.lines[-1])
        running.signal(signal.SIGTERM)
        running.end()
        events = reader.finish()
    received = {each["routing_key"] for each in events}
    resumed = told(running, "resumed")
    if more:
        assert received.issuperset(wanted)
        assert resumed["may_have_missed"] is False
    else:
        assert not received.issuperset(wanted)
        assert resumed["may_have_missed"] is True
        assert resumed["since"] < events[0]["received_at"]


@pytest.mark.long
@pytest.mark.timeout(400)
def test_a_quorum_tap_outlives_many_cuts(fragile_broker: PrivateBroker) -> None:
    """What was on its way in 25 connections that were closed is still delivered, in order."""
    check_many_cuts(fragile_broker)


def check_many_cuts(broker: PrivateBroker, cuts: int = 25) -> None:
    """Nothing is lost by cuts that come while events are in our hands, and that is said."""
    wanted = [f"held.{number}" for number in range(20)]
    stop = Stop()
    tap = Tap(("held.*",), TAP, QueueType.QUORUM)
    with (
        named_tap(broker),
        AmqpConsumer(settings_of(broker.amqp_url), tap, print, stop) as consumer,
    ):
        happenings = consumer.deliveries()
        next(happenings)
        say(broker, *wanted)
        resumed: list[Resumed] = []
        for _ in range(cuts):
            next(each for each in happenings if isinstance(each, list) and each)
            assert close_connections(broker, 1, 0) == 1
            resumed.append(next(each for each in happenings if isinstance(each, Resumed)))
        received: list[str] = []
        for batch in happenings:
            assert isinstance(batch, list)
            consumer.acknowledge([each.token for each in batch])
            received += [each.routing_key for each in batch]
            if len(received) >= len(wanted):
                break
        stop.request(0)
    assert received == wanted
    assert not any(each.may_have_missed for each in resumed)
