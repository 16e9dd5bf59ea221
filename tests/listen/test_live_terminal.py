"""The live view on a real terminal, against a real broker."""

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pika import BasicProperties

from medtrack_cli.private_broker import EXCHANGE
from tests.broker.test_listen_output import CANARIES, HOSTILE, canary_bodies, published_when_ready
from tests.broker.witness import client
from tests.builders import encode, event, numbered, spoilt
from tests.cel import needs_cel
from tests.cli.tool import Tool
from tests.conftest import Broker
from tests.faults.proxy import Proxy
from tests.listen.terminal import OURS, Terminal

EVENT_LINE = re.compile(r"^\d\d:\d\d:\d\d(\.\d{3}Z)? [✓✗!] ")
HINTS = "space pause"


def say(broker: Broker, *messages: tuple[str, bytes]) -> None:
    """Publish messages as they are."""
    with client(broker.amqp_url) as channel:
        for key, body in messages:
            channel.basic_publish(EXCHANGE, key, body, BasicProperties(content_type="text/x"))


def deleted(count: int, start: int = 1) -> list[tuple[str, bytes]]:
    """Make valid events whose ids begin with their number."""
    return [("student.deleted", body.rstrip()) for body in numbered(count, start)]


@contextmanager
def live(
    tool: Tool, *arguments: str, width: int = 80, height: int = 24, **environ: str
) -> Iterator[Terminal]:
    """Run listen on a terminal, and wait until the broker delivers."""
    with Terminal(
        tool, "listen", *arguments, width=width, height=height, environ=environ
    ) as terminal:
        terminal.await_ready()
        yield terminal


def check_restored(terminal: Terminal) -> None:
    """The terminal is as it was: its modes, its cursor, its wrapping; no block is left."""
    assert terminal.attributes == terminal.before
    terminal.wait(lambda: not terminal.emulator.cursor.hidden)
    assert HINTS not in terminal.text
    assert terminal.written.rfind(b"\x1b[?7h") > terminal.written.rfind(b"\x1b[?7l")


def test_it_says_what_it_waits_for_and_where(connected: Tool) -> None:
    """With nothing arriving the view names patterns, exchange, broker and profile."""
    with live(connected, "student.*", "user.#") as terminal:
        terminal.await_text("waiting for the first event", "● listening 0:00:0", HINTS)
        place = next(row for row in terminal.rows if row.startswith("student.* user.#"))
        assert "from medtrack.events on amqp://" in place
        assert "password" not in terminal.text


def test_each_event_is_a_row_with_its_findings_below(connected: Tool, broker: Broker) -> None:
    """Events, invalid ones and what is no event have rows of their own, marked without colour."""
    naive = spoilt("stage.created", "/timestamp", "2025-01-15T10:00:00")
    typo = event("evaluation.created")
    typo["payload"]["scroe"] = typo["payload"].pop("score")
    with live(connected, width=120, height=30) as terminal:
        say(
            broker,
            ("student.created", encode(event())),
            ("evaluation.created", encode(typo)),
            ("stage.created", encode(naive)),
            ("no.event", b"\xff\x00text"),
        )
        terminal.await_text("4 received  2 invalid")
        rows = terminal.rows
    first = next(index for index, row in enumerate(rows) if EVENT_LINE.match(row))
    ids = "student=550e8400 user=660e9500"
    assert re.fullmatch(rf"\S+ ✓ student.created +external-registration-service {ids}", rows[first])
    assert " ✗ evaluation.created" in rows[first + 1]
    assert rows[first + 2].strip().startswith("unknown_field at /payload/scroe: ")
    assert "did you mean score?" in rows[first + 2]
    assert " ! stage.created" in rows[first + 3]
    assert "(naive_timestamp)" in rows[first + 3]
    assert " ✗ no.event           6 bytes, text/x" in rows[first + 4]
    assert rows[first + 5].strip().startswith("bad_encoding: ")
    assert any("student.created 1 " in row and "no.event 1 " in row for row in rows)


