"""The event types as an AsyncAPI 3 document.

It takes the view of one of the guide's external services: it sends the events that such services
publish, and receives those that MedTrack itself emits.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote

from medtrack_cli.events.event_type import EventType
from medtrack_cli.events.export import json_schema, payload_name, payload_schema
from medtrack_cli.events.findings import json_pointer
from medtrack_cli.events.schemas.references import Resource, mapped, references, whole

ASYNCAPI: Final = "3.0.0"
"""Nothing here needs 3.1.0, which generators of models can't read yet."""
AMQP_BINDING: Final = "0.3.0"
"""The newest that the official parser accepts, though 0.4.0 is published."""

SERVERS: Final = {
    "production": ("rabbitmq.medtrack.com:5672", "MedTrack's broker."),
    "development": ("localhost:5672", "A broker on the developer's own machine."),
}
"""From the integration guide, section Setup."""

_DESCRIPTION: Final = (
    "Events on the topic exchange {exchange}, seen by a service that integrates with MedTrack: "
    "what it sends and, where MedTrack itself is the source, what it receives. "
    "Each event type is a channel whose address is the routing key."
)

_IDENTITY: Final = frozenset({"$schema", "$id", "$anchor", "$dynamicAnchor"})
"""Keywords that have no use in a schema inside a document whose references are pointers."""


def asyncapi_document(
    types: Iterable[EventType],
    *,
    exchange: str,
    version: str,
    examples: Mapping[str, Any],
    asyncapi: str = ASYNCAPI,
) -> dict[str, Any]:
    """Describe the event types; `version` is the document's, `asyncapi` its language's.

    `examples` holds whole events by their type's name; each is shown with the version it has.
    Schemas use AsyncAPI's dialect, an extended draft-07: an added type's keywords that exist in
    2020-12 alone are kept, and tools that don't know them ignore them.
    """
    known = list(types)
    by_name: dict[str, list[EventType]] = {}
    for each in known:
        by_name.setdefault(each.name, []).append(each)
    return {
        "asyncapi": asyncapi,
        "info": {
            "title": "MedTrack events",
            "version": version,
            "description": _DESCRIPTION.format(exchange=exchange),
        },
        "defaultContentType": "application/json",
        "servers": {name: _server(*each) for name, each in SERVERS.items()},
        "channels": {name: _channel(name, each, exchange) for name, each in by_name.items()},
        "operations": {
            f"{_action(each[-1])}.{name}": _operation(name, each) for name, each in by_name.items()
        },
        "components": {
            "messages": {_key(each): _message(each, examples.get(each.name)) for each in known},
            "schemas": {
                name: schema
                for versions in by_name.values()
                for each in versions
                for name, schema in _schemas(each, is_alone=len(versions) == 1)
            },
            "securitySchemes": {
                "credentials": {
                    "type": "userPassword",
                    "description": "An account of the broker.",
                }
            },
        },
    }


def _key(event_type: EventType) -> str:
    return f"{event_type.name}-{event_type.version}"


def _server(host: str, description: str) -> dict[str, Any]:
    return {
        "host": host,
        "protocol": "amqp",
        "protocolVersion": "0.9.1",
        "description": description,
        "security": [{"$ref": "#/components/securitySchemes/credentials"}],
    }


def _channel(name: str, versions: list[EventType], exchange: str) -> dict[str, Any]:
    return {
        "address": name,
        "description": versions[-1].description,
        "messages": {
            _key(each): {"$ref": f"#/components/messages/{_key(each)}"} for each in versions
        },
        "bindings": {
            "amqp": {
                "is": "routingKey",
                "exchange": {
                    "name": exchange,
                    "type": "topic",
                    "durable": True,
                    "autoDelete": False,
                    "vhost": "/",
                },
                "bindingVersion": AMQP_BINDING,
            }
        },
    }


def _action(event_type: EventType) -> str:
    return "receive" if event_type.emitted_by_medtrack else "send"


def _operation(name: str, versions: list[EventType]) -> dict[str, Any]:
    newest = versions[-1]
    action = _action(newest)
    # Persistent and mandatory, as `medtrack publish` sends.
    terms = {"deliveryMode": 2, "mandatory": True} if action == "send" else {"ack": True}
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{name}"},
        "messages": [{"$ref": f"#/channels/{name}/messages/{_key(each)}"} for each in versions],
        "summary": newest.description,
        "bindings": {"amqp": {**terms, "bindingVersion": AMQP_BINDING}},
    }


def _message(event_type: EventType, example: Any) -> dict[str, Any]:  # noqa: ANN401 -- JSON
    message: dict[str, Any] = {
        "name": event_type.name,
        "title": f"{event_type.name} {event_type.version}",
        "summary": event_type.description,
        "description": _reactions(event_type),
        "contentType": "application/json",
        "payload": {"$ref": f"#/components/schemas/{_key(event_type)}"},
    }
    if isinstance(example, dict) and example.get("version") == event_type.version:
        message["examples"] = [{"name": "example", "payload": example}]
    return message


def _reactions(event_type: EventType) -> str:
    """Describe who publishes an event and what each service then does, in CommonMark."""
    publisher = f"Published by {event_type.published_by}." if event_type.published_by else ""
    deeds = [f"- {service} {deed}" for service, deed in event_type.reactions.items()]
    happens = "\n".join(["What happens then:", "", *deeds]) if deeds else ""
    return "\n\n".join(part for part in (event_type.description, publisher, happens) if part)


def _schemas(event_type: EventType, *, is_alone: bool) -> list[tuple[str, dict[str, Any]]]:
    """Give the schemas of the event and of its payload, each with its name.

    Generators name classes by the titles: each of several versions has its own.
    """
    payload = f"{_key(event_type)}-payload"
    place = f"#/components/schemas/{payload}"
    number = "" if is_alone else f" {event_type.version}"
    event = json_schema(event_type)
    fields = {**event["properties"], "payload": {"$ref": place}}
    event |= {"properties": fields, "title": f"{event_type.name}{number}"}
    document = whole(payload_schema(event_type))
    moved = _moved(document.schema, place, document.resource)
    return [
        (_key(event_type), _without_identity(event)),
        (payload, {**_without_identity(moved), "title": f"{payload_name(event_type)}{number}"}),
    ]


def _without_identity(schema: dict[str, Any]) -> dict[str, Any]:
    """Remove keywords that have no use in a schema inside a document."""
    unused = _IDENTITY | (set() if _refers_inside(schema) else {"$defs"})
    return {key: value for key, value in schema.items() if key not in unused}


def _refers_inside(schema: dict[str, Any]) -> bool:
    rest = {key: value for key, value in schema.items() if key != "$defs"}
    return "/$defs/" in str(rest)


def _moved(schema: Any, place: str, resource: Resource) -> Any:  # noqa: ANN401 -- JSON
    """Rewrite a schema's references, in any form, as pointers to its place in this document.

    `place` is that place, `resource` the resource around the schema.
    """
    if not isinstance(schema, dict):
        return schema
    resource = resource.around(schema)
    moved = mapped(schema, lambda _, part: _moved(part, place, resource))
    for keyword, reference in references(schema).items():
        path = resource.place_of(reference)
        if path is not None:
            moved[keyword] = place + quote(json_pointer(path), safe="/$!&'()*+,;=:@")
    return {key: each for key, each in moved.items() if key not in _IDENTITY}
