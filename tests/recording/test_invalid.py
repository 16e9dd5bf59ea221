"""Replays that an invalid event forbids."""

import pytest

from tests.broker.witness import Witness
from tests.builders import NOON, delivery, numbered_deliveries
from tests.cli.tool import Ran, Tool
from tests.project.test_json_output import problems
from tests.recording.recorded import record

FAIL = ("replay", "--speed", "max", "--invalid", "fail", "-o", "json")


@pytest.fixture
def name(connected: Tool) -> str:
    """Record 100 deliveries, the fourth of which is no event."""
    bad = delivery(b"{}", received_at=NOON, properties={"message_id": "bad"})
    first, *others = numbered_deliveries(99)
    deliveries = [first, *others[:2], bad, *others[2:]]
    record(connected.folder / "r.ndjson", deliveries)
    return "r.ndjson"


def outcomes(ran: Ran) -> dict[str, int]:
    """Count receipts by their outcome; the summary says the same and fits its schema."""
    assert problems("replayed", ran.summary) == []
    counts: dict[str, int] = {}
    for receipt in ran.of_kind("receipt"):
        counts[receipt["outcome"]] = counts.get(receipt["outcome"], 0) + 1
    assert counts.items() <= ran.summary.items()
    assert ran.summary["total"] == sum(counts.values())
    return counts


def test_an_invalid_event_in_a_file_keeps_all_from_being_sent(
    connected: Tool, witness: Witness, name: str
) -> None:
    """With --invalid fail a file is read before: nothing is sent, and each event has a receipt."""
    ran = connected.run(*FAIL, name)
    assert (ran.code, outcomes(ran)) == (1, {"invalid": 1, "unsent": 99})
    assert "invalid_refused" not in ran.summary
    receipts = ran.of_kind("receipt")
    assert [each["index"] for each in receipts] == list(range(1, 101))
    assert {each["reason"] for each in receipts if each["outcome"] == "unsent"} == {
        "another event is invalid"
    }
    assert receipts[3]["reason"].startswith("not_an_event: ")
    assert witness.take() == []


def test_a_dry_run_says_that_nothing_would_be_sent(connected: Tool, name: str) -> None:
    """A dry run with --invalid fail says what the run would do: nothing."""
    ran = connected.run(*FAIL, name, "--dry-run")
    assert ran.code == 1
    assert ran.of_kind("message") == []
    assert (ran.summary["total"], ran.summary["would_send"], ran.summary["invalid"]) == (100, 0, 1)


def test_a_pipe_is_sent_up_to_an_invalid_event(
    connected: Tool, witness: Witness, name: str
) -> None:
    """Out of a pipe, which is read once, what came before is sent, and what was read is told."""
    ran = connected.run(*FAIL, "-", stdin=(connected.folder / name).read_bytes())
    assert (ran.code, outcomes(ran)) == (1, {"confirmed": 3, "invalid": 1})
    assert [held.message_id for held in witness.take()] == ["id-1", "id-2", "id-3"]


def test_damage_is_told_before_an_invalid_event(
    connected: Tool, witness: Witness, name: str
) -> None:
    """A record that is damaged is 65, wherever an invalid event stands; nothing is sent."""
    path = connected.folder / name
    path.write_bytes(path.read_bytes().replace(b"id-50", b"id-51", 1))
    ran = connected.run(*FAIL, name)
    assert (ran.code, ran.out) == (65, "")
    assert f"{name}:52" in ran.err
    assert witness.take() == []
