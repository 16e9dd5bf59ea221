"""RabbitMQ 4 with nothing of the past: what publisher and consumer promise holds there, too."""

import os
from pathlib import Path

import pika
import pytest
from pika.exceptions import AMQPError

from medtrack_cli import private_broker as private
from medtrack_cli.private_broker import EXCHANGE, PrivateBroker
from medtrack_cli.world import World
from tests.broker.witness import client, settings_of
from tests.cli.tool import Tool
from tests.contracts.test_contracts import *  # noqa: F403 -- the same tests, with other doors
from tests.contracts.test_contracts import Doors
from tests.faults.breaking import environ_of, evaluate
from tests.faults.rabbitmq4 import deprecated
from tests.faults.rabbitmq4 import running as rabbitmq4_running
from tests.faults.test_continuity import check_many_cuts
from tests.recording.test_dead_letters import check_dead_letters

ROOT4 = os.environ.get("MEDTRACK_TEST_RABBITMQ4_ROOT")


@pytest.fixture
def rabbitmq4(rabbitmq4_state: Path) -> PrivateBroker:
    """Give the broker, running whatever the test before has left of it."""
    return private.start(rabbitmq4_state, environ=environ_of(rabbitmq4_state), announce=print)


@pytest.fixture  # type: ignore[no-redef] # in the place of the contract's own
def doors(rabbitmq4: PrivateBroker) -> Doors:
    """Give the doors to RabbitMQ 4."""
    world = World()
    return Doors(settings_of(rabbitmq4.amqp_url), world.open_publisher, world.open_consumer)


def test_every_deprecated_feature_is_denied(rabbitmq4: PrivateBroker) -> None:
    """It is a RabbitMQ 4 that permits none of what it deprecates, and really refuses it."""
    assert rabbitmq4.version.startswith("4.")
    for feature in deprecated(rabbitmq4):
        asked = evaluate(rabbitmq4, f"rabbit_deprecated_features:is_permitted({feature}).")
        assert "false" in asked.splitlines(), feature  # before or after the broker's complaint
    with pika.BlockingConnection(pika.URLParameters(rabbitmq4.amqp_url)) as connection:
        channel = connection.channel()
        with pytest.raises(AMQPError, match="transient_nonexcl_queues"):
            channel.queue_declare("tests.transient", durable=False, exclusive=False)


QUORUM_VHOST = "tests-quorum"
LISTENING: dict[str, tuple[str, ...]] = {
    "tap": (),
    "durable": ("--durable", "tests.durable"),
    "queue": ("--queue", "tests.theirs", "--yes"),
}


def listened(tool: Tool, broker: PrivateBroker) -> list[int]:
    """Hear one event in each way, on a vhost whose queues are quorum queues unless told."""
    private.rabbitmqctl(broker, "add_vhost", QUORUM_VHOST, "--default-queue-type", "quorum")
    private.rabbitmqctl(broker, "set_permissions", "-p", QUORUM_VHOST, "admin", ".*", ".*", ".*")
    url = f"{broker.amqp_url.removesuffix('%2F')}{QUORUM_VHOST}"
    try:
        with client(url) as channel:
            channel.exchange_declare(EXCHANGE, "topic", durable=True)
            channel.queue_declare("tests.theirs", durable=True)
            channel.queue_bind("tests.theirs", EXCHANGE, "#")
            codes = []
            for options in LISTENING.values():
                running = tool.listen("--url", url, "--count", "1", *options)
                channel.basic_publish(EXCHANGE, "tests.received", b"{}")
                codes.append(running.end().code)
            return codes
    finally:
        private.rabbitmqctl(broker, "delete_vhost", QUORUM_VHOST)


def test_listening_needs_nothing_of_a_vhosts_defaults(tool: Tool, rabbitmq4: PrivateBroker) -> None:
    """Where queues are quorum queues by default, listening works in each of its ways."""
    assert listened(tool, rabbitmq4) == [0, 0, 0]


@pytest.mark.long
@pytest.mark.parametrize("queue_type", ["classic", "quorum"])
def test_dead_letters_of_rabbitmq4(tool: Tool, rabbitmq4: PrivateBroker, queue_type: str) -> None:
    """Its dead letters, too, are sent as at first or to their queue, and not without a word."""
    with client(rabbitmq4.amqp_url) as channel:
        channel.exchange_declare(EXCHANGE, "topic", durable=True)
    check_dead_letters(tool, rabbitmq4.amqp_url, queue_type)


@pytest.mark.long
@pytest.mark.timeout(400)
def test_a_quorum_tap_outlives_many_cuts(rabbitmq4: PrivateBroker) -> None:
    """The delivery limit of RabbitMQ 4 is lifted: 25 closed connections lose nothing."""
    check_many_cuts(rabbitmq4)


@pytest.mark.long
def test_listening_on_khepri(tool: Tool) -> None:
    """On a RabbitMQ that keeps its queues in Khepri, listening works in each of its ways."""
    assert ROOT4
    with rabbitmq4_running(Path(ROOT4)) as folder:
        broker = private.start(folder, environ=environ_of(folder), announce=print)
        evaluate(broker, "ok = rabbit_feature_flags:enable(khepri_db).")
        assert "true" in evaluate(broker, "rabbit_khepri:is_enabled().")
        assert listened(tool, broker) == [0, 0, 0]
