"""What a replay changes on the way."""

import gzip
import json
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from medtrack_cli.core.choices import Invalid, To
from medtrack_cli.core.messages import Message, Outcome, Receipt
from medtrack_cli.core.publishing.plan import message_ids
from medtrack_cli.core.publishing.pseudonyms import Pseudonymizer
from medtrack_cli.core.publishing.recorded import Recorded
from medtrack_cli.core.publishing.replay import Replay, messages
from medtrack_cli.core.publishing.rewrite import Rewrite, refreshed
from medtrack_cli.core.publishing.selection import Selection
from medtrack_cli.events import overrides as paths
from medtrack_cli.events.registry import built_in
from tests.builders import NOON, delivery, encode, event

RUN = UUID("12345678-1234-5678-1234-567812345678")
_FIRST = b'\xef\xbb\xbf{ "version" : "1.0",\n'
BODY = _FIRST + encode(event())[1:].replace(b', "version": "1.0"', b"")
SCORED = encode(event("evaluation.created")).replace(b'"payload": {', b'"payload": { ')


def sent(rewrite: Rewrite, *bodies: bytes, **changes: Any) -> list[Message | Receipt]:
    """Replay deliveries with some changes."""
    replay = Replay("run", RUN, rewrite=rewrite, keep_going=True)
    recording = [
        Recorded("r.ndjson", line, delivery(body, **changes)) for line, body in enumerate(bodies, 1)
    ]
    return list(messages(recording, replay, Counter()))


def one(rewrite: Rewrite, body: bytes = BODY, **changes: Any) -> Message:
    """Replay one that is sent."""
    (message,) = sent(rewrite, body, **changes)
    assert isinstance(message, Message), message
    return message


def why_not(rewrite: Rewrite, body: bytes, **changes: Any) -> str:
    """Replay one that isn't sent, and tell why."""
    (receipt,) = sent(rewrite, body, **changes)
    assert isinstance(receipt, Receipt)
    assert receipt.outcome is Outcome.INVALID
    return receipt.reason


def setting(*texts: str) -> Rewrite:
    """Set something in each event."""
    return Rewrite(settings=paths.parse_all(texts))


def test_a_prefix_leads_elsewhere_and_changes_nothing_else() -> None:
    """Key and further keys get it; the event keeps its type and its bytes."""
    message = one(Rewrite(key_prefix="test."), headers={"CC": ["a", b"\xff"], "BCC": "b", "h": "c"})
    assert (message.routing_key, message.event_type) == ("test.student.created", "student.created")
    assert message.body is BODY
    assert message.headers is not None
    assert [message.headers[name] for name in ("CC", "BCC", "h")] == [["test.a", b"\xff"], "b", "c"]
    assert message.is_valid
    assert one(Rewrite(key_prefix="test."), routing_key="").routing_key == "test."


def test_a_key_that_grows_too_long_is_told_before_anything_is_sent() -> None:
    """255 bytes are sent, 256 are invalid, with the option that made them."""
    for size, fits in ((250, True), (251, False)):
        (made,) = sent(Rewrite(key_prefix="test."), b"x", routing_key="k" * size)
        assert isinstance(made, Message) is fits
    assert "--key-prefix" in why_not(Rewrite(key_prefix="test."), b"x", routing_key="é" * 127)
    copies = {"BCC": ["short", "k" * 251]}
    assert "--key-prefix" in why_not(Rewrite(key_prefix="test."), b"x", headers=copies)


def test_headers_are_added_and_take_the_place_of_recorded_ones() -> None:
    """The others stay, and so do those that mark a replay."""
    message = one(Rewrite(headers={"a": "new", "b": "c"}), headers={"a": 1, "z": 2})
    assert message.headers is not None
    marks = [name for name in message.headers if name.startswith("x-medtrack")]
    assert {name: message.headers[name] for name in "abz"} == {"a": "new", "b": "c", "z": 2}
    assert len(marks) == 3


def test_new_ids_are_of_the_run_and_the_position() -> None:
    """The same run gives each position the same id, whatever was recorded."""
    ids = [each.message_id for each in sent(Rewrite(new_ids=True), BODY, b"no JSON")]
    assert ids == [message_ids(RUN)(1), message_ids(RUN)(2)]
    old = sent(Rewrite(new_ids=True), BODY, properties={"message_id": "old"})
    assert [each.message_id for each in old] == ids[:1]


def test_a_field_is_set_by_its_type_and_all_else_stays() -> None:
    """Text stays text, a number is one; mark, order, spaces and digits are as they were."""
    made = one(setting("payload.email=new@example.org"))
    email = event()["payload"]["email"].encode()
    assert made.body == BODY.replace(email, b"new@example.org")
    made = one(setting("payload.score=7.50"), SCORED, routing_key="evaluation.created")
    assert json.loads(made.body)["payload"]["score"] == 7.5
    assert made.body.startswith(SCORED[:30])