@pytest.mark.parametrize("more", [[], ["--body"]], ids=["lines", "bodies"])
def test_personal_values_are_masked_until_revealed(
    connected: Tool, broker: Broker, more: list[str]
) -> None:
    """No personal value is drawn, wherever it stands in a message; --reveal draws them."""
    messages = list(canary_bodies())
    count = f"--count={len(messages)}"
    with live(connected, count, *more, width=200) as terminal:
        say(broker, *messages)
        assert terminal.end() == 0
        seen = terminal.written.decode()
    assert seen.count("student.created") >= len(CANARIES)
    assert not [word for word in ("Canary", "canary", "CNRY", "999888") if word in seen]
    with live(connected, count, "--reveal", *more, width=200) as terminal:
        say(broker, *messages)
        assert terminal.end() == 0
        seen = terminal.written.decode()
    assert [value for value in CANARIES.values() if value not in seen] == []


@pytest.mark.parametrize("more", [[], ["--no-color"], ["--reveal", "--body"]])
def test_nothing_received_steers_the_terminal(
    connected: Tool, broker: Broker, more: list[str]
) -> None:
    """Only our own few sequences and 16 colours are sent, whatever arrives; no OSC at all."""
    whole = event()
    whole["payload"] |= {"first_name": HOSTILE, HOSTILE: HOSTILE}
    with live(connected, "--count=3", *more, width=200) as terminal:
        say(broker, (HOSTILE, HOSTILE.encode()), ("student.created", encode(whole)))
        say(broker, ("student.created", encode(spoilt("student.created", "/service", HOSTILE))))
        assert terminal.end() == 0
        seen = terminal.written.decode()
    assert not set(OURS.sub("", seen)) & set("\x1b\x07\x9b\u202e")
    assert bool(re.search(r"\x1b\[[0-9;]*m", seen)) is (more != ["--no-color"])


def test_pausing_keeps_what_arrives_until_it_goes_on(connected: Tool, broker: Broker) -> None:
    """Paused, the view says how many wait; the recording goes on; then they are drawn."""
    with live(connected, "--record", "all.ndjson") as terminal:
        say(broker, *deleted(2))
        terminal.await_text("2 received")
        terminal.type(" ")
        terminal.await_text("‖ paused, 0 waiting", "space go on")
        say(broker, *deleted(1_200, start=3))
        terminal.await_text("‖ paused, 1,000 waiting", "1,202 received", "200 not drawn")
        recording = (connected.folder / "all.ndjson").read_text()
        assert recording.count('"kind":"event"') == 1_202
        assert "student=00000003" not in terminal.text
        terminal.type("p")
        terminal.await_text("student=00001202", HINTS)
        drawn = [row for row in terminal.scrolled if EVENT_LINE.match(row)]
        assert ["00000203" in row for row in drawn].index(True) == 2  # after the first two
        assert len(drawn) == 1_002
        assert "… 200 not drawn" in terminal.scrolled


def test_keys_toggle_bodies_filter_clear_and_help(connected: Tool, broker: Broker) -> None:
    """b, f, c, ? and enter do what the help says, from the next event on."""
    broken = encode(spoilt("user.created", "/payload/role", 5))
    with live(connected, width=100, height=40) as terminal:
        terminal.type("b")
        terminal.await_text("b bodies [on]")
        say(broker, ("student.created", encode(event())))
        terminal.await_text('"cin": "xx999999"', '"service": "external-registration-service"')
        terminal.type("b")
        terminal.type("f")
        terminal.await_text("[only invalid]")
        say(broker, ("student.created", encode(event())), ("user.created", broken))
        terminal.await_text("3 received  1 invalid", "✗ user.created", "1 filtered out")
        assert terminal.text.count("✓ student.created") == 1
        terminal.type("ff")
        terminal.await_text("[only user.created]")
        terminal.type("f?")
        terminal.await_text("Ctrl-Z suspends")
        assert "[only" not in terminal.text
        terminal.type("?c")
        terminal.wait(lambda: "Ctrl-Z suspends" not in terminal.text)
        terminal.wait(lambda: "✗ user.created" not in terminal.text)
        assert terminal.rows[0].startswith("─")
        terminal.type("\n\n\x1bOq\x1b[15~")  # sequences mean nothing
        terminal.wait(lambda: terminal.rows[:2] == ["", ""])


