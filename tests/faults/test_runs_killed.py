"""kill -9 of a replay at random points: the run goes on, and nothing is lost."""

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from secrets import token_hex

import pytest

from medtrack_cli.private_broker import EXCHANGE
from tests.broker.witness import Held, client, drain
from tests.builders import numbered_deliveries
from tests.cli.tool import Running, Tool
from tests.conftest import Broker
from tests.recording.recorded import record

WINDOW, INTERVAL = 500, 1000


@pytest.fixture
def arrived(broker: Broker) -> Iterator[Callable[[], list[Held]]]:
    """Give what takes all that has arrived; no connection is kept, which had to be served."""

    def take() -> list[Held]:
        with client(broker.amqp_url) as channel:
            return drain(channel, name)

    name = f"tests.killed.{token_hex(4)}"
    with client(broker.amqp_url) as channel:
        channel.queue_declare(name, durable=True)
        channel.queue_bind(name, EXCHANGE, "#")
    yield take
    with client(broker.amqp_url) as channel:
        channel.queue_delete(name)


def is_begun(journal: Path) -> bool:
    """Return whether a journal is there, with its first line."""
    return journal.exists() and journal.stat().st_size > 0


def kill(running: Running, tool: Tool, receipts: int) -> None:
    """Kill a run as soon as it has printed so many receipts; with none, as it has a journal."""
    journal = tool.folder / "state/medtrack/replays/run.journal"
    until = time.monotonic() + 60
    while running.process.poll() is None and time.monotonic() < until:
        if running.out.count("\n") >= receipts and (receipts or is_begun(journal)):
            break
        time.sleep(0.002)
    running.signal(signal.SIGKILL)
    running.process.wait(10)


@pytest.mark.parametrize(
    ("kills", "events"),
    [(5, 3000), pytest.param(50, 40_000, marks=[pytest.mark.long, pytest.mark.timeout(900)])],
)
def test_a_replay_killed_at_random_points_goes_on(
    connected: Tool, arrived: Callable[[], list[Held]], chance: Random, kills: int, events: int
) -> None:
    """Resumed each time: all arrive, first in their order; each kill repeats a window at most."""
    record(connected.folder / "r.ndjson", numbered_deliveries(events))
    each = events // kills
    points = [0, *(chance.randrange(2 * each) for _ in range(kills - 1))]
    chance.shuffle(points)
    command = ["replay", "r.ndjson", "--speed", "max", "--name", "run"]
    for point in points:
        running = connected.start(*command, "-o", "json")
        kill(running, connected, point)
        command = ["replay", "--resume", "run"]
        if running.process.returncode != -signal.SIGKILL:
            break  # it was done before
    else:
        ran = connected.run(*command, "-o", "json")
        assert ran.code == 0, ran.err
        assert ran.summary.get("done_before", 0) + ran.summary["confirmed"] == events
    assert '"completed"' in connected.run("replay", "--show", "run", "-o", "json").out
    held = [each.message_id for each in arrived()]
    assert [*dict.fromkeys(held)] == [f"id-{number}" for number in range(1, events + 1)]
    assert len(held) - events <= kills * (WINDOW + INTERVAL)
