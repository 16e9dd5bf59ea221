"""Read a vhost's exchanges, bindings, queues, streams and policies through the management API."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from fnmatch import translate
from functools import partial
from typing import Any
from urllib.parse import quote

from medtrack_cli.broker.management import client
from medtrack_cli.broker.management.client import Questions, Unanswered, as_rabbitmq_writes, path
from medtrack_cli.core.archive import Archive
from medtrack_cli.core.connection_settings import ConnectionSettings
from medtrack_cli.core.hiding import without_secrets
from medtrack_cli.core.ports import Stop
from medtrack_cli.core.queues import QueueState
from medtrack_cli.core.topology.model import Topology
from medtrack_cli.core.topology.rows import Row, Rows, topology_of

_BINDING = "source,destination,destination_type,routing_key,arguments"
_QUEUE = (
    "name,type,durable,exclusive,arguments,messages_ready,consumers,"
    "policy,operator_policy,effective_policy_definition"
)
SECONDS = 20.0
_RATES = {"publish_rate": "publish_details", "deliver_rate": "deliver_get_details"}
_COLUMNS = (
    *("name", "type", "state", "messages_ready", "messages_unacknowledged", "consumers"),
    *("arguments", "effective_policy_definition"),
    *(f"message_stats.{each}.rate" for each in _RATES.values()),
)
_STREAM_COLUMNS = (
    *("name", "type", "arguments", "effective_policy_definition"),
    *("leader", "node", "members", "online"),
)
# Counted for this answer, where no statistics are collected: RabbitMQ 4 may have none.
_TOTALS = "&disable_stats=true&enable_queue_totals=true"
_LIMIT = "delivery-limit"
_DEFAULT_LIMIT = 20  # of RabbitMQ 4


def read_topology(
    settings: ConnectionSettings, seconds: float = client.SECONDS, *, with_queues: bool = False
) -> Topology:
    """Read what `core.routing` needs; Unanswered if it can't be had in time.

    A policy that this user may not read isn't known: it may name an alternate exchange. Without
    their rows, queues are known by name alone.
    """
    vhost = quote(settings.vhost, safe="")
    questions = client.Questions(settings, seconds)
    exchanges = questions.ask(f"exchanges/{vhost}")
    bindings = questions.ask(f"bindings/{vhost}?columns={_BINDING}")
    if exchanges == []:
        raise client.Unanswered("shows this user no exchange")
    queues = list(questions.pages(f"queues/{vhost}?columns={_QUEUE}")) if with_queues else []
    with client.as_rabbitmq_writes():
        is_governed = with_queues or any(each.get("policy") for each in exchanges)
        policies = _policies(questions, f"policies/{vhost}") if is_governed else []
        operators = _policies(questions, f"operator-policies/{vhost}") if with_queues else []
        rows = Rows(exchanges, bindings, queues, policies, operators, is_live=True)
        return topology_of(rows, partial(without_secrets, settings=settings))


def _policies(questions: client.Questions, path: str) -> list[Row] | None:
    """List policies; None where this user may not see them."""
    try:
        listed: list[Row] = questions.ask(path)
    except client.Unanswered as error:
        if error.status is None:
            raise
        return None
    return listed


def read_queues(
    settings: ConnectionSettings, pattern: str | None, stop: Stop | None = None
) -> list[QueueState]:
    """Read the queues whose name matches a glob, in no order; Unanswered on failure."""
    questions = Questions(settings, SECONDS, stop)
    query = f"{path('queues', settings.vhost)}?columns={','.join(_COLUMNS)}"
    if pattern is not None:
        names = f"^(?:{translate(pattern)}|{re.escape(pattern)}$)"
        query += f"&use_regex=true&name={quote(names, safe='')}"
    rows = list(questions.pages(query))
    if rows and not any("messages_ready" in row for row in rows):
        rows = list(questions.pages(query + _TOTALS))
    keys = _keys(questions, settings)
    with as_rabbitmq_writes():
        return [_state(row, keys, settings) for row in rows]


def read_archives(settings: ConnectionSettings, stop: Stop | None = None) -> list[Archive]:
    """Read the vhost's streams, in no order; Unanswered on failure."""
    questions = Questions(settings, SECONDS, stop)
    query = f"{path('queues', settings.vhost)}?columns={','.join(_STREAM_COLUMNS)}"
    rows = [row for row in questions.pages(query) if row.get("type") == "stream"]
    keys = _keys(questions, settings)
    with as_rabbitmq_writes():
        return [_archive(row, keys) for row in rows]


