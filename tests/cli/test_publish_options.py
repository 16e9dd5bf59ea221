"""`medtrack publish`: generated and changed events, headers, ids, and unchecked ones."""

import json
import os
import pty
import signal
import subprocess
from contextlib import suppress
from typing import Any

import pytest

from medtrack_cli.events.registry import event_types
from tests.broker.witness import Witness
from tests.builders import encode, event, numbered, spoilt
from tests.cli.added import booked, ndjson, project
from tests.cli.tool import COMMAND, Ran, Tool
from tests.running import run

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
DELETED = json.dumps(event("student.deleted")["payload"])


def dry(tool: Tool, *arguments: str, stdin: bytes = b"") -> Ran:
    """Publish without sending."""
    return tool.run("publish", *arguments, "--dry-run", "-o", "json", stdin=stdin)


def bodies(ran: Ran) -> list[dict[str, Any]]:
    """Read the events that would be sent."""
    return [json.loads(each["body_text"]) for each in ran.of_kind("message")]


def payloads(ran: Ran) -> list[Any]:
    """Read only their payloads: a timestamp is of the moment."""
    return [each["payload"] for each in bodies(ran)]


def test_generated_events_pass_validate(tool: Tool) -> None:
    """Of each type as many as asked for are made, all valid, all with the service asked for."""
    for name in event_types():
        ran = dry(tool, name, "--count", "200", "--service", "tests")
        assert (ran.code, ran.summary["would_send"]) == (0, 200)
        made = bodies(ran)
        assert {(each["event_type"], each["service"], each["version"]) for each in made} == {
            (name, "tests", "1.0")
        }
        tool.write(f"{name}.ndjson", ndjson(*made))
    checked = tool.run("validate", ".", "-o", "json")
    assert (checked.code, checked.summary["events"], checked.summary["warnings"]) == (0, 1600, 0)


def test_a_seed_repeats_events(tool: Tool) -> None:
    """The same seed, the same payloads; -v says which one made these."""
    first = dry(tool, "user.created", "--count", "20", "--seed", "7")
    assert payloads(first) == payloads(dry(tool, "user.created", "--count", "20", "--seed", "7"))
    other = dry(tool, "user.created", "--count", "20", "-v")
    seed = other.err.split("--seed ")[1].split()[0]
    assert payloads(other) != payloads(first)
    assert payloads(other) == payloads(dry(tool, "user.created", "--count=20", f"--seed={seed}"))


def test_set_changes_a_generated_event(tool: Tool) -> None:
    """--set alone makes one event; its values are read by the schema's types."""
    settings = (
        "payload.cin=01234567",
        "payload.email=a@example.org",
        "timestamp=2025-01-01T00:00:00Z",
    )
    ran = dry(tool, "student.created", *(f"--set={each}" for each in settings))
    [made] = bodies(ran)
    assert (made["payload"]["cin"], made["timestamp"]) == ("01234567", "2025-01-01T00:00:00Z")
    [made] = bodies(dry(tool, "evaluation.created", "--set", "payload.score=85"))
    assert made["payload"]["score"] == 85
    changed = dry(tool, "student.updated", "--seed=1", "--set", 'payload.updated_fields=["cin"]')
    assert bodies(changed)[0]["payload"]["updated_fields"] == ["cin"]
    item = dry(tool, "student.updated", "--seed=1", "--set", "payload.updated_fields.0=phone")
    assert bodies(item)[0]["payload"]["updated_fields"][0] == "phone"


def test_set_changes_files_envelopes_and_payloads(tool: Tool) -> None:
    """--set works on every event of files and -d, in envelopes and on bare payloads."""
    tool.write("events.ndjson", b"".join(numbered(3)))
    setting = ("--set", f"payload.user_id={'0' * 8}-e29b-41d4-a716-446655440000")
    files = dry(tool, "-f", "events.ndjson", *setting)
    assert [each["user_id"][:8] for each in payloads(files)] == ["00000000"] * 3
    assert len({each["student_id"] for each in payloads(files)}) == 3
    bare = dry(tool, "student.deleted", "-d", DELETED, *setting, "--service=s")
    assert [each["user_id"][:8] for each in payloads(bare)] == ["00000000"]
    piped = dry(tool, "-f", "-", *setting, "--set", "service=other", stdin=b"".join(numbered(2)))
    assert [each["service"] for each in bodies(piped)] == ["other"] * 2


@pytest.mark.parametrize(
    ("setting", "rule"),
    [
        ("payload.score=101", "out_of_range"),
        ("payload.score=high", "wrong_type"),
        ("payload.score=NaN", "wrong_type"),
        ("payload.score=1e999", "wrong_type"),
        ('payload.score="85"', "wrong_type"),
        ("payload.stage_id=7", "bad_format"),
        ("version=2.0", "unknown_version"),
    ],
)
def test_a_bad_value_is_a_finding(tool: Tool, setting: str, rule: str) -> None:
    """What --set makes of an event is validated like any other."""
    ran = dry(tool, "evaluation.created", "--set", setting)
    assert ran.code == 1
    assert [each["rule"] for each in ran.of_kind("finding")] == [rule]


