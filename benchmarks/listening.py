"""How fast listen writes what it takes, beside a consumer that drops it, and what it misses."""

import json
import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.measuring import (
    MEDTRACK,
    PYTHON,
    ROOT,
    Result,
    Sizes,
    interleave,
    megabytes,
    note,
    run,
)
from benchmarks.workplace import QUEUE, QUEUE_LENGTH, Workplace

LISTENED = "listened.ndjson"

BARE = """
import json, os, sys, time, pika
left = int(sys.argv[2])
with pika.BlockingConnection(pika.URLParameters(os.environ["MEDTRACK_URL"])) as connection:
    channel = connection.channel()
    channel.basic_qos(prefetch_count=500)
    def take(channel, method, properties, body):
        global left
        left -= 1
        if left % 250 == 0:
            channel.basic_ack(method.delivery_tag, multiple=True)
        if left == 0:
            channel.stop_consuming()
    started = time.perf_counter()
    channel.basic_consume(sys.argv[1], take)
    channel.start_consuming()
    print(json.dumps({"seconds": time.perf_counter() - started}), file=sys.stderr)
"""


def taking(place: Workplace, sizes: Sizes) -> list[Result]:
    """Take a full queue's events: dropped by pika, written as JSON, and recorded beside it."""
    output, recording = Path(place.folder, "taken.ndjson"), Path(place.folder, "record.ndjson")
    ours = [*MEDTRACK, "listen", "--queue", QUEUE, "--yes", "--count", str(QUEUE_LENGTH)]
    sides = {
        "bare": partial(_take, place, [*PYTHON, "-c", BARE, QUEUE, str(QUEUE_LENGTH)], output),
        "ours": partial(_take, place, [*ours, "-o", "json"], output),
        "recorded": partial(
            _take, place, [*ours, "-o", "json", "--record", str(recording)], output, recording
        ),
    }
    with place.queue():
        rounds = interleave(sizes.rounds, sides, "listen, a full queue")
    rates = [QUEUE_LENGTH / each["ours"] for each in rounds]
    shares = [each["bare"] / each["ours"] for each in rounds]
    longer = [each["recorded"] / each["ours"] for each in rounds]
    return [
        Result(
            f"listen --queue, {QUEUE_LENGTH:,} events into a file",
            shares,
            "times the rate of pika dropping them",
            0.5,
            True,  # noqa: FBT003
        ),
        Result("  rate", rates, "events a second"),
        Result("  with --record", longer, "times as long", 1.34),
    ]


def _take(place: Workplace, command: Sequence[str], output: Path, *written: Path) -> float:
    """Fill the queue, and take all of it; the seconds from the first that was asked for."""
    for each in written:
        each.unlink(missing_ok=True)
    run([*MEDTRACK, "publish", "-q", "-f", place.events(QUEUE_LENGTH)], place.environ)
    while place.held() < QUEUE_LENGTH:
        time.sleep(0.01)
    with output.open("wb") as stdout:
        done = subprocess.run(  # noqa: S603 -- our own commands
            command, cwd=ROOT, env=place.environ, stdout=stdout, stderr=subprocess.PIPE, check=True
        )
    if left := place.take():
        raise SystemExit(f"{left:,} events were left in the queue")
    for each in written:
        with each.open("rb") as lines:
            if sum(1 for _ in lines) != QUEUE_LENGTH + 1:
                raise SystemExit(f"{each} doesn't hold all events")
    told: dict[str, float] = json.loads(done.stderr.splitlines()[-1])
    return told["seconds"]


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


def long_listening(place: Workplace, sizes: Sizes) -> list[Result]:
    """Take the peak of listening for long, at a rate that a listener follows."""
    count = sizes.long_run
    note(f"listen, memory: {count:,} events")
    with _listener(place, "--count", str(count), "--idle-timeout", "60") as listener:
        publish = [*MEDTRACK, "publish", "-q", "--rate", "8000", "-f", place.events(count)]
        run(publish, place.environ)
        _, status, usage = os.wait4(listener.pid, 0)
        listener.returncode = os.waitstatus_to_exitcode(status)
    if listener.returncode:
        raise SystemExit(f"listen ended with {listener.returncode}")
    name = f"listen, memory for {count:,} events"
    return [Result(name, [megabytes(usage)], "MB", 120)]


def _listen(place: Workplace, count: int) -> tuple[int, float]:
    """Count the distinct valid events that a listener has written, and take its time."""
    with _listener(place, "--count", str(count), "--timeout", "60") as listener:
        started = time.perf_counter()
        run([*MEDTRACK, "publish", "-f", place.events(count)], place.environ)
        listener.wait()
        seconds = time.perf_counter() - started
    # One at a time: what this process holds would count as memory of those it starts.
    with Path(place.folder, LISTENED).open("rb") as lines:
        events = map(json.loads, lines)
        valid = {event["properties"]["message_id"] for event in events if event["valid"]}
    return len(valid), seconds


@contextmanager
def _listener(place: Workplace, *arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Listen into a file, from the ready line on."""
    command = [*MEDTRACK, "listen", "-q", "-o", "json", *arguments]
    with (
        Path(place.folder, LISTENED).open("wb") as stdout,
        subprocess.Popen(  # noqa: S603 -- our own command
            command, cwd=ROOT, env=place.environ, stdout=stdout, stderr=subprocess.PIPE
        ) as listener,
    ):
        assert listener.stderr  # noqa: S101 -- for the type checker
        if b'"listening"' not in listener.stderr.readline():
            raise SystemExit("listen ended before it was ready")
        yield listener
