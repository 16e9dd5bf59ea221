"""Messages made of recorded deliveries."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from medtrack_cli.core.choices import Invalid, To
from medtrack_cli.core.messages import Message, Outcome, Receipt
from medtrack_cli.core.ports import Stop
from medtrack_cli.core.publishing.pacing import Pace, Paced
from medtrack_cli.core.publishing.plan import message_ids
from medtrack_cli.core.publishing.recorded import Recorded, recorded
from medtrack_cli.core.publishing.replay import Replay, messages, run_name
from medtrack_cli.core.publishing.rewrite import Rewrite
from medtrack_cli.core.publishing.selection import Selection
from medtrack_cli.core.times import from_rfc3339
from medtrack_cli.errors import NotARecording
from tests.builders import NOON, delivery, encode, event
from tests.core.values import FakeClock, Read

RUN = UUID("12345678-1234-5678-1234-567812345678")
VALID = encode(event())


def replayed(
    *deliveries: Recorded, omitted: Counter[str] | None = None, **changes: object
) -> list[Message | Receipt]:
    """Make the messages of a replay."""
    replay = Replay("morning", RUN, **changes)  # type: ignore[arg-type] # any field of it
    return list(messages(deliveries, replay, Counter() if omitted is None else omitted))


def at(line: int, body: bytes = VALID, **changes: Any) -> Recorded:
    """Stand a delivery at a line of a recording."""
    return Recorded("morning.ndjson", line, delivery(body, **changes))


def test_what_was_recorded_is_sent_as_it_was() -> None:
    """Body, key, properties and headers are as recorded; the three headers of a replay come on."""
    properties = {"content_type": "a/b", "delivery_mode": 1, "message_id": "m", "priority": 3}
    (message,) = replayed(at(7, properties=properties, headers={"h": b"x"}))
    assert isinstance(message, Message)
    assert message.body is VALID
    assert (message.routing_key, message.message_id) == ("student.created", "m")
    assert message.properties == {"content_type": "a/b", "delivery_mode": 1, "priority": 3}
    assert message.headers == {
        "h": b"x",
        "x-medtrack-replay": "morning",
        "x-medtrack-replay-seq": 1,
        "x-medtrack-original-time": "2025-01-15T12:00:00.000000Z",
    }
    assert (message.file, message.line, message.position) == ("morning.ndjson", 7, 1)


@pytest.mark.parametrize("name", ["user_id", "reply_to", "expiration"])
def test_properties_of_the_past_are_stripped(name: str) -> None:
    """A property that belongs to the first sending isn't sent again."""
    (message,) = replayed(at(1, properties={name: "x", "type": "t"}))
    assert isinstance(message, Message)
    assert message.properties == {"type": "t"}


@pytest.mark.parametrize(
    "name",
    ["x-death", "x-first-death-queue", "x-last-death-reason", "x-delivery-count"],
)
def test_headers_of_dead_lettering_are_stripped(name: str) -> None:
    """A header that the broker wrote isn't sent again; one of a similar name is."""
    (message,) = replayed(at(1, headers={name: [], "x-deat": 1}))
    assert isinstance(message, Message)
    assert message.headers is not None
    assert name not in message.headers
    assert message.headers["x-deat"] == 1


def test_a_missing_message_id_is_made_of_the_run() -> None:
    """A delivery without an id gets the one of its position in the run."""
    (message,) = replayed(at(1))
    assert message.message_id == message_ids(RUN)(1)


DIED = {
    "x-death": [{"queue": "q", "reason": "expired", "routing-keys": ["first", "second"]}],
    "x-first-death-queue": "q",
    "x-first-death-reason": "expired",
}


