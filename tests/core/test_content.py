"""Bodies with a content_encoding: decompressed to be judged and shown, kept as they came."""

import gzip
import json
import tracemalloc
import zlib

import pytest

from medtrack_cli.core.checked import examine
from medtrack_cli.core.delivery import content_of
from medtrack_cli.core.record import from_record, to_line
from medtrack_cli.events.findings import Rule
from medtrack_cli.events.json_text import MAX_BODY
from tests.builders import delivery, encode, event

BODY = encode(event())
_raw = zlib.compressobj(wbits=-zlib.MAX_WBITS)
READ = {
    "gzip": gzip.compress(BODY),
    "GZIP": gzip.compress(BODY),
    "x-gzip": gzip.compress(BODY[:40]) + gzip.compress(BODY[40:]),
    "deflate": zlib.compress(BODY),
    "deflate ": _raw.compress(BODY) + _raw.flush(),
    "utf-8": BODY,
    "identity": BODY,
}
BROKEN = {
    "plain JSON": ("gzip", BODY),
    "cut off": ("gzip", gzip.compress(BODY)[:-9]),
    "a byte changed": ("gzip", gzip.compress(BODY)[:-5] + b"\0\0\0\0\0"),
    "something after it": ("deflate", zlib.compress(BODY) + b"more"),
    "empty": ("deflate", b""),
}


@pytest.mark.parametrize("name", READ)
def test_what_is_compressed_is_judged_by_what_it_holds(name: str) -> None:
    """A body in gzip or deflate, raw deflate and several members too, is checked decompressed."""
    came = delivery(READ[name], properties={"content_encoding": name})
    seen = examine(came)
    assert (seen.is_valid, seen.problems, seen.body) == (True, (), BODY)
    record = json.loads(to_line(seen))
    assert record["body"] == event()
    assert from_record(record) == came


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_not_as_it_says_is_a_finding(name: str) -> None:
    """Damaged data, or none of that encoding, is bad_encoding, and is kept as it came."""
    encoding, body = BROKEN[name]
    seen = examine(delivery(body, properties={"content_encoding": encoding}))
    assert [each.rule for each in seen.problems] == [Rule.BAD_ENCODING]
    assert not seen.is_valid
    assert from_record(json.loads(to_line(seen))).body == body


def test_an_encoding_that_is_not_read_is_a_warning() -> None:
    """Any other encoding is said, and the body is checked as it came."""
    seen = examine(delivery(BODY, properties={"content_encoding": "br"}))
    assert (seen.is_valid, [each.rule for each in seen.problems]) == (True, [Rule.UNREAD_ENCODING])


def test_a_bomb_costs_no_more_than_the_largest_event() -> None:
    """What would be larger than an event may be is too_large, and is not decompressed further."""
    bomb = gzip.compress(bytes(300 * 1024 * 1024), 1)
    tracemalloc.start()
    came = delivery(bomb, properties={"content_encoding": "gzip"})
    content = content_of(came)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert content.problem
    assert content.problem.rule is Rule.TOO_LARGE
    assert content.body is bomb
    assert peak < 4 * MAX_BODY
    at_the_limit = gzip.compress(b" " * (MAX_BODY - len(BODY)) + BODY)
    assert examine(delivery(at_the_limit, properties={"content_encoding": "gzip"})).is_valid


@pytest.mark.parametrize(
    ("body", "headers", "what"),
    [
        (
            {"specversion": "1.0", "type": "a", "source": "/b", "data": {}},
            {},
            "a CloudEvents event",
        ),
        ({"messageType": ["urn:a"], "message": {}}, {}, "a MassTransit message"),
        ({"payload": {}, "headers": {}}, {}, "a Spring message"),
        ({"a": 1}, {"__TypeId__": "org.example.A"}, "a Spring message"),
    ],
)
def test_a_foreign_object_is_named(
    body: dict[str, object], headers: dict[str, object], what: str
) -> None:
    """An object that is no event is told as what it seems to be, by its members or headers."""
    (problem,) = examine(delivery(encode(body), headers=headers)).problems
    assert problem.rule is Rule.NOT_AN_EVENT
    assert what in problem.message + problem.suggestion


def test_nobody_who_listens_is_asked_to_name_a_type() -> None:
    """The hint for payloads is for those who send and validate, not for those who listen."""
    (problem,) = examine(delivery(b'{"a": 1}')).problems
    assert problem.suggestion == ""
