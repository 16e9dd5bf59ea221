"""Read a vhost's queues through the management API."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from fnmatch import translate
from typing import Any
from urllib.parse import quote

from medtrack_cli.broker.management.client import Questions, Unanswered
from medtrack_cli.core.archive import Archive
from medtrack_cli.core.connection_settings import ConnectionSettings
from medtrack_cli.core.hiding import without_secrets
from medtrack_cli.core.ports import Stop
from medtrack_cli.core.queues import QueueState

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
_DEAD_LETTER = "dead-letter-exchange"
_LIMIT = "delivery-limit"
_DEFAULT_LIMIT = 20  # of RabbitMQ 4


def read_queues(
    settings: ConnectionSettings, pattern: str | None, stop: Stop | None = None
) -> list[QueueState]:
    """Read the queues whose name matches a glob, in no order; Unanswered on failure."""
    questions = Questions(settings, SECONDS, stop)
    vhost = quote(settings.vhost, safe="")
    path = f"queues/{vhost}?columns={','.join(_COLUMNS)}"
    if pattern is not None:
        names = f"^(?:{translate(pattern)}|{re.escape(pattern)}$)"
        path += f"&use_regex=true&name={quote(names, safe='')}"
    rows = list(questions.pages(path))
    if rows and not any("messages_ready" in row for row in rows):
        rows = list(questions.pages(path + _TOTALS))
    keys = _keys(questions, vhost, settings)
    try:
        return [_state(row, keys, settings) for row in rows]
    except (TypeError, KeyError, AttributeError):
        raise Unanswered("gave an answer that isn't RabbitMQ's") from None


def read_archives(settings: ConnectionSettings, stop: Stop | None = None) -> list[Archive]:
    """Read the vhost's streams, in no order; Unanswered on failure."""
    questions = Questions(settings, SECONDS, stop)
    vhost = quote(settings.vhost, safe="")
    rows = [
        row
        for row in questions.pages(f"queues/{vhost}?columns={','.join(_STREAM_COLUMNS)}")
        if row.get("type") == "stream"
    ]
    keys = _keys(questions, vhost, settings)
    try:
        return [_archive(row, keys) for row in rows]
    except (TypeError, KeyError, AttributeError):
        raise Unanswered("gave an answer that isn't RabbitMQ's") from None


def delivery_limit(settings: ConnectionSettings, queue: str) -> tuple[str, int | None]:
    """Return a queue's type and delivery limit; None: no limit.

    Unanswered on failure. A quorum queue of RabbitMQ 4 has a limit unless its limit is -1.
    """
    questions, name = Questions(settings, SECONDS), f"x-{_LIMIT}"
    path = f"queues/{quote(settings.vhost, safe='')}/{quote(queue, safe='')}"
    row = questions.ask(f"{path}?columns=type,arguments,effective_policy_definition")
    version = questions.ask("overview?columns=rabbitmq_version")
    try:
        policy, arguments = row.get("effective_policy_definition") or {}, row["arguments"]
        set_ = [each[key] for each, key in ((arguments, name), (policy, _LIMIT)) if key in each]
        is_4 = not str(version["rabbitmq_version"]).startswith("3.")
        kind = str(row["type"])
    except (TypeError, KeyError, AttributeError):
        raise Unanswered("gave an answer that isn't RabbitMQ's") from None
    if kind != "quorum":
        return kind, None
    limit = min(map(int, set_), default=_DEFAULT_LIMIT if is_4 else -1)
    return kind, None if limit < 0 else limit


def read_declaration(settings: ConnectionSettings, queue: str) -> Mapping[str, Any] | None:
    """Read how a queue was declared: `durable`, `arguments`; None when unavailable."""
    path = f"queues/{quote(settings.vhost, safe='')}/{quote(queue, safe='')}"
    try:
        row = Questions(settings).ask(f"{path}?columns=durable,arguments,type")
        return {"durable": row["durable"], "x-queue-type": row["type"], **row["arguments"]}
    except (Unanswered, TypeError, KeyError):
        return None


def _keys(
    questions: Questions, vhost: str, settings: ConnectionSettings
) -> Mapping[str, Iterable[str]] | None:
    """List by queue the routing keys from our exchange; None when unavailable."""
    exchange = quote(settings.exchange, safe="")
    columns = "destination,destination_type,routing_key"
    try:
        rows = questions.ask(f"exchanges/{vhost}/{exchange}/bindings/source?columns={columns}")
        found: defaultdict[str, dict[str, None]] = defaultdict(dict)
        for row in rows:
            if row["destination_type"] == "queue":
                found[row["destination"]][row["routing_key"]] = None
    except (Unanswered, TypeError, KeyError):
        return None
    return found


def _archive(row: Mapping[str, Any], keys: Mapping[str, Iterable[str]] | None) -> Archive:
    policy, arguments = row.get("effective_policy_definition") or {}, row.get("arguments") or {}
    age, size = (
        arguments.get(f"x-{name}", policy.get(name)) for name in ("max-age", "max-length-bytes")
    )
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
    policy, arguments = row.get("effective_policy_definition") or {}, row.get("arguments") or {}
    letters = arguments.get(f"x-{_DEAD_LETTER}", policy.get(_DEAD_LETTER))
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
