"""Definitions as a broker exports them, made of a few words."""

import json
from pathlib import Path
from typing import Any

Row = dict[str, Any]
HASH = "JkCjBvcSJv3tfkIQBjINSg74AuuzvFS9uPfq1eK0axOFNsSX"
EVENTS = "medtrack.events"


def exchange(name: str, kind: str = "topic", **arguments: Any) -> Row:
    """Make an exchange; in arguments' names an underscore is a dash, here and below."""
    return {"name": name, "type": kind, "durable": True, "arguments": dashed(arguments)}


def queue(name: str, *, durable: bool = True, **arguments: Any) -> Row:
    """Make a queue; its arguments are written without their x-."""
    own = {f"x-{key}": value for key, value in dashed(arguments).items()}
    return {"name": name, "durable": durable, "auto_delete": False, "arguments": own}


def bind(
    destination: str, key: str = "#", source: str = EVENTS, kind: str = "queue", **arguments: Any
) -> Row:
    """Make a binding."""
    row = {"source": source, "destination": destination, "destination_type": kind}
    return {**row, "routing_key": key, "arguments": dashed(arguments)}


def policy(name: str, pattern: str, to: str = "all", priority: int = 0, **settings: Any) -> Row:
    """Make a policy."""
    row = {"name": name, "pattern": pattern, "apply-to": to, "priority": priority}
    return {**row, "definition": dashed(settings)}


def operator_policy(name: str, pattern: str, **settings: Any) -> Row:
    """Make an operator's policy, which stands among the parameters."""
    value = policy(name, pattern, "queues", **settings)
    del value["name"]
    return {"component": "operator_policy", "name": name, "value": value}


def dashed(values: Row) -> Row:
    """Give names the dashes that Python's can't have."""
    return {name.replace("_", "-"): value for name, value in values.items()}


def exported(*rows: Row, vhost: str | None = "/", others: Row | None = None) -> dict[str, Any]:
    """Sort rows into an export, of the whole broker or, without a vhost's name, of one vhost."""
    found: dict[str, Any] = {
        name: [] for name in ("exchanges", "queues", "bindings", "policies", "parameters")
    }
    rows = (exchange(EVENTS), *rows)
    for row in rows:
        found[_list_of(row)].append(row if vhost is None else {**row, "vhost": vhost})
    if vhost is not None:
        user = {"name": "admin", "password_hash": HASH, "tags": ["administrator"]}
        found |= {"vhosts": [{"name": vhost}], "users": [user]}
    return {"rabbit_version": "3.10.8", **found, **(others or {})}


def _list_of(row: Row) -> str:
    if "component" in row:
        return "parameters"
    if "source" in row:
        return "bindings"
    if "pattern" in row:
        return "policies"
    return "exchanges" if "type" in row else "queues"


def write(folder: Path, *rows: Row, **more: Any) -> Path:
    """Write an export into a file."""
    path = folder / "definitions.json"
    path.write_text(json.dumps(exported(*rows, **more)))
    return path