def delivery_limit(settings: ConnectionSettings, queue: str) -> tuple[str, int | None]:
    """Return a queue's type and delivery limit; None: no limit.

    Unanswered on failure. A quorum queue of RabbitMQ 4 has a limit unless its limit is -1.
    """
    questions, name = Questions(settings, SECONDS), f"x-{_LIMIT}"
    where = path("queues", settings.vhost, queue)
    row = questions.ask(f"{where}?columns=type,arguments,effective_policy_definition")
    version = questions.ask("overview?columns=rabbitmq_version")
    with as_rabbitmq_writes():
        policy, arguments = row.get("effective_policy_definition") or {}, row["arguments"]
        set_ = [each[key] for each, key in ((arguments, name), (policy, _LIMIT)) if key in each]
        is_4 = not str(version["rabbitmq_version"]).startswith("3.")
        kind = str(row["type"])
    if kind != "quorum":
        return kind, None
    limit = min(map(int, set_), default=_DEFAULT_LIMIT if is_4 else -1)
    return kind, None if limit < 0 else limit


def read_declaration(settings: ConnectionSettings, queue: str) -> Mapping[str, Any] | None:
    """Read how a queue was declared: `durable`, `arguments`; None when unavailable."""
    where = path("queues", settings.vhost, queue)
    try:
        row = Questions(settings).ask(f"{where}?columns=durable,arguments,type")
        return {"durable": row["durable"], "x-queue-type": row["type"], **row["arguments"]}
    except (Unanswered, TypeError, KeyError):
        return None


def _keys(questions: Questions, settings: ConnectionSettings) -> Mapping[str, Iterable[str]] | None:
    """List by queue the routing keys from our exchange; None when unavailable."""
    where = path("exchanges", settings.vhost, settings.exchange, "bindings", "source")
    try:
        rows = questions.ask(f"{where}?columns=destination,destination_type,routing_key")
        found: defaultdict[str, dict[str, None]] = defaultdict(dict)
        for row in rows:
            if row["destination_type"] == "queue":
                found[row["destination"]][row["routing_key"]] = None
    except (Unanswered, TypeError, KeyError):
        return None
    return found


def _defined(row: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 -- JSON
    """Give what a queue's argument says, or its policy."""
    policy = row.get("effective_policy_definition") or {}
    return (row.get("arguments") or {}).get(f"x-{name}", policy.get(name))


def _archive(row: Mapping[str, Any], keys: Mapping[str, Iterable[str]] | None) -> Archive:
    age, size = (_defined(row, name) for name in ("max-age", "max-length-bytes"))
    members, online = (
        None if row.get(name) is None else tuple(map(str, row[name]))
        for name in ("members", "online")
    )
    return Archive(
        row["name"],
        max_age=None if age is None else str(age),
        max_bytes=size if isinstance(size, int) else None,
        bindings=None if keys is None else tuple(keys.get(row["name"], ())),
        leader=row.get("leader") or row.get("node"),
        replicas=members,
        online=online,
    )


def _state(
    row: Mapping[str, Any], keys: Mapping[str, Iterable[str]] | None, settings: ConnectionSettings
) -> QueueState:
    letters = _defined(row, "dead-letter-exchange")
    rates = {
        name: row.get("message_stats", {}).get(of, {}).get("rate") for name, of in _RATES.items()
    }
    return QueueState(
        without_secrets(row["name"], settings),
        row.get("type"),
        row.get("state"),
        row.get("messages_ready"),
        row.get("messages_unacknowledged"),
        row.get("consumers"),
        **rates,
        dead_letter=None if letters is None else str(letters),
        bindings=None if keys is None else tuple(keys.get(row["name"], ())),
    )
