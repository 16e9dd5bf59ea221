"""A message in the form of the management API."""

from base64 import b64encode
from typing import Any

from medtrack_cli.core.messages import PLAIN_PROPERTIES, Message


def as_json(message: Message) -> dict[str, Any]:
    """Make the API's form: the body as it is, or in base64 if it isn't text."""
    own = PLAIN_PROPERTIES if message.properties is None else message.properties
    properties = {**own, "message_id": message.message_id}
    if message.headers:
        properties["headers"] = dict(message.headers)
    try:
        body, encoding = message.body.decode(), "string"
    except UnicodeDecodeError:
        body, encoding = b64encode(message.body).decode(), "base64"
    return {
        "properties": properties,
        "routing_key": message.routing_key,
        "payload": body,
        "payload_encoding": encoding,
    }


def untold_types(message: Message) -> str | None:
    """Refuse headers that JSON can't carry: they would arrive changed, or not at all."""
    values: list[Any] = [*(message.properties or {}).values(), message.headers or {}]
    while values:
        value = values.pop()
        if type(value) is dict:
            values += value.values()
        elif type(value) is list:
            values += value
        elif type(value) not in {str, int, float, bool}:
            return "its headers would change their types through the management API"
    return None
