"""Read a vhost's exchanges, bindings, queues and policies through the management API."""

from functools import partial
from urllib.parse import quote

from medtrack_cli.broker.management import client
from medtrack_cli.core.connection_settings import ConnectionSettings
from medtrack_cli.core.hiding import without_secrets
from medtrack_cli.core.topology.model import Topology
from medtrack_cli.core.topology.rows import Row, Rows, topology_of

_BINDING = "source,destination,destination_type,routing_key,arguments"
_QUEUE = (
    "name,type,durable,exclusive,arguments,messages_ready,consumers,"
    "policy,operator_policy,effective_policy_definition"
)


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
    try:
        is_governed = with_queues or any(each.get("policy") for each in exchanges)
        policies = _policies(questions, f"policies/{vhost}") if is_governed else []
        operators = _policies(questions, f"operator-policies/{vhost}") if with_queues else []
        rows = Rows(exchanges, bindings, queues, policies, operators, is_live=True)
        return topology_of(rows, partial(without_secrets, settings=settings))
    except (TypeError, KeyError, AttributeError, ValueError):
        raise client.Unanswered("gave an answer that isn't RabbitMQ's") from None


def _policies(questions: client.Questions, path: str) -> list[Row] | None:
    """List policies; None where this user may not see them."""
    try:
        listed: list[Row] = questions.ask(path)
    except client.Unanswered as error:
        if error.status is None:
            raise
        return None
    return listed
