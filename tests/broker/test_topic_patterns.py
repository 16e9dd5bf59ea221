"""Topic patterns: the tool decides as the broker does."""

import secrets

from medtrack_cli.core.topics import key_matches
from tests.broker.witness import client
from tests.conftest import Broker

PATTERNS = [
    *("#", "*", "", "a", "a.b", "a.*", "a.#", "#.a", "*.a", "*.*", "*.#", "#.*", "#.#"),
    *("a.*.b", "a.#.b", "#.b.#", "*.*.*", "a.", ".a", ".", "a..b", "a.*.*", "*..b", "#.", ".#"),
    *("a#", "a*", "student.*", "STUDENT.*", "a+", "[a]", "a|b", "é.*"),
]
KEYS = [
    *("", "a", "b", "a.b", "a.b.c", "a.a", "b.a", "a.x.b", "a.x.y.b", "b.b", "a.", ".a", "."),
    *("a..b", "..", "a..", "x.b.x", "student.created", "student", "student.created.x", "A", "a#"),
    *("a*", "#", "*", "a.#", "aa", "a\n", "a.\n", "é.x", "a+", "[a]"),
]


def test_key_matches_decides_as_the_broker(broker: Broker) -> None:
    """For every pattern and key of a table, the tool and a real topic exchange agree."""
    exchange = f"tests.topics.{secrets.token_hex(4)}"
    routed = set()
    with client(broker.amqp_url) as channel:
        channel.exchange_declare(exchange, "topic", auto_delete=True)
        channel.confirm_delivery()
        queues = {}
        for pattern in PATTERNS:
            queues[pattern] = channel.queue_declare("", exclusive=True).method.queue
            channel.queue_bind(queues[pattern], exchange, pattern)
        for key in KEYS:
            channel.basic_publish(exchange, key, b"")
        for pattern, queue in queues.items():
            while (method := channel.basic_get(queue, auto_ack=True)[0]) is not None:
                routed.add((pattern, method.routing_key))
    decided = {(pattern, key) for pattern in PATTERNS for key in KEYS if key_matches(pattern, key)}
    assert decided == routed
    assert len(routed) > 100