@needs_cel
def test_what_where_leaves_out_is_counted(connected: Tool, broker: Broker) -> None:
    """A condition that nothing passes is seen at once: events come, and are left out."""
    with live(connected, "--where", "event.payload.cin == 'none'") as terminal:
        say(broker, *[("student.created", encode(event()))] * 3)
        terminal.await_text("waiting for the first event", "0 received", "3 left out")
        assert "student.created" not in terminal.text


def test_an_idle_view_leaves_nothing_in_the_scrollback(connected: Tool, broker: Broker) -> None:
    """The block that is drawn anew each second on a cleared screen is never kept."""
    with live(connected, height=12) as terminal:
        say(broker, *deleted(20))
        terminal.await_text("20 received", "student=00000020")
        terminal.type("c")
        terminal.wait(lambda: terminal.rows[0].startswith("─"))
        seconds = terminal.rows[1]
        terminal.wait(lambda: terminal.rows[1] != seconds)
        blocks = [row for row in terminal.scrolled if "listening 0:" in row]
        assert blocks == [terminal.rows[1]]


def test_every_width_is_filled_and_never_exceeded(connected: Tool, broker: Broker) -> None:
    """Made narrower, wider and lower while it runs, the view has one block that fits."""
    sizes = [(80, 24), (40, 24), (300, 50), (200, 12), (20, 8), (80, 24)]
    with live(connected) as terminal:
        for number, (width, height) in enumerate(sizes, start=1):
            terminal.resize(width, height)
            say(broker, *deleted(5, start=5 * number))
            terminal.await_text(f"{5 * number} received"[: width - 1])
            if width > 20:
                terminal.await_text(f"{5 * number + 4:08d}")
            rows = terminal.rows
            assert ("─" * width in rows) is (height >= 12)
            assert len([row for row in rows if "listening 0:" in row]) == 1
            shown = [row for row in rows if EVENT_LINE.match(row)]
            assert any(f"{5 * number + 4:08d}" in row for row in shown) or width == 20
        assert max(map(len, terminal.rows)) == 80


@pytest.mark.parametrize(
    ("key", "number", "code"),
    [("q", 0, 0), ("\x03", 0, 130), ("", signal.SIGTERM, 143), ("", signal.SIGHUP, 129)],
    ids=["q", "ctrl-c", "term", "hup"],
)
def test_the_end_is_explained_and_the_terminal_restored(
    connected: Tool, broker: Broker, key: str, number: int, code: int
) -> None:
    """However it ends, totals and reason stay on the screen, and the terminal is as it was."""
    with live(connected) as terminal:
        say(broker, *deleted(3))
        terminal.await_text("3 received")
        assert terminal.attributes != terminal.before
        assert terminal.emulator.cursor.hidden
        terminal.type(key)
        if number:
            terminal.signal(number)
        assert terminal.end() == code
        check_restored(terminal)
        *_, types, numbers, reason = terminal.rows
        assert types == "student.deleted 3"
        assert numbers == "3 received  0 invalid  0 gaps  0 redelivered"
        assert re.fullmatch(r"stopped: 3 received, 0 invalid, in \d+\.\d s", reason)


def test_q_before_the_count_is_no_success(connected: Tool, broker: Broker) -> None:
    """A count that q leaves unreached is exit code 1."""
    with live(connected, "--count", "2") as terminal:
        say(broker, *deleted(1))
        terminal.await_text("1 received")
        terminal.type("q")
        assert terminal.end() == 1


