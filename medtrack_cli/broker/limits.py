"""What RabbitMQ accepts of a message, over AMQP or HTTP."""

from medtrack_cli.core.messages import Message
from medtrack_cli.events.json_text import MAX_BODY


def beyond_limits(message: Message) -> str | None:
    """Say why no broker accepts a message; None where one may.

    RabbitMQ's HTTP API doesn't check.
    """
    key = message.routing_key
    if not key.isascii() and any("\ud800" <= each <= "\udfff" for each in key):
        return "the routing key is no text: it holds half of a surrogate pair"
    if len(key) > 63 and len(key.encode()) > 255:
        return "the routing key is longer than AMQP's 255 bytes"
    if len(message.body) > MAX_BODY:
        return "the body is larger than 16 MiB"
    return None
