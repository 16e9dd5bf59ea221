"""What `medtrack stats` counts is what is there."""

import gzip
import json
from collections import Counter
from pathlib import Path
from random import Random
from statistics import median_low
from typing import Any

import pytest

from medtrack_cli.core.checked import CheckedDelivery, examine
from medtrack_cli.core.statistics.counts import (
    MOST_NAME,
    MOST_NAMES,
    MOST_PLACES,
    Count,
    Duplicates,
    Stats,
    most_frequent,
)
from medtrack_cli.core.statistics.timeline import MOST_LINES
from medtrack_cli.core.times import rfc3339
from medtrack_cli.files.recordings.checksums import sealed
from tests.builders import delivery, encode, event, spoilt
from tests.stats.recordings import mixed, record_of, recording, stats
from tests.validate.checking import validate


def named(seen: list[CheckedDelivery], field: str) -> list[dict[str, Any]]:
    """Count events by a field of theirs, the plain way."""
    counts: Counter[str | None] = Counter()
    invalid: Counter[str | None] = Counter()
    for each in seen:
        try:
            value = json.loads(each.delivery.body)
        except ValueError:
            value = None
        name = value.get(field) if isinstance(value, dict) else None
        counts[name] += 1
        invalid[name] += not each.is_valid
    rows = sorted(counts.items(), key=lambda item: (-item[1], item[0] or ""))
    return [{"name": name, "events": each, "invalid": invalid[name]} for name, each in rows]


def grouped(seen: list[CheckedDelivery]) -> list[dict[str, Any]]:
    """Group findings the plain way; the line of each delivery is its number."""
    groups: dict[tuple[Any, ...], dict[str, Any]] = {}
    for line, each in enumerate(seen, 1):
        try:
            value = json.loads(each.delivery.body)
        except ValueError:
            value = None
        event_type, service = (
            value.get(name) if isinstance(value, dict) else None
            for name in ("event_type", "service")
        )
        moment = rfc3339(each.delivery.received_at)
        for problem in each.problems:
            key = {
                "rule": problem.rule.value,
                "event_type": event_type,
                "field": problem.pointer,
                "service": service,
            }
            new: dict[str, Any] = {
                **key,
                "findings": 0,
                "first": moment,
                "last": moment,
                "places": [],
            }
            group = groups.setdefault(tuple(key.values()), new)
            group["findings"] += 1
            group["last"] = moment
            place = {"file": "<stdin>", "line": line}
            if place not in group["places"] and len(group["places"]) < MOST_PLACES:
                group["places"].append(place)
    return sorted(groups.values(), key=lambda each: -each["findings"])


def test_findings_are_told_by_rule_type_field_and_service(chance: Random) -> None:
    """Each group has its number, its first and last time, and its first three lines."""
    made = mixed(chance, 600)
    found = record_of(stats("-", "-o", "json", stdin=recording(made)))
    expected = grouped([examine(each) for each in made])
    assert len(expected) > 10
    assert found["findings"] == {"groups": expected, "others": 0}


def test_items_of_a_list_are_one_field() -> None:
    """The index in a finding's place doesn't make another field of it."""
    body = encode({**event("user.created"), "payload": [{"a": 1}]})
    record = json.loads(recording([delivery(body, routing_key="user.created")]))
    finding = {**record["findings"][0], "rule": "wrong_type"}
    record["findings"] = [{**finding, "pointer": f"/payload/{at}/a"} for at in (0, 7, 12)]
    line = json.dumps(record, separators=(",", ":")).encode()
    (group,) = record_of(stats("-", "-o", "json", stdin=line))["findings"]["groups"]
    assert (group["field"], group["findings"]) == ("/payload/*/a", 3)
    assert group["places"] == [{"file": "<stdin>", "line": 1}]


def test_every_number_is_that_of_the_deliveries(chance: Random, tmp_path: Path) -> None:
    """Counts, names, rules, duplicates, sizes and times are those counted one by one."""
    made = mixed(chance, 1500)
    path = tmp_path / "made.ndjson"
    path.write_bytes(recording(made))
    found = record_of(stats(path, "-o", "json"))

    seen = [examine(each) for each in made]
    ids = [each.message_id for each in made if each.message_id]
    sizes = [len(each.body) for each in made]
    assert found["events"] == len(made)
    assert found["invalid"] == sum(not each.is_valid for each in seen) > 100
    assert found["redelivered"] == sum(each.redelivered for each in made) > 0
    assert found["duplicates"] == len(ids) - len(set(ids)) > 0
    assert found["without_message_id"] == len(made) - len(ids) > 0
    assert found["bytes"] == {
        "total": sum(sizes),
        "median": median_low(sizes),
        "largest": max(sizes),
    }
    assert found["event_types"]["names"] == named(seen, "event_type")
    assert found["services"]["names"] == named(seen, "service")
    keys = Counter(each.routing_key for each in made)
    assert {row["name"]: row["events"] for row in found["routing_keys"]["names"]} == keys
    assert found["rules"] == Counter(problem.rule for each in seen for problem in each.problems)
    assert (found["first"], found["last"]) == (
        *(rfc3339(made[0].received_at), rfc3339(made[-1].received_at)),
    )
    assert sum(found["chart"]["events"]) == len(made)
    assert sum(found["chart"]["invalid"]) == found["invalid"]
    by_type = found["chart"]["event_types"]
    assert {each["name"]: sum(each["events"]) for each in by_type["names"]} == {
        each["name"]: each["events"] for each in found["event_types"]["names"]
    }
    assert by_type["others"] == {"events": [], "invalid": []}
    assert (found["foreign"], found["without_time"], found["files"]) == (0, 0, 1)


