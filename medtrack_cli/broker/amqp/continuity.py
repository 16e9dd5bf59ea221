"""What a queue can't promise, and whether it kept everything while we were away: AMQP doesn't tell.

A classic queue lives on one node. While that node is down, others of a cluster accept what is
published, and confirm it; and transient messages are lost in a restart. So something may be missing
unless the management API can exclude it.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from medtrack_cli.broker.management import client, topology
from medtrack_cli.core.connection_settings import ConnectionSettings
from medtrack_cli.core.hiding import without_secrets
from medtrack_cli.core.listening.sources import QueueType, Source
from medtrack_cli.core.ports import Stop

SECONDS = 1.0  # for all requests of one purpose: what waits in the queue is more urgent
_LIMIT = 20  # how often quorum queues deliver again before they drop, from RabbitMQ 4.0 on
_LIMITS_SINCE = 4
_COLUMNS = "type,arguments,effective_policy_definition"
_BOOT_SECONDS = 15.0  # from a node's start to its first statistics
# The statistics of a node: their age, and the seconds between two of them.
_FINE, _COARSE = (590, 5), (3540, 60)
_MOST_BINDINGS = 3  # in one sentence
# The exchanges that every vhost has.
_TYPES = {
    "amq.direct": "direct",
    "amq.fanout": "fanout",
    "amq.headers": "headers",
    "amq.match": "headers",
    "amq.topic": "topic",
    "amq.rabbitmq.trace": "topic",
}
_DELAYED = "x-delayed-message"  # of a plugin: routes as its argument says


class Loss(NamedTuple):
    """A lost connection: when the broker was last seen, and what it returned.

    `is_closed`: the broker closed it, as it does when it stops. `returns`: how often a message of
    the queue may have been delivered in vain.
    """

    alive_at: datetime
    is_closed: bool
    returns: int


class Broker(NamedTuple):
    """The broker's properties after we reconnected."""

    cluster: str
    major_version: int


def has_kept_all(
    settings: ConnectionSettings, source: Source, broker: Broker, loss: Loss, stop: Stop
) -> bool:
    """Return whether a queue surely lost no event since the broker last answered.

    Asks the management API, unless the source itself knows enough; False when unavailable.
    """
    if source.keeps or source.queue_type is QueueType.QUORUM:
        return True
    questions = client.Questions(settings, SECONDS, stop)
    try:
        if source.queue_type is None:
            path = client.path("queues", settings.vhost, source.name or "")
            row = questions.ask(f"{path}?columns={_COLUMNS}")
            if row["type"] == QueueType.QUORUM:
                return _delivers_again(row, broker, loss.returns)
            if row["type"] != QueueType.CLASSIC:
                return False
        # Each node of a cluster has a name of its own, unless one was given.
        is_ours = questions.ask("cluster-name")["name"] == broker.cluster
        return is_ours and _is_one_that_stood(questions, loss)
    except (client.Unanswered, TypeError, KeyError, ValueError, AttributeError):
        return False


def _delivers_again(row: Mapping[str, Any], broker: Broker, returns: int) -> bool:
    """Return whether a quorum queue still has messages with this many failed deliveries."""
    named = [
        (row.get("arguments") or {}).get("x-delivery-limit"),
        (row.get("effective_policy_definition") or {}).get("delivery-limit"),
    ]
    limits = [each for each in named if each is not None]
    if broker.major_version >= _LIMITS_SINCE:
        limits = [each for each in limits or [_LIMIT] if each >= 0]
    return all(returns <= each for each in limits)


