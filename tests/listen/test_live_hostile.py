"""Whatever arrives, and wherever it is looked at: nothing of it steers the terminal."""

import json
import re
from collections.abc import Iterator

import pytest
from pika import BasicProperties

from medtrack_cli.private_broker import EXCHANGE
from tests.broker.witness import client
from tests.builders import changed, encode
from tests.cli.tool import Tool
from tests.conftest import Broker
from tests.listen.terminal import OURS, Terminal
from tests.listen.test_live_looking import has_one_view
from tests.listen.test_live_terminal import check_restored, live
from tests.security.hostile import FOOLING, FRIENDLY, HOSTILE, STEERING, steered

UP, HOME, END, PAGE_DOWN = "\x1b[A", "\x1b[H", "\x1b[F", "\x1b[6~"
MEGABYTE = 1_000_000
# Wide letters, one that combines, a mark too many, right to left, and what steers and fools.
TEXTS = (*HOSTILE, *FRIENDLY, "学生の名前" * 40, "e\u0301" * 200, "\u05d0\u05d1 \u0627\u0644" * 50)


def bodies() -> Iterator[tuple[str, bytes]]:
    """Make a key and a body for each kind of what may come."""
    all_of_them = {f"{number}{text}": text for number, text in enumerate(TEXTS)}
    yield "student.created", encode(changed(all_of_them))
    yield "student.created", encode(changed({"first_name": TEXTS, "/service": "".join(TEXTS)}))
    yield "student.created", json.dumps(changed({"first_name": "\ud800\x00\x1b]0;x\x07"})).encode()
    yield "student.created", encode(changed({"email": "学" * 60_000}))  # one line
    yield "student.created", encode(changed({"email": "x\u202e" * (MEGABYTE // 4)}))
    for text in TEXTS[::9]:
        yield text.encode()[:200].decode("utf-8", "ignore"), encode(changed({"/event_type": text}))
    yield "long", b"x\x1b]0;owned\x07\x9b2J" * (MEGABYTE // 16)
    yield "not.utf-8", bytes(range(256)) * 20 + b"\xed\xa0\x80\xf0\x9f"
    yield "zeros", b"\0" * 2_000
    yield "nothing", b""


@pytest.mark.long
@pytest.mark.parametrize("more", [[], ["--no-color", "--reveal"]])
def test_nothing_received_steers_the_terminal_from_a_pane(
    connected: Tool, broker: Broker, more: list[str]
) -> None:
    """With bodies, in the list, whole, searched for, filtered, copied: it is text, in one view."""
    messages = list(bodies())
    with live(connected, *more, width=100, height=30) as terminal:
        terminal.type("b")
        terminal.only_read()
        with client(broker.amqp_url) as channel:
            for number, (key, body) in enumerate(messages):
                text = TEXTS[number % len(TEXTS)].encode()[:120].decode("utf-8", "ignore")
                told = BasicProperties(message_id=text, headers={text: text, "x": [text, b"\xff"]})
                channel.basic_publish(EXCHANGE, key, body, told)
        terminal.wait(lambda: f"{len(messages)} received".encode() in terminal.written)
        terminal.catch_up()
        look_at_each(terminal, len(messages))
        for text in (*STEERING[::4], *FOOLING[::2], *FRIENDLY[::2]):
            terminal.type("/" + re.sub(r"[\r\n]", "", text))
            terminal.wait(lambda: terminal.rows[0].startswith("/") and terminal.rows[0][-1] == "_")
            terminal.type("\x15\x1b")
            terminal.wait(lambda: not terminal.rows[0].startswith("/"))
        terminal.type("/学生の名前\r")
        terminal.await_text("with 学生の名前")
        for key in [*"iif0123456789", *["f"] * (len(messages) + 2)]:
            terminal.type(key)
        terminal.wait(lambda: has_one_view(terminal, 100))
        terminal.type(f"0{END}")
        terminal.wait(lambda: not terminal.emulator.aside)
        terminal.type("q")
        assert terminal.end() == 0
        check_restored(terminal)
        seen = terminal.written.decode()
    assert steered(OURS.sub("", seen.replace("\r\x1b[2K", "")).encode()) == []


def look_at_each(terminal: Terminal, count: int) -> None:
    """Show each event whole, to its end, and copy its id."""
    terminal.type(UP)
    terminal.await_text(f"the last {count} events")
    for number in range(count, 0, -1):
        terminal.type("\r")
        terminal.await_text(f"event {number}:")
        terminal.wait(lambda: has_one_view(terminal, 100))
        terminal.type(f"{END}{HOME}{PAGE_DOWN}yq{UP}")
        terminal.await_text(f"the last {count} events")
