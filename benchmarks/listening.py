"""How fast listen writes what it takes, beside consumers that drop it, and what it misses."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.measuring import (
    MEDTRACK,
    PYTHON,
    ROOT,
    Cost,
    Failed,
    Result,
    Sizes,
    interleave,
    itself,
    ratios,
    run,
)
from benchmarks.workplace import QUEUE, Workplace

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
    count = sizes.published
    recording = Path(place.folder, "record.ndjson")
    bare = [*PYTHON, "-c", BARE, QUEUE, str(count)]
    recorded = ("--record", str(recording))
    sides = {
        "bare": lambda: take(place, count, bare),
        "ours": lambda: take(place, count, ours(count)),
        "recorded": lambda: take(place, count, ours(count, *recorded), recording),
    }
    with place.queue():
        rounds = interleave(sizes, sides, "listen, a full queue")
    what = f"listen --queue, {count:,} events into a file"
    shares, longer = ratios(rounds, "bare", "ours"), ratios(rounds, "recorded", "ours")
    own, both = itself(rounds), itself(rounds, "recorded")
    return [
        Result(what, shares, "the rate of pika dropping them", least=0.8, itself=own),
        Result("… with `--record`", longer, "as long as without", 1.15, itself=both),
    ]


def ours(count: int, *options: str) -> list[str]:
    """Give the command that takes so many events from the queue."""
    return [
        *(*MEDTRACK, "listen", "--queue", QUEUE, "--yes", "--count", str(count)),
        *("-o", "json", *options),
    ]


def take(place: Workplace, count: int, command: Sequence[str], *written: Path) -> Cost:
    """Fill the queue, and take all of it; the seconds from the first that was asked for."""
    for each in written:
        each.unlink(missing_ok=True)
    run([*MEDTRACK, "publish", "-q", "-f", place.events(count)], place.environ)
    cost = taken(place, count, command)
    for each in written:
        with each.open("rb") as lines:
            if sum(1 for _ in lines) != count + 1:
                raise Failed(f"{each} doesn't hold all events")
    return cost


def taken(place: Workplace, count: int, command: Sequence[str]) -> Cost:
    """Take all that the queue holds; the seconds from the first that was asked for."""
    place.wait_for(count)
    with Path(place.folder, "taken.ndjson").open("wb") as stdout:
        cost = run(command, place.environ, stdout=stdout)
    if left := place.take():
        raise Failed(f"{left:,} events were left in the queue")
    return cost._replace(seconds=json.loads(cost.said.splitlines()[-1])["seconds"])


def listening(place: Workplace, sizes: Sizes) -> list[Result]:
    """Publish at full speed to a listener that writes JSON, and see that it gets everything."""
    count = sizes.published
    rounds = interleave(
        sizes, {"share": partial(_listen, place, count)}, "listen, at full speed", 2
    )
    shares = [each["share"] for each in rounds]
    what = f"listen while {count:,} events are published at full speed"
    return [Result(what, shares, "percent of them, valid, written", least=100)]


def _listen(place: Workplace, count: int) -> float:
    """Give the percentage of valid events that a listener has written."""
    with _listener(place, "--count", str(count), "--timeout", "60") as listener:
        run([*MEDTRACK, "publish", "-f", place.events(count)], place.environ)
        listener.wait()
    # One at a time: what this process holds would count as memory of those it starts.
    with Path(place.folder, LISTENED).open("rb") as lines:
        events = map(json.loads, lines)
        valid = {event["properties"]["message_id"] for event in events if event["valid"]}
    return 100 * len(valid) / count


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
            raise Failed("listen ended before it was ready")
        yield listener
