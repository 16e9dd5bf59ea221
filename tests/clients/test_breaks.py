"""The printed clients, killed or with a killed broker: what they called confirmed is there."""

import signal
from collections.abc import Iterable
from pathlib import Path

import pika
import pytest

from medtrack_cli.private_broker import EXCHANGE, PrivateBroker
from tests.broker.witness import client
from tests.builders import encode, event
from tests.clients.programs import CONSUMING, PUBLISHING, Program, many, program
from tests.clients.test_clients import consumer, service
from tests.faults.breaking import durable, held_by, kill, restart

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
QUEUE = "tests.clients"
EVENTS = 1000
BY_CURL = 60  # a program each


def publisher(folder: Path, language: str, broker: PrivateBroker) -> Program:
    """Write a publisher of a small event."""
    url, api = broker.amqp_url, broker.web_address
    return program(folder, language, "student.updated", url=url, api=api)


def confirmed(said: str) -> list[str]:
    """Read the ids that a client has called confirmed."""
    lines = said.splitlines(keepends=True)
    return [line.split()[1] for line in lines if line.startswith("confirmed: ") and "\n" in line]


@pytest.mark.parametrize("language", PUBLISHING)
def test_a_killed_publisher_has_lost_nothing_it_confirmed(
    tmp_path: Path, language: str, fragile_broker: PrivateBroker
) -> None:
    """Killed amid a thousand events: all that it called confirmed wait in the queue, in order."""
    made = publisher(tmp_path, language, fragile_broker)
    with durable(fragile_broker, QUEUE):
        with made.running(*many(made, EVENTS)) as running:
            running.await_count("confirmed: ", 30 if language == "curl" else 300)
            running.process.send_signal(signal.SIGKILL)
            running.process.wait(10)
            ids = confirmed(running.said)
        held = [each.message_id for each in held_by(fragile_broker, QUEUE)]
    assert len(ids) < EVENTS
    assert held[: len(ids)] == ids
    assert len(held) <= len(ids) + 1


@pytest.mark.parametrize("language", PUBLISHING)
def test_a_publisher_outlives_its_broker(
    tmp_path: Path, language: str, fragile_broker: PrivateBroker
) -> None:
    """The broker is killed and comes back: every event is confirmed, and every one is there."""
    made = publisher(tmp_path, language, fragile_broker)
    count = BY_CURL if language == "curl" else EVENTS
    with durable(fragile_broker, QUEUE):
        with made.running(*many(made, count)) as running:
            running.await_count("confirmed: ", count // 10)
            kill(fragile_broker)
            broker = restart(fragile_broker)
            assert running.process.wait(120) == 0, running.said
            ids = confirmed(running.said)
        held = [each.message_id for each in held_by(broker, QUEUE)]
    assert len(ids) == count
    assert set(ids) == set(held)
    assert len(held) <= count + 2


@pytest.mark.parametrize("language", CONSUMING)
def test_a_consumer_outlives_its_broker(
    tmp_path: Path, language: str, fragile_broker: PrivateBroker
) -> None:
    """The broker is killed and comes back: the consumer goes on, and handles none twice."""
    body = encode(event("stage.completed"))
    with service(fragile_broker) as name:
        made = consumer(tmp_path, language, name, fragile_broker)
        with made.running() as running:
            running.await_count("consuming ")
            publish(fragile_broker, body, range(5))
            running.await_count("handled:", 5)
            kill(fragile_broker)
            broker = restart(fragile_broker)
            running.await_count("consuming ", 2)
            publish(broker, body, range(10))
            publish(broker, b"", ["end"])
            running.await_count(".dead: end: ")
            assert running.said.count("handled:") == 10


def publish(broker: PrivateBroker, body: bytes, ids: Iterable[object]) -> None:
    """Publish a stage.completed under each id."""
    with client(broker.amqp_url) as channel:
        for each in ids:
            properties = pika.BasicProperties(message_id=f"{each}", delivery_mode=2)
            channel.basic_publish(EXCHANGE, "stage.completed", body, properties)
