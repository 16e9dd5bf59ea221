"""Whether a queue that still exists kept everything while we were away: AMQP doesn't tell.

A classic queue lives on one node. While that node is down, others of a cluster accept what is
published, and confirm it; and transient messages are lost in a restart. So something may be missing
unless the management API can exclude it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import quote

from medtrack_cli.broker.management import client
from medtrack_cli.core.connection_settings import ConnectionSettings
from medtrack_cli.core.listening.sources import QueueType, Source
from medtrack_cli.core.ports import Stop

SECONDS = 1.0  # for all requests together: what waits in the queue is more urgent
_LIMIT = 20  # how often quorum queues deliver again before they drop, from RabbitMQ 4.0 on
_LIMITS_SINCE = 4
_COLUMNS = "type,arguments,effective_policy_definition"
_BOOT_SECONDS = 15.0  # from a node's start to its first statistics
# The statistics of a node: their age, and the seconds between two of them.
_FINE, _COARSE = (590, 5), (3540, 60)


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
            vhost, name = quote(settings.vhost, safe=""), quote(source.name or "", safe="")
            row = questions.ask(f"queues/{vhost}/{name}?columns={_COLUMNS}")
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