@pytest.mark.parametrize(
    ("to", "key", "headers", "expected"),
    [
        (To.EXCHANGE, "dead", {}, (None, "first", ["second"])),
        (To.EXCHANGE, "first", {"CC": ["second"]}, (None, "first", ["second"])),
        (To.QUEUE, "dead", {}, ("", "q", None)),
        (To.QUEUE, "first", {"CC": ["second"], "BCC": ["third"]}, ("", "q", None)),
        (None, "first", {"CC": ["second"]}, (None, "first", ["second"])),
    ],
)
def test_a_dead_letter_goes_where_it_is_sent(
    to: To | None, key: str, headers: dict[str, object], expected: tuple[str | None, ...]
) -> None:
    """To the exchange it goes under all its first keys, to its queue alone."""
    (message,) = replayed(at(1, routing_key=key, headers=DIED | headers), rewrite=Rewrite(to))
    assert isinstance(message, Message)
    assert message.headers is not None
    assert (message.exchange, message.routing_key, message.headers.get("CC")) == expected
    assert "BCC" not in message.headers


def test_only_wanted_keys_are_sent() -> None:
    """With patterns, what none of them matches is left out and counted; positions stay dense."""
    omitted: Counter[str] = Counter()
    made = replayed(
        at(1),
        at(2, routing_key="stage.created"),
        at(3),
        omitted=omitted,
        selection=Selection(keys=("student.*", "user.#")),
    )
    assert [(each.position, each.line) for each in made] == [(1, 1), (2, 3)]
    assert omitted == {"left_out_key": 1, "left_out": 1}


BAD = (at(1), at(2, b"\xff"), at(3, routing_key="other.key"), at(4))


def test_invalid_deliveries_are_sent_and_counted() -> None:
    """By default what was invalid is sent as it was, and counted."""
    omitted: Counter[str] = Counter()
    made = replayed(*BAD, omitted=omitted)
    assert [each.line for each in made if isinstance(each, Message)] == [1, 2, 3, 4]
    assert [each.line for each in made if isinstance(each, Message) and not each.is_valid] == [2, 3]
    assert omitted == {}


def test_invalid_deliveries_are_skipped_on_demand() -> None:
    """With `skip` invalid deliveries, a wrong routing key among them, are left out and counted."""
    omitted: Counter[str] = Counter()
    made = replayed(*BAD, omitted=omitted, selection=Selection(invalid=Invalid.SKIP))
    assert [each.line for each in made] == [1, 4]
    assert omitted == {"invalid_skipped": 2}


def test_an_invalid_delivery_ends_the_replay_on_demand() -> None:
    """With `fail` the first invalid delivery has its receipt, counts once, and is the last."""
    omitted: Counter[str] = Counter()
    made = replayed(*BAD, omitted=omitted, selection=Selection(invalid=Invalid.FAIL))
    assert omitted == {}
    assert [each.line for each in made] == [1, 2]
    receipt = made[-1]
    assert isinstance(receipt, Receipt)
    assert receipt.outcome is Outcome.INVALID
    assert receipt.reason.startswith("bad_encoding")


def test_every_delivery_behind_an_invalid_one_can_be_accounted_for() -> None:
    """With `fail` and `keep_going` each invalid delivery has a receipt, all others a message."""
    made = replayed(*BAD, selection=Selection(invalid=Invalid.FAIL), keep_going=True)
    assert [isinstance(each, Receipt) for each in made] == [False, True, True, False]
    assert [each.position for each in made] == [1, 2, 3, 4]


def test_a_receipt_says_the_key_that_was_used() -> None:
    """A recorded delivery goes out under its own key, whatever its body says it is."""
    (message,) = replayed(at(7, routing_key="svc.dead"))
    assert isinstance(message, Message)
    receipt = message.receipt(Outcome.CONFIRMED)
    assert (receipt.event_type, receipt.routing_key) == ("student.created", "svc.dead")


def test_what_no_message_can_be_made_of_has_its_receipt() -> None:
    """An event that a bug trips over is unsent, and so told; the bug is raised after it."""
    found: list[Message | Receipt] = []
    replay = Replay("morning", RUN, keep_going=True)
    broken = at(2, received_at=None)
    with pytest.raises(AttributeError):
        found.extend(messages([at(1), broken, at(3)], replay, Counter()))
    first, unmade, last = found
    assert isinstance(first, Message)
    assert isinstance(last, Message)
    assert isinstance(unmade, Receipt)
    assert (unmade.position, unmade.line, unmade.outcome) == (2, 2, Outcome.UNSENT)


