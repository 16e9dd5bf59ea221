"""What the live view draws fits the window and hides what it must, at any size."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from medtrack_cli.core.checked import examine
from medtrack_cli.core.connection_settings import ConnectionSettings, Host, Secret
from medtrack_cli.core.listening.listen import Watched
from medtrack_cli.core.listening.sources import Tap
from medtrack_cli.core.ports import Retry, Stop
from medtrack_cli.events.registry import event_types
from medtrack_cli.output.event_rows import Look, event_lines
from medtrack_cli.output.live.block import Scene, block, duration
from medtrack_cli.output.live.controls import Controls, Pane
from medtrack_cli.output.live.panes import prompt
from medtrack_cli.output.live.screen import Size
from medtrack_cli.output.live.statistics import Connection, Phase, Statistics
from medtrack_cli.output.masking import ShortIds
from medtrack_cli.output.paint import console_for, paint
from medtrack_cli.output.safe_text import safe_text
from medtrack_cli.output.style import FULL
from medtrack_cli.world import SystemClock
from tests.builders import delivery, encode, event

WIDE = "学生の名前"  # two columns a letter
LOOK = Look(100, body=False, reveal=False, local_time=False, marks=FULL)
SETTINGS = ConnectionSettings((Host("rabbitmq.example", 5671),), password=Secret("hunter2"))
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
BEFORE_NOON = datetime(2025, 1, 15, 10, 0, 0, 537_000, tzinfo=UTC)


def lines(content: bytes, look: Look, key: str = "student.created", **headers: str) -> list[str]:
    """Draw a delivery without colours."""
    message = delivery(content, key, received_at=BEFORE_NOON, headers=headers)
    return [line.plain for line in event_lines(examine(message), look._replace(shorten=ShortIds()))]


def scene(statistics: Statistics, connection: Connection, controls: Controls) -> Scene:
    """Make a scene that is a day old."""
    watched = Watched(SETTINGS, Tap(("student.*", WIDE)), SystemClock(), Stop())
    return Scene(watched, connection, statistics, controls, 37, 34, 5.0, 90_000.0, has_keys=True)


@given(
    st.integers(1, 300),
    st.integers(1, 60),
    st.sampled_from(Phase),
    st.builds(
        Controls,
        st.booleans(),
        st.booleans(),
        st.none() | st.text(),
        st.text(),
        pane=st.none() | st.sampled_from(Pane),
    ),
    st.lists(st.text(min_size=1), max_size=60),
)
def test_the_block_fits_every_window(
    width: int, height: int, phase: Phase, controls: Controls, keys: list[str]
) -> None:
    """No row is wider than the window, the block leaves room for the log, the state is there."""
    statistics = Statistics(0.0)
    for key in [*keys, WIDE * 3]:
        statistics.add(examine(delivery(b"{}", key)), 1.0)
    rows = block(
        scene(statistics, Connection(1.0, phase, 1.0, WIDE * 20, 2, 3.5), controls),
        Size(width, height),
        FULL,
    )

    assert all(cell_len(row.plain) <= width for row in rows)
    assert 1 <= len(rows) <= max(1, height // 3)
    if width >= 80:
        assert phase.value in "\n".join(row.plain for row in rows)


def test_an_outage_counts_its_attempts() -> None:
    """The block says how often it was tried, and when it is tried again."""
    lost = Connection(1.0, Phase.LOST, 1.0, "gone")
    set_out = scene(Statistics(0.0), lost, Controls())
    watched = replace(set_out.watched, retry=Retry(attempts=12, next_at=set_out.now + 1.4))
    rows = block(set_out._replace(watched=watched), Size(80, 24), FULL)

    assert rows[1].plain.startswith("✗ interrupted for 1d 00:59:59, retry 12, next in 1.4 s")


def test_the_last_finding_stands_in_the_block() -> None:
    """At 80 columns, what was wrong last, and below it how many each service sent, masked."""
    statistics = Statistics(0.0)
    body = b'{"service": "Amina Bennani 7788", "payload": 1}'
    statistics.add(examine(delivery(body, "no.event", received_at=BEFORE_NOON)), 1.0)
    rows = block(scene(statistics, Connection(1.0), Controls()), Size(80, 30), FULL)
    text = "\n".join(row.plain for row in rows)

    assert "last ✗ 10:00:00.537Z no.event " in text
    assert "✗1 xxxxx xxxxxxx 9999" in text
    assert "1:no.event 1 ✗1" in text


@given(st.integers(3, 120), st.text(max_size=100))
@example(40, "学生" * 50)
def test_the_end_of_what_is_typed_is_seen(width: int, typed: str) -> None:
    """A search longer than the window shows where one types, and fits."""
    shown = prompt(typed, width).plain

    assert cell_len(shown) <= width
    assert safe_text(typed).endswith(shown[1:-1])
    assert shown[0] + shown[-1] == "/_"
    assert len(shown) > min(len(typed), width // 2 - 2)


def test_the_block_names_no_secret() -> None:
    """Broker, user and profile are named, the password isn't."""
    rows = block(scene(Statistics(0.0), Connection(1.0), Controls()), Size(200, 24), FULL)
    text = "\n".join(row.plain for row in rows)

    assert "amqp://guest@rabbitmq.example:5671/%2F profile local" in text
    assert "hunter2" not in text


