"""What other systems write, recognised by the names in it."""

from collections.abc import Iterable

# Each by sets of members of its JSON object, or of headers of its message.
_FORMATS = {
    "a CloudEvents event": (
        {"specversion", "type", "source"},
        {"cloudEvents:specversion"},
        {"cloudEvents_specversion"},
        {"ce-specversion"},
    ),
    "a MassTransit message": ({"messageType", "message"}, {"MT-Activity-Id"}),
    "a Spring message": ({"payload", "headers"}, {"__TypeId__"}, {"spring_json_header_types"}),
    "an NServiceBus message": ({"NServiceBus.EnclosedMessageTypes"},),
    "a Celery task": ({"task", "args", "kwargs"}, {"task", "argsrepr"}),
}


def seems_to_be(names: Iterable[str]) -> str | None:
    """Say what an object with these members, or a message with these headers, seems to be."""
    given = set(names)
    found = (what for what, signs in _FORMATS.items() if any(sign <= given for sign in signs))
    return next(found, None)
