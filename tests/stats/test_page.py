"""Statistics for people: what a terminal shows, whatever its width, colours and letters."""

import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import termios
import time
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from rich.cells import cell_len

from medtrack_cli.core.statistics.counts import Stats
from medtrack_cli.core.statistics.reading import StatsReader
from medtrack_cli.events.registry import built_in
from medtrack_cli.output.shown.shown import Sheet
from medtrack_cli.output.stats.page import stats_page
from medtrack_cli.output.stats.texts import duration, share, size
from medtrack_cli.output.style import ASCII, FULL, Marks, Style
from tests.builders import NOON, delivery, encode, event, numbered
from tests.cli.tool import COMMAND, Tool
from tests.security.hostile import HOSTILE, steered
from tests.stats.recordings import mixed, recording, stats

PERSONAL = ("Amina Example", "amina.example@example.org", "+212600000000", "ZZ123456")


def hostile() -> bytes:
    """Record deliveries with a text in every name: those that steer, and a person's data."""
    texts = (*HOSTILE, *PERSONAL, "学生" * 60)
    return recording(
        delivery(
            encode(event("user.created") | {"service": text, "event_type": text, text: text}),
            routing_key=text,
            properties={"message_id": text},
        )
        for text in texts
    )


def page(lines: bytes, width: int, marks: Marks, *, colour: bool = False) -> list[str]:
    """Write the page of recorded lines."""
    found = Stats()
    reader = StatsReader(found, built_in())
    reader.begin("a.ndjson")
    numbered_lines = enumerate(lines.splitlines(keepends=True), 1)
    assert all(reader.count(line, number) for number, line in numbered_lines)
    found.finish()
    return list(stats_page(found, Sheet(width, marks, Style(on=colour))))


@pytest.mark.parametrize("width", [40, 41, 63, 80, 120, 200, 300])
@pytest.mark.parametrize("marks", [FULL, ASCII], ids=["full", "ascii"])
def test_no_line_is_wider_than_the_terminal(width: int, marks: Marks) -> None:
    """From 40 columns on every line of chart and tables fits, wide letters included."""
    for lines in (hostile(), recording(mixed(Random(1), 400))):
        tables = page(lines, width, marks)[8:]  # after the sentences of the summary
        assert [line for line in tables if cell_len(line) > width] == []


@pytest.mark.parametrize("width", [56, 80, 120])
def test_no_word_of_findings_is_broken(width: int) -> None:
    """Rules, types, fields, services, times and places are whole, as on the widest terminal."""
    lines = recording(mixed(Random(1), 400))
    narrow, wide = page(lines, width, FULL), page(lines, 300, FULL)
    words = [
        [word.strip("█, ") for line in shown[shown.index("findings") :] for word in line.split()]
        for shown in (narrow, wide)
    ]
    assert words[0] == words[1]
    assert {"/payload/start_date", "from", "service-1"} <= set(words[0])
    assert [line for line in narrow if cell_len(line) > width] == []


def test_the_invalid_rate_and_each_type_stand_below_the_chart() -> None:
    """Without any colour it is told when invalid events came, and when those of each type."""
    lines = b"".join(
        recording([delivery(body, routing_key=key, received_at=NOON + timedelta(seconds=15 * n))])
        for n, (key, body) in enumerate(
            [
                *[("user.created", encode(event("user.created")))] * 8,
                *[("student.created", b"{}")] * 4,
            ]
        )
    )
    shown = page(lines, 60, FULL)
    top = shown.index("share of invalid events") + 1
    rates = [line[7:] for line in shown[top : top + 3]]
    assert [line[:5] for line in shown[top : top + 3]] == ["100 %", "     ", "  0 %"]
    assert {len(line.rstrip()) - len(line.strip()) for line in rates} == {rates[0].index("█")}
    at = next(number for number, line in enumerate(shown) if line.startswith("event types by"))
    drawn = [line[line.index("1  ") + 3 :] for line in shown[at + 2 : at + 4]]
    assert [cell == " " for cell in drawn[1][: len(drawn[0])]] == [True] * len(drawn[0])
    assert {line.split()[0] for line in shown[at + 2 : at + 4]} == {"user.created", "(none)"}


@pytest.mark.parametrize("undated", ["user.created", "student.created"])
def test_what_has_no_time_is_in_no_chart(tool: Tool, undated: str) -> None:
    """Neither the only invalid event nor the only one of its type needs a time."""
    dated = [event("user.created") | {"timestamp": f"2025-01-15T1{n}:00:00Z"} for n in range(3)]
    other = {"event_type": undated, "payload": {}, "version": "1.0", "service": "s"}
    lines = b"\n".join(map(encode, [*dated, other]))
    tool.write("events.ndjson", lines)
    ran = tool.run("stats", "events.ndjson", "--html", "page.html")
    assert ran.code == 0, ran.err
    for text in (ran.out, (tool.folder / "page.html").read_text()):
        assert "by time" in text
        assert "share of invalid" not in text.lower()
        assert "types by time" not in text


def test_the_chart_shows_where_events_are() -> None:
    """A column is as high as its share of the most, and what is there is never invisible."""
    counts = [1, 100, 400, 800, *[0] * 18, 1, 50]
    lines = b"".join(
        recording([delivery(received_at=NOON + number * timedelta(seconds=15))] * count)
        for number, count in enumerate(counts)
    )
    shown = page(lines, 40, FULL)
    top = next(number for number, line in enumerate(shown) if line.startswith("  800"))
    assert [line[7:].rstrip() for line in shown[top : top + 8]] == [
        *["   █"] * 4,
        *["  ██"] * 3,
        "▁███" + " " * 18 + "▁▄",
    ]


