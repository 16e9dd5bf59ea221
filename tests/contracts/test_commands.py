"""Whole commands over a broker in memory, through `runtime.World`."""

import json
from pathlib import Path

import pytest

from medtrack_cli.core.messages import Message, Outcome
from medtrack_cli.errors import AccessRefused, BrokerUnreachable, MedtrackError, TopologyError
from tests.builders import event, numbered, numbered_deliveries
from tests.cli.tool import ROOT
from tests.contracts.fakes import Answer, MemoryBroker
from tests.recording.recorded import record
from tests.running import run_json


def wanted(answer: Answer | None = None) -> MemoryBroker:
    """Make a broker on which every message has a queue, unless answered otherwise."""
    return MemoryBroker(answer, wants_all=True)


def test_publish_sends_what_it_reads(tmp_path: Path) -> None:
    """Events from stdin are sent with their own bytes, under their type, with distinct ids."""
    broker = wanted()
    said = run_json(
        "publish", "-f", "-", stdin=b"".join(numbered(3)), folder=tmp_path, broker=broker
    )
    assert said.code == 0
    assert [each.body + b"\n" for each in broker.sent] == list(numbered(3))
    assert {each.routing_key for each in broker.sent} == {"student.deleted"}
    assert len({each.message_id for each in broker.sent}) == 3
    ids = [each["message_id"] for each in said.records if each["kind"] == "receipt"]
    assert ids == [each.message_id for each in broker.sent]


@pytest.mark.parametrize(
    "failure",
    [
        BrokerUnreachable("connection refused", "memory"),
        AccessRefused("login refused", "memory"),
        TopologyError("vhost missing", "memory"),
    ],
    ids=lambda error: error.code,
)
@pytest.mark.parametrize("at_first", [True, False])
def test_a_failure_has_its_code_and_the_numbers_add_up(
    tmp_path: Path, failure: MedtrackError, *, at_first: bool
) -> None:
    """Whenever the broker fails, the exit code is the failure's, and the numbers add up."""

    def answer(message: Message) -> MedtrackError | None:
        return failure if message.position == 3 else None

    broker = MemoryBroker(refuse=failure) if at_first else wanted(answer)
    events = tmp_path / "events.ndjson"
    events.write_bytes(b"".join(numbered(5)))
    said = run_json("publish", "-f", str(events), folder=tmp_path, broker=broker)
    assert said.code == failure.exit_code
    summary = said.records[-1]
    counts = {name: summary[name] for name in ("total", "confirmed", "unknown", "unsent")}
    assert counts == (
        {"total": 5, "confirmed": 0, "unknown": 0, "unsent": 5}
        if at_first
        else {"total": 5, "confirmed": 2, "unknown": 1, "unsent": 2}
    )
    assert json.loads(said.err.splitlines()[-1])["code"] == failure.code


@pytest.mark.parametrize(
    ("outcome", "more", "code"),
    [
        (Outcome.UNROUTABLE, [], 1),
        (Outcome.UNROUTABLE, ["--allow-unroutable"], 0),
        (Outcome.REFUSED, ["--allow-unroutable"], 1),
        (Outcome.UNKNOWN, [], 1),
    ],
)
def test_a_receipt_that_is_not_confirmed_is_a_verdict(
    tmp_path: Path, outcome: Outcome, more: list[str], code: int
) -> None:
    """One event not confirmed makes the exit code 1, unroutable ones unless they are allowed."""
    broker = wanted(lambda message: outcome if message.position == 2 else None)
    said = run_json(
        "publish", "-f", "-", *more, stdin=b"".join(numbered(3)), folder=tmp_path, broker=broker
    )
    assert said.code == code
    assert said.records[-1][outcome] == 1


def test_listen_counts_and_ends(tmp_path: Path) -> None:
    """--count ends listening with exactly so many lines, acknowledged, and tells the reason."""
    broker = MemoryBroker()
    publisher_world = wanted()
    run_json(
        "publish", "-f", "-", stdin=b"".join(numbered(4)), folder=tmp_path, broker=publisher_world
    )
    broker.backlog = publisher_world.sent
    said = run_json("listen", "--count", "3", folder=tmp_path, broker=broker)
    assert said.code == 0
    assert [each["body_text"].encode() for each in said.records] == [
        line.strip() for line in numbered(3)
    ]
    assert broker.acknowledged == 3
    listened = json.loads(said.err.splitlines()[-1])
    assert (listened["kind"], listened["ended"], listened["received"]) == ("listened", "count", 3)


@pytest.mark.parametrize("source", [[], ["--queue", "q", "--yes"]])
def test_excluded_keys_are_acknowledged_and_counted(tmp_path: Path, source: list[str]) -> None:
    """What --exclude-key matches is neither written nor counted by --count, but acknowledged."""
    sent, broker = wanted(), MemoryBroker()
    scenario = ROOT / "sample-events/registration.yaml"
    run_json("publish", "-f", scenario, folder=tmp_path, broker=sent)
    broker.backlog = sent.sent
    excluding = ("--exclude-key", "user.*", "--exclude-key", "stage.#", "--count", "1")
    said = run_json("listen", *source, *excluding, folder=tmp_path, broker=broker)
    assert [each["routing_key"] for each in said.records] == ["student.created"]
    assert (said.code, broker.acknowledged) == (0, 2)
    listened = json.loads(said.err.splitlines()[-1])
    assert (listened["received"], listened["left_out"]) == (1, 1)
    assert ("what --exclude-key leaves out is taken from q" in said.err) == bool(source)


