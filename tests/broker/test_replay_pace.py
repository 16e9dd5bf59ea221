"""The pace of a replay, and what holds it back, on a real broker."""

import signal
import time
from datetime import timedelta
from pathlib import Path
from statistics import linear_regression

import pytest

from medtrack_cli.core.times import rfc3339
from tests.broker.witness import Witness
from tests.builders import NOON, encode, event
from tests.cli.tool import Tool


def written(folder: Path, count: int, seconds: float) -> None:
    """Write events of so many seconds, evenly."""
    stamps = (rfc3339(NOON + timedelta(seconds=seconds * n / (count - 1))) for n in range(count))
    lines = [encode(event() | {"timestamp": stamp}) for stamp in stamps]
    (folder / "r.ndjson").write_bytes(b"\n".join(lines))


def test_a_real_run_takes_its_time(connected: Tool, witness: Witness) -> None:
    """Six seconds at twice the speed are three, within 2 %."""
    written(connected.folder, 61, 6)
    running = connected.start("replay", "r.ndjson", "--speed", "2", "-o", "json")
    arrived: list[float] = []
    for _ in witness.channel.consume(witness.queue, auto_ack=True):
        arrived.append(time.monotonic())
        if len(arrived) == 61:
            break
    witness.channel.cancel()
    assert running.end().code == 0
    slope, _ = linear_regression(range(61), arrived)  # a late thread or two don't matter
    assert slope * 60 == pytest.approx(3, rel=0.02)


def test_a_queue_never_holds_more_than_it_may(connected: Tool, witness: Witness) -> None:
    """With a slow consumer the queue is full to its limit, and never over it by more than one."""
    written(connected.folder, 600, 1)
    limit = f"{witness.queue}=50"
    running = connected.start("replay", "r.ndjson", "--speed", "max", "--max-backlog", limit)
    running.await_text("paused: ")
    held, taken = [0], 0
    while taken < 600:
        held.append(witness.channel.queue_declare(witness.queue, passive=True).method.message_count)
        for _ in range(7):
            taken += witness.channel.basic_get(witness.queue, auto_ack=True)[0] is not None
    ran = running.end()
    assert ran.code == 0, ran.err
    assert max(held) == 51
    assert ran.err.count("paused: ") == 1


def test_ctrl_c_ends_a_pause(connected: Tool, witness: Witness) -> None:
    """A run that waits for a queue ends at once, and what waited is unsent."""
    written(connected.folder, 20, 1)
    limit = f"{witness.queue}=4"
    running = connected.start(
        *("replay", "r.ndjson", "--speed", "max", "--max-backlog", limit, "-o", "json")
    )
    running.await_text("paused: ")
    began = time.monotonic()
    running.signal(signal.SIGINT)
    ran = running.end()
    assert time.monotonic() - began < 5
    assert (ran.code, ran.summary["confirmed"], ran.summary["unsent"]) == (130, 5, 15)


def test_a_queue_that_is_missing_is_told_before_anything_is_sent(
    connected: Tool, witness: Witness
) -> None:
    """It is 76, with the queue's name; a name may hold an equals sign."""
    written(connected.folder, 3, 1)
    ran = connected.run("replay", "r.ndjson", "--max-backlog", "no=where=1", "-o", "json")
    assert (ran.code, ran.summary["unsent"], witness.take()) == (76, 3, [])
    assert "'no=where' is missing" in ran.err
    for wrong in ("q", "=1", "q=-1"):
        ran = connected.run("replay", "r.ndjson", "--max-backlog", wrong)
        assert (ran.code, "--max-backlog is QUEUE=N" in ran.err) == (2, True)
