"""Reading ahead: far enough to be fast, and no further than memory is meant for."""

import threading
import time
from collections.abc import Iterator

from medtrack_cli.broker.read_ahead import Feed


def counted(items: list[int], read: list[int]) -> Iterator[int]:
    """Note how far reading has come."""
    for each in items:
        read.append(each)
        yield each


def fed(items: list[int], *, limit: int, most: int) -> tuple[Feed[int], list[int]]:
    """Read ahead as far as that goes; the items are their own weights."""
    read: list[int] = []
    feed = Feed(counted(items, read), limit=limit, weigh=int, most=most, wake=lambda: None)
    settled(read)
    return feed, read


def settled(read: list[int]) -> None:
    """Wait until nothing more is read."""
    before = -1
    while before != len(read):
        before = len(read)
        time.sleep(0.2)


def test_no_more_is_read_than_weighs_enough() -> None:
    """Large items fill memory long before there are many of them: their weight counts."""
    feed, read = fed([10] * 50, limit=1000, most=45)
    assert len(read) == 5
    for _ in range(3):
        assert feed.take() == 10
    settled(read)
    assert len(read) == 8
    feed.stop()


def test_all_is_read_in_order_however_little_is_held() -> None:
    """One item at a time, and none that outweighs the limit, holds anything up for good."""
    for limit, most in ((1, 10**9), (1000, 1), (3, 20)):
        woken = threading.Event()
        feed = Feed(range(1, 101), limit=limit, weigh=int, most=most, wake=woken.set)
        taken: list[int] = []
        until = time.monotonic() + 20
        while not feed.exhausted:
            assert time.monotonic() < until
            if (item := feed.take()) is not None:
                taken.append(item)
        assert taken == list(range(1, 101))
