"""What is done to a broker while events go through it."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from pika.exceptions import AMQPError

from medtrack_cli import private_broker as private
from medtrack_cli.private_broker import EXCHANGE, PrivateBroker
from tests.broker.witness import Held, client, drain
from tests.cli.tool import Running


def environ_of(folder: Path) -> Mapping[str, str]:
    """Give the environment in which a state folder's broker is found: its own RabbitMQ, if any."""
    own = folder.with_name("rabbitmq")
    return {**os.environ, "RABBITMQ_HOME": str(own)} if own.is_dir() else os.environ


def restart(broker: PrivateBroker) -> PrivateBroker:
    """Bring a killed broker back, on its ports and with its data."""
    return private.start(broker.folder, environ=environ_of(broker.folder), announce=print)


def kill(broker: PrivateBroker) -> None:
    """Kill the broker as it runs now."""
    now = private.status(broker.folder)
    assert now is not None
    private.kill(now)
    left = private.status(broker.folder)  # its start script may take a moment to see it
    assert left is None or not left.ready, "it lives"


@contextmanager
def durable(broker: PrivateBroker, queue: str, exchange: str = EXCHANGE) -> Iterator[None]:
    """Keep a durable queue on a broker that may be killed meanwhile."""
    with client(broker.amqp_url) as channel:
        channel.exchange_declare(exchange, "topic", durable=True)
        channel.queue_declare(queue, durable=True)
        channel.queue_bind(queue, exchange, "#")
    try:
        yield
    except BaseException:
        with suppress(AMQPError):  # the failure matters more; the tests to come want it gone
            _delete(broker, queue)
        raise
    _delete(broker, queue)


def _delete(broker: PrivateBroker, queue: str) -> None:
    with client(broker.amqp_url) as channel:
        channel.queue_delete(queue)


def held_by(broker: PrivateBroker, queue: str) -> list[Held]:
    """Take all out of a queue, on a connection of its own."""
    with client(broker.amqp_url) as channel:
        return drain(channel, queue)


def queue_of(running: Running) -> str:
    """Read a listener's queue out of its last ready line."""
    ready = [line for line in running.err.splitlines() if line.startswith('{"kind":"listening"')]
    return str(json.loads(ready[-1])["queue"])


def await_lines(running: Running, count: int, seconds: float = 30) -> None:
    """Wait until the tool has printed so many lines."""
    await_receipts(running, count, seconds)


def await_receipts(running: Running, count: int, seconds: float = 30) -> None:
    """Wait until the tool has printed so many receipts."""
    until = time.monotonic() + seconds
    while running.out.count("\n") < count:
        assert running.process.poll() is None, running.err
        assert time.monotonic() < until, running.err
        time.sleep(0.02)


def await_true(is_so: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until something is so."""
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, "it never came to be"
        time.sleep(0.1)


@contextmanager
def paused(broker: PrivateBroker) -> Iterator[None]:
    """Stop the broker's process, as a machine that swaps or is suspended does."""
    assert broker.pid is not None
    os.kill(broker.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(broker.pid, signal.SIGCONT)


def evaluate(broker: PrivateBroker, expression: str) -> str:
    """Let the broker evaluate an Erlang expression."""
    return private.rabbitmqctl(broker, "eval", expression)


@contextmanager
def alarmed(broker: PrivateBroker, kind: str = "memory") -> Iterator[None]:
    """Let the broker believe that its memory is full, or raise the alarm of a full disk.

    A limit for the disk would mean nothing to a RabbitMQ in a root folder that sees no disk.
    """
    disk = "{resource_limit, disk, node()}"
    raises, clears = {
        "memory": [
            ("set_vm_memory_high_watermark", "0.0001"),
            ("set_vm_memory_high_watermark", "0.4"),
        ],
        "disk": [
            ("eval", f"rabbit_alarm:set_alarm({{{disk}, []}})."),
            ("eval", f"rabbit_alarm:clear_alarm({disk})."),
        ],
    }[kind]
    private.rabbitmqctl(broker, *raises)
    try:
        yield
    finally:
        private.rabbitmqctl(broker, *clears)


@contextmanager
def setting(broker: PrivateBroker, name: str, value: int) -> Iterator[None]:
    """Change a setting of the running broker, for new connections."""
    change = "application:set_env(rabbit, {0}, {1}), persistent_term:put({0}, {1})."
    before = evaluate(broker, f"application:get_env(rabbit, {name}, undefined).")
    evaluate(broker, change.format(name, value))  # RabbitMQ 4 keeps some in both places
    try:
        yield
    finally:
        evaluate(broker, change.format(name, before.strip()))


def close_connections(broker: PrivateBroker, times: int, pause: float) -> int:
    """Let the broker close all connections, again and again; give how many it closed."""
    closed = evaluate(
        broker,
        f"""lists:sum([begin
            timer:sleep({round(pause * 1000)}),
            Open = rabbit_networking:connections(),
            [rabbit_networking:close_connection(Pid, "a test") || Pid <- Open],
            length(Open)
        end || _ <- lists:seq(1, {times})]).""",
    )
    return int(closed)