@pytest.mark.parametrize(
    ("setting_", "said"),
    [
        ("payload.emial=a@b.org", "did you mean payload.email?"),
        ("payload.email=nobody", "bad_format"),
        ("payload.email.0=x", "--set leads nowhere: 0"),
        ("event_type=student.deleted", "once it is changed"),
        ("version=7.0", "unknown_version"),
    ],
)
def test_what_would_be_invalid_is_not_sent(setting_: str, said: str) -> None:
    """A setting that doesn't fit an event, or spoils it, is that event's verdict."""
    assert said in why_not(setting(setting_), BODY)


def test_only_a_valid_event_is_changed() -> None:
    """What was no valid event is told with its rule and the way to leave it; a key may differ."""
    for rewrite in (setting("service=x"), Rewrite(now=NOON)):
        for body, rule in ((b"no JSON", "json_syntax"), (b"\xff", "bad_encoding"), (b"", "json")):
            said = why_not(rewrite, body)
            assert rule in said
            assert "--invalid skip" in said
        made = one(rewrite, routing_key="dead")
        assert not made.is_valid
        assert made.body != BODY


def test_a_new_time_is_put_in_and_again_when_it_goes() -> None:
    """The event is valid when it is made; the time is that at which it is handed on."""
    rewrite = Rewrite(now=NOON)
    receipt = sent(rewrite, b"no JSON")[0]
    made = one(rewrite)
    assert json.loads(made.body.decode("utf-8-sig"))["timestamp"] == "2025-01-15T12:00:00.000000Z"
    moments = iter([NOON + timedelta(hours=1), NOON + timedelta(hours=2)])
    first, passed, second = refreshed([made, receipt, made], lambda: next(moments))
    assert passed is receipt
    for each, hour in ((first, b"13"), (second, b"14")):
        assert isinstance(each, Message)
        assert each == made._replace(body=made.body.replace(b"T12:00:00", b"T%b:00:00" % hour))
    old = event()["timestamp"].encode()
    assert made.body == BODY.replace(old, b"2025-01-15T12:00:00.000000Z")


def test_a_compressed_event_that_is_changed_goes_plain() -> None:
    """Its content_encoding no longer holds; one that isn't changed keeps both."""
    packed = gzip.compress(encode(event()))
    properties = {"content_encoding": "gzip", "priority": 1}
    made = one(Rewrite(now=NOON), packed, properties=properties)
    assert made.properties == {"priority": 1}
    assert json.loads(made.body)["payload"] == event()["payload"]
    kept = one(Rewrite(key_prefix="x."), packed, properties=properties)
    assert (kept.body, kept.properties) == (packed, properties)


def test_what_cannot_have_other_persons_is_left_out() -> None:
    """It has no receipt and no position, and is counted."""
    omitted: Counter[str] = Counter()
    rewrite = Rewrite(pseudonymizer=Pseudonymizer(b"k" * 16, built_in()))
    replay = Replay("run", RUN, rewrite=rewrite)
    bodies = [b"x", encode(event())]
    recording = [Recorded("r", line, delivery(body)) for line, body in enumerate(bodies, 1)]
    (made,) = messages(recording, replay, omitted)
    assert isinstance(made, Message)
    assert event()["payload"]["email"].encode() not in made.body
    assert (made.position, made.line, omitted) == (1, 2, {"not_pseudonymized": 1})


def test_an_invalid_event_that_ends_all_is_not_left_out() -> None:
    """With --invalid fail it has its verdict, persons or not."""
    rewrite = Rewrite(pseudonymizer=Pseudonymizer(b"k" * 16, built_in()))
    replay = Replay("run", RUN, Selection(invalid=Invalid.FAIL), rewrite)
    recording = [Recorded("r", 1, delivery(b"x"))]
    (made,) = messages(recording, replay, Counter())
    assert isinstance(made, Receipt)
    assert made.outcome is Outcome.INVALID


def test_a_dead_letter_sent_home_has_the_prefix_too() -> None:
    """To the exchange it goes under the first key, with the prefix, and so do its copies."""
    death = {"queue": "q", "reason": "rejected", "routing-keys": ["student.created", "cc"]}
    headers = {"x-first-death-queue": "q", "x-first-death-reason": "rejected", "x-death": [death]}
    rewrite = Rewrite(To.EXCHANGE, key_prefix="t.")
    made = one(rewrite, routing_key="dead", headers=headers)
    assert made.headers is not None
    assert (made.routing_key, made.headers["CC"]) == ("t.student.created", ["t.cc"])
