"""Asked to stop, at every moment: soon, truly, and once more for at once."""

import os
import pty
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from medtrack_cli.private_broker import PrivateBroker
from medtrack_cli.world import World
from tests.builders import numbered
from tests.cli.tool import COMMAND, Tool
from tests.faults.accounts import judged
from tests.faults.breaking import await_receipts, durable, held_by
from tests.faults.proxy import Proxy, free_port, serving, silence

EVENTS = 3000


@contextmanager
def mute() -> Iterator[tuple[str, ...]]:
    """Connect to a server that takes the connection and says nothing."""
    with serving(silence) as port:
        yield ("--url", f"amqp://localhost:{port}/%2F")


@contextmanager
def mute_tls() -> Iterator[tuple[str, ...]]:
    """Begin a TLS handshake that nobody answers."""
    with serving(silence) as port:
        yield ("--url", f"amqps://localhost:{port}/%2F")


@contextmanager
def backoff() -> Iterator[tuple[str, ...]]:
    """Wait between two attempts at a port where nobody listens."""
    yield ("--url", f"amqp://localhost:{free_port()}/%2F", "--retry-for", "60")


@contextmanager
def slow() -> Iterator[tuple[str, ...]]:
    """Wait for the time of the next event."""
    yield ("--rate", "0.1")


Phase = Callable[[], AbstractContextManager[tuple[str, ...]]]


@pytest.mark.parametrize("phase", [mute, mute_tls, backoff, slow], ids=lambda each: each.__name__)
def test_ctrl_c_ends_every_wait(away: Tool, fragile_broker: PrivateBroker, phase: Phase) -> None:
    """Ctrl-C amid whatever it waits for: 130 within moments, nothing claimed that isn't so."""
    sent = list(numbered(5))
    name = away.write("events.ndjson", b"".join(sent))
    with durable(fragile_broker, "tests.waits"), phase() as options:
        running = away.start("publish", "-f", name, "-o", "json", *options)
        running.await_text("connecting to")
        time.sleep(0.5)  # into the wait
        running.signal(signal.SIGINT)
        started = time.monotonic()
        ran = running.end(10)
        seconds = time.monotonic() - started
        numbers = judged(ran, held_by(fragile_broker, "tests.waits"), sent)
    assert ran.code == 130
    assert seconds < 3, "1 s, and what a busy machine adds"
    assert numbers["unsent"] >= 4
    assert numbers["unknown"] == 0


def test_ctrl_c_at_a_question(away: Tool, fragile_broker: PrivateBroker) -> None:
    """Ctrl-C at the question of a protected profile: 130, and nothing was sent."""
    ours_alone = b"".join(numbered(2)).replace(b'"tests"', b'"asked"')
    name = away.write("events.ndjson", ours_alone)
    url = f"amqp://admin@127.0.0.1:{fragile_broker.amqp_port}/%2F"
    away.write("medtrack.yaml", f"profiles: {{careful: {{url: '{url}', protected: true}}}}")
    ours, theirs = pty.openpty()
    with durable(fragile_broker, "tests.asked"):
        process = subprocess.Popen(
            [*COMMAND, "publish", "-f", name, "--profile", "careful"],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=away.folder,
            env={k: v for k, v in away.environ.items() if k != "MEDTRACK_URL"}
            | {"MEDTRACK_PASSWORD": "password"},
            start_new_session=True,
        )
        os.close(theirs)
        seen = b""
        while b"Type the profile's name" not in seen:
            seen += os.read(ours, 4096)
        process.send_signal(signal.SIGINT)
        assert process.wait(5) == 130
        os.close(ours)
        held = held_by(fragile_broker, "tests.asked")
        # A frozen connection of another test may give up its events only now.
        assert [each for each in held if b'"asked"' in each.body] == []