USAGE: list[tuple[tuple[str, ...], str]] = [
    (("student.created", "--set", "payload.emial=x"), "did you mean payload.email?"),
    (("student.created", "--set", "serivce=x"), "did you mean service?"),
    (("student.created", "--set", "payload.email"), "--set wants PATH=VALUE"),
    (("student.created", "--set", "payload.student_id.0=x"), "leads nowhere"),
    (("student.updated", "--seed=1", "--set", "payload.updated_fields.9=x"), "leads nowhere"),
    (("student.created", "--set", "payload.first_name=\udcff"), "--set is not UTF-8"),
    (("student.created", "--count=1", "--header", "a=\udcff"), "--header is not UTF-8"),
    (("student.created", "--count=1", "--message-id", "\udcff"), "--message-id is not UTF-8"),
    (("student.created", "--count=1", "--message-id", "é" * 128), "longer than 255 bytes"),
    (("student.created", "--count=1", "--header", "novalue"), "--header wants KEY=VALUE"),
    (("student.created", "--count=1", "--header", "=value"), "--header wants KEY=VALUE"),
    (("student.created", "--count=0"), "--count"),
    (("student.created", "--count=2", "-d", "{}"), "--count and --seed generate events"),
    (("student.created", "--seed=2", "-d", "{}"), "--count and --seed generate events"),
    (("student.created", "--seed=2"), "nothing to publish"),
    (("student.created",), "nothing to publish"),
    (("--count=2",), "generated events need an event type"),
    (("--set", "payload.email=x"), "generated events need an event type"),
    (("studnet.created", "--count=2"), "did you mean student.created?"),
]


@pytest.mark.parametrize(
    ("arguments", "words"), USAGE, ids=[ascii(" ".join(each[0]))[:60] for each in USAGE]
)
def test_what_can_not_be_meant_is_a_usage_error(
    tool: Tool, arguments: tuple[str, ...], words: str
) -> None:
    """Options that contradict each other or make no sense are exit code 2, with the reason."""
    ran = tool.run("publish", *arguments, "--dry-run")
    assert (ran.code, words in ran.err) == (2, True), ran.err
    assert ran.out == ""


def test_bytes_that_are_no_text_are_a_finding(tool: Tool) -> None:
    """-d with other bytes than UTF-8 is bad_encoding, as in a file."""
    ran = dry(tool, "student.deleted", "-d", '{"a":"\udcff"}')
    assert (ran.code, ran.of_kind("finding")[0]["rule"]) == (1, "bad_encoding")


def test_an_added_type_is_generated_and_changed(tool: Tool) -> None:
    """An added type's events are its first example, changed by its own schema."""
    project(tool)
    ran = dry(tool, "room.booked", "--count", "3", "--set", "payload.code=0007")
    assert ran.code == 0
    assert [each["code"] for each in payloads(ran)] == ["0007"] * 3
    refused = tool.run("publish", "room.booked", "--set", "payload.flor=1", "--dry-run")
    assert (refused.code, "did you mean payload.floor?" in refused.err) == (2, True)
    tool.write("event.json", json.dumps(booked(tags=["a"])))
    [tagged] = payloads(dry(tool, "-f", "event.json", "--set", "payload.tags.0=01"))
    assert tagged["tags"] == ["01"]


def test_an_older_version_has_its_own_fields(tool: Tool) -> None:
    """--set knows the fields of the event's version, though a newer one is known."""
    project(tool)
    tool.write("old.json", json.dumps(event("student.created")))
    [old] = payloads(dry(tool, "-f", "old.json", "--set", "payload.cin=0123456"))
    assert old["cin"] == "0123456"
    [old] = payloads(dry(tool, "-f", "old.json", "--set", "payload.first_name=Amina"))
    assert old["first_name"] == "Amina"
    [new] = payloads(dry(tool, "student.created", "--set", "payload.cin=0"))
    assert new["cin"] == 0


def test_headers_and_message_id_arrive(connected: Tool, witness: Witness) -> None:
    """--header and --message-id are on the wire as typed, with the rest as always."""
    headers = ("--header", "x-origin=import=1", "--header", "é=", "--header", "n=5")
    ran = connected.run(
        "publish", "student.deleted", "--count=2", *headers, "--message-id", "mine", "-o", "json"
    )
    assert ran.code == 0, ran.err
    held = witness.take()
    assert len(held) == 2
    for each in held:
        assert each.properties.headers == {"x-origin": "import=1", "é": "", "n": "5"}
        assert each.message_id == "mine"
        assert (each.properties.content_type, each.properties.delivery_mode) == (
            "application/json",
            2,
        )


