"""Refused messages on their way to another try."""

from medtrack_cli.broker.retries import Retries
from tests.core.values import message


def test_each_message_has_its_own_tries_and_leaves_nothing_behind() -> None:
    """So many tries for each; what has its verdict is forgotten, however many there were."""
    retries = Retries(2)
    for position in range(1, 101):
        assert [retries.put(message(position)) for _ in range(3)] == [True, True, False]
        assert [each.position for each in retries.take_all()] == [position, position]
        retries.forget(message(position))
    assert not retries._tries
