"""What a source seems to promise but can't: reported once, when it listens, as far as known."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from medtrack_cli.broker.management import client, queues
from medtrack_cli.core.connection_settings import ConnectionSettings
from medtrack_cli.core.hiding import without_secrets
from medtrack_cli.core.listening.sources import QueueType, Source
from medtrack_cli.core.ports import Stop

SECONDS = 1.0  # for all requests together
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
        _, limit = queues.delivery_limit(settings, queue)
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
    vhost, name = quote(settings.vhost, safe=""), quote(settings.exchange, safe="")
    try:
        row = questions.ask(f"exchanges/{vhost}/{name}?columns=type,arguments")
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
    vhost, name = quote(settings.vhost, safe=""), quote(tap.name, safe="")
    try:
        rows: list[dict[str, Any]] = questions.ask(f"queues/{vhost}/{name}/bindings")
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