def test_ctrl_c_at_the_password(tool: Tool) -> None:
    """One Ctrl-C ends the question for a password, too."""
    name = tool.write("events.ndjson", b"".join(numbered(1)))
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, "publish", "-f", name, "--url", f"amqp://somebody@127.0.0.1:{free_port()}/"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=tool.folder,
        env=tool.environ,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        seen = b""
        while b"Password for somebody" not in seen:
            seen += os.read(ours, 4096)
        time.sleep(0.2)  # into the reading of the answer
        process.send_signal(signal.SIGINT)
        assert process.wait(5) == 130
        os.close(ours)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["INT", "TERM"]
)
def test_a_signal_with_a_window_in_flight(
    away: Tool, fragile_broker: PrivateBroker, number: int, code: int
) -> None:
    """With nothing coming back, the end is within a second of the signal; in flight: unknown."""
    sent = list(numbered(EVENTS))
    name = away.write("events.ndjson", b"".join(sent))
    with Proxy(fragile_broker.amqp_port) as proxy, durable(fragile_broker, "tests.flight"):
        url = proxy.through(fragile_broker.amqp_url)
        running = away.start("publish", "-f", name, "-o", "json", "--rate", "1000", "--url", url)
        await_receipts(running, 500)
        proxy.freeze()
        time.sleep(1)
        running.signal(number)
        started = time.monotonic()
        ran = running.end(20)
        seconds = time.monotonic() - started
        numbers = judged(ran, held_by(fragile_broker, "tests.flight"), sent)
    assert proxy.faults == 1
    assert ran.code == code
    assert 0 < numbers["unknown"] <= 500
    assert numbers["unsent"] > 0
    reasons = {each["reason"] for each in ran.of_kind("receipt") if each["outcome"] == "unsent"}
    assert reasons <= {"stopped before its turn", "the run was stopped"}
    assert seconds < 2, "1 s, and what a busy machine adds"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_sent_doubly_is_one(away: Tool, number: signal.Signals) -> None:
    """What `timeout` sends to the process and to its group at once asks only once for the end."""
    for pause in (0, 0.0005, 0.002):
        running = away.listen()
        running.signal(number)
        time.sleep(pause)
        running.signal(number)
        ran = running.end()
        assert ran.code == 128 + number
        assert '"listened"' in ran.err, "it ended in good order"


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT], ids=lambda each: each.name)
def test_an_ignored_signal_stays_ignored(
    away: Tool, fragile_broker: PrivateBroker, number: signal.Signals
) -> None:
    """Under nohup, or in the background of a script, a run isn't ended by what others get."""
    sent = list(numbered(30))
    name = away.write("events.ndjson", b"".join(sent))
    with durable(fragile_broker, "tests.nohup"):
        before = signal.signal(number, signal.SIG_IGN)
        try:
            running = away.start("publish", "-f", name, "-o", "json", "--rate", "20")
        finally:
            signal.signal(number, before)
        await_receipts(running, 1)
        running.signal(number)
        ran = running.end()
    assert (ran.code, ran.summary["confirmed"]) == (0, 30)


def test_ctrl_c_twice_leaves_now(away: Tool, fragile_broker: PrivateBroker) -> None:
    """A second Ctrl-C waits for nothing."""
    name = away.write("events.ndjson", b"".join(numbered(EVENTS)))
    with Proxy(fragile_broker.amqp_port) as proxy:
        url = proxy.through(fragile_broker.amqp_url)
        running = away.start("publish", "-f", name, "-o", "json", "--rate", "1000", "--url", url)
        await_receipts(running, 500)
        proxy.freeze()
        time.sleep(0.5)
        running.signal(signal.SIGINT)
        time.sleep(0.5)
        running.signal(signal.SIGINT)
        started = time.monotonic()
        ran = running.end(10)
    assert proxy.faults == 1
    assert time.monotonic() - started < 2
    assert ran.code == 130
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)], ids=["TERM", "HUP"]
)
def test_a_stopped_run_can_be_resumed(
    away: Tool, fragile_broker: PrivateBroker, number: int, code: int
) -> None:
    """SIGTERM and SIGHUP end a run truly; the same command goes on and no event is twice there."""
    sent = list(numbered(EVENTS))
    name = away.write("events.ndjson", b"".join(sent))
    command = ("publish", "-f", name, "-o", "json", "--checkpoint", "mark")
    with durable(fragile_broker, "tests.resumed"):
        running = away.start(*command, "--rate", "1500")
        await_receipts(running, 400)
        running.signal(number)
        first = running.end(10)
        second = away.run(*command)
        held = held_by(fragile_broker, "tests.resumed")
    assert (first.code, second.code) == (code, 0), first.err
    assert 400 <= first.summary["confirmed"] < EVENTS
    assert first.summary["confirmed"] + second.summary["confirmed"] == EVENTS
    assert [each.body for each in held] == [line.strip() for line in sent]


def test_a_wish_before_more_is_not_forgotten() -> None:
    """A signal that comes when the answer is there already ends the command all the same."""
    signals = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
    before = {each: signal.getsignal(each) for each in signals}
    try:
        with pytest.raises(KeyboardInterrupt) as wish, World().stop_before_more():
            signal.raise_signal(signal.SIGTERM)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert wish.value.args == (143,)
