"""The one client of the management API, at a real one: questions, pages, posts, errors."""

import socket
from contextlib import closing
from datetime import UTC, datetime
from urllib.parse import quote

import pytest

from medtrack_cli.broker.management.client import Api, Questions, Unanswered
from medtrack_cli.errors import AccessRefused, ConfigError, TopologyError
from medtrack_cli.private_broker import EXCHANGE, PrivateBroker
from tests.broker.witness import client, settings_of
from tests.faults.proxy import serving


def url(broker: PrivateBroker) -> str:
    """Give the management API's address, without a login."""
    return f"http://127.0.0.1:{broker.management_port}"


def asking(broker: PrivateBroker, seconds: float = 10) -> Questions:
    """Ask a private broker."""
    return Questions(settings_of(broker.amqp_url, management_url=url(broker)), seconds)


def test_pages_are_one_list(private_broker: PrivateBroker) -> None:
    """A list in several pages is given whole, each row once."""
    names = [f"tests.pages.{number}" for number in range(7)]
    with client(private_broker.amqp_url) as channel:
        for name in names:
            channel.queue_declare(name, exclusive=True)
        path = f"queues/%2F?name={quote('tests.pages')}&columns=name"
        rows = list(asking(private_broker).pages(path, size=3))
    assert [row["name"] for row in rows] == names


def test_a_post_is_sent_once_and_answered(private_broker: PrivateBroker) -> None:
    """A message that is posted to the exchange reaches its queue, and the answer says so."""
    with client(private_broker.amqp_url) as channel:
        queue = channel.queue_declare("", exclusive=True).method.queue
        channel.queue_bind(queue, EXCHANGE, "tests.post")
        message = {
            "properties": {},
            "routing_key": "tests.post",
            "payload": "é",
            "payload_encoding": "string",
        }
        settings = settings_of(private_broker.amqp_url, management_url=url(private_broker))
        with closing(Api(settings, 10)) as api:
            answer = api.request("POST", f"exchanges/%2F/{EXCHANGE}/publish", message)
        assert answer == {"routed": True}
        assert channel.queue_declare(queue, passive=True).method.message_count == 1
        assert channel.basic_get(queue, auto_ack=True)[2] == "é".encode()


def test_no_answer_is_an_error_where_the_caller_says_so(private_broker: PrivateBroker) -> None:
    """What can't be had is Unanswered; made fatal it has an exit code and a next step."""
    settings = settings_of(private_broker.amqp_url, management_url=url(private_broker))
    with pytest.raises(Unanswered) as missing:
        asking(private_broker).ask("queues/%2F/there-is-none")
    assert isinstance(missing.value.fatal(settings), TopologyError)
    strange = settings_of(
        private_broker.amqp_url.replace("admin:password", "admin:wrong"),
        management_url=url(private_broker),
    )
    with pytest.raises(Unanswered) as refused:
        Questions(strange).ask("overview")
    assert isinstance(refused.value.fatal(strange), AccessRefused)
    unset = settings_of(private_broker.amqp_url)
    with pytest.raises(Unanswered) as nowhere:
        Questions(unset).ask("overview")
    error = nowhere.value.fatal(unset)
    assert isinstance(error, ConfigError)
    assert "management_url" in (error.hint or "")


@pytest.mark.parametrize(
    ("date", "told"),
    [
        ("Sun, 29 Nov 2026 11:00:00 GMT", datetime(2026, 11, 29, 11, tzinfo=UTC)),
        ("Sun, 29 Nov 2026 11:00:00 -0000", datetime(2026, 11, 29, 11, tzinfo=UTC)),
        ("yesterday", None),
    ],
)
def test_the_time_of_an_answer_is_that_of_its_date(date: str, told: datetime | None) -> None:
    """The Date of an answer is the API's clock, in UTC; one that is none is no time."""

    def answer(peer: socket.socket) -> None:
        peer.recv(65536)
        head = f"HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Length: 2\r\n\r\n"
        peer.sendall(head.encode() + b"{}")

    with serving(answer) as port:
        address = f"http://127.0.0.1:{port}"
        questions = Questions(settings_of("amqp://a:b@localhost", management_url=address))
        assert questions.ask("overview") == {}
    assert questions.told_at == told
