"""From the rows of the management API, or of a definitions file, to a topology."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from medtrack_cli.core.topology import policies as rules
from medtrack_cli.core.topology.model import Binding, Exchange, Policy, Queue, Topology

_ALTERNATE = "alternate-exchange"
_PREDECLARED = {
    "": "direct",
    "amq.direct": "direct",
    "amq.fanout": "fanout",
    "amq.headers": "headers",
    "amq.match": "headers",
    "amq.rabbitmq.trace": "topic",
    "amq.topic": "topic",
}
"""What every vhost has and no definitions file lists."""

PLACE = "medtrack.place"
"""The key of a row's JSON pointer."""

Row = Mapping[str, Any]


class Rows(NamedTuple):
    """What was read. Policies are None where this user may not see them.

    A broker's rows name the policy of each exchange and queue, the latter's with some seconds'
    delay.
    """

    exchanges: Sequence[Row]
    bindings: Sequence[Row]
    queues: Sequence[Row] = ()
    policies: Sequence[Row] | None = ()
    operator_policies: Sequence[Row] | None = ()
    is_live: bool = False


def topology_of(rows: Rows, hide: Callable[[str], str] = str) -> Topology:
    """Make a topology from rows. `hide` removes secrets from names that are only shown.

    Raises TypeError, KeyError, AttributeError or ValueError for what RabbitMQ doesn't write.
    """
    users, operators = _policies(rows.policies), _policies(rows.operator_policies, operators=True)
    exchanges = (
        {} if rows.is_live else {name: Exchange(name, _PREDECLARED[name]) for name in _PREDECLARED}
    )
    for each in rows.exchanges:
        exchanges[each["name"]] = _exchange(each, users, is_live=rows.is_live)
    by_source: defaultdict[str, list[Binding]] = defaultdict(list)
    queues = {}
    for each in rows.bindings:
        binding = _binding(each, hide)
        if binding.source:
            by_source[binding.source].append(binding)
        elif not binding.to_exchange:  # the default exchange knows each queue
            queues[binding.destination] = Queue(binding.destination)
    for each in rows.queues:
        queue = _queue(each, users, operators, hide)
        queues[queue.name] = queue
    listed = (*(users or ()), *(operators or ()))
    return Topology(exchanges, dict(by_source), queues, listed, counts_are_known=rows.is_live)


def _policies(rows: Sequence[Row] | None, *, operators: bool = False) -> list[Policy] | None:
    if rows is None:
        return None
    return [
        Policy(
            str(each["name"]),
            str(each["pattern"]),
            str(each.get("apply-to") or "all"),
            dict(each["definition"]),
            int(each.get("priority") or 0),
            operators,
            str(each.get(PLACE, "")),
        )
        for each in rows
    ]


def _exchange(row: Row, policies: Sequence[Policy] | None, *, is_live: bool) -> Exchange:
    """Read an exchange: its own argument overrides a policy's."""
    arguments = _arguments(row)
    alternate, is_known = arguments.get(_ALTERNATE), True
    if alternate is None:
        try:
            policy = _policy_of(row, policies or (), is_live=is_live)
            alternate = policy and policy.definition.get(_ALTERNATE)
        except rules.Undecided:
            is_known = False
    return Exchange(
        str(row["name"]),
        str(row["type"]),
        str(alternate) if alternate else None,
        is_known,
        bool(row.get("durable", True)),
        arguments,
        str(row.get(PLACE, "")),
    )


def _policy_of(row: Row, policies: Sequence[Policy], *, is_live: bool) -> Policy | None:
    """Find an exchange's policy, which a broker names. Raises Undecided where it can't be read."""
    if not is_live:
        return rules.in_force(policies, row["name"], rules.EXCHANGES)
    if not (name := row.get("policy")):
        return None
    for each in policies:
        if each.name == name:
            return each
    raise rules.Undecided(name)


def _binding(row: Row, hide: Callable[[str], str]) -> Binding:
    """Read a binding; a queue's name is only shown."""
    is_to_exchange = row["destination_type"] == "exchange"
    destination = str(row["destination"])
    return Binding(
        str(row["source"]),
        destination if is_to_exchange else hide(destination),
        is_to_exchange,
        str(row["routing_key"]),
        _arguments(row),
        str(row.get(PLACE, "")),
    )


def _queue(
    row: Row,
    users: Sequence[Policy] | None,
    operators: Sequence[Policy] | None,
    hide: Callable[[str], str],
) -> Queue:
    arguments = _arguments(row)
    queue_type = str(row.get("type") or arguments.get("x-queue-type") or "classic")
    try:
        held = _held_by(row, queue_type, users, operators)
    except rules.Undecided:
        held = None
    return Queue(
        hide(str(row["name"])),
        queue_type,
        bool(row.get("durable", True)),
        bool(row.get("exclusive", False)),
        arguments,
        rules.settings(arguments, held or ()),
        held is not None,
        _count(row.get("messages_ready")),
        _count(row.get("consumers")),
        str(row.get(PLACE, "")),
    )


def _held_by(
    row: Row, queue_type: str, users: Sequence[Policy] | None, operators: Sequence[Policy] | None
) -> list[tuple[str, Mapping[str, Any]]]:
    """Give a queue's settings by policies; if these can't be read, by its own row."""
    if users is not None and operators is not None:
        kinds = rules.queues_of(queue_type)
        both = (rules.in_force(each, row["name"], kinds) for each in (users, operators))
        return [(each.label, each.definition) for each in both if each]
    names = [str(row[each]) for each in ("policy", "operator_policy") if row.get(each)]
    if "effective_policy_definition" not in row:
        raise rules.Undecided(row["name"])
    return [(f"policy {' and '.join(names)}", dict(row["effective_policy_definition"] or {}))]


def _arguments(row: Row) -> dict[str, Any]:
    """Read arguments: RabbitMQ writes an undefined value as this text."""
    given = row.get("arguments") or {}
    return {name: None if value == "undefined" else value for name, value in given.items()}


def _count(value: object) -> int | None:
    return value if isinstance(value, int) else None
