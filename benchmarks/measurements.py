"""The measurements themselves, each with its goal."""

import json
import subprocess
import time
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.measuring import MEDTRACK, PYTHON, ROOT, Cost, Result, interleave, note, run
from benchmarks.workplace import QUEUE_LENGTH, Workplace

ORJSON_LOOP = """
import sys, orjson
with open(sys.argv[1], "rb") as lines:
    for line in lines:
        orjson.loads(line)
"""


class Sizes(NamedTuple):
    """How much is measured how often."""

    rounds: int
    starts: int
    blocking: int  # events that BlockingConnection publishes in a round
    long_run: int  # events of the run whose memory is measured
    validated: int
    listened: int


FULL = Sizes(7, 25, 3_000, 500_000, 200_000, 20_000)
QUICK = Sizes(3, 9, 2_000, 100_000, 50_000, 10_000)


def startup(place: Workplace, sizes: Sizes) -> list[Result]:
    """Compare short runs with Python's own start, each a whole process."""
    goals = {
        "--version": (["--version"], 8),
        "validate, one small file": (["validate", place.events(1)], 18),
    }
    results = []
    for name, (arguments, goal) in goals.items():
        pairs = interleave(
            sizes.starts,
            partial(run, [*PYTHON, "-c", "pass"], place.environ),
            partial(run, [*MEDTRACK, *arguments], place.environ),
            name,
        )
        ratios = [ours.seconds / theirs.seconds for theirs, ours in pairs]
        results.append(Result(name, ratios, "times `python -c pass`", goal))
    return results


def publishing(place: Workplace, sizes: Sizes) -> list[Result]:
    """Compare publish, as a whole process, with BlockingConnection's loop, by their rates."""
    count = QUEUE_LENGTH
    file = place.events(count)

    def blocking() -> tuple[float, float]:
        command = [*PYTHON, "-m", "benchmarks.blocking_publisher", file, str(sizes.blocking)]
        seconds, cpu = map(float, run(command, place.environ).output.split())
        _expect(place.take(), sizes.blocking)
        return seconds / sizes.blocking, cpu / sizes.blocking

    def ours() -> tuple[float, float]:
        cost = _publish(place, file, count)
        return cost.seconds / count, cost.cpu / count

    with place.queue():
        pairs = interleave(sizes.rounds, blocking, ours, "publish")
    speed = [theirs[0] / ours[0] for theirs, ours in pairs]
    cpu = [theirs[1] / ours[1] for theirs, ours in pairs]
    return [
        Result(f"publish, {count:,} events", speed, "times BlockingConnection", 8, True),  # noqa: FBT003
        Result("  CPU an event", cpu, "times less than BlockingConnection"),
    ]


def memory(place: Workplace, sizes: Sizes) -> list[Result]:
    """Take the peak of a long publish."""
    file = place.events(sizes.long_run)
    note(f"memory: {sizes.long_run:,} events")
    with place.queue():
        cost = _publish(place, file, min(sizes.long_run, QUEUE_LENGTH))
    name = f"publish, memory for {sizes.long_run:,} events"
    return [Result(name, [cost.megabytes], "MB", 120)]


def validating(place: Workplace, sizes: Sizes) -> list[Result]:
    """Compare validate on one core with a loop of orjson.loads, both as whole processes."""
    file = place.events(sizes.validated)
    pairs = interleave(
        sizes.rounds,
        lambda: run([*PYTHON, "-c", ORJSON_LOOP, file], place.environ),
        lambda: run([*MEDTRACK, "validate", "--jobs", "1", file], place.environ),
        "validate",
    )
    name = f"validate, {sizes.validated:,} events, one core"
    return [
        Result(name, [ours.seconds / theirs.seconds for theirs, ours in pairs], "times orjson"),
        Result("  memory", [ours.megabytes for _, ours in pairs], "MB", 120),
    ]


def listening(place: Workplace, sizes: Sizes) -> list[Result]:
    """Publish at full speed to a listener that writes JSON, and see that it gets everything."""
    count = sizes.listened
    shares, rates = [], []
    for number in range(1, sizes.rounds // 2 + 1):
        note(f"listen: {number} of {sizes.rounds // 2}")
        received, seconds = _listen(place, count)
        shares.append(100 * received / count)
        rates.append(count / seconds)
    return [
        Result(f"listen, of {count:,} events", shares, "percent received", 100, True),  # noqa: FBT003
        Result("  from the first published to the last written", rates, "events a second"),
    ]


def _publish(place: Workplace, file: str, held: int) -> Cost:
    """Publish a file; the queue must hold so many events afterwards."""
    cost = run([*MEDTRACK, "publish", "-f", file], place.environ)
    _expect(place.take(), held)
    return cost


def _expect(found: int, expected: int) -> None:
    if found != expected:
        raise SystemExit(f"the queue holds {found:,} events instead of {expected:,}")


def _listen(place: Workplace, count: int) -> tuple[int, float]:
    """Count the distinct valid events that a listener has written, and take its time."""
    output = Path(place.folder, "listened.ndjson")
    command = [*MEDTRACK, "listen", "--count", str(count), "--timeout", "60", "-o", "json"]
    with (
        output.open("wb") as stdout,
        subprocess.Popen(  # noqa: S603 -- our own command
            command, cwd=ROOT, env=place.environ, stdout=stdout, stderr=subprocess.PIPE
        ) as listener,
    ):
        assert listener.stderr  # noqa: S101 -- for the type checker
        while b'"listening"' not in (line := listener.stderr.readline()):
            if not line:
                raise SystemExit("listen ended before it was ready")
        started = time.perf_counter()
        run([*MEDTRACK, "publish", "-f", place.events(count)], place.environ)
        listener.stderr.read()
        listener.wait()
        seconds = time.perf_counter() - started
    with output.open("rb") as lines:
        events = [json.loads(line) for line in lines]
    valid = {event["properties"]["message_id"] for event in events if event["valid"]}
    return len(valid), seconds
