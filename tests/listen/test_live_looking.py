"""The live view while its log is held: what is kept, searched and shown whole."""

import json
import re
from base64 import b64encode
from functools import partial

import pytest
from pika import BasicProperties

from medtrack_cli.private_broker import EXCHANGE
from tests.broker.test_listen_output import CANARIES, canary_bodies
from tests.broker.witness import client
from tests.builders import encode, spoilt
from tests.cli.tool import Tool
from tests.conftest import Broker
from tests.listen.terminal import Terminal
from tests.listen.test_live_terminal import check_restored, deleted, live, say

UP, DOWN, PAGE_UP, END = "\x1b[A", "\x1b[B", "\x1b[5~", "\x1b[F"
PANES = ["listening", "held", "event 100", "the last"]
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def test_events_are_selected_searched_and_shown_whole(connected: Tool, broker: Broker) -> None:
    """The log waits meanwhile, says how many are new, and goes on where it was."""
    broken = encode(spoilt("student.created", "/payload/email", "amina at x"))
    headers = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    with live(connected, width=100, height=40) as terminal:
        say(broker, *deleted(50))
        with client(broker.amqp_url) as channel:
            told = BasicProperties(message_id="m-1", headers=headers)
            channel.basic_publish(EXCHANGE, "student.created", broken, told)
        terminal.await_text("51 received")
        terminal.type(UP)
        terminal.await_text("the last 51 events", "▸", "‖ held, 0 new")
        assert re.search(r"^▸ \S+ ✗ student.created", terminal.text, re.MULTILINE)
        terminal.type("\r")
        terminal.await_text("message id     m-1", f"trace id       {TRACE}", "esc back")
        place = next(at for at, row in enumerate(terminal.rows) if '"email": "xxxxx xx x"' in row)
        assert terminal.rows[place + 1] == "             ^^^^^^^^^^^^ bad_format"
        assert "amina" not in terminal.text
        terminal.type("\x1b")
        terminal.await_text("the last 51 events")
        say(broker, *deleted(34, start=51))
        terminal.await_text("‖ held, 34 new")
        terminal.type("/00000044\r")
        terminal.await_text("1 with 00000044", "▸", "[/00000044 1 found]")
        assert re.search(r"^▸ .* student=00000044", terminal.text, re.MULTILINE)
        terminal.type("ii1")
        terminal.await_text("50 of the last 51 events, only student.deleted")
        terminal.type(f"0{PAGE_UP}{END}")
        terminal.await_text("student=00000084", "● listening", "space pause")
        assert "‖" not in terminal.text
        log = [row for row in terminal.scrolled if "Z ✓ student.deleted" in row]
        assert [row.partition("student=")[2][:8] for row in log] == [
            f"{number:08d}" for number in range(1, 85)
        ]
        terminal.type("q")
        assert terminal.end() == 0
        check_restored(terminal)


def test_what_is_kept_is_recorded_from_a_key_on(connected: Tool, broker: Broker) -> None:
    """W writes what is kept and all that comes, privately, to a file of its own; once."""
    with live(connected, width=100) as terminal:
        say(broker, *deleted(1_005))
        terminal.await_text("1,005 received")
        terminal.type(f"{UP}w")
        terminal.await_text("1,000 kept written to medtrack-")
        say(broker, *deleted(5, start=1_006))
        terminal.await_text("‖ held, 5 new")
        terminal.type("w")
        terminal.await_text("already]")
        terminal.type(f"/w\x1b{END}q")
        assert terminal.end() == 0
        assert "recorded 1,005 events to " in terminal.text
    (path,) = connected.folder.glob("medtrack-*.ndjson")
    assert path.stat().st_mode & 0o777 == 0o600
    header, *events = map(json.loads, path.read_text().splitlines())
    assert [each["body"]["payload"]["student_id"][:8] for each in events] == [
        f"{number:08d}" for number in range(6, 1_011)
    ]
    assert header["started_at"] == events[0]["received_at"]
    assert 0 <= events[0]["elapsed"] <= events[-1]["elapsed"]
    assert not [each for each in (header, *events) if "latest" in each]
    assert connected.run("replay", str(path), "--dry-run", "--speed", "max").code == 0


@pytest.mark.parametrize("more", [[], ["--clipboard"]], ids=["printed", "clipboard"])
def test_an_id_is_copied(connected: Tool, broker: Broker, more: list[str]) -> None:
    """Y prints the id at the end; an escape sequence for the clipboard is sent only if allowed."""
    (_, body), *_ = deleted(1)
    name = json.loads(body)["payload"]["student_id"]
    with live(connected, *more, width=100) as terminal:
        say(broker, *deleted(1))
        terminal.await_text("1 received")
        terminal.type("y")
        terminal.type(f"{UP}y")
        terminal.await_text(f"[copied {name}]" if more else f"[printed at the end: {name}]")
        terminal.type("qq")
        assert terminal.end() == 0
        assert (name in terminal.rows) is not bool(more)
    code = f"\x1b]52;c;{b64encode(name.encode()).decode()}\x07".encode()
    assert terminal.written.count(b"\x1b]") == terminal.written.count(code) == len(more)


@pytest.mark.long
@pytest.mark.parametrize("size", [(40, 10), (80, 24), (120, 40), (200, 60)])
def test_a_resize_leaves_no_copy(connected: Tool, broker: Broker, size: tuple[int, int]) -> None:
    """In whatever pane and size: one block, one pane, nothing of them in what has scrolled."""
    with live(connected, width=size[0], height=size[1]) as terminal:
        say(broker, *deleted(100))
        terminal.await_text("100 received")
        for keys, awaited in [
            ("", "listening"),
            (UP, "held"),
            ("\r", "event 100"),
            ("q", "the last"),
        ]:
            terminal.type(keys)
            terminal.await_text(awaited)
            for width, height in [(60, 15), (130, 45), size]:
                terminal.resize(width, height)
                terminal.wait(partial(has_one_view, terminal, width))
                assert max(map(len, terminal.rows)) <= width
        terminal.type("q")
        terminal.await_text("listening")
        terminal.wait(partial(has_one_view, terminal, size[0]))
        gone = terminal.scrolled[: -len(terminal.rows)]
        assert not [row for row in gone if "listening 0:" in row or "▸" in row]


def has_one_view(terminal: Terminal, width: int) -> bool:
    """Return whether a screen has one block, below a rule as wide as it is where there is room."""
    rows = terminal.rows
    states = [row for row in rows if "● listening" in row]
    rules = [row for row in rows if row.startswith("──")]
    return len(states) == 1 and len(rules) <= 1 and all(row == "─" * width for row in rules)


@pytest.mark.long
def test_nothing_personal_is_in_a_pane(connected: Tool, broker: Broker) -> None:
    """No personal value is drawn, in whatever way an event that has one is looked at."""
    messages = list(canary_bodies())
    with live(connected, width=200, height=60) as terminal:
        say(broker, *messages)
        terminal.await_text(f"{len(messages)} received")
        for _ in messages:
            terminal.type(f"{UP}\r")
            terminal.await_text("routing key")
            terminal.type("q")
            terminal.await_text("the last")
        terminal.type("qq")
        assert terminal.end() == 0
        seen = terminal.written.decode()
    assert len(CANARIES) > 3
    assert not [word for word in ("Canary", "canary", "CNRY", "999888") if word in seen]
