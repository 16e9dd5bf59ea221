"""What the live view keeps, searches and shows whole."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from medtrack_cli.core.checked import examine
from medtrack_cli.output.live.kept import MOST, MOST_BYTES, Entry, History, Kept
from medtrack_cli.output.live.statistics import Statistics
from medtrack_cli.output.live.whole import whole_lines
from tests.builders import delivery, encode, event
from tests.output.test_live_block import LOOK, WIDE
from tests.output.test_live_statistics import START, seen

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


def whole(content: bytes, key: str = "student.created", **more: Any) -> list[str]:
    """Show an event whole, without colours."""
    look = more.pop("look", LOOK)
    checked = examine(delivery(content, key, **more))
    return [line.plain for line in whole_lines(checked, look, look.width)]


def numbers(kept: Kept) -> list[int]:
    """List what is kept."""
    return [entry.number for entry in kept]


def test_the_last_thousand_are_kept_unless_they_are_large() -> None:
    """Of more events or more bytes the oldest go; the newest stays, however large."""
    kept = Kept()
    for number in range(1, MOST + 11):
        kept.add(Entry(number, seen()))
    assert numbers(kept) == list(range(11, MOST + 11))
    kept.add(Entry(2_000, seen(body=bytes(MOST_BYTES))))
    assert numbers(kept) == [2_000]
    kept.add(Entry(2_001, seen(body=bytes(MOST_BYTES + 1))))
    assert numbers(kept) == [2_001]


def test_what_is_held_stays_within_the_same_bytes() -> None:
    """While some are held newer ones come and go beside them; later the oldest go again."""
    kept = Kept()
    for number in range(1, 4):
        kept.add(Entry(number, seen(body=bytes(MOST_BYTES // 4))))
    kept.hold()
    for number in range(4, 9):
        kept.add(Entry(number, seen(body=bytes(MOST_BYTES // 4))))
    assert numbers(kept) == [1, 2, 3, 8]
    for number in range(9, 2_009):
        kept.add(Entry(number, seen()))
    assert [entry.number for entry in kept.held] == [1, 2, 3]
    assert len(kept) == 3 + MOST
    kept.release()
    assert numbers(kept) == list(range(1_009, 2_009))


def test_a_gap_in_what_is_kept_is_counted() -> None:
    """Between what is held and the newer events some are no longer kept: so many are said."""
    history = History(statistics := Statistics(START), has_bodies=False)

    def arrive(number: int) -> None:
        for _ in range(number):
            statistics.received += 1
            history.take(seen())

    arrive(10)
    history.press("up", 10, 10)
    arrive(MOST)
    assert history.missing == 0
    arrive(25)
    assert (len(history.kept), history.missing) == (10 + MOST, 25)
    history.press("end", 10, 10)
    assert history.missing == 0


def test_a_search_looks_at_keys_services_ids_and_rules() -> None:
    """What comes is searched like what is kept; personal values are never found."""
    history = History(statistics := Statistics(START), has_bodies=False)
    spoilt = event()
    spoilt["payload"]["email"] = "amina"
    checked = [
        examine(delivery(encode(event()), properties={"message_id": "Mess-1"})),
        examine(delivery(encode(spoilt), headers={"traceparent": PARENT})),
        examine(delivery(b"{", "no.event")),
    ]
    for each in checked:
        statistics.received += 1
        history.take(each)
    for query, found in [
        ("STUDENT.", [1, 2]),
        ("registration-ser", [1, 2]),
        ("mess-1", [1]),
        (TRACE, [2]),
        ("550e8400-e29b-41d4", [1, 2]),
        ("bad_format", [2]),
        ("json_syntax", [3]),
        ("amina", []),
        ("Bennani", []),
    ]:
        for key in ["/", *query, "enter"]:
            history.press(key, 10, 10)
        shown = [entry.number for entry in history.shown if entry.holds(query.lower())]
        assert (shown, statistics.found) == (found, len(found)), query
        statistics.received += 1
        history.take(checked[0])
        assert statistics.found == len(found) + (1 in found)
        history.press("end", 10, 10)
        history.press("esc", 10, 10)
        history = History(statistics := Statistics(START), has_bodies=False)
        for each in checked:
            statistics.received += 1
            history.take(each)


def test_an_event_whole_says_all_that_came_and_what_is_wrong() -> None:
    """Ids, trace, properties, headers and the body are there, masked; carets below the places."""
    spoilt = event()
    spoilt["payload"] |= {"email": "amina at x", "phne": spoilt["payload"].pop("phone")}
    said = whole(
        encode(spoilt),
        properties={"message_id": "m-1", "content_type": "text/x", "user_id": "amina"},
        headers={"traceparent": PARENT, "x-count": 3, "x-who": "Amina", "deep": {"of": [b"Amina"]}},
    )
    text = "\n".join(said)
    assert "message id     m-1" in said
    assert f"trace id       {TRACE}" in said
    assert "  content_type text/x" in said
    assert "  user_id xxxxx" in said
    assert "  x-who xxxxx" in said
    assert "Amina" not in text
    assert "amina" not in text
    place = said.index('    "email": "xxxxx xx x",')
    assert said[place + 1] == "             ^^^^^^^^^^^^ bad_format"
    place = next(at for at, line in enumerate(said) if line.startswith('    "phne"'))
    assert said[place + 1] == "    ^^^^^^ unknown_field"
    assert any("did you mean phone?" in line for line in said)
    revealed = "\n".join(whole(encode(spoilt), look=LOOK._replace(reveal=True)))
    assert '"email": "amina at x"' in revealed


def test_what_is_no_json_is_whole_only_when_revealed() -> None:
    """Its text stands there with a caret only with --reveal, made safe."""
    hidden = whole(b'{"a": Amina\x1b]0;x\x07}', "no.event")
    shown = whole(b'{"a": Amina\x1b]0;x\x07}', "no.event", look=LOOK._replace(reveal=True))
    assert "Amina" not in "\n".join(hidden)
    assert "body           18 bytes" in hidden
    assert '{"a": Amina·]0;x·}' in shown
    assert shown[-1].startswith("      ^")


@given(
    st.integers(8, 200),
    st.booleans(),
    st.text() | st.dictionaries(st.text(), st.text() | st.integers() | st.lists(st.text())),
    st.dictionaries(
        st.text(), st.text() | st.binary() | st.integers() | st.floats() | st.none(), max_size=5
    ),
)
def test_no_line_of_an_event_is_too_wide(
    width: int,
    reveal: bool,  # noqa: FBT001 -- drawn by hypothesis
    payload: object,
    table: dict[str, Any],
) -> None:
    """Whatever an event holds, its lines fit, and none steers the terminal."""
    content = json.dumps({**event(), "service": WIDE * 9, "payload": payload}).encode()
    for body in (content, content[:-9]):
        look = LOOK._replace(width=width, reveal=reveal)
        said = whole(body, f"{WIDE}\x1b[2J", look=look, properties=table, headers=table)
        assert all(cell_len(line) <= width for line in said)
        assert not set("".join(said)) & set("\n\r\x1b\x9b\u202e\x07")