def on_time(
    speed: float, clock: FakeClock, outgoing: Iterable[Message | Receipt]
) -> Iterator[Message | Receipt]:
    """Hold messages to their recorded pace."""
    return Paced(clock, Stop(), pace=Pace(speed, clock))(outgoing)


def test_the_pace_is_that_of_what_is_sent() -> None:
    """Each message is held until its recorded time; what is left out isn't waited for."""
    clock = FakeClock()
    times = (0, 10, 30)
    keys = ("student.created", "left.out", "student.created")
    deliveries = [
        at(line, routing_key=key, received_at=NOON + timedelta(seconds=seconds))
        for line, (key, seconds) in enumerate(zip(keys, times, strict=True), 1)
    ]
    replay = Replay("morning", RUN, selection=Selection(keys=("student.#",)))
    made = on_time(10, clock, messages(deliveries, replay, Counter()))
    assert [clock.monotonic() - 1000 for _ in made] == pytest.approx([0, 3])


def test_recorded_deliveries_are_taken_as_they_are() -> None:
    """An item that carries a delivery gives that delivery, with its place."""
    known = delivery(b"x")
    (found,) = recorded([Read(b"x", line=4, recorded=known)], NOON + timedelta(hours=1))
    assert found == Recorded("events.ndjson", 4, known)


def test_a_plain_event_counts_as_delivered_at_its_timestamp() -> None:
    """An event that was never recorded is replayed under its type, at its own timestamp."""
    (found,) = recorded([Read(VALID)], NOON)
    assert found.delivery.routing_key == "student.created"
    assert found.delivery.received_at == NOON - timedelta(hours=2)
    assert found.delivery.body is VALID


def test_an_event_without_a_time_goes_with_the_one_before() -> None:
    """An event without a readable timestamp counts as delivered with the one before it.

    So the pace never waits for it; only where none came before it counts as delivered at the
    run's start.
    """
    body = event()
    del body["timestamp"]
    untimed = Read(encode(body))
    odd = Read(encode({**body, "timestamp": "soon"}))
    late = NOON + timedelta(days=600)
    found = recorded([untimed, Read(VALID), untimed, odd], late)
    ten = NOON - timedelta(hours=2)
    assert [each.delivery.received_at for each in found] == [late, ten, ten, ten]


def test_the_pace_begins_with_the_first_time_there_is() -> None:
    """What stands without a time before all others goes at once, and takes the pace from none."""
    clock = FakeClock()
    body = event()
    later = Read(encode({**body, "timestamp": "2025-01-15T10:00:10Z"}))
    del body["timestamp"]
    items = [Read(encode(body)), Read(VALID), later]
    deliveries = recorded(items, NOON + timedelta(days=600))
    made = on_time(1, clock, messages(deliveries, Replay("morning", RUN), Counter()))
    assert [clock.monotonic() - 1000 for _ in made] == pytest.approx([0, 0, 10])


@pytest.mark.parametrize(
    "text", ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z"]
)
def test_a_time_that_stands_for_none_costs_no_pause(text: str) -> None:
    """What programs write for no time is the event's, and takes no part in the pace."""
    stamps = [text, "2025-01-15T10:00:00Z", text, "2025-01-15T10:00:02Z"]
    items = [Read(encode(event() | {"timestamp": each})) for each in stamps]
    clock, found = FakeClock(), list(recorded(items, NOON))
    assert [each.delivery.received_at for each in found] == list(map(from_rfc3339, stamps))
    made = on_time(1, clock, messages(found, Replay("morning", RUN), Counter()))
    assert [clock.monotonic() - 1000 for _ in made] == pytest.approx([0, 0, 0, 2])


@pytest.mark.parametrize("body", [None, b"", b"[]", b'{"student_id": "x"}', b"x"])
def test_what_is_neither_is_an_error(body: bytes | None) -> None:
    """What is no delivery and no event is named with its place."""
    with pytest.raises(NotARecording, match=r"events\.ndjson:9"):
        list(recorded([Read(body, line=9)], NOON))


def test_names_of_runs_differ() -> None:
    """Two runs begun in the same second have different names, both telling when."""
    names = {run_name(NOON) for _ in range(20)}
    assert len(names) > 15
    assert all(name.startswith("replay-20250115T120000-") for name in names)