def test_nobody_is_named(tmp_path: Path) -> None:
    """Names, addresses and numbers typed where a type, a service or a key belongs are masked."""
    path = tmp_path / "hostile.ndjson"
    path.write_bytes(hostile())
    found = stats(path, "--html", tmp_path / "page.html")
    assert found.code == 0
    for shown in (found.out + found.err, (tmp_path / "page.html").read_text()):
        assert [text for text in PERSONAL if text in shown] == []
    exact = json.loads(stats(path, "-o", "json").out)
    assert {row["name"] for row in exact["services"]["names"]} > set(PERSONAL)


def on_screen(tool: Tool, width: int, *arguments: str, **environ: str) -> bytes:
    """Run on a terminal of a width and give what it is sent."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    with subprocess.Popen(
        [*COMMAND, "stats", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=tool.folder,
        env={**tool.environ, **environ},
    ) as process:
        os.close(theirs)
        seen = b""
        try:
            while data := os.read(ours, 65536):
                seen += data
        except OSError:  # Linux: the other side is closed
            os.close(ours)
    assert process.returncode == 0
    return seen


@pytest.mark.parametrize(
    ("more", "environ"),
    [([], {}), (["--no-color"], {}), ([], {"NO_COLOR": "1"}), ([], {"TERM": "dumb"})],
    ids=["colour", "no-color", "NO_COLOR", "dumb"],
)
def test_a_terminal_gets_colours_where_it_wants_them_and_nothing_else(
    tool: Tool, more: list[str], environ: dict[str, str]
) -> None:
    """A terminal is steered by our own colours alone, and by none when they are unwanted."""
    tool.write("a.ndjson", hostile() + recording(mixed(Random(1), 300)))
    seen = on_screen(tool, 100, "a.ndjson", *more, **environ)
    assert steered(seen) == []
    assert (b"\x1b[36m" in seen) is (not more and not environ)
    assert "█" in seen.decode()


def test_letters_are_those_the_terminal_has(tool: Tool) -> None:
    """Where the encoding has no blocks the bars are ASCII; a pipe gets UTF-8, without colours."""
    tool.write("a.ndjson", recording(mixed(Random(1), 300)))
    old = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    seen = on_screen(tool, 60, "a.ndjson", "--no-color", **old)
    assert seen.isascii()
    assert b"@@@@" in seen
    piped = tool.run("stats", "a.ndjson", stdin=b"", seconds=60, **old).out
    assert "\x1b" not in piped
    assert "█" in piped


def test_ctrl_c_prints_nothing_half(tool: Tool) -> None:
    """Interrupted while it reads, it ends with 130, without statistics and without a page."""
    running = tool.start("stats", "-", "--html", "page.html", piped=True)
    running.stdin.write(b"".join(numbered(5000)))
    running.stdin.flush()
    until_read(running.process.pid)
    running.signal(signal.SIGINT)
    ended = running.end()
    assert (ended.code, ended.out, ended.err) == (130, "", "")
    assert [path.name for path in tool.folder.iterdir() if "page" in path.name] == []


def until_read(pid: int) -> None:
    """Wait until a process has emptied its standard input and waits for more."""
    until = time.monotonic() + 20
    path = Path(f"/proc/{pid}/fd/0")
    while time.monotonic() < until:
        waiting = fcntl.ioctl(os.open(path, os.O_RDONLY), termios.FIONREAD, b"    ")
        if waiting == b"\0\0\0\0":
            return
        time.sleep(0.02)
    raise AssertionError("never read its input")


def test_words_for_numbers() -> None:
    """Shares, sizes and spans are written so that the smallest and nearly all can be told."""
    assert [share(part) for part in (0, 1e-9, 0.0049, 0.5, 0.99999, 1)] == [
        *("0 %", "<0.1 %", "0.5 %", "50.0 %", ">99.9 %", "100 %"),
    ]
    assert [size(octets) for octets in (0, 999, 1000, 999_400, 999_600, 2.5e9, 7e12)] == [
        *("0 B", "999 B", "1 kB", "999 kB", "1 MB", "2.5 GB", "7.0 TB"),
    ]
    assert [duration(seconds) for seconds in (0.02, 59.9, 60, 3661, 90000, 86400 * 400)] == [
        *("0.02 s", "59.9 s", "1 min", "1 h 1 min", "1 d 1 h", "400 d"),
    ]


@pytest.mark.parametrize(
    ("pause", "rate"),
    [
        (timedelta(milliseconds=500), "4.0 a second"),
        (timedelta(minutes=1), "2.0 a minute"),
        (timedelta(minutes=30), "4.0 an hour"),
        (timedelta(days=2), "1 a day"),
    ],
)
def test_a_rate_is_by_the_shortest_time_that_has_an_event(pause: timedelta, rate: str) -> None:
    """Two events in a pause are so many a second, a minute, an hour or a day."""
    told = stats("-", stdin=recording([delivery(), delivery(received_at=NOON + pause)])).out
    assert f"on average {rate}\n" in told


def test_json_on_a_terminal_is_ascii(tool: Tool) -> None:
    """-o json on a terminal escapes what isn't ASCII, and stays one JSON object."""
    tool.write("a.ndjson", hostile())
    seen = on_screen(tool, 80, "a.ndjson", "-o", "json")
    assert steered(seen) == []
    assert json.loads(seen)["kind"] == "stats"