def test_a_recording_that_fails_gives_the_terminal_back(connected: Tool, broker: Broker) -> None:
    """An error in the midst of it restores the terminal, and stands below the totals."""
    line = 'ulimit -f 8; PYTHONDONTWRITEBYTECODE=1 exec "$@"'  # modules would be cut off, too
    limited = ("sh", "-c", line, "sh")
    with Terminal(connected, "listen", "--record", "all.ndjson", program=limited) as terminal:
        terminal.await_ready()
        say(broker, *deleted(200))
        assert terminal.end() == 74
        check_restored(terminal)
        assert "be written (File too large): all.ndjson" in terminal.text


def test_ctrl_z_gives_the_terminal_back_until_it_goes_on(connected: Tool, broker: Broker) -> None:
    """Suspended, the terminal is as before and nothing is lost; going on, the view is back."""
    with live(connected) as terminal:
        terminal.type("\x1a")
        terminal.wait(lambda: is_stopped(terminal))
        check_restored(terminal)
        say(broker, *deleted(2))
        terminal.signal(signal.SIGCONT)
        terminal.await_text("2 received", HINTS)
        terminal.wait(lambda: terminal.emulator.cursor.hidden)
        assert terminal.attributes != terminal.before
        terminal.type("q")
        assert terminal.end() == 0
        check_restored(terminal)


def is_stopped(terminal: Terminal) -> bool:
    """Return whether the process is stopped."""
    stat = Path(f"/proc/{terminal.process.pid}/stat").read_text("ascii")
    return stat.rpartition(")")[2].split()[0] == "T"


@pytest.mark.long
def test_a_flood_is_counted_exactly(connected: Tool, broker: Broker) -> None:
    """20,000 events at once: all are received, and drawn and not drawn add up to them."""
    with live(connected, "--count", "20000", width=120) as terminal:
        say(broker, *deleted(20_000))
        assert terminal.end() == 0
        rows = terminal.scrolled
    assert rows[-1].startswith("count reached: 20,000 received, 0 invalid")
    drawn = [row for row in rows if EVENT_LINE.match(row)]
    told = re.search(r"20,000 received .* ([\d,]+) not drawn", rows[-2])
    assert told, rows[-2]
    not_drawn = int(told[1].replace(",", ""))
    assert 0 < len(drawn) == 20_000 - not_drawn
    between = [int(row[2:-10].replace(",", "")) for row in rows if row.startswith("… ")]
    assert sum(between) == not_drawn
    assert "student=00020000" in drawn[-1]


@pytest.mark.long
def test_a_flood_hides_no_invalid_event(connected: Tool, broker: Broker) -> None:
    """35 invalid events, spread over 12,000 valid ones: each is drawn, whatever else isn't."""
    broken = [encode(spoilt("student.created", "/payload/email", f"x{n}")) for n in range(35)]
    messages = deleted(12_000)
    for number, body in enumerate(broken):
        messages.insert(300 * number, ("student.created", body))
    with live(connected, "--count", str(len(messages)), width=120) as terminal:
        say(broker, *messages)
        assert terminal.end() == 0
        rows = terminal.scrolled
    assert sum("✗ student.created" in row for row in rows) == len(broken)
    numbers = next(row for row in reversed(rows) if " received" in row and " gaps" in row)
    assert re.search(r"35 invalid .* [\d,]+ not drawn$", numbers), numbers


def test_a_terminal_that_hangs_stops_nothing_else(connected: Tool, broker: Broker) -> None:
    """While the terminal takes no output, events are recorded; later the view goes on."""
    with live(connected, "--record", "all.ndjson", "--count", "6001", width=300) as terminal:
        terminal.hang()
        recording = connected.folder / "all.ndjson"
        say(broker, *deleted(6_000))
        terminal.wait(lambda: recording.read_text().count('"kind":"event"') == 6_000)
        terminal.go_on()
        terminal.await_text("6,000 received")
        say(broker, *deleted(1, start=6_001))
        assert terminal.end() == 0
        assert "student=00006001" in terminal.text
        assert "count reached: 6,001 received" in terminal.text


