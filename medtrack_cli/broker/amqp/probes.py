"""A broker examined step by step: the network, TLS, the login, the user's permissions.

Each permission is tested on a connection of its own: a refusal costs the channel.
"""

import secrets
import time
from collections.abc import Sequence
from dataclasses import replace
from queue import SimpleQueue
from typing import Any

from pika.channel import Channel

from medtrack_cli.broker.amqp.dialer import try_once
from medtrack_cli.broker.amqp.link import Inbox, Link
from medtrack_cli.broker.amqp.request import Answered, Question, request
from medtrack_cli.broker.amqp.sockets import Sockets
from medtrack_cli.broker.refusals import TAP_PREFIX, grant_both
from medtrack_cli.core.connection_settings import Host
from medtrack_cli.core.doctor.ports import Attempt, Blocked
from medtrack_cli.errors import AccessRefused, MedtrackError

_CAME_BACK = -1.0


class Probes(Sockets):
    """The requests of `core.doctor` to a broker; see `Broker` there."""

    def log_in(self, host: Host, seconds: float) -> Attempt:
        inbox: Inbox = SimpleQueue()
        try:
            link = Link(self._settings, host, inbox, lambda link, _: link.opened())
        except MedtrackError as error:
            return Attempt(host, error=error)
        outcome = try_once(link, inbox, time.monotonic() + seconds, self._stop)
        failure = None if isinstance(outcome, Link) else outcome.looked_at(self._stop)
        if failure is None:
            link.close()
        said, agreed = link.of_the_broker, link.agreed
        return Attempt(
            host,
            str(said.get("product", "")),
            str(said.get("version", "")),
            agreed.heartbeat if agreed else None,
            agreed.frame_max if agreed else 0,
            failure and failure.error,
        )

    def find_exchange(self, host: Host, seconds: float) -> None:
        name = self._settings.exchange

        def find(_link: Link, channel: Channel, answered: Answered[None]) -> None:
            channel.exchange_declare(name, passive=True, callback=lambda _: answered(None))

        self._ask(host, find, seconds)

    def may_publish(self, host: Host, keys: Sequence[str], seconds: float) -> None:
        exchange = self._settings.exchange

        def publish(_link: Link, channel: Channel, answered: Answered[str | None]) -> None:
            def send(_frame: object) -> None:
                for key in keys:
                    channel.basic_publish(exchange, key, b"")
                channel.tx_rollback(lambda _: answered(None))

            _heed_alarm(channel, answered)
            channel.tx_select(send)

        if alarm := self._ask(host, publish, seconds):
            raise Blocked(alarm)

    def may_tap(self, host: Host, pattern: str, seconds: float) -> None:
        exchange, queue = self._settings.exchange, _new_name()

        def bind(_link: Link, channel: Channel, answered: Answered[None]) -> None:
            channel.queue_declare(
                queue,
                exclusive=True,
                callback=lambda _: channel.queue_bind(
                    queue, exchange, pattern, callback=lambda _: answered(None)
                ),
            )

        self._ask(host, bind, seconds)

    def may_read(self, host: Host, seconds: float) -> None:
        queue = _new_name()

        def read(_link: Link, channel: Channel, answered: Answered[None]) -> None:
            channel.queue_declare(
                queue,
                exclusive=True,
                callback=lambda _: channel.basic_consume(
                    queue, lambda *_: None, callback=lambda _: answered(None)
                ),
            )

        self._ask(host, read, seconds)

    def round_trip(self, host: Host, key: str | None, seconds: float) -> float | None:
        exchange, queue = (self._settings.exchange if key else ""), _new_name()

        def send(_link: Link, channel: Channel, answered: Answered[float | str]) -> None:
            def try_alarm(_frame: object) -> None:
                # A connection that an alarm has stopped keeps its queue: there is none yet.
                channel.basic_publish("", queue, b"")
                channel.tx_rollback(
                    lambda _: channel.queue_declare(queue, exclusive=True, callback=bind)
                )

            def publish(_frame: object) -> None:
                began = time.monotonic()
                channel.basic_consume(
                    queue, lambda *_: answered(time.monotonic() - began), auto_ack=True
                )
                channel.basic_publish(exchange, key or queue, b"medtrack", mandatory=True)
                channel.tx_commit()

            def bind(frame: object) -> None:
                if key:
                    channel.queue_bind(queue, exchange, key, callback=publish)
                else:
                    publish(frame)

            _heed_alarm(channel, answered)
            channel.add_on_return_callback(lambda *_: answered(_CAME_BACK))
            channel.tx_select(try_alarm)

        answer = self._ask(host, send, seconds)
        if isinstance(answer, str):
            raise Blocked(answer)
        return None if answer == _CAME_BACK else answer

    def _ask(self, host: Host, question: Question[Any], seconds: float) -> Any:  # noqa: ANN401 -- the question's
        at = replace(self._settings, hosts=(host,))
        try:
            return request(at, question, lambda _note: None, self._stop, seconds)
        except AccessRefused as error:
            raise grant_both(error, self._settings) from None


def _new_name() -> str:
    return f"{TAP_PREFIX}{secrets.token_hex(8)}"


def _heed_alarm(channel: Channel, answered: Answered[Any]) -> None:
    """Treat a broker's alarm as the answer: no other comes before it is over."""
    channel.connection.add_on_connection_blocked_callback(
        lambda _, frame: answered(frame.method.reason or "an alarm")
    )
