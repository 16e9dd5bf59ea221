"""How fast publish is, whole processes, beside other publishers of the same events."""

import shutil
import subprocess
import time
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.measuring import MEDTRACK, PYTHON, Cost, Result, Sizes, interleave, note, run
from benchmarks.workplace import QUEUE_LENGTH, Workplace
from medtrack_cli.private_broker import EXCHANGE

if TYPE_CHECKING:
    from collections.abc import Callable

MINIMAL = """
import os, sys, pika
from pydantic import BaseModel
class Event(BaseModel):
    event_type: str
    payload: dict
with open(sys.argv[1], "rb") as file:
    body = file.read()
event = Event.model_validate_json(body)
with pika.BlockingConnection(pika.URLParameters(os.environ["MEDTRACK_URL"])) as connection:
    channel = connection.channel()
    channel.confirm_delivery()
    persistent = pika.BasicProperties(delivery_mode=2)
    channel.basic_publish(sys.argv[2], event.event_type, body, persistent, mandatory=True)
"""


class Rates(NamedTuple):
    """What one publisher did in a round."""

    events_a_second: float
    cpu_an_event: float  # seconds


def publishing(place: Workplace, sizes: Sizes) -> list[Result]:
    """Compare publish with what else publishes, each round all of them in turn."""
    count = QUEUE_LENGTH
    file = place.events(count)
    sides: dict[str, Callable[[], Rates]] = {
        "blocking": partial(_loop, place, "blocking_publisher", file, sizes.blocking),
        "ceiling": partial(_loop, place, "ready_frames", file, count),
        "amqp-publish": partial(_amqp_publish, place, file, count),
        "ours": lambda: _rates(publish(place, file, count), count),
    }
    with place.queue():
        rounds = interleave(sizes.rounds, sides, f"publish, {place.name}")

    def times(other: str) -> list[float]:
        return [each["ours"].events_a_second / each[other].events_a_second for each in rounds]

    cpu = [each["blocking"].cpu_an_event / each["ours"].cpu_an_event for each in rounds]
    rates = [each["ours"].events_a_second for each in rounds]
    what = f"publish, {count:,} events, {place.name}"
    return [
        Result(what, times("blocking"), "times BlockingConnection", *place.goal(10)),
        Result(
            "  beside C, unconfirmed",
            times("amqp-publish"),
            "times amqp-publish -l",
            *place.goal(0.6),
        ),
        Result(
            "  beside what RabbitMQ confirms",
            times("ceiling"),
            "times frames made before",
            *place.goal(0.75),
        ),
        Result("  CPU an event", cpu, "times less than BlockingConnection"),
        Result("  rate", rates, "events a second"),
    ]


def one_event(place: Workplace, sizes: Sizes) -> list[Result]:
    """Compare the publishing of one event with a script of ten lines that does little else."""
    file = place.events(1)
    sides = {
        "script": lambda: run([*PYTHON, "-c", MINIMAL, file, EXCHANGE], place.environ),
        "ours": lambda: run([*MEDTRACK, "publish", "-f", file], place.environ),
    }
    with place.queue():
        rounds = interleave(sizes.starts, sides, "publish, one event")
    ratios = [each["ours"].seconds / each["script"].seconds for each in rounds]
    unit = "times a script with pika and pydantic"
    return [Result("publish, one event", ratios, unit, 1.2)]


def memory(place: Workplace, sizes: Sizes) -> list[Result]:
    """Take the peak of a long publish."""
    file = place.events(sizes.long_run)
    note(f"memory: {sizes.long_run:,} events")
    with place.queue():
        cost = publish(place, file, min(sizes.long_run, QUEUE_LENGTH))
    name = f"publish, memory for {sizes.long_run:,} events"
    return [Result(name, [cost.megabytes], "MB", 120)]


def publish(place: Workplace, file: str, held: int) -> Cost:
    """Publish a file; the queue must hold so many events afterwards."""
    cost = run([*MEDTRACK, "publish", "-f", file], place.environ)
    _expect(place.take(), held)
    return cost


def _loop(place: Workplace, module: str, file: str, count: int) -> Rates:
    """Run a publisher of this package, which prints what its loop took without its start."""
    command = [*PYTHON, "-m", f"benchmarks.{module}", file, str(count)]
    seconds, cpu = map(float, run(command, place.environ).output.split())
    _expect(place.take(), count)
    return Rates(count / seconds, cpu / count)


def _amqp_publish(place: Workplace, file: str, count: int) -> Rates:
    """Let the C client publish each line, persistent; it asks for no confirms."""
    command = shutil.which("amqp-publish")
    if command is None:
        raise SystemExit("make bench needs amqp-publish: apt-get install amqp-tools")
    arguments = ["-u", place.url, "-e", EXCHANGE, "-r", "student.created", "-p", "-l"]
    with open(file, "rb") as lines:  # noqa: PTH123 -- a stream for the process
        started = time.perf_counter()
        subprocess.run(  # noqa: S603 -- a fixed command
            [command, *arguments, "-C", "application/json"], stdin=lines, check=True
        )
        seconds = time.perf_counter() - started
    while place.held() < count:
        time.sleep(0.01)
    place.take()
    return Rates(count / seconds, 0)


def _rates(cost: Cost, count: int) -> Rates:
    return Rates(count / cost.seconds, cost.cpu / count)


def _expect(found: int, expected: int) -> None:
    if found != expected:
        raise SystemExit(f"the queue holds {found:,} events instead of {expected:,}")