def test_a_terminal_that_vanishes_ends_it(connected: Tool, broker: Broker) -> None:
    """When its window is closed, listening ends by the hang-up, and the recording is whole."""
    aside = ("sh", "-c", 'exec "$@" 2>errors', "sh")
    with Terminal(connected, "listen", "--record", "all.ndjson", program=aside) as terminal:
        terminal.await_text("listening 0:00")
        say(broker, *deleted(10))
        terminal.await_text("10 received")
        terminal.vanish()
        assert terminal.process.wait(10) == 129
    assert (connected.folder / "all.ndjson").read_text().count('"kind":"event"') == 10
    assert "stopped: 10 received" in (connected.folder / "errors").read_text()


def test_a_lost_connection_is_told_from_start_to_end(connected: Tool, broker: Broker) -> None:
    """The view says that the connection is lost and found, and that events may be missing."""
    port = int(broker.amqp_url.rpartition(":")[2].partition("/")[0])
    with (
        Proxy(port) as proxy,
        live(connected, MEDTRACK_URL=proxy.through(broker.amqp_url), width=120) as terminal,
    ):
        proxy.cut()
        assert proxy.faults == 1
        terminal.await_text("is said when it is over", "listening again since", "1 gap (")
        assert re.search(
            r"events published in the \d+\.\d s since \S+Z may be missing", terminal.text
        )
        say(broker, *deleted(1))
        terminal.await_text("1 received", "● listening")
        proxy.close()
        terminal.await_text("✗ interrupted for 0:00:0", "2 gaps (", ", retry 2", ", next in ")
        assert "connecting to" not in terminal.text.partition("listening to")[2]
        terminal.type("q")
        assert terminal.end() == 0
        check_restored(terminal)


def test_without_a_keyboard_there_is_a_view_without_keys(connected: Tool) -> None:
    """With stdin from elsewhere the view is drawn, and no terminal mode is touched."""
    silent = ("sh", "-c", 'exec "$@" </dev/null', "sh")
    with Terminal(connected, "listen", program=silent) as terminal:
        terminal.await_text("waiting for the first event")
        assert terminal.attributes == terminal.before
        assert HINTS not in terminal.text
        terminal.signal(signal.SIGINT)
        assert terminal.end() == 130


def test_a_terminal_without_unicode_gets_ascii(connected: Tool, broker: Broker) -> None:
    """Where the encoding has no marks, others stand in, and foreign letters are escaped."""
    arabic = spoilt("student.created", "/service", "خدمة")
    with live(connected, "--reveal", width=200, PYTHONIOENCODING="ascii") as terminal:
        say(broker, ("student.created", encode(arabic)))
        terminal.await_text("1 received", "* listening", "+ student.created", r"\u062e\u062f")
        assert terminal.written.isascii()


def test_local_time_is_that_of_this_machine(connected: Tool, broker: Broker) -> None:
    """--local-time shows the wall clock's time, and no Z."""
    with live(connected, "--local-time", TZ="<+05>-5") as terminal:
        say(broker, *deleted(1))
        terminal.await_text("1 received")
        row = next(row for row in terminal.rows if "student=00000001" in row)
        said = next(row for row in terminal.rows if "listening to" in row)
    assert re.match(r"\d\d:\d\d:\d\d\.\d{3} ✓ ", row)
    assert said


@pytest.mark.parametrize("options", [["-q"], ["-o", "json"]])
def test_quiet_and_json_draw_nothing(connected: Tool, broker: Broker, options: list[str]) -> None:
    """Where no view is wanted, a terminal gets plain lines."""
    with (
        Terminal(connected, "listen", "--count", "1", *options, "--no-color") as terminal,
        published_when_ready(broker, deleted(1)),
    ):
        assert terminal.end() == 0
    assert b"student.deleted" in terminal.written
    assert b"\x1b" not in terminal.written