def test_properties_and_the_trace_arrive(connected: Tool, witness: Witness) -> None:
    """--property is on the wire with its AMQP type, and so is the environment's trace."""
    typed = {
        "priority": 5,
        "expiration": "60000",
        "type": "é=",
        "app_id": "",
        "correlation_id": "c",
    }
    options = [f"--property={name}={value}" for name, value in typed.items()]
    ran = connected.run(
        *("publish", "student.deleted", "--count=1", *options, "--property", "reply_to=q"),
        *("--header", "x-a=b", "-o", "json"),
        TRACEPARENT=TRACEPARENT,
        TRACESTATE="a=1,b@c=2",
    )
    assert ran.code == 0, ran.err
    [held] = witness.take()
    assert {name: getattr(held.properties, name) for name in typed} == typed
    assert (held.properties.reply_to, held.properties.delivery_mode) == ("q", 2)
    trace = {"traceparent": TRACEPARENT, "tracestate": "a=1,b@c=2"}
    assert held.properties.headers == {"x-a": "b", **trace}


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("priority=256", "from 0 to 255"),
        ("priority=-1", "from 0 to 255"),
        ("priority=", "from 0 to 255"),
        ("expiration=1.5", "milliseconds"),
        ("expiration=4294967296", "milliseconds"),
        (f"type={'é' * 128}", "longer than 255 bytes"),
        ("type=\udcff", "--property is not UTF-8"),
        ("priority", "--property wants NAME=VALUE"),
        ("priorty=1", "did you mean priority?"),
        ("cluster_id=x", "known: priority, expiration"),
        ("delivery_mode=1", "always persistent"),
        ("headers=x", "--header KEY=VALUE"),
        ("message_id=x", "--message-id"),
        ("user_id=x", "--username"),
        ("content_type=x", "application/json"),
        ("content_encoding=gzip", "sent as it is"),
        ("timestamp=1", "--set timestamp="),
    ],
)
def test_a_property_that_is_none_is_a_wrong_command_line(typed: str, said: str) -> None:
    """2 and the way that is meant, for a wrong value and for what medtrack sets itself."""
    ran = run("publish", "student.created", "--count=1", "--property", typed)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_a_checkpoint_knows_its_properties_and_no_trace(connected: Tool, witness: Witness) -> None:
    """A run goes on in another trace, sending nothing twice, but not with other properties: 2."""
    connected.write("e.ndjson", b"".join(numbered(2)))
    for named, trace, code in (("a", "1", 0), ("a", "2", 0), ("b", "1", 2)):
        ran = connected.run(
            *("publish", "-f", "e.ndjson", "--checkpoint", "mark", f"--property=type={named}"),
            TRACEPARENT=f"00-{trace * 32}-{trace * 16}-01",
        )
        assert ran.code == code, ran.err
    sent = [each.properties.headers for each in witness.take()]
    assert sent == [{"traceparent": f"00-{'1' * 32}-{'1' * 16}-01"}] * 2


def test_without_a_message_id_each_has_its_own(connected: Tool, witness: Witness) -> None:
    """Generated events that are alike still have ids that differ."""
    same = ("--set", "payload.user_id=660e9500-f39c-52e5-b827-557766551111")
    assert connected.run("publish", "student.deleted", "--count=20", *same).code == 0
    assert len({each.message_id for each in witness.take()}) == 20


@pytest.mark.parametrize(
    "headers",
    [[f"{'k' * 256}=v"], [f"{'k' * 255}=v", f"a={'v' * 100_000}", f"b={'v' * 100_000}"]],
    ids=["key of 256 bytes", "more than a frame"],
)
def test_headers_that_amqp_can_not_carry_are_refused(
    connected: Tool, witness: Witness, headers: list[str]
) -> None:
    """An event whose headers don't fit is `refused`, says why, and takes no connection down."""
    typed = [f"--header={each}" for each in headers]
    ran = connected.run("publish", "student.deleted", "--count=2", *typed, "-o", "json")
    assert (ran.code, ran.summary["refused"]) == (1, 2), ran.err
    assert all("headers" in each["reason"] for each in ran.of_kind("receipt"))
    assert witness.take() == []


@pytest.mark.parametrize(
    "twice",
    [
        ("--header=x-a=1", "--header=x-a=2"),
        ("--property=type=1", "--property=type=2"),
        ("--set=payload.user_id=a", "--set=payload.user_id=b"),
    ],
)
def test_what_is_named_twice_is_refused(tool: Tool, twice: tuple[str, str]) -> None:
    """Of two values for one header or field, none wins."""
    ran = dry(tool, "student.deleted", "--count=1", *twice)
    assert ran.code == 2
    assert "twice" in ran.err


