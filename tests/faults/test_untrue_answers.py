"""Answers that no message of ours was sent for: nothing is believed, and the run ends."""

import time

from pika import spec

from medtrack_cli.core.messages import Outcome
from medtrack_cli.errors import BrokerUnreachable
from tests.faults.fake_broker import Send, published_to


def test_an_honest_answer_is_believed() -> None:
    """The server of these tests is taken for a broker when it answers what came."""
    published = published_to(lambda send, count: send(spec.Basic.Ack(count)) if count else None)
    assert published.error is None
    assert len(published.positions(Outcome.CONFIRMED)) == 20


def test_an_answer_ahead_confirms_nothing() -> None:
    """An ack for tags that were never written is a protocol error: 69, and nothing confirmed."""
    for ack in (spec.Basic.Ack(1_000, multiple=True), spec.Basic.Ack(8), spec.Basic.Ack(0)):
        published = published_to(lambda send, count, ack=ack: None if count else send(ack))  # type: ignore[misc] # a default holds the loop's value
        assert isinstance(published.error, BrokerUnreachable)
        assert published.positions(Outcome.CONFIRMED) == []
        assert len(published.receipts) == 20


def test_answers_that_settle_nothing_prolong_nothing() -> None:
    """A server that answers one message again and again, and then hangs up, ends in time."""

    def again(send: Send, count: int) -> None:
        if count == 1:
            send(spec.Connection.Blocked("low on memory"), spec.Connection.Unblocked(), channel=0)
            send(spec.Basic.Ack(0, multiple=True))
            send(spec.Connection.Close(320, "CONNECTION_FORCED", 0, 0), channel=0)

    started = time.monotonic()
    published = published_to(again)
    assert isinstance(published.error, BrokerUnreachable)
    assert len(published.positions(Outcome.UNKNOWN)) == 1
    assert 1 < time.monotonic() - started < 8


def test_a_refused_event_that_turns_out_to_be_poison_holds_up_nothing() -> None:
    """Nacked first, then closed for each time: it alone is refused, those of its key follow."""
    answers = iter([spec.Basic.Nack(1), *[spec.Connection.Close(541, "ERROR", 0, 0)] * 3])

    def answer(send: Send, count: int) -> None:
        if count:
            method = next(answers, spec.Basic.Ack(count))
            send(method, channel=0 if isinstance(method, spec.Connection.Close) else 1)

    published = published_to(answer, count=5, retry_for=20)
    assert published.error is None
    assert published.positions(Outcome.REFUSED) == [1]
    assert published.positions(Outcome.CONFIRMED) == [2, 3, 4, 5]
