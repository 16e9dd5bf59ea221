"""What tests of listening through faults share: its story, a durable tap, a reader that hangs."""

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

from medtrack_cli.private_broker import EXCHANGE, PrivateBroker
from tests.broker.witness import client
from tests.cli.tool import Ran, Running
from tests.faults.breaking import (
    evaluate,
)

TAP = "tests.fault"


def say(broker: PrivateBroker, *keys: str) -> None:
    """Publish messages that only their routing keys tell from others."""
    with client(broker.amqp_url) as channel:
        channel.confirm_delivery()
        for key in keys:
            channel.basic_publish(EXCHANGE, key, b"{}")


def stories(ran: Ran) -> list[dict[str, Any]]:
    """Read what was told on stderr, but for the notes."""
    told = (json.loads(line) for line in ran.err.splitlines() if line.startswith("{"))
    return [each for each in told if each["kind"] != "note"]


def told(running: Running, kind: str) -> dict[str, Any]:
    """Read the newest of one kind that was told so far."""
    lines = [line for line in running.err.splitlines() if line.startswith(f'{{"kind":"{kind}"')]
    last: dict[str, Any] = json.loads(lines[-1])
    return last


def keys(ran: Ran) -> list[str]:
    """Read back the routing keys received."""
    return [each["routing_key"] for each in ran.of_kind("event")]


def check_story(running: Running, broker: PrivateBroker, *, missed: bool = True) -> Ran:
    """The interruption was told with start and end, and what came after it was received."""
    running.await_text('"resumed"', 60)
    say(broker, "after.it")
    running.await_text("after.it", stream="out")
    running.signal(signal.SIGTERM)
    ran = running.end()
    assert ran.code == 143
    kinds = [each["kind"] for each in stories(ran)]
    assert kinds == ["listening", "interrupted", "resumed", "listened"]
    _, interrupted, resumed, listened = stories(ran)
    assert interrupted["reason"]
    assert interrupted["since"] == resumed["since"] < resumed["until"]
    assert resumed["may_have_missed"] is missed
    assert listened["interruptions"] == 1
    assert keys(ran)[0] == "before.it"
    assert keys(ran)[-1] == "after.it"
    return ran


@contextmanager
def named_tap(broker: PrivateBroker) -> Iterator[tuple[str, str]]:
    """Give the options of a durable tap that is gone at the end."""
    try:
        yield ("--durable", TAP)
    finally:
        with client(broker.amqp_url) as channel:
            channel.queue_delete(TAP)


def depth(broker: PrivateBroker, queue: str) -> int:
    """Count what waits in a queue."""
    with client(broker.amqp_url) as channel:
        return int(channel.queue_declare(queue, passive=True).method.message_count)


@contextmanager
def impatient(broker: PrivateBroker, milliseconds: int) -> Iterator[None]:
    """Let the broker close channels on which deliveries wait so long for an acknowledgement."""
    change = "application:set_env(rabbit, {}, {})."
    evaluate(broker, change.format("consumer_timeout", milliseconds))
    evaluate(broker, change.format("channel_tick_interval", 500))
    try:
        yield
    finally:
        evaluate(broker, change.format("consumer_timeout", 1_800_000))
        evaluate(broker, change.format("channel_tick_interval", 60_000))


class Reader:
    """The reader of a pipe who reads nothing until told to."""

    def __init__(self) -> None:
        self._reading, self.writing = os.pipe()
        self.lines: list[bytes] = []
        self._thread = Thread(target=self._read, daemon=True)

    def start(self) -> None:
        """Read all from now on. The tool has the other end for itself."""
        self._thread.start()

    def finish(self) -> list[dict[str, Any]]:
        """Wait for the end, and give the lines as objects."""
        self._thread.join(30)
        return [json.loads(line) for line in self.lines]

    def _read(self) -> None:
        with os.fdopen(self._reading, "rb") as pipe:
            self.lines.extend(pipe)


def await_log(broker: PrivateBroker, text: str, seconds: float = 20) -> None:
    """Wait until the broker has logged something."""
    until = time.monotonic() + seconds
    while text not in (broker.folder / "log" / "rabbitmq.log").read_text():
        assert time.monotonic() < until, f"never logged: {text}"
        time.sleep(0.1)