def test_unchecked_events_are_sent_and_marked(connected: Tool, witness: Witness) -> None:
    """--no-validate sends what names its type, its bytes untouched; listen marks it invalid."""
    listening = connected.listen("--count", "2")
    body = b'{"event_type":"student.deleted","payload":{"studnet_id":1}}'
    connected.write("bad.json", body)
    connected.write("unknown.json", b'{"event_type":"never.received", "payload":{}}')
    for name in ("bad.json", "unknown.json"):
        ran = connected.run("publish", "-f", name, "--no-validate", "-o", "json")
        assert (ran.code, ran.summary["confirmed"]) == (0, 1)
    received = listening.end().of_kind("event")
    assert [(each["routing_key"], each["valid"]) for each in received] == [
        ("student.deleted", False),
        ("never.received", False),
    ]
    sent = json.loads(witness.take()[0].body)
    assert sent["payload"] == {"studnet_id": 1}


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "[1]",
        '{"payload":{}}',
        '{"event_type":5,"payload":{}}',
        '{"event_type":"","payload":{}}',
        r'{"event_type":"\ud800","payload":{}}',
    ],
)
def test_what_names_no_type_is_never_sent(tool: Tool, body: str) -> None:
    """Without a routing key an event can't be sent, --no-validate or not."""
    ran = dry(tool, "-d", body, "--no-validate")
    assert (ran.code, ran.of_kind("message")) == (1, [])


def test_a_missing_service_is_told_how_to_give(tool: Tool) -> None:
    """Where no service is configured, the finding says what fills one in; `validate` fills none."""
    name = tool.write("payload.json", DELETED)
    assert "--service NAME" in tool.run("publish", "student.deleted", "-f", name).out
    whole = event("student.deleted")
    del whole["service"]
    name = tool.write("event.json", json.dumps(whole))
    assert "--service NAME" in tool.run("publish", "-f", name).out
    checked = tool.run("validate", name).out
    assert "missing_field" in checked
    assert "--service" not in checked


def test_set_that_fits_only_some_events_is_a_finding_of_the_others(tool: Tool) -> None:
    """An event without the field is invalid, as it stands in its line; the others are sent."""
    lines = [encode(event()), encode(event("student.deleted")), encode(event())]
    name = tool.write("mixed.ndjson", b"\n".join(lines))
    setting = ("--set", "payload.email=a@example.org", "--dry-run", "-o", "json")
    for source in (("-f", name), ("-f", "-")):
        options = (*source, "--keep-going", *setting)
        ran = tool.run("publish", *options, stdin=(tool.folder / name).read_bytes())
        assert (ran.code, ran.summary["would_send"], ran.summary["invalid"]) == (1, 2, 1)
        [finding] = ran.of_kind("finding")
        assert (finding["rule"], finding["line"]) == ("unknown_field", 2)
        assert finding["message"] == "--set: no such field in student.deleted: payload.email"
    whole = tool.run("publish", "-f", name, *setting)
    assert (whole.code, whole.summary["would_send"], whole.summary["invalid"]) == (1, 0, 1)


def test_a_long_check_is_shown_and_ends_with_ctrl_c(tool: Tool) -> None:
    """The check before sending says on a terminal how far it is; Ctrl-C then: nothing was sent."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, "publish", "student.deleted", "--count", "1000000000"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
        cwd=tool.folder,
        env=tool.environ,
    ) as process:
        os.close(theirs)
        seen = b""
        with suppress(OSError):  # Linux: EIO when the other side is closed
            while data := os.read(ours, 65536):
                if b"events checked" in data:
                    process.send_signal(signal.SIGINT)
                seen += data
        os.close(ours)
        out, _ = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, b"published 0: nothing (0.00 s)\n")
    assert b"events checked" in seen
    assert b"interrupted while checking: nothing was sent" in seen


def test_a_dry_run_of_an_invalid_file_would_send_nothing(tool: Tool) -> None:
    """One invalid event, and a dry run says that none would be sent; with --keep-going, which."""
    good, bad = encode(event()), encode(spoilt("student.created", "/payload/email", "x"))
    name = tool.write("events.ndjson", b"\n".join((good, bad, good)))
    ran = tool.run("publish", "-f", name, "--dry-run", "-o", "json")
    assert [each["outcome"] for each in ran.of_kind("receipt")] == ["unsent", "invalid", "unsent"]
    expected = {"kind": "dry_run", "total": 3, "invalid": 1, "exit_code": 1}
    assert (ran.code, ran.summary) == (1, {**expected, "would_send": 0})
    ran = tool.run("publish", "-f", name, "--dry-run", "--keep-going", "-o", "json")
    assert len(ran.of_kind("message")) == 2
    assert (ran.code, ran.summary) == (1, {**expected, "would_send": 2})
