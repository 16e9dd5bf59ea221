"""A reader of listen's output that is far slower than what arrives."""

import json
import os
import time

import pytest

from tests.cli.tool import Running, Tool
from tests.conftest import Broker
from tests.faults.memory import megabytes
from tests.listen.waiting import waiting


def read_slowly(running: Running, reading: int, seconds: float) -> tuple[bytes, list[float]]:
    """Read 1 KB a second; what was read, and the memory of the process at each second in MB."""
    taken, sizes = b"", []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        taken += os.read(reading, 1024)
        sizes.append(megabytes(running))
        time.sleep(1)
    return taken, sizes


@pytest.mark.long
@pytest.mark.timeout(400)
@pytest.mark.parametrize("seconds", [12, 180])
def test_a_slow_reader_holds_up_the_broker_alone(
    connected: Tool, broker: Broker, seconds: float
) -> None:
    """At 1 KB a second: no connection lost, memory flat, order kept, nothing lost or doubled."""
    count = 3000
    reading, writing = os.pipe()
    with waiting(broker) as held:
        held.put_numbered(count)
        running = connected.listen(*held.options, "--count", str(count), to=writing)
        os.close(writing)
        taken, sizes = read_slowly(running, reading, seconds)
        assert running.process.poll() is None
        assert max(sizes) - sizes[2] < 8
        assert len(taken) < 2 * 1024 * seconds
        with os.fdopen(reading, "rb") as rest:
            records = [json.loads(line) for line in (taken + rest.read()).splitlines()]
        ran = running.end()
        assert held.depth == 0
    assert ran.code == 0
    assert json.loads(ran.err.splitlines()[-1])["interruptions"] == 0
    numbers = [int(each["body"]["payload"]["student_id"][:8]) for each in records]
    assert numbers == list(range(1, count + 1))