def test_a_line_is_counted_the_same_however_it_is_written(chance: Random) -> None:
    """Spaces, another order of members and escapes change no number: the slow way agrees."""
    made = mixed(chance, 300)
    plain = stats("-", "-o", "json", stdin=recording(made))
    spaced = stats("-", "-o", "json", stdin=recording(made, separators=(", ", ": ")))
    ordered = stats("-", "-o", "json", stdin=recording(made, ensure_ascii=False))
    assert record_of(spaced) == record_of(plain)
    assert plain.out == ordered.out


def test_the_recorded_verdict_counts() -> None:
    """A recorded line keeps the verdict written in it, though its type is unknown here."""
    unknown = delivery(encode({**event("user.created"), "event_type": "room.booked"}))
    record = json.loads(recording([unknown])) | {"valid": True, "findings": []}
    line = json.dumps(record, separators=(",", ":")).encode()
    assert record_of(stats("-", "-o", "json", stdin=line))["invalid"] == 0


EVENTS = [
    event("student.created"),
    event("user.created"),
    spoilt("student.created", "/payload/email", "x"),
    event("user.created") | {"timestamp": "2025-01-15T12:00:00.123456789"},
]


def test_plain_events_have_their_own_time_and_are_checked() -> None:
    """Without a recording an event's time is its timestamp, and validate finds the same."""
    lines = b"".join(encode(each) + b"\n" for each in EVENTS)
    found = record_of(stats("-", "-o", "json", stdin=lines))
    checked = validate("-", "-o", "json", stdin=lines)
    assert found["last"] == "2025-01-15T12:00:00.123456Z"
    assert found["invalid"] == checked.summary["invalid"] == 1
    assert found["rules"] == Counter(each["rule"] for each in checked.of_kind("finding"))
    assert found["bytes"]["total"] == sum(len(encode(each)) for each in EVENTS)
    assert found["without_message_id"] == len(EVENTS)


def test_every_syntax_counts_alike(tmp_path: Path) -> None:
    """NDJSON, a JSON array, YAML, gzip, a folder and a glob of the same events agree.

    Except for sizes: they are those of the bytes, spaces included.
    """
    lines = b"".join(encode(each) + b"\n" for each in EVENTS)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/a.ndjson").write_bytes(lines)
    (tmp_path / "a.json").write_bytes(json.dumps(EVENTS, separators=(",", ":")).encode())
    (tmp_path / "a.yaml").write_bytes(json.dumps(EVENTS).encode())
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(lines))
    names = ("folder", "folder/*.ndjson", "a.json", "a.yaml", "a.jsonl.gz")
    found = [record_of(stats(tmp_path / name, "-o", "json")) for name in names]
    sizes = [each.pop("bytes") for each in found]
    for each in found:
        for group in each["findings"]["groups"]:
            group.pop("places")  # named as the files are
    assert sizes[0] == sizes[1] == sizes[4]
    assert found[0]["events"] == len(EVENTS)
    assert [each for each in found if each != found[0]] == []


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (b"no event\n", "a text"),
        (b'{"a": 1}\n[2]\n', "other JSON"),
        (b'{"kind":"event","received_at":"2025-01-15"}\n', "a broken record"),
        (b'{"kind":"listening"}\n', "another kind"),
    ],
)
def test_what_holds_no_event_is_no_recording(lines: bytes, reason: str) -> None:
    """An input without a single event is refused with 65, its place, and no statistics."""
    found = stats("-", "-o", "json", stdin=lines)
    assert (found.code, found.out) == (65, ""), reason
    assert json.loads(found.err)["message"].endswith("<stdin>:1")


@pytest.mark.parametrize("lines", [b"", b'{"kind":"recording","version":1}\n'])
def test_an_input_of_nothing_holds_nothing(lines: bytes) -> None:
    """A recording of nothing, or no line at all: that is said, with exit code 0."""
    found = stats("-", "-o", "json", stdin=lines)
    assert found.code == 0
    assert record_of(found)["events"] == 0
    assert stats("-", stdin=lines).out.startswith("events  0 in 1 file\n")