def _is_one_that_stood(questions: client.Questions, loss: Loss) -> bool:
    """Return whether the broker is one node, whose RabbitMQ ran all the time."""
    away = (datetime.now(UTC) - loss.alive_at).total_seconds() + SECONDS
    reach, step = _FINE if away < _FINE[0] else _COARSE
    ages = f"node_stats_age={reach}&node_stats_incr={step}"
    (node,) = questions.ask(f"nodes?{ages}&columns=name,uptime,mem_used_details")
    uptime = node["uptime"] / 1000
    if uptime <= away:
        return False
    # Erlang may outlive its RabbitMQ, whose statistics begin anew.
    samples = (node.get("mem_used_details") or {}).get("samples") or ()
    now = max((each["timestamp"] for each in samples), default=0)
    known = max(((now - each["timestamp"]) / 1000 for each in samples if each["sample"]), default=0)
    return known > away or (not loss.is_closed and (not samples or uptime - known < _BOOT_SECONDS))


def cautions(settings: ConnectionSettings, source: Source, stop: Stop) -> str | None:
    """Put into a sentence what the source can't promise; None: no limits are known."""
    if source.takes and source.name:
        return _of_limit(settings, source.name)
    if not source.patterns:
        return None
    ask = client.Questions(settings, SECONDS, stop)
    said = [
        *_of_one_node(settings, source),
        *_of_type(settings, source, ask),
        *_of_bindings(settings, source, ask),
    ]
    return "; ".join(said) or None


def _of_limit(settings: ConnectionSettings, queue: str) -> str | None:
    """Say that a queue drops what is given back to it too often."""
    try:
        _, limit = topology.delivery_limit(settings, queue)
    except client.Unanswered:
        return None
    if limit is None:
        return None
    return (
        f"queue {queue} drops a message at its delivery limit, {limit}; what is read ahead and "
        "goes back when this ends counts as delivered"
    )


def _of_one_node(settings: ConnectionSettings, tap: Source) -> Iterator[str]:
    """Say what a durable tap can't promise, where the broker seems to be a cluster."""
    if tap.stays and tap.queue_type is QueueType.CLASSIC and len(settings.hosts) > 1:
        yield (
            f"queue {tap.name} is on one node, and gets nothing while that is down; "
            "--queue-type quorum has it on several"
        )


def _of_type(
    settings: ConnectionSettings, tap: Source, questions: client.Questions
) -> Iterator[str]:
    """Say what patterns mean to an exchange that is no topic."""
    exchange = settings.exchange
    kind = _TYPES.get(exchange) or _type_of(settings, questions)
    wild = [each for each in tap.patterns if {"*", "#"} & set(each.split("."))]
    if kind == "direct" and wild:
        yield f"exchange {exchange} is direct: {wild[0]} is a key to it as it is, and no pattern"
    if kind in {"fanout", "headers"} and "#" not in tap.patterns:
        yield f"exchange {exchange} is a {kind} exchange: all arrives, whatever the patterns"


def _type_of(settings: ConnectionSettings, questions: client.Questions) -> str | None:
    """Ask the management API for the exchange's type; None when unavailable."""
    path = client.path("exchanges", settings.vhost, settings.exchange)
    try:
        row = questions.ask(f"{path}?columns=type,arguments")
        kind = row["arguments"]["x-delayed-type"] if row["type"] == _DELAYED else row["type"]
    except (client.Unanswered, TypeError, KeyError):
        return None
    return str(kind)


def _of_bindings(
    settings: ConnectionSettings, tap: Source, questions: client.Questions
) -> Iterator[str]:
    """Say that a durable tap also gets what others, or our other runs, have bound it to."""
    if tap.name is None:
        return
    path = client.path("queues", settings.vhost, tap.name, "bindings")
    try:
        rows: list[dict[str, Any]] = questions.ask(path)
        bound = {(each["source"], each["routing_key"]) for each in rows}
    except (client.Unanswered, TypeError, KeyError):
        return
    ours = {("", tap.name), *((settings.exchange, pattern) for pattern in tap.patterns)}
    if others := sorted(bound - ours):
        named = ", ".join(
            key if source == settings.exchange else f"{key} of {source}"
            for source, key in others[:_MOST_BINDINGS]
        )
        more = f" and {len(others) - _MOST_BINDINGS:,} more" * (len(others) > _MOST_BINDINGS)
        yield without_secrets(
            f"queue {tap.name} is bound to {named}{more}, too; a new name starts afresh", settings
        )
