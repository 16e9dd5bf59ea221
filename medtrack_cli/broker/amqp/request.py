"""One request to a broker, on a connection of its own."""

from collections.abc import Callable
from queue import SimpleQueue
from typing import TypeVar

from pika.channel import Channel

from medtrack_cli.broker.amqp.dialer import dial
from medtrack_cli.broker.amqp.link import Inbox, Link
from medtrack_cli.broker.patience import FIRST_SECONDS
from medtrack_cli.core.connection_settings import ConnectionSettings
from medtrack_cli.core.ports import Note, Stop

T = TypeVar("T")
Answered = Callable[[T], None]
Question = Callable[[Link, Channel, Answered[T]], None]
"""What is asked when the channel is open, on the I/O thread; it ends in `answered(value)`."""


def request(
    settings: ConnectionSettings,
    question: Question[T],
    note: Note,
    stop: Stop,
    seconds: float = FIRST_SECONDS,
) -> T:
    """Connect, ask, close, and return the answer; a refusal is raised as its error."""
    inbox: Inbox = SimpleQueue()
    answers: list[T] = []

    def set_up(link: Link, channel: Channel) -> None:
        def answered(value: T) -> None:
            answers.append(value)
            link.opened()

        question(link, channel, answered)

    link = dial(settings, inbox, set_up, seconds=seconds, again=False, note=note, stop=stop)
    link.close()
    return answers[-1]


def declare_exchange(settings: ConnectionSettings, note: Note, stop: Stop) -> None:
    """Declare the settings' exchange as a durable topic; idempotent."""

    def declare(_link: Link, channel: Channel, answered: Answered[None]) -> None:
        channel.exchange_declare(
            settings.exchange, "topic", durable=True, callback=lambda _frame: answered(None)
        )

    request(settings, declare, note, stop)
