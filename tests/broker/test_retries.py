"""Refused messages on their way to another try."""

import time

from medtrack_cli.broker.retries import Retries
from medtrack_cli.core.messages import Message
from tests.builders import message


def due(retries: Retries, seconds: float = 0.55) -> list[int]:
    """The positions that come within some seconds, none of them answered."""
    until, found = time.monotonic() + seconds, []
    while time.monotonic() < until:
        if (each := retries.next_due()) is not None:
            found.append(each.position)
        time.sleep(0.01)
    return found


def of_key(key: str, *positions: int) -> list[Message]:
    """Make messages of a routing key."""
    return [message(each, routing_key=key) for each in positions]


def test_a_key_is_tried_in_order_one_at_a_time() -> None:
    """The first of a key goes alone; when it is taken the next follows at once, held ones last."""
    retries = Retries(60)
    one, two, three, four = of_key("a", 1, 2, 3, 4)
    assert all(retries.refused(each) for each in (two, one, three))
    assert retries.holds(four)
    assert due(retries) == [1]
    for answered, follows in ((one, 2), (two, 3), (three, 4)):
        retries.taken(answered)
        assert due(retries, 0.1) == [follows]
    retries.taken(four)
    assert not retries.holds(message(5, routing_key="a"))
    assert (retries.count, retries.bytes_waiting) == (0, 0)


def test_a_key_that_is_well_again_is_held_up_no_more() -> None:
    """When enough of a key are taken in a row, all that waits follows at once, in order."""
    retries = Retries(60)
    one, *others = of_key("a", *range(1, 101))
    assert retries.refused(one)
    assert all(retries.holds(each) for each in others)
    sent = due(retries)
    while retries.count:
        assert sent == list(range(1, sent[-1] + 1))
        retries.taken(message(sent[-1], routing_key="a"))
        sent += iter(lambda: getattr(retries.next_due(), "position", None), None)
    assert sent == list(range(1, 101))
    assert not retries.holds(message(101, routing_key="a"))


def test_what_is_refused_otherwise_holds_up_nothing() -> None:
    """When the first of a key gets its verdict without an answer, the next follows."""
    retries = Retries(60)
    one, two = of_key("a", 1, 2)
    assert all(retries.refused(each) for each in (two, one))
    assert due(retries) == [1]
    retries.forget(one)
    assert due(retries, 0.1) == [2]


def test_a_key_of_which_some_are_taken_keeps_its_time() -> None:
    """The time of a key counts from when something of it was taken last."""
    retries = Retries(0.5)
    one, two, three = of_key("a", 1, 2, 3)
    assert all(retries.refused(each) for each in (one, two, three))
    for each in (one, two):
        assert due(retries, 0.55) == [each.position]
        retries.taken(each)
    assert due(retries, 0.1) == [3]
    assert retries.refused(three)


def test_other_keys_go_on() -> None:
    """What a queue refuses of one key holds up no other."""
    retries = Retries(60)
    (one,), (other,) = of_key("a", 1), of_key("b", 2)
    assert retries.refused(one)
    assert not retries.holds(other)
    assert retries.refused(other)
    assert sorted(due(retries)) == [1, 2]


def test_a_key_that_used_up_its_time_is_tried_once() -> None:
    """When one has used up its time, the others are sent once more, until one is taken."""
    retries = Retries(0.2)
    one, two, three, four = of_key("a", 1, 2, 3, 4)
    assert all(retries.refused(each) for each in (one, two))
    assert retries.holds(three)
    time.sleep(0.2)
    assert due(retries) == [1]
    assert not retries.refused(one)
    assert due(retries, 0.1) == [2, 3]
    assert not retries.refused(two)
    assert not retries.refused(three)
    retries.taken(four)
    assert retries.refused(message(5, routing_key="a"))


def test_without_time_a_refusal_is_the_last_word() -> None:
    """With no time to try again, nothing is kept, however many are refused."""
    retries = Retries(0)
    assert not any(retries.refused(message(each)) for each in range(1, 101))
    assert (retries.count, retries.next_due(), list(retries.take_all())) == (0, None, [])


def test_what_waits_tells_whether_it_was_refused() -> None:
    """At the end what was refused is told from what was only held after it."""
    retries = Retries(60)
    one, two = of_key("a", 1, 2)
    assert retries.refused(one)
    assert retries.holds(two)
    left = [(each.position, was_refused) for each, was_refused in retries.take_all()]
    assert left == [(1, True), (2, False)]
