"""What is in flight on a channel, and what the broker's answers make of it."""

from hypothesis import given
from hypothesis import strategies as st

from medtrack_cli.core.messages import Outcome
from medtrack_cli.core.publishing.confirms import Confirms, Settled
from tests.builders import message


def in_flight(count: int) -> Confirms:
    """Send messages at positions 1 to `count`; each has its position as its tag."""
    confirms = Confirms()
    for position in range(1, count + 1):
        confirms.sent(message(position))
    return confirms


def verdicts(*settled: Settled) -> list[tuple[int, Outcome]]:
    """Say which position got which outcome."""
    return [(each.message.position, each.outcome) for each in settled]


def test_multiple_acks_settle_all_up_to_the_tag() -> None:
    """An ack for many settles every message up to its tag, in order, and none after it."""
    confirms = in_flight(5)
    confirmed = [(position, Outcome.CONFIRMED) for position in (1, 2, 3)]
    assert verdicts(*confirms.acked(3, multiple=True)) == confirmed
    assert len(confirms) == 2
    assert confirms.answered == 3


def test_multiple_nacks_refuse_all_up_to_the_tag() -> None:
    """A nack for many refuses every message up to its tag: none of them counts as confirmed."""
    confirms = in_flight(3)
    assert verdicts(*confirms.nacked(2, multiple=True)) == [
        (1, Outcome.REFUSED),
        (2, Outcome.REFUSED),
    ]
    assert verdicts(*confirms.acked(3, multiple=True)) == [(3, Outcome.CONFIRMED)]


def test_answers_may_come_in_any_order() -> None:
    """Each tag is settled by its own answer; an ack for many skips those answered before."""
    confirms = in_flight(4)
    assert verdicts(*confirms.acked(3, multiple=False)) == [(3, Outcome.CONFIRMED)]
    assert verdicts(*confirms.nacked(1, multiple=False)) == [(1, Outcome.REFUSED)]
    assert verdicts(*confirms.acked(4, multiple=True)) == [
        (2, Outcome.CONFIRMED),
        (4, Outcome.CONFIRMED),
    ]
    assert not confirms


def test_tags_that_are_not_in_flight_settle_nothing() -> None:
    """A repeated or unknown tag is ignored."""
    confirms = in_flight(1)
    list(confirms.acked(1, multiple=False))
    assert verdicts(*confirms.acked(1, multiple=False), *confirms.nacked(7, multiple=False)) == []
    assert confirms.answered == 1


def test_a_returned_message_is_unroutable() -> None:
    """A return makes the confirm that follows say unroutable, for that message alone."""
    confirms = in_flight(3)
    confirms.returned("id-2", "student.deleted")
    assert verdicts(*confirms.acked(3, multiple=True)) == [
        (1, Outcome.CONFIRMED),
        (2, Outcome.UNROUTABLE),
        (3, Outcome.CONFIRMED),
    ]


def test_a_return_is_matched_by_id_and_routing_key() -> None:
    """Of two events that share an id, the one whose routing key was returned is unroutable."""
    confirms = Confirms()
    confirms.sent(message(1, message_id="same", routing_key="a"))
    confirms.sent(message(2, message_id="same", routing_key="b"))
    confirms.returned("same", "b")
    assert verdicts(*confirms.acked(2, multiple=True)) == [
        (1, Outcome.CONFIRMED),
        (2, Outcome.UNROUTABLE),
    ]


def test_two_events_with_one_id_and_key_are_returned_twice() -> None:
    """Two events that share id and routing key need two returns to be both unroutable."""
    confirms = Confirms()
    for position in (1, 2, 3):
        confirms.sent(message(position, message_id="same"))
    confirms.returned("same", "student.deleted")
    confirms.returned("same", "student.deleted")
    outcomes = [outcome for _, outcome in verdicts(*confirms.acked(3, multiple=True))]
    assert sorted(outcomes) == [Outcome.CONFIRMED, Outcome.UNROUTABLE, Outcome.UNROUTABLE]


def test_returns_leave_nothing_behind() -> None:
    """However many messages came back, nothing of them is kept once they are settled."""
    confirms = Confirms()
    for position in range(1, 101):
        confirms.sent(message(position))
        confirms.returned(f"id-{position}", "student.deleted")
        (settled,) = confirms.acked(position, multiple=False)
        assert settled.outcome is Outcome.UNROUTABLE
    assert not confirms._returned


def test_what_is_unanswered_keeps_its_order() -> None:
    """The messages still in flight come back in the order sent, once."""
    confirms = in_flight(4)
    list(confirms.acked(2, multiple=False))
    assert [each.position for each in confirms.unanswered()] == [1, 3, 4]
    assert confirms.unanswered() == []
    assert confirms.bytes_in_flight == 0


@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 12), st.booleans()), max_size=20),
    st.integers(1, 10),
)
def test_every_message_is_settled_at_most_once(
    answers: list[tuple[bool, int, bool]], count: int
) -> None:
    """Whatever the broker answers, settled and unanswered messages add up, bytes included."""
    confirms = in_flight(count)
    settled: list[int] = []
    for is_ack, tag, multiple in answers:
        settle = confirms.acked if is_ack else confirms.nacked
        settled += [each.message.position for each in settle(tag, multiple=multiple)]
    assert confirms.answered == len(settled)
    assert (confirms.bytes_in_flight == 0) is (len(confirms) == 0)
    left = [each.position for each in confirms.unanswered()]
    assert sorted(settled + left) == list(range(1, count + 1))