def test_what_is_no_event_among_events_is_counted_and_said() -> None:
    """The others are counted all the same; exit code 65, with the first place on stderr."""
    cut = recording([delivery(encode(event("user.created")), routing_key="user.created")] * 3)
    found = stats("-", stdin=cut[:-40] + b"\n{}\n")
    assert found.code == 65
    assert found.out.startswith("events    2 in 1 file\n")
    assert found.err.startswith(
        "error: neither a recorded delivery nor an event, as in 2 places: <stdin>:3\n"
    )


def test_a_missing_path_stops_nobody_else(tmp_path: Path) -> None:
    """What can be read is counted; the missing path is said, and the exit code 66."""
    (tmp_path / "a.ndjson").write_bytes(encode(event("user.created")) + b"\n")
    found = stats(tmp_path / "a.ndjson", tmp_path / "b.ndjson", "-o", "json")
    assert found.code == 66
    assert json.loads(found.err)["code"] == "input_missing"
    record = record_of(found)
    assert (record["events"], record["unreadable"]) == (1, 1)
    alone = stats(tmp_path / "b.ndjson", "-o", "json")
    assert (alone.code, alone.out) == (66, "")


def test_a_recording_of_a_newer_format_stops_nobody_else(tmp_path: Path) -> None:
    """In a folder the others are counted; the newer one is said once, and the exit code 65."""
    (tmp_path / "a.ndjson").write_bytes(b'{"kind":"recording","version":99}\n')
    (tmp_path / "b.ndjson").write_bytes(encode(event("user.created")) + b"\n")
    found = stats(tmp_path, "-o", "json")
    assert found.code == 65
    assert "version 99" in json.loads(found.err)["message"]
    record = record_of(found)
    assert (record["events"], record["unreadable"]) == (1, 1)
    alone = stats(tmp_path / "a.ndjson", "-o", "json")
    assert (alone.code, alone.out) == (65, "")


def test_names_beyond_the_limit_are_counted_together() -> None:
    """A flood of names fills no memory: from a limit on they are one sum, and long ones cut."""
    found = Stats()
    for number in range(MOST_NAMES + 5):
        name = f"{number}-" + "x" * 1000
        kind = (name, name, name, False)
        found.add(kind, 1, float(number), None)
        found.add_finding("bad_format", f"/{number}/{name}", kind, None, "a.ndjson", number)
    found.finish()
    for names in (found.types, found.services, found.routing_keys):
        assert len(most_frequent(names)) == MOST_NAMES
        assert {len(name or "") for name, _ in most_frequent(names)} == {MOST_NAME}
        assert names.others == Count(5, 5)
    assert len(found.findings.apart) == MOST_NAMES
    assert max(len(part or "") for group in found.findings.apart for part in group) == MOST_NAME
    assert found.findings.others.findings == 5
    assert len(found.findings.others.places) == MOST_PLACES
    chart = found.timeline.chart(10)
    assert chart is not None
    assert len(chart.names) == MOST_LINES
    assert sum(each.events for each in chart.others) == MOST_NAMES + 5 - MOST_LINES


def test_duplicates_beyond_the_limit_are_the_least_there_are() -> None:
    """When no more ids are remembered, those known are still found, and the number is a least."""
    duplicates = Duplicates(most=3)
    duplicates.add(["a", "b", None, "a"])
    assert (duplicates.found, duplicates.without_id, duplicates.is_least) == (1, 1, False)
    duplicates.add(["c"])
    duplicates.add(["d", "d", "b"])
    assert (duplicates.found, duplicates.is_least) == (2, True)


@pytest.mark.parametrize("body", [b"\xef\xbb\xbf{}", "é".encode() * 10, b"\xff" * 7, b"x" * 90_000])
def test_sizes_are_bytes(body: bytes) -> None:
    """A body's size is that on the wire, whatever its characters and however it is written."""
    line = recording([delivery(body)], ensure_ascii=False)
    found = record_of(stats("-", "-o", "json", stdin=line))
    assert found["bytes"]["total"] == len(body)


def test_a_damaged_record_is_counted_apart() -> None:
    """A recorded line with one bit flipped counts as no event, whichever bit; the others count."""
    lines = [
        sealed({**json.loads(line), "line": number})
        for number, line in enumerate(recording(mixed(Random(1), 3)).splitlines(), 1)
    ]
    whole = record_of(stats("-", "-o", "json", stdin=b"".join(lines)))
    assert (whole["events"], whole["foreign"]) == (3, 0)
    for bit in range(0, 8 * (len(lines[1]) - 1), 97):
        flipped = bytearray(lines[1])
        flipped[bit // 8] ^= 1 << bit % 8
        found = stats("-", "-o", "json", stdin=lines[0] + flipped + lines[2])
        record = record_of(found)
        assert (found.code, record["events"], record["files"]) == (65, 2, 1), bit
        assert record["foreign"] >= 1