@given(
    st.builds(Look, st.integers(8, 300), *[st.booleans()] * 3, st.just(FULL), st.booleans()),
    st.text(),
    st.dictionaries(st.text(), st.text() | st.integers() | st.lists(st.text()) | st.none()),
)
def test_no_line_is_wider_than_the_window(look: Look, key: str, payload: dict[str, object]) -> None:
    """Whatever an event holds, its lines, findings and body fit, and none steers the terminal."""
    whole = {**event(), "service": f"{WIDE}{key}", "payload": payload}
    drawn = lines(json.dumps(whole).encode(), look, key, traceparent=TRACEPARENT)

    assert all(cell_len(line) <= (look.width or 0) for line in drawn)
    assert not set("".join(drawn)) & set("\n\r\x1b\x9b\u202e")


@pytest.mark.parametrize(
    ("width", "row"),
    [
        (40, "10:00:00 ✓ student.created 550e8400 660…"),
        (80, "10:00:00.537Z ✓ student.created    student=550e8400 user=660e9500 external-regi…"),
        (
            200,
            (
                "10:00:00.537Z ✓ student.created    external-registration-service"
                " student=550e8400 user=660e9500"
            ),
        ),
    ],
)
def test_a_row_says_the_most_that_fits(width: int, row: str) -> None:
    """Narrow rows begin with time, mark, key and ids; wide ones have the service in a column."""
    assert lines(encode(event()), LOOK._replace(width=width)) == [row]


def test_a_score_is_worth_more_than_the_names_of_ids() -> None:
    """Ids that leave no room for what follows them lose their names, but not on wider rows."""
    evaluated = encode(event("evaluation.created"))
    (narrow,) = lines(evaluated, LOOK._replace(width=72), "evaluation.created")
    (middle,) = lines(evaluated, LOOK._replace(width=120), "evaluation.created")
    (wide,) = lines(evaluated, LOOK._replace(width=200), "evaluation.created")

    assert re.search(r"evaluation\.created [0-9a-f]{8} [0-9a-f]{8} [0-9a-f]{8} score=85", narrow)
    assert re.search(r"created evaluation=\w{8} stage=\w{8} student=\w{8} score=85 ", middle)
    assert re.search(r" evaluation=\w{8} stage=\w{8} student=\w{8} score=85$", wide)


@pytest.mark.parametrize("event_type", sorted(event_types()))
def test_a_student_is_named_at_80_columns(event_type: str) -> None:
    """The service gives way, then dates and what names the event's own kind lose their names."""
    (row,) = lines(encode(event(event_type)), LOOK._replace(width=80), event_type)
    payload = event(event_type)["payload"]

    assert ("student=550e8400" in row) is ("student_id" in payload)
    assert not [date for name, date in payload.items() if name[-5:] == "_date" and date not in row]


