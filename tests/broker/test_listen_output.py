"""What a person sees of events: masked, and harmless to the terminal."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest
from pika.exceptions import UnroutableError

from medtrack_cli.private_broker import EXCHANGE
from tests.broker.witness import client
from tests.builders import event, spoilt
from tests.cli.pty_run import on_terminal
from tests.cli.tool import Tool
from tests.conftest import Broker

CANARIES = {
    "first_name": "Canaryfirst",
    "last_name": "Canarylast",
    "email": "canary.mail@example.org",
    "phone": "+99988877766",
    "cin": "CNRY5544",
}
# What the live view draws with: the modes of a frame, cursor up, erasing. No colours, no OSC.
OURS = re.compile(r"\x1b\[(\?(2026|25|7)[hl]|[0-9]+A|2K|J)")
HOSTILE = "\x1b]0;owned\x07\x1b[2J\u202e\x9b31m"


def canary_bodies() -> Iterator[tuple[str, bytes]]:
    """Make events, valid and not, in which every personal value can be recognised."""
    valid = event()
    valid["payload"] |= CANARIES
    yield "student.created", json.dumps(valid).encode()
    for name, value in CANARIES.items():
        broken = {**valid, "payload": {**valid["payload"], name: f"{value}!!"}}
        yield "student.created", json.dumps(broken).encode()
        moved = {**valid, "payload": {f"x_{name}": value}, name: value}
        yield "student.created", json.dumps(moved).encode()
        nested = {**valid, "payload": {**valid["payload"], name: {"in": value}}}
        yield "student.created", json.dumps(nested).encode()
    yield "no.event", " ".join(CANARIES.values()).encode()
    yield "no.event", json.dumps(list(CANARIES.values())).encode()
    yield "no.event", json.dumps(CANARIES).encode()


@contextmanager
def published_when_ready(broker: Broker, messages: list[tuple[str, bytes]]) -> Iterator[None]:
    """Publish as soon as somebody listens: what nobody receives is returned, and tried again."""
    done = False

    def publish() -> None:
        with client(broker.amqp_url) as channel:
            channel.confirm_delivery()
            for key, body in messages:
                while not done:
                    try:
                        channel.basic_publish(EXCHANGE, key, body, mandatory=True)
                    except UnroutableError:
                        time.sleep(0.05)
                    else:
                        break

    thread = Thread(target=publish)
    thread.start()
    try:
        yield
    finally:
        done = True
        thread.join(10)


@pytest.mark.parametrize("more", [[], ["-v"]], ids=["plain", "verbose"])
def test_personal_values_are_never_shown_to_people(
    connected: Tool, broker: Broker, more: list[str]
) -> None:
    """In listen's human output no personal value appears, valid or not, wherever it stands."""
    messages = list(canary_bodies())
    with published_when_ready(broker, messages):
        ran = connected.run(
            *("listen", "-o", "human", "--count", str(len(messages)), "--timeout", "20"), *more
        )
    assert ran.code == 0, ran.err
    assert ran.out.count("student.created") >= len(CANARIES)
    for value in (*CANARIES.values(), "CNRY", "Canary", "canary", "999888"):
        assert value not in ran.out + ran.err


@pytest.mark.parametrize("output", ["human", "json"])
def test_what_is_received_steers_no_terminal(connected: Tool, broker: Broker, output: str) -> None:
    """Routing keys, bodies and names of fields reach a terminal escaped in every output."""
    whole = event()
    whole["payload"] |= {"first_name": HOSTILE, HOSTILE: HOSTILE}
    messages = [
        (HOSTILE, HOSTILE.encode()),
        ("student.created", json.dumps(whole).encode()),
        ("student.created", json.dumps(spoilt("student.created", "/service", HOSTILE)).encode()),
    ]
    with published_when_ready(broker, messages):
        code, seen = on_terminal(
            connected, "listen", "-o", output, "--count", "3", "--timeout", "20", "--no-color"
        )
    assert code == 0, seen
    text = seen.decode("utf-8")
    assert "student.created" in text
    assert not set(OURS.sub("", text)) & set("\x1b\x07\x9b\u202e")
