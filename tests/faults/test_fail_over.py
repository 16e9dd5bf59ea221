"""A quorum queue whose nodes are killed while events are published to it."""

import threading
from collections import defaultdict
from collections.abc import Iterator

import pytest
from pika import spec

from medtrack_cli.core.messages import Message, Outcome
from medtrack_cli.private_broker import EXCHANGE
from tests.broker.publishing import Published, publish
from tests.broker.witness import Held, client, drain
from tests.builders import message
from tests.faults.accounts import WINDOW
from tests.faults.cluster import Cluster
from tests.faults.fake_broker import Send, published_to

QUEUE = "tests.failing.over"
COUNT = 8_000
KEYS = [f"key.{number}" for number in range(4)]


def published_while_killed(cluster: Cluster, killed: int, *order: int) -> Published:
    """Publish to these nodes, in this order, and kill one when a quarter has been read."""
    killing = threading.Thread(target=cluster.kill, args=(killed,))

    def source() -> Iterator[Message]:
        for position in range(1, COUNT + 1):
            if position == COUNT // 4:
                killing.start()
            yield message(position, routing_key=KEYS[position % len(KEYS)])

    published = publish(cluster.settings(*order), source())
    killing.join()
    return published


def survived(cluster: Cluster, through: int) -> tuple[Published, list[Held]]:
    """Kill the leader's node during a run through a node so many behind it; give what is left."""
    with client(cluster.node_url(0)) as channel:
        channel.queue_declare(QUEUE, durable=True, arguments={"x-queue-type": "quorum"})
        channel.queue_bind(QUEUE, EXCHANGE, "#")
    try:
        leader = cluster.leader(QUEUE)
        first = (leader + through) % 3
        published = published_while_killed(cluster, leader, first, (first + 1) % 3, (first + 2) % 3)
        cluster.heal()
        # Of a node that was just started, a consumer may wait for ever.
        with client(cluster.node_url(cluster.leader(QUEUE))) as channel:
            return published, drain(channel, QUEUE)
    finally:
        cluster.heal()
        with client(cluster.node_url(0)) as channel:
            channel.queue_delete(QUEUE)


def early(held: list[Held]) -> int:
    """Count the events whose first copy came before that of an earlier one of their key."""
    firsts = dict.fromkeys((each.routing_key, int(each.message_id[3:])) for each in held)
    by_key: dict[str, list[int]] = defaultdict(list)
    for key, position in firsts:
        by_key[key].append(position)
    return sum(
        any(later < each for later in positions[index:])
        for positions in by_key.values()
        for index, each in enumerate(positions)
    )


@pytest.mark.long
@pytest.mark.timeout(400)
@pytest.mark.parametrize("through", [1, 0, 2], ids=["another node", "its node", "the third node"])
def test_a_leader_killed_on_the_way_loses_nothing(cluster: Cluster, through: int) -> None:
    """The broker nacks while a leader is elected: all is confirmed, through whichever node."""
    published, held = survived(cluster, through)
    assert published.error is None
    assert published.positions(Outcome.CONFIRMED) == list(range(1, COUNT + 1))
    assert {int(each.message_id[3:]) for each in held} == set(range(1, COUNT + 1))
    assert early(held) <= WINDOW


def test_a_channel_that_refuses_everything_is_left_for_another() -> None:
    """RabbitMQ 3.10 refuses on a channel that met a dead leader first: the next one is well."""
    channels = 0

    def answer(send: Send, count: int) -> None:
        nonlocal channels
        channels += not count
        if count:
            send((spec.Basic.Nack if channels == 1 else spec.Basic.Ack)(count))

    published = published_to(answer, retry_for=30)
    assert published.error is None
    assert len(published.positions(Outcome.CONFIRMED)) == 20
    assert channels == 2