def test_what_is_excluded_is_not_expected(tmp_path: Path) -> None:
    """An --expect that --exclude-key leaves out could never come: 2."""
    said = run_json("listen", "--exclude-key=user.*", "--expect=user.created", folder=tmp_path)
    assert (said.code, "--exclude-key leaves out" in said.err) == (2, True)


def test_listen_ends_when_time_is_up(tmp_path: Path) -> None:
    """With --timeout 0 listening ends at once: 0, or 1 with a --count not reached."""
    assert run_json("listen", "--timeout", "0", folder=tmp_path, broker=MemoryBroker()).code == 0
    assert (
        run_json(
            "listen", "--timeout", "0", "--count", "1", folder=tmp_path, broker=MemoryBroker()
        ).code
        == 1
    )


def test_a_protected_profile_needs_a_yes(tmp_path: Path) -> None:
    """Without a terminal and without --yes nothing is sent to a protected profile."""
    (tmp_path / ".config" / "medtrack").mkdir(parents=True)
    config = tmp_path / ".config" / "medtrack" / "config.yaml"
    config.write_text("profiles:\n  prod: {host: localhost, password: x, protected: true}\n")
    config.chmod(0o600)
    broker = wanted()
    arguments = ("publish", "-f", "-", "--profile", "prod")
    said = run_json(*arguments, stdin=next(numbered(1)), folder=tmp_path, broker=broker)
    assert said.code == 2, said.err
    assert "--yes" in said.err
    assert broker.sent == []
    assert (
        run_json(*arguments, "--yes", stdin=next(numbered(1)), folder=tmp_path, broker=broker).code
        == 0
    )
    assert len(broker.sent) == 1


@pytest.mark.parametrize("command", [("publish", "-f"), ("replay", "--speed", "max")])
def test_a_bug_on_the_way_keeps_the_account(tmp_path: Path, command: tuple[str, ...]) -> None:
    """A bug in the middle of a run is exit code 70, after all receipts and the summary."""

    def answer(message: Message) -> None:
        if message.position == 3:
            raise ZeroDivisionError("what it says may hold data")

    events = tmp_path / "events.ndjson"
    events.write_bytes(b"".join(numbered(5)))
    said = run_json(*command, str(events), folder=tmp_path, broker=wanted(answer), has_bug=True)
    outcomes = [each["outcome"] for each in said.records if each["kind"] == "receipt"]
    assert outcomes == ["confirmed"] * 2 + ["unsent"] * 3
    assert said.records[-1]["total"] == 5
    assert said.code == said.records[-1]["exit_code"] == 70
    assert "may hold data" not in said.err


def test_a_replay_is_named_and_numbered(tmp_path: Path) -> None:
    """A replay of plain events is sent at full speed on demand, each with the run's headers."""
    broker = wanted()
    events = tmp_path / "events.ndjson"
    events.write_bytes(b"".join(numbered(3)))
    said = run_json("replay", str(events), "--speed", "max", folder=tmp_path, broker=broker)
    assert said.code == 0, said.err
    headers = [each.headers or {} for each in broker.sent]
    assert [each["x-medtrack-replay-seq"] for each in headers] == [1, 2, 3]
    assert len({each["x-medtrack-replay"] for each in headers}) == 1
    assert said.records[-1]["kind"] == "replayed"


def test_times_that_exist_only_with_their_offset(tmp_path: Path) -> None:
    """Events at both edges of the calendar are sent with the time that they have."""
    broker = wanted()
    moments = ["0001-01-01T00:00:00+14:00", "2025-01-15T10:00:00Z", "9999-12-31T23:59:59-14:00"]
    lines = [json.dumps({**event(), "timestamp": moment}).encode() for moment in moments]
    said = run_json(
        "replay", "-", "--speed", "max", stdin=b"\n".join(lines), folder=tmp_path, broker=broker
    )
    assert said.code == 0, said.err
    assert [(each.headers or {})["x-medtrack-original-time"] for each in broker.sent] == [
        "0001-01-01T00:00:00.000000+14:00",
        "2025-01-15T10:00:00.000000Z",
        "9999-12-31T23:59:59.000000-14:00",
    ]


def test_patterns_that_cant_mean_what_they_say_are_warned_about(tmp_path: Path) -> None:
    """Shell wildcards, several patterns in one, and names of files have a warning, and no error."""
    for name in ("student.created", "student.json"):
        (tmp_path / name).touch()
    patterns = ("student*", "student.created", "student.json", "user.*")
    said = run_json("listen", *patterns, "--timeout", "0.01", folder=tmp_path, broker=wanted())
    notes = map(json.loads, said.err.splitlines())
    warnings = [each["message"] for each in notes if each.get("level") == "warning"]
    assert said.code == 0
    assert len(warnings) == 2
    assert "'student.created' and 1 more are files here" in warnings[0]
    assert "did you mean 'student.*'?" in warnings[1]
    record(tmp_path / "r.ndjson", numbered_deliveries(2))
    replayed = run_json(
        "replay",
        str(tmp_path / "r.ndjson"),
        "--key",
        "students.*",
        folder=tmp_path,
        broker=wanted(),
    )
    assert "did you mean 'student.*'?" in replayed.err