@pytest.mark.parametrize(
    ("event_type", "width", "shown"),
    [
        ("student.created", 80, " student=550e8400 user=660e9500 trace=4bf92f35"),
        ("evaluation.created", 80, " ae4c9f4b 7b1f6c1e student=550e8400 score=85"),
        ("evaluation.created", 120, " student=550e8400 score=85 trace=4bf92f35 external…"),
        ("student.deleted", None, f" trace={TRACE}"),
    ],
)
def test_a_trace_stands_where_there_is_room(event_type: str, width: int | None, shown: str) -> None:
    """After the ids, before the service; with -v it is whole, below the row, at any width."""
    body, look = encode(event(event_type)), LOOK._replace(width=width)
    (row,) = lines(body, look, event_type, traceparent=TRACEPARENT)
    alone, below = lines(body, look._replace(trace=True), event_type, traceparent=TRACEPARENT)

    assert row.endswith(shown)
    assert "trace" not in alone
    assert below == f"    trace {TRACE}"
    assert lines(body, look, event_type, traceparent=TRACEPARENT.upper()) == [
        *lines(body, look, event_type)
    ]


def test_a_row_without_a_width_is_whole() -> None:
    """Where lines aren't cut, ids are whole as well: they can be searched for."""
    (row,) = lines(encode(event()), LOOK._replace(width=None))

    assert "student=550e8400-e29b-41d4-a716-446655440000" in row


def test_a_body_is_masked_as_far_down_as_it_goes() -> None:
    """Below the row stands the whole JSON; personal texts and numbers in it only as shapes."""
    whole = event()
    whole["payload"] |= {"phone": 212600000000, "first_name": {"in": ["Amina", 4711, None, True]}}
    with_body = LOOK._replace(body=True)
    drawn = "\n".join(lines(encode(whole), with_body))

    assert '"student_id": "550e8400-e29b-41d4-a716-446655440000"' in drawn
    assert '"phone": "999999999999"' in drawn
    assert not [word for word in ("Amina", "4711", whole["payload"]["email"]) if word in drawn]
    assert "Amina" in "\n".join(lines(encode(whole), with_body._replace(reveal=True)))


def test_what_is_no_event_is_a_size_until_revealed() -> None:
    """A text shows its size, kind and first error; with reveal itself, made safe."""
    hidden = lines(b"secret\x1b]0;x\x07", LOOK, "no.event")
    shown = lines(b"secret\x1b]0;x\x07", LOOK._replace(reveal=True), "no.event")

    assert hidden[0] == "10:00:00.537Z ✗ no.event           12 bytes, no content type"
    assert hidden[1].startswith("    json_syntax: ")
    assert len(hidden) == 2
    assert shown == [*hidden, r"    secret\x1b]0;x\x07"]


def test_many_findings_are_counted() -> None:
    """Five findings stand below a row, errors first; the others are a number."""
    drawn = lines(b'{"payload": {}, "a": 1, "b": 2, "c": 3}', LOOK, "x")

    assert len(drawn) == 7
    assert drawn[-1].endswith("more findings")


def test_colours_are_eight_that_vanish_on_no_background() -> None:
    """Rows use the terminal's own colours, without black, blue and white; or none at all."""
    keys = ("student.created", "user.created", "stage.created", "evaluation.created", "other")
    drawn = [line for key in keys for line in event_lines(examine(delivery(b"{}", key)), LOOK)]
    painted = "".join(paint(line, console_for(colour=True)) for line in drawn)
    codes = {
        code for codes in re.findall(r"\x1b\[([0-9;]*)m", painted) for code in codes.split(";")
    }

    assert (
        {"31", "32", "33", "35", "36"}
        <= codes
        <= {"0", "1", "2", "31", "32", "33", "35", "36", "39"}
    )
    assert [paint(line, console_for(colour=False)) for line in drawn] == [
        line.plain for line in drawn
    ]


@pytest.mark.parametrize(
    ("passed", "text"),
    [
        (timedelta(seconds=7.9), "0:00:07"),
        (timedelta(hours=12, minutes=34, seconds=56), "12:34:56"),
        (timedelta(days=3, hours=1, minutes=2, seconds=3), "3d 01:02:03"),
    ],
)
def test_durations_can_be_read(passed: timedelta, text: str) -> None:
    """A view that is open for days says so."""
    assert duration(passed.total_seconds()) == text
