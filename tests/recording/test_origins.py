"""Where a recording was made: in its header, and known of each delivery that is read."""

import json
from datetime import timedelta
from pathlib import Path

from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.publishing.origin import Origin
from medtrack_cli.core.times import TimeRange
from medtrack_cli.events.registry import built_in
from medtrack_cli.files.reading.input import Span, gather
from tests.builders import NOON, delivery
from tests.recording.recorded import items, record

WARD = Origin("rabbit.ward.example:5671", "ward", "medtrack.events", is_protected=True)
TEST = Origin("localhost:5672", "/", "medtrack.events")
FAKES = TEST._replace(is_pseudonymized=True)


def origins(*paths: Path) -> list[Origin | None]:
    """Read files, and give where each delivery is of."""
    found = [each.recorded for each in items(*paths)]
    return [each.origin for each in found if isinstance(each, Delivery)]


def test_each_delivery_has_the_origin_of_its_own_header(tmp_path: Path) -> None:
    """A recording that is added to elsewhere, by an older medtrack too, is of several places."""
    path = tmp_path / "r.ndjson"
    for origin in (WARD, TEST, None, FAKES):
        record(path, [delivery()], origin=origin)
    assert origins(path) == [WARD, TEST, None, FAKES]
    header = json.loads(path.read_bytes().splitlines()[0])
    assert (header["broker"], header["protected"]) == ("rabbit.ward.example:5671", True)
    assert "pseudonymized" not in header


def test_each_part_tells_its_origin(tmp_path: Path) -> None:
    """The header of every part has it, so that each is known alone."""
    record(tmp_path / "r.ndjson", [delivery(b"1" * 2000)] * 2, rotate="1KB", origin=WARD)
    for part in sorted(tmp_path.iterdir()):
        assert origins(part) == [WARD]


def test_a_header_of_odd_values_tells_nothing() -> None:
    """What isn't of its type, in a header that somebody has written, counts as unknown."""
    assert Origin.read({**WARD.to_header(), "protected": "no"}) is None
    assert Origin.read({"broker": "b", "vhost": "/"}) is None


def test_the_origin_is_known_where_reading_begins_in_the_middle(tmp_path: Path) -> None:
    """A stretch of time far into a file has the origin of the last header above it."""
    path = tmp_path / "r.ndjson"
    for number, origin in enumerate((TEST, WARD)):
        times = (NOON + timedelta(hours=number, seconds=second) for second in range(300))
        record(path, [delivery(b"1" * 5000, received_at=time) for time in times], origin=origin)
    since = NOON + timedelta(hours=1, seconds=250)
    source = gather([str(path)], open, registry=built_in())  # type: ignore[arg-type] # no stdin
    passed: list[int] = []
    read = source.items(span=Span(TimeRange(since, None), lambda: passed.append(1)))
    found = [each.recorded for each in read]
    assert not passed, "it was read from its start"
    assert len(found) < 100
    assert {each.origin for each in found if isinstance(each, Delivery)} == {WARD}


def test_places_are_compared_by_all_that_names_them() -> None:
    """Another vhost or exchange is another place; one host in common makes it the same broker."""
    cluster = WARD._replace(broker=f"other:5671, {WARD.broker}")
    assert cluster.is_same_place(WARD)
    assert not WARD._replace(vhost="test").is_same_place(WARD)
    assert not WARD._replace(exchange="test").is_same_place(WARD)
    assert not TEST.is_same_place(WARD)
