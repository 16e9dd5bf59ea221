"""Messages made of events: their ids, their receipts, what is filled in."""

import json
from uuid import UUID, uuid4, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medtrack_cli.core.messages import Message, Outcome, Receipt
from medtrack_cli.core.publishing.job import Job, Tally
from medtrack_cli.core.publishing.plan import Plan, making, message_ids, messages
from medtrack_cli.core.validating.examine import Completion
from medtrack_cli.events.findings import Rule
from tests.builders import DROP, encode, event, spoilt
from tests.core.values import Read

RUN = UUID("12345678-1234-5678-1234-567812345678")
GOOD = Read(encode(event()))
BAD = Read(encode(spoilt("student.created", "/payload/email", "x")), line=2)


@given(st.uuids(), st.integers(0, 10**12))
def test_message_ids_are_the_standards(run: UUID, position: int) -> None:
    """A message id is the UUIDv5 of run and position, as the standard library makes it."""
    assert message_ids(run)(position) == str(uuid5(run, str(position)))


def test_a_run_repeats_its_ids() -> None:
    """The same run gives the same ids, another run others, and equal events differ."""
    first, again = (list(messages([GOOD, GOOD], Plan(RUN))) for _ in range(2))
    assert first == again
    ids = {each.message_id for each in (*first, *messages([GOOD], Plan(uuid4())))}
    assert len(ids) == 3


def test_a_complete_event_keeps_its_bytes() -> None:
    """A valid event is sent with its own bytes, spaces and order included."""
    body = json.dumps(event("stage.created"), indent=3, sort_keys=True).encode()
    (message,) = messages([Read(body)], Plan(RUN, Completion(None, "service", lambda: "now")))
    assert isinstance(message, Message)
    assert message.body is body
    assert message.routing_key == "stage.created"


def test_missing_parts_are_filled_in_and_told() -> None:
    """Service, timestamp and version are filled in, in the envelope's order, and it is said."""
    bare = {"payload": event()["payload"], "event_type": "student.created"}
    completion = Completion(None, "mine", lambda: "2025-01-15T10:00:00Z")
    told: list[str] = []
    (message,) = messages([Read(encode(bare))], Plan(RUN, completion), told.append)
    assert isinstance(message, Message)
    assert list(json.loads(message.body)) == [
        *("event_type", "payload", "service", "timestamp", "version")
    ]
    assert told == ["events.ndjson:1: filled in service, timestamp, version"]


def test_a_bare_payload_is_wrapped() -> None:
    """With an event type given, a bare payload becomes the payload of an event of that type."""
    completion = Completion("student.created", "mine", lambda: "2025-01-15T10:00:00Z")
    (message,) = messages([Read(encode(event()["payload"]))], Plan(RUN, completion))
    assert isinstance(message, Message)
    assert json.loads(message.body)["payload"] == event()["payload"]


def test_nothing_wrong_is_put_right() -> None:
    """A version or timestamp that is there and wrong stays as it is: the event is invalid."""
    completion = Completion(None, "mine", lambda: "2025-01-15T10:00:00Z")
    for pointer, value in (("/version", None), ("/timestamp", ""), ("/service", 1)):
        body = encode(spoilt("student.created", pointer, value))
        (receipt,) = messages([Read(body)], Plan(RUN, completion))
        assert isinstance(receipt, Receipt)
        assert receipt.outcome is Outcome.INVALID


def test_another_type_than_asked_for_is_a_mismatch() -> None:
    """An event of another type than the one named on the command line is invalid."""
    (receipt,) = messages([GOOD], Plan(RUN, Completion("student.deleted")))
    assert isinstance(receipt, Receipt)
    assert [each.rule for each in receipt.findings] == [Rule.ROUTING_KEY_MISMATCH]


def test_an_invalid_event_ends_a_run() -> None:
    """Without keep-going the first invalid event has its receipt and is the last."""
    made = list(messages([GOOD, BAD, GOOD], Plan(RUN)))
    assert [type(each) for each in made] == [Message, Receipt]
    assert made[1] == (
        2,
        "events.ndjson",
        2,
        "student.created",
        None,
        "invalid",
        "1 finding",
        (*made[1].findings,),
        None,
        True,
        False,
    )


def test_keep_going_passes_over_invalid_events() -> None:
    """With keep-going each event of the input has its message or its receipt, in order."""
    made = list(messages([GOOD, BAD, GOOD], Plan(RUN, keep_going=True)))
    assert [(each.position, type(each)) for each in made] == [
        (1, Message),
        (2, Receipt),
        (3, Message),
    ]


def test_warnings_travel_with_the_message() -> None:
    """A valid event's warnings are in its message and in the receipt made of it."""
    naive = Read(encode(spoilt("student.created", "/timestamp", "2025-01-15T10:00:00")))
    (message,) = messages([naive], Plan(RUN))
    assert isinstance(message, Message)
    receipt = message.receipt(Outcome.CONFIRMED)
    assert [each.rule for each in receipt.findings] == [Rule.NAIVE_TIMESTAMP]


def job(items: list[Read], *, is_small: bool = False) -> tuple[Job, list[object]]:
    """Make a job of items, and a list that grows each time they are read."""
    reads: list[object] = []

    def read(skip: object) -> list[Read]:
        reads.append(skip)
        return items

    made = Job(making(read, Plan(RUN)), Tally(), can_be_made_again=True, is_small=is_small)
    return made, reads


@pytest.mark.parametrize(("items", "expected"), [([GOOD], True), ([GOOD, BAD], False), ([], True)])
def test_an_input_is_valid_when_every_event_is(items: list[Read], *, expected: bool) -> None:
    """The first pass tells whether any event of the input is invalid."""
    checked, _ = job(items)
    checked.check()
    assert checked.is_refused is not expected


def test_what_is_kept_is_what_would_be_sent() -> None:
    """The first pass counts all events and keeps what a second one would make."""
    checked, reads = job([GOOD, GOOD], is_small=True)
    checked.check()
    assert list(checked.outgoing()) == list(messages([GOOD, GOOD], Plan(RUN)))
    assert (checked.is_refused, checked.events, len(reads)) == (False, 2, 1)


def test_only_so_many_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of very many tiny events is read again: memory stays within bounds."""
    monkeypatch.setattr("medtrack_cli.core.publishing.job.MOST_KEPT", 2)
    checked, reads = job([GOOD] * 3, is_small=True)
    checked.check()
    assert len(list(checked.outgoing())) == checked.events == 3
    assert len(reads) == 2


def test_a_dropped_field_of_the_payload_is_never_filled_in() -> None:
    """Only the envelope is completed, never the payload."""
    completion = Completion(None, "mine", lambda: "2025-01-15T10:00:00Z")
    body = encode(spoilt("student.created", "/payload/cin", DROP))
    (receipt,) = messages([Read(body)], Plan(RUN, completion))
    assert isinstance(receipt, Receipt)
    assert [each.pointer for each in receipt.findings] == ["/payload/cin"]
