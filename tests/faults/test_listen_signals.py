"""Listening, asked to stop at every moment: within a second, with a summary, nothing left."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from medtrack_cli.private_broker import EXCHANGE, PrivateBroker
from tests.broker.certificates import raw_server
from tests.broker.witness import client
from tests.cli.tool import Running, Tool
from tests.faults.breaking import paused, queue_of
from tests.faults.proxy import Proxy, free_port, serving, silence
from tests.faults.test_taps import await_gone

SECONDS = 1.5  # 1 s, and what a busy machine adds
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


@contextmanager
def mute(scheme: str, tool: Tool, _broker: PrivateBroker) -> Iterator[Running]:
    """Connect, in plain or by TLS, to a server that says nothing."""
    with serving(silence) as port:
        running = tool.start("listen", "-o", "json", "--url", f"{scheme}://localhost:{port}/%2F")
        running.await_text("connecting to")
        time.sleep(0.5)
        yield running


@contextmanager
def plain(tool: Tool, broker: PrivateBroker) -> Iterator[Running]:
    """Wait for the first word of a broker."""
    with mute("amqp", tool, broker) as running:
        yield running


@contextmanager
def tls(tool: Tool, broker: PrivateBroker) -> Iterator[Running]:
    """Wait for a TLS handshake."""
    with mute("amqps", tool, broker) as running:
        yield running


@contextmanager
def backoff(tool: Tool, _broker: PrivateBroker) -> Iterator[Running]:
    """Wait between two tries."""
    url = f"amqp://localhost:{free_port()}/%2F"
    running = tool.start("listen", "-o", "json", "--url", url, "--retry-for", "60")
    running.await_text("connecting to")
    time.sleep(1)
    yield running


@contextmanager
def idle(tool: Tool, _broker: PrivateBroker) -> Iterator[Running]:
    """Wait for the first event."""
    yield tool.listen()


@contextmanager
def flood(tool: Tool, broker: PrivateBroker) -> Iterator[Running]:
    """Write what arrives without a pause."""
    running = tool.listen()
    with client(broker.amqp_url) as channel:
        for _ in range(3000):
            channel.basic_publish(EXCHANGE, "tests.flood", b"{}")
    yield running


@contextmanager
def frozen(tool: Tool, broker: PrivateBroker) -> Iterator[Running]:
    """Listen to a broker that has just been frozen, and can't answer a close."""
    running = tool.listen()
    with paused(broker):
        yield running


@contextmanager
def lost(tool: Tool, broker: PrivateBroker) -> Iterator[Running]:
    """Look for a broker that was lost."""
    with Proxy(broker.amqp_port) as proxy:
        running = tool.listen("--url", proxy.through(broker.amqp_url))
        proxy.close()
        running.await_text('"interrupted"')
        yield running


@contextmanager
def asking(tool: Tool, broker: PrivateBroker) -> Iterator[Running]:
    """Ask a management API that says nothing whether the queue has kept all."""
    with Proxy(broker.amqp_port) as proxy, raw_server(lambda peer, _received: silence(peer)) as api:
        tool.environ = {
            **tool.environ,
            "MEDTRACK_URL": proxy.through(broker.amqp_url),
            "MEDTRACK_MANAGEMENT_URL": f"http://127.0.0.1:{api.port}",
        }
        running = tool.listen("--durable", "tests.asking")
        proxy.cut()
        while not api.clients:
            time.sleep(0.01)
        yield running


Phase = Callable[[Tool, PrivateBroker], AbstractContextManager[Running]]
PHASES: dict[str, tuple[Phase, bool]] = {
    "connecting": (plain, False),
    "handshaking": (tls, False),
    "between tries": (backoff, False),
    "idle": (idle, False),
    "writing": (flood, True),
    "frozen": (frozen, True),
    "lost": (lost, True),
    "asking": (asking, False),
}
"""What it waits for, and whether a quick test tries it."""

MOMENTS = [
    pytest.param(
        phase,
        number,
        marks=[] if is_quick and number is signal.SIGTERM else [pytest.mark.long],
        id=f"{name}-{number.name}",
    )
    for name, (phase, is_quick) in PHASES.items()
    for number in CODES
]


@pytest.mark.parametrize(("phase", "number"), MOMENTS)
def test_listening_ends_within_a_second(
    away: Tool, fragile_broker: PrivateBroker, phase: Phase, number: signal.Signals
) -> None:
    """A signal ends every wait with its exit code and a summary, and the tap goes with it."""
    with phase(away, fragile_broker) as running:
        running.signal(number)
        started = time.monotonic()
        ran = running.end(10)
        seconds = time.monotonic() - started
    assert ran.code == CODES[number], ran.err
    assert seconds < SECONDS
    summary = json.loads(ran.err.splitlines()[-1])
    assert (summary["kind"], summary["ended"]) == ("listened", "stopped")
    assert ran.out.endswith("\n") or not ran.out, "a line cut short"
    if '"listening"' in ran.err and phase is not asking:  # its queue stays for ten minutes
        await_gone(fragile_broker, queue_of(running))


def test_the_timeout_of_listening_on_a_dead_line(away: Tool, fragile_broker: PrivateBroker) -> None:
    """--timeout ends listening in time on a line that has died, with its summary."""
    with Proxy(fragile_broker.amqp_port) as proxy:
        running = away.listen("--timeout", "2", "--url", proxy.through(fragile_broker.amqp_url))
        started = time.monotonic()
        proxy.freeze()
        ran = running.end(10)
        seconds = time.monotonic() - started
    assert proxy.faults
    assert (ran.code, json.loads(ran.err.splitlines()[-1])["ended"]) == (0, "timeout"), ran.err
    assert seconds < 2 + SECONDS


def test_a_second_signal_leaves_a_reader_that_hangs(
    away: Tool, fragile_broker: PrivateBroker
) -> None:
    """While a reader reads nothing, the first signal waits for it and the second does not."""
    reading, writing = os.pipe()
    running = away.listen(to=writing)
    os.close(writing)
    with client(fragile_broker.amqp_url) as channel:
        for _ in range(1000):
            channel.basic_publish(EXCHANGE, "tests.blocked", b"{}")
    time.sleep(1)
    running.signal(signal.SIGTERM)
    time.sleep(0.5)
    assert running.process.poll() is None
    running.signal(signal.SIGTERM)
    started = time.monotonic()
    ran = running.end(10)
    assert time.monotonic() - started < SECONDS
    assert ran.code == 143
    os.close(reading)
    await_gone(fragile_broker, queue_of(running))
