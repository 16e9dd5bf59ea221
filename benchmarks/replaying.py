"""How fast replay is, from a file, a queue of dead letters and a stream, beside publish."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count

import pika

from benchmarks.measuring import (
    MEDTRACK,
    ROOT,
    Cost,
    Failed,
    Result,
    Sizes,
    interleave,
    itself,
    note,
    ratios,
    run,
)
from benchmarks.publishing import publish
from benchmarks.stats import recorded
from benchmarks.workplace import QUEUE, Workplace
from medtrack_cli.private_broker import EXCHANGE

DYING, DEAD, STREAM = "benchmark.dying", "benchmark.dead", "benchmark.stream"
_names = count(1)


def replaying(place: Workplace, sizes: Sizes) -> list[Result]:
    """Send the same events again from each source, each round all of them in turn."""
    count = sizes.published // 5
    file = place.events(count)
    with _queues(place), place.queue():
        recording = recorded(place, count)
        _fill(place, file, STREAM)
        sides: dict[str, Callable[[], Cost]] = {
            "publish": partial(publish, place, file, count),
            "ours": partial(replay, place, count, recording),
            "queue": partial(_redrive, place, file, count),
            "stream": partial(replay, place, count, "--from-stream", STREAM),
        }
        rounds = interleave(sizes, sides, "replay")
        resumed = [_resumed(place, recording, count) for _ in rounds]
    shares = [first / each["ours"].seconds for first, each in zip(resumed, rounds, strict=True)]
    unit = "the rate of publish"

    def result(what: str, side: str, goal: float) -> Result:
        return Result(
            what, ratios(rounds, "publish", side), unit, least=goal, itself=itself(rounds, side)
        )

    return [
        result(f"replay, {count:,} events of a recording", "ours", 0.8),
        result("… `--from-queue`", "queue", 0.5),
        result("… `--from-stream`", "stream", 0.6),
        Result("… `--resume` at 90 %, killed", shares, "sending all, to its first event", 0.1),
    ]


@contextmanager
def _queues(place: Workplace) -> Iterator[None]:
    """Have a stream, and a queue in which all dies at once; what is dead waits in another."""
    dies = {"x-message-ttl": 0, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": DEAD}
    with pika.BlockingConnection(pika.URLParameters(place.url)) as connection:
        channel = connection.channel()
        channel.queue_declare(DEAD, durable=True)
        channel.queue_declare(DYING, durable=True, arguments=dies)
        channel.queue_declare(STREAM, durable=True, arguments={"x-queue-type": "stream"})
    try:
        yield
    finally:
        with pika.BlockingConnection(pika.URLParameters(place.url)) as connection:
            for name in (DEAD, DYING, STREAM):
                connection.channel().queue_delete(name)


def _fill(place: Workplace, file: str, queue: str) -> None:
    """Publish the events to one queue."""
    with pika.BlockingConnection(pika.URLParameters(place.url)) as connection:
        connection.channel().queue_bind(queue, EXCHANGE, "#")
        run([*MEDTRACK, "publish", "-f", file], place.environ)
        connection.channel().queue_unbind(queue, EXCHANGE, "#")
    place.take()


def replay(place: Workplace, count: int, *source: str) -> Cost:
    """Replay as fast as it goes; the queue must hold all events afterwards."""
    options = ("--speed", "max", "--name", f"run-{next(_names)}", "--yes")
    cost = run([*MEDTRACK, "replay", *source, *options], place.environ)
    if (held := place.take()) != count:
        raise Failed(f"the queue holds {held:,} events, not {count:,}")
    return cost


def _redrive(place: Workplace, file: str, count: int) -> Cost:
    """Let the events die, then send them home."""
    _fill(place, file, DYING)
    with pika.BlockingConnection(pika.URLParameters(place.url)) as connection:
        channel = connection.channel()
        while channel.queue_declare(DEAD, passive=True).method.message_count < count:
            time.sleep(0.05)
    options = ("--to-queue", QUEUE, "--spend-deliveries")  # the management API isn't asked
    return replay(place, count, "--from-queue", DEAD, *options)


def _resumed(place: Workplace, recording: str, count: int) -> float:
    """Kill a replay at nine tenths; give the seconds that it takes to go on with a new event."""
    name = f"run-{next(_names)}"
    note("replay: killed and resumed")
    began = (*MEDTRACK, "replay", recording, "--speed", "max", "--name", name, "-o", "json")
    with _piped(place, began) as process:
        for number, _line in enumerate(process.stdout or (), 1):
            if number >= count * 9 // 10:
                break
        process.send_signal(signal.SIGKILL)
    started = time.perf_counter()
    with _piped(place, (*MEDTRACK, "replay", "--resume", name, "-o", "json")) as process:
        next(iter(process.stdout or ()))
        seconds = time.perf_counter() - started
        for _line in process.stdout or ():
            pass
    place.take()
    return seconds


@contextmanager
def _piped(place: Workplace, command: tuple[str, ...]) -> "Iterator[subprocess.Popen[bytes]]":
    with subprocess.Popen(  # noqa: S603 -- our own commands
        command, cwd=ROOT, env=place.environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        yield process
