"""How fast publish is, whole processes, beside other publishers of the same events."""

import re
from collections.abc import Callable
from functools import partial
from statistics import median
from urllib.parse import urlsplit

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
    number,
    ratios,
    run,
)
from benchmarks.peers import peer
from benchmarks.workplace import Workplace
from medtrack_cli.private_broker import EXCHANGE

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
GUIDE = ROOT / "tests" / "data" / "integration-guide.md.txt"
AIO = str(ROOT / "benchmarks" / "aio_publisher.py")

# What is printed of a publisher that takes long: its seconds for each event, as if for all.
Side = Callable[[], Cost]


def one_event(place: Workplace, sizes: Sizes) -> list[Result]:
    """Publish one event, whole processes."""
    file = place.events(1)
    aims = {"a script with pika and pydantic": 1.2}
    sides: dict[str, Side] = {
        "a script with pika and pydantic": partial(
            run, [*PYTHON, "-c", MINIMAL, file, EXCHANGE], place.environ
        ),
        "the guide's script": partial(run, [*PYTHON, "-c", _guide(place)], place.environ),
        "ours": partial(run, [*MEDTRACK, "publish", "-f", file], place.environ),
    }
    if peer("amqp-publish"):
        sides["amqp-publish, in C, unconfirmed"] = partial(_amqp_publish, place, file, 1)
    if aio := peer("aio-pika"):
        words = [*aio, AIO, place.url, EXCHANGE, file, "1"]
        sides["aio-pika, confirmed"] = partial(run, words, place.environ)
    with place.queue():
        rounds = interleave(sizes, sides, "publish, one event", sizes.starts)
    return [
        Result(
            "publish, one event",
            ratios(rounds, "ours", name),
            f"as long as {name}",
            aims.get(name),
            itself=itself(rounds),
        )
        for name in rounds[0]
        if name != "ours"
    ]


def many(place: Workplace, sizes: Sizes) -> list[Result]:
    """Compare publish with what else publishes, each round all of them in turn."""
    return _publishing(place, sizes, sizes.published, all_peers=True)


def more(place: Workplace, sizes: Sizes) -> list[Result]:
    """Compare the publishing of a larger file, which is read twice, with what can keep up."""
    return _publishing(place, sizes, sizes.many, all_peers=False)


def _publishing(place: Workplace, sizes: Sizes, count: int, *, all_peers: bool) -> list[Result]:
    file, few = place.events(count), min(sizes.slow, count)
    slow = place.events(few)
    module = [*PYTHON, "-m"]
    sides: dict[str, Side] = {
        "frames made before, the same window": partial(
            _loop, place, [*module, "benchmarks.ready_frames", file, str(count)], count
        ),
        "ours": partial(publish, place, file, count),
    }
    if peer("amqp-publish"):
        sides["amqp-publish, in C, unconfirmed"] = partial(_amqp_publish, place, file, count)
    if all_peers:
        blocking = [*module, "benchmarks.blocking_publisher", slow, str(few)]
        sides["pika with blocking confirms"] = partial(_loop, place, blocking, few, count)
        tenth = max(1, few // 10)
        guide = [*PYTHON, "-c", GUIDE_LOOP, _guide(place), str(tenth)]
        sides["the guide's script, a connection an event"] = partial(
            _loop, place, guide, tenth, count
        )
        if aio := peer("aio-pika"):
            part = min(count, 10 * few)
            words = [*aio, AIO, place.url, EXCHANGE, file, str(part)]
            sides["aio-pika, confirmed, 500 at a time"] = partial(_loop, place, words, part, count)
    with place.queue():
        rounds = interleave(sizes, sides, f"publish, {count:,} events, {place.name}")
    rate = count / median(each["ours"].seconds for each in rounds)
    goals = {"frames made before, the same window": 0.9, "pika with blocking confirms": 10.0}
    return [
        Result(
            f"publish, {count:,} events, {place.name}",
            ratios(rounds, name, "ours"),
            f"the rate of {name}",
            least=goals.get(name),
            itself=f"{itself(rounds)}, {number(rate)} a second",
        )
        for name in rounds[0]
        if name != "ours"
    ]


GUIDE_LOOP = """
import contextlib, io, sys, time
code = compile(sys.argv[1], "guide", "exec")
started, cpu = time.perf_counter(), time.process_time()
for _ in range(int(sys.argv[2])):
    with contextlib.redirect_stdout(io.StringIO()):
        exec(code, {})
print(time.perf_counter() - started, time.process_time() - cpu)
"""


def _guide(place: Workplace) -> str:
    """Give the integration guide's first script, with this broker's address and login."""
    text = re.search(r"```python\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    where = urlsplit(place.url)
    if text is None:
        raise Failed("the guide has no script any more")
    ours = {
        "rabbitmq.medtrack.com": where.hostname,
        "5672": where.port,
        "'admin'": repr(where.username),
        "'password'": repr(where.password),
    }
    script = text[1]
    for theirs, here in ours.items():
        script = script.replace(theirs, str(here))
    return script


def publish(place: Workplace, file: str, count: int) -> Cost:
    """Publish a file; the queue must hold all of it afterwards."""
    cost = run([*MEDTRACK, "publish", "-f", file], place.environ)
    _expect(place.take(), count)
    return cost


def _loop(place: Workplace, command: list[str], count: int, whole: int = 0) -> Cost:
    """Run a publisher that prints what its loop took without its start; scale it to the whole."""
    cost = run(command, place.environ)
    seconds, cpu = map(float, cost.output.split())
    place.wait_for(count)
    _expect(place.take(), count)
    times = (whole or count) / count
    return cost._replace(seconds=seconds * times, cpu=cpu * times)


def _amqp_publish(place: Workplace, file: str, count: int) -> Cost:
    """Let the C client publish each line, persistent; it asks for no confirms."""
    arguments = ["-u", place.url, "-e", EXCHANGE, "-r", "student.created", "-p", "-l"]
    with open(file, "rb") as lines:  # noqa: PTH123 -- a stream for the process
        command = [*peer("amqp-publish"), *arguments, "-C", "application/json"]
        cost = run(command, place.environ, stdin=lines)
    place.wait_for(count)
    place.take()
    return cost


def _expect(found: int, expected: int) -> None:
    if found != expected:
        raise Failed(f"the queue holds {found:,} events instead of {expected:,}")
