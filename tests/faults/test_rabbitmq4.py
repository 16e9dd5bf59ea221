"""RabbitMQ 4 with nothing of the past: what publisher and consumer promise holds there, too."""

from pathlib import Path

import pika
import pytest
from pika.exceptions import AMQPError

from medtrack_cli.broker import private
from medtrack_cli.broker.private import PrivateBroker
from medtrack_cli.world import World
from tests.broker.witness import settings_of
from tests.contracts.test_contracts import *  # noqa: F403 -- the same tests, with other doors
from tests.contracts.test_contracts import Doors
from tests.faults.breaking import environ_of, evaluate
from tests.faults.rabbitmq4 import deprecated


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
