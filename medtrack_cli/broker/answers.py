"""What the broker says on a channel in confirm mode."""

from typing import Any, NamedTuple

from pika import spec
from pika.channel import Channel

from medtrack_cli.broker.connection import Link


class Answered(NamedTuple):
    """The broker has acked or nacked a tag, or all up to it."""

    link: Link
    tag: int
    multiple: bool
    is_ack: bool


class Returned(NamedTuple):
    """The broker has handed a message back; its confirm follows."""

    link: Link
    message_id: str
    routing_key: str


def confirm_mode(link: Link, channel: Channel) -> None:
    """Put the channel into confirm mode and pass its answers on."""

    def answered(frame: Any) -> None:  # noqa: ANN401 -- pika's frame of Ack or Nack
        method = frame.method
        is_ack = isinstance(method, spec.Basic.Ack)
        link.tell(Answered(link, method.delivery_tag, method.multiple, is_ack))

    def returned(_channel: Channel, method: Any, properties: Any, _body: bytes) -> None:  # noqa: ANN401
        link.tell(Returned(link, properties.message_id or "", method.routing_key))

    channel.add_on_return_callback(returned)
    channel.confirm_delivery(answered, callback=lambda _frame: link.opened())
