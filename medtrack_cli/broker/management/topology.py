"""Read a vhost's exchanges and bindings through the management API."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

from medtrack_cli.broker.management import client
from medtrack_cli.core.connection import ConnectionSettings
from medtrack_cli.core.hiding import without_secrets
from medtrack_cli.core.routing import Binding, Topology

_ALTERNATE = "alternate-exchange"

Rows = Iterable[Mapping[str, Any]]


def read_topology(settings: ConnectionSettings, seconds: float = client.SECONDS) -> Topology:
    """Read what `core.routing` decides by; Unanswered where it can't be had in time.

    An exchange that is under a policy this user may not read is left out: the policy may name
    an alternate exchange.
    """
    vhost = quote(settings.vhost, safe="")
    questions = client.Questions(settings, seconds)
    exchanges = questions.ask(f"exchanges/{vhost}")
    bindings = questions.ask(f"bindings/{vhost}")
    if exchanges == []:
        raise client.Unanswered("shows this user no exchange")
    try:
        is_governed = any(each.get("policy") for each in exchanges)
        policies = _policies(questions, vhost) if is_governed else []
        return _topology(exchanges, bindings, policies, partial(without_secrets, settings=settings))
    except (TypeError, KeyError, AttributeError):
        raise client.Unanswered("answered what RabbitMQ doesn't") from None


def _policies(questions: client.Questions, vhost: str) -> Rows:
    try:
        listed: Rows = questions.ask(f"policies/{vhost}")
    except client.Unanswered:
        return []
    return listed


def _topology(
    exchanges: Rows, bindings: Rows, listed: Rows, hide: Callable[[str], str]
) -> Topology:
    policies = {each["name"]: each["definition"] for each in listed}
    known = [each for each in exchanges if not each.get("policy") or each["policy"] in policies]
    by_source: defaultdict[str, list[Binding]] = defaultdict(list)
    for each in bindings:
        by_source[each["source"]].append(_binding(each, hide))
    return Topology(
        {each["name"]: each["type"] for each in known},
        {each["name"]: name for each in known if (name := _alternate(each, policies))},
        by_source,
    )


def _binding(row: Mapping[str, Any], hide: Callable[[str], str]) -> Binding:
    """Make a binding of what was answered; a queue's name is only ever shown."""
    is_to_exchange = row["destination_type"] == "exchange"
    # RabbitMQ 3 writes a void as this text.
    arguments = {
        name: None if value == "undefined" else value for name, value in row["arguments"].items()
    }
    destination = row["destination"] if is_to_exchange else hide(row["destination"])
    return Binding(row["source"], destination, is_to_exchange, row["routing_key"], arguments)


def _alternate(row: Mapping[str, Any], policies: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Name an exchange's alternate: its own argument goes before a policy's."""
    policy = policies.get(row.get("policy") or "", {})
    name = row["arguments"].get(_ALTERNATE) or policy.get(_ALTERNATE)
    return str(name) if name else None
