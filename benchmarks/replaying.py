"""How fast replay is, from a file, a queue of dead letters and a stream, beside publish."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count

import pika

from benchmarks.measuring import MEDTRACK, ROOT, Result, Sizes, interleave, note, run
from benchmarks.publishing import publish
from benchmarks.stats import recorded
from benchmarks.workplace import QUEUE, QUEUE_LENGTH, Workplace
from medtrack_cli.private_broker import EXCHANGE

DYING, DEAD, STREAM = "benchmark.dying", "benchmark.dead", "benchmark.stream"
_names = count(1)


def replaying(place: Workplace, sizes: Sizes) -> list[Result]:
    """Send the same events again from each source, each round all of them in turn."""
    file = place.events(QUEUE_LENGTH)
    with _queues(place), place.queue():
        recording = recorded(place, QUEUE_LENGTH)
        _fill(place, file, STREAM)
        sides: dict[str, Callable[[], float]] = {
            "publish": lambda: publish(place, file, QUEUE_LENGTH).seconds,
            "file": partial(_replay, place, recording, "--speed", "max"),
            "queue": partial(_redrive, place, file),
            "stream": partial(_replay, place, "--from-stream", STREAM, "--speed", "max"),
        }
        rounds = interleave(sizes.rounds, sides, "replay")
        resumed = [_resumed(place, recording) for _ in range(sizes.rounds)]

    def times(side: str) -> list[float]:
        return [each["publish"] / each[side] for each in rounds]

    shares = [first / each["file"] for first, each in zip(resumed, rounds, strict=True)]
    unit = "times publish's rate"
    return [
        Result(f"replay, {QUEUE_LENGTH:,} events of a recording", times("file"), unit, 0.8, True),  # noqa: FBT003
        Result("  --from-queue", times("queue"), unit, 0.5, True),  # noqa: FBT003
        Result("  --from-stream", times("stream"), unit, 0.6, True),  # noqa: FBT003
        Result("  --resume at 90 %: to its first event", shares, "times sending all", 0.1),
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


def _replay(place: Workplace, *source: str) -> float:
    name = ("--name", f"run-{next(_names)}", "--yes")
    cost = run([*MEDTRACK, "replay", *source, *name], place.environ)
    held = place.take()
    if held != QUEUE_LENGTH:
        raise SystemExit(f"the queue holds {held:,} events, not {QUEUE_LENGTH:,}")
    return cost.seconds


def _redrive(place: Workplace, file: str) -> float:
    """Let the events die, then send them home."""
    _fill(place, file, DYING)
    with pika.BlockingConnection(pika.URLParameters(place.url)) as connection:
        channel = connection.channel()
        while channel.queue_declare(DEAD, passive=True).method.message_count < QUEUE_LENGTH:
            time.sleep(0.05)
    options = ("--to-queue", QUEUE, "--spend-deliveries")  # the management API isn't asked
    return _replay(place, "--from-queue", DEAD, *options)


def _resumed(place: Workplace, recording: str) -> float:
    """Kill a replay at nine tenths; give the seconds that it takes to go on with a new event."""
    name = f"run-{next(_names)}"
    note("replay: killed and resumed")
    began = (*MEDTRACK, "replay", recording, "--speed", "max", "--name", name, "-o", "json")
    with _piped(place, began) as process:
        for number, _line in enumerate(process.stdout or (), 1):
            if number >= QUEUE_LENGTH * 9 // 10:
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
