"""The broker's answers on a channel in confirm mode."""

from typing import Any, NamedTuple

from pika import spec
from pika.channel import Channel

from medtrack_cli.broker.amqp.link import Link
from medtrack_cli.broker.failure import Failure
from medtrack_cli.errors import BrokerUnreachable


class Answered(NamedTuple):
    """The broker has acked or nacked a tag, or all up to it.

    `written` is how many messages had been written to the channel by then.
    """

    link: Link
    tag: int
    multiple: bool
    is_ack: bool
    written: int

    @property
    def is_possible(self) -> bool:
        """Whether the tag is one of those written; 0 stands for all of them."""
        return (0 if self.multiple else 1) <= self.tag <= self.written


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
        link.tell(Answered(link, method.delivery_tag, method.multiple, is_ack, link.written))

    def returned(_channel: Channel, method: Any, properties: Any, _body: bytes) -> None:  # noqa: ANN401
        link.tell(Returned(link, properties.message_id or "", method.routing_key))

    connection: Any = channel.connection
    if not (connection.publisher_confirms and connection.basic_nack):
        link.fail(_no_confirms(link))
        return
    channel.add_on_return_callback(returned)
    channel.confirm_delivery(answered, callback=lambda _frame: link.opened())


def _no_confirms(link: Link) -> Failure:
    what = "the broker can't confirm what it takes (it lacks publisher_confirms or basic.nack)"
    hint = "nothing is published without a confirm: is it RabbitMQ?"
    error = BrokerUnreachable(what, link.settings.describe(link.host), hint=hint)
    return Failure(error, heals=False, of_host=True)
