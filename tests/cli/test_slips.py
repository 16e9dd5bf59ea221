"""Whatever was typed wrong, what is said leads on: most hints are commands that can be copied."""

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from medtrack_cli.app import tree
from tests.cel import HAS_CEL
from tests.cli.tool import ROOT
from tests.contracts.fakes import MemoryBroker
from tests.running import run

SAMPLE = ROOT / "sample-events" / "student.created.json"
PAYLOAD = '{"student_id": "550e8400-e29b-41d4-a716-446655440000", "cin": "AB1234"}'

RECORDED = {
    "kind": "event",
    "exchange": "medtrack.events",
    "routing_key": "student.created",
    "redelivered": False,
    "properties": {},
    "headers": {},
    "body": None,
    "body_text": SAMPLE.read_text("utf-8"),
    "valid": True,
    "findings": [],
}

SLIPS = [
    ("publish", 2, "medtrack publish student.created --count 1"),
    ("publish e.json", 2, "medtrack publish -f e.json"),
    ("publish events", 2, "medtrack publish -f events"),
    ("publish missing.json", 2, "medtrack publish -f missing.json"),
    ("publish student.created", 2, "medtrack publish student.created --count 1"),
    ("publish student.craeted", 2, "did you mean student.created?"),
    ("publish student.craeted --count 1", 2, "did you mean student.created?"),
    ("publish student_created --count 1", 2, "did you mean student.created?"),
    ("publish student.created --count 0", 2, "medtrack publish student.created --count 3"),
    ("publish student.created --count -1", 2, "medtrack publish student.created --count 3"),
    ("publish student.created --count x", 2, "medtrack publish student.created --count 3"),
    ("publish student.created --count", 2, "medtrack publish student.created --count 3"),
    ("publish student.created 3", 2, "medtrack publish student.created --count 3"),
    ("publish student.created e.json", 2, "medtrack publish student.created -f e.json"),
    ("publish e.json student.created", 2, "medtrack publish -f e.json"),
    ("publish -f", 2, "medtrack publish -f sample-events/student.created.json"),
    ("publish -f student.created", 66, "an event type is no path: publish TYPE -f FILE, validate"),
    ("publish -f payload.json", 1, "name its type: publish student.created -f payload.json"),
    ("publish -f missing.json", 66, "no such file or folder: "),
    ("publish -f bad.json", 1, "remove the comma"),
    (
        'publish -f "*.jsn"',
        66,
        "event files are *.json, *.ndjson, *.jsonl (also .gz), *.yaml and *.yml",
    ),
    ("publish -f tab.yaml", 1, "indent with spaces"),
    ("publish -f dots.yaml", 1, "remove the ..."),
    ("publish -f colon.yaml", 1, "write key: value, with a space"),
    ("publish -d e.json", 2, "-f e.json"),
    ("publish -d {a:1}", 1, "JSON's strings and keys stand in double quotes"),
    ("publish -d '{\"a\": 1}'", 1, "then name its type: publish TYPE -d JSON"),
    ("publish -d \"{'a': 1}\"", 1, "JSON's strings and keys stand in double quotes"),
    ("publish -d @e.json", 2, "-f e.json"),
    ("publish -f @e.json", 66, "leave out the @"),
    ("publish -f e.json --count 3", 2, "leave out -f and -d"),
    ("publish -f e.json --url http://localhost", 78, "write amqp://HOST:5672/%2F"),
    ("publish -f e.json --url localhost:5672", 78, "write amqp://HOST:5672/%2F"),
    ("publish -f e.json --url localhost", 78, "write amqp://HOST:5672/%2F"),
    ("publish -f e.json --port abc", 78, "ports go from 1 to 65535"),
    (
        "publish -f e.json --host amqp://localhost",
        78,
        "a URL goes to --url, MEDTRACK_URL or `url:`",
    ),
    ("publish -f e.json --password x", 2, "read -rs MEDTRACK_PASSWORD && export MEDTRACK_PASSWORD"),
    ("publish -f e.json --user x", 2, "medtrack publish -f e.json --username x"),
    ("publish -f e.json --username", 2, "medtrack publish -f e.json --username NAME"),
    ("publish -f e.json --json", 2, "medtrack publish -f e.json -o json"),
    ("publish -f e.json --profile nope", 78, "known: local, private, medtrack"),
    ("publish --list", 2, "medtrack schema list"),
    ("publish -f e.json --set email=a@b.org", 2, "did you mean payload.email?"),
    ("publish -f e.json --set payload.emial=a@b.org", 2, "did you mean payload.email?"),
    ("publish -f e.json --set payload.email", 2, "--set payload.email=a@example.org"),
    ("publish -f e.json --set =a", 2, "--set payload.email=a@example.org"),
    ("publish -f e.json --set", 2, "medtrack publish -f e.json --set payload.email=VALUE"),
    ("publish -f e.json --rate 10/s", 2, "medtrack publish -f e.json --rate 10"),
    ("publish -f e.json --timeout 10sec", 2, "medtrack publish -f e.json --timeout 10s"),
    ("publish -f e.json --timeout -1", 2, "medtrack publish -f e.json --timeout 10s"),
    ("publish -f e.json --header foo", 2, "--header x-origin=import"),
    ("publish -f e.json --property delivery_mode=2", 2, "events are always persistent"),
    ("publish -f e.json --property prio=2", 2, "did you mean priority?"),
    ("publish -f e.json --property priority=high", 2, "a whole number from 0 to 255"),
    ("publish -f e.json --seed x", 2, "medtrack publish -f e.json --seed 3"),
    ("publish -f e.json --window 0", 2, "medtrack publish -f e.json --window 500"),
    ("publish -f e.json --dryrun", 2, "medtrack publish -f e.json --dry-run"),
    ("publish -f e.json --dry", 2, "medtrack publish -f e.json --dry-run"),
    ("publish -f e.json -n", 2, "medtrack publish -f e.json --count 3"),
    ("publish -f e.json --keep_going", 2, "medtrack publish -f e.json --keep-going"),
    (
        "publish --file e.json --type student.created",
        2,
        "medtrack publish --file e.json student.created",
    ),
    ("publish --files e.json", 2, "medtrack publish -f e.json"),
    ("publish --filename=e.json", 2, "medtrack publish -f e.json"),
    ("publish --event student.created", 2, "medtrack publish student.created --count 1"),
    ("publish -f e.json -o yaml", 2, "medtrack publish -f e.json -o json"),
    ("publish -f e.json --output", 2, "medtrack publish -f e.json --output json"),
    ("publish -f e.json --format json", 2, "medtrack publish -f e.json -o json"),
    ("publish -f e.json --vhost", 2, "medtrack publish -f e.json --vhost NAME"),
    (
        "publish -f e.json --routing-key student.created",
        2,
        "medtrack publish -f e.json student.created",
    ),
    ("send e.json", 2, "medtrack publish -f e.json"),
    ("pub -f e.json", 2, "medtrack publish -f e.json"),
    ("publsh -f e.json", 2, "medtrack publish -f e.json"),
    ("subscribe", 2, "medtrack listen"),
    ("watch", 2, "medtrack listen"),
    ("check e.json", 2, "medtrack validate e.json"),
    ("validat e.json", 2, "medtrack validate e.json"),
    ("record", 2, "medtrack listen --record events.ndjson"),
    ("types", 2, "medtrack schema list"),
    ("list", 2, "medtrack schema list"),
    ("profiles", 2, "medtrack config show"),
    ("init", 2, "medtrack config init"),
    ("generate", 2, "medtrack publish student.created --count 1"),
    ("start", 2, "medtrack broker start"),
    ("status", 2, "medtrack broker status"),
    ("ping", 2, "medtrack doctor"),
    ("diff", 2, "medtrack schema diff old.json new.json"),
    ("--help-me", 2, "medtrack --help"),
    ("-V", 2, "medtrack --version"),
    ("-version", 2, "medtrack --version"),
    (
        "listen student.created,student.deleted --idle-timeout 0.01",
        0,
        "no known event type matches",
    ),
    (
        "listen 'student*' --idle-timeout 0.01",
        0,
        "no known event type matches 'student*': * is one whole",
    ),
    (
        "listen * --idle-timeout 0.01",
        0,
        "no known event type matches '*': * is one whole word, # any",
    ),
    (
        "listen e.json --idle-timeout 0.01",
        0,
        "'e.json' is a file here: did the shell make them of a",
    ),
    ("listen --type student.created", 2, "medtrack listen student.created"),
    ("listen --queue-name q", 2, "medtrack listen --queue q"),
    ("listen --queue ''", 2, "give it the name of a queue"),
    ("listen --where 'a = 1'", 2, "compare with ==: --where 'event.payload.score == 10'"),
    ("listen --where 'score < 10'", 2, "a field is asked for by its place: event.payload.score"),
    ("listen --where 'payload.score > 1'", 2, "a field is asked for by its place: event.payload"),
    (
        "listen --where 'event.payload.score > 1 and event.payload.x == 1'",
        2,
        "and is &&, or is ||, not is !: --where 'valid &&",
    ),
    ("listen --timeout ten", 2, "medtrack listen --timeout 10s"),
    ("listen --count all", 2, "medtrack listen --count 3"),
    ("listen --follow", 2, "medtrack listen"),
    ("listen --output-file x", 2, "medtrack listen --record x"),
    ("listen --rotate 10", 2, "--record FILE"),
    ("listen --list", 2, "medtrack schema list"),
    ("listen --expect student.craeted", 2, "did you mean student.created?"),
    ("listen -o table", 2, "medtrack listen -o json"),
    ("listen --format '{nope}'", 2, "known: event_type, payload, service"),
    ("validate", 2, "medtrack validate sample-events"),
    ("validate student.created", 66, "an event type is no path: publish TYPE -f FILE, validate"),
    ("validate -f e.json", 2, "medtrack validate e.json"),
    (
        "validate '*.jsn'",
        66,
        "event files are *.json, *.ndjson, *.jsonl (also .gz), *.yaml and *.yml",
    ),
    ("validate missing", 66, "no such file or folder: "),
    ("validate payload.json", 1, "then name its type: --as student.created"),
    ("validate tab.yaml", 1, "indent with spaces"),
    ("validate dots.yaml", 1, "remove the ..."),
    ("validate colon.yaml", 1, "write key: value, with a space"),
    ("validate bad.json", 1, "remove the comma"),
    ("validate --as student.craeted payload.json", 2, "did you mean student.created?"),
    ("validate --json e.json", 2, "medtrack validate -o json e.json"),
    ("validate -o sarff e.json", 2, "did you mean sarif?"),
    ("validate --list", 2, "medtrack schema list"),
    ("explain bad", 2, "explain lists them all"),
    ("explain requird", 2, "explain lists them all"),
    ("explain unroutabel", 2, "did you mean unroutable?"),
    ("replay", 2, "medtrack replay morning.ndjson --dry-run"),
    ("replay missing.ndjson", 66, "no such file or folder: "),
    ("replay student.created", 66, "an event type is no path: publish TYPE -f FILE, validate"),
    ("replay e.json --speed 2x", 2, "--speed 2 is twice as fast"),
    ("replay e.json --since yesterday", 2, "--since 2025-01-15T10:00:00Z"),
    ("replay e.json --since 2024-13-01", 2, "--since 2025-01-15T10:00:00Z"),
    ("replay e.json --since 12:00", 2, "--since 2025-01-15T10:00:00Z"),
    ("replay e.json --since 1h", 2, "--since 2025-01-15T10:00:00Z"),
    (
        "replay e.json --where 'score < 10'",
        2,
        "a field is asked for by its place: event.payload.score",
    ),
    ("replay -f e.json", 2, "medtrack replay e.json"),
    ("replay e.json --from 1", 2, "medtrack replay e.json --since 1"),
    ("stats", 2, "medtrack stats morning.ndjson"),
    ("stats student.created", 66, "an event type is no path: publish TYPE -f FILE, validate"),
    ("stats missing.ndjson", 66, "no such file or folder: "),
    ("stats -o htm e.json", 2, "medtrack stats -o json e.json"),
    ("schema list x", 2, "medtrack schema list"),
    ("schema ls", 2, "medtrack schema list"),
    ("schema show", 2, "medtrack schema show student.created"),
    ("schema show student.craeted", 2, "did you mean student.created?"),
    ("schema show e.json", 2, "medtrack schema list"),
    ("schema show student.created 9", 2, "medtrack schema show student.created --version 9"),
    ("schema show student.created@9", 2, "did you mean student.created?"),
    ("schema show student.created --version 9", 2, "known: 1.0"),
    ("schema get student.created", 2, "medtrack schema show student.created"),
    ("schema diff", 2, "medtrack schema diff old.json new.json"),
    ("schema diff student.created@1 student.created@2", 2, "known: 1.0"),
    ("schema diff student.craeted student.created", 2, "did you mean student.created?"),
    ("schema check", 2, "name a folder, or set `schemas` in medtrack.yaml"),
    ("config list", 2, "medtrack config show"),
    ("config set host x", 2, "medtrack config path"),
    ("config show nope", 2, "medtrack config show --profile nope"),
    ("config edit", 2, "medtrack config path"),
    ("broker run", 2, "medtrack broker start"),
    ("broker down", 2, "medtrack broker stop"),
    ("broker restart", 2, "medtrack broker stop && medtrack broker start"),
    ("demo x", 2, "medtrack demo"),
    ("medtrack publish -f e.json", 2, "medtrack publish -f e.json"),
    (
        """publish -d '{"student_id": "x", "user_id": "y"}'""",
        1,
        "then name its type: publish student.deleted -d JSON",
    ),
    ("validate unknown.json", 1, "no such event type is known: student.craeted"),
    (
        "listen --idle-timeout 0.01 --url amqp://localhost/",
        0,
        "a URL that ends in / says so; the vhost / is",
    ),
    (
        "replay old.ndjson --since 2030-01-01",
        0,
        "the recording is of 2026-01-01T10:00:00.000000Z to 2026-01-02T10:00:00.000000Z",
    ),
    (
        "replay old.ndjson --until 2020-01-01T00:00:00Z --dry-run",
        0,
        "dry run: nothing would be sent",
    ),
    ("schema diff e.json e.json", 65, "medtrack schema export student.created"),
    ("schema diff student.created student.created", 0, "both are student.created 1.0 (known: 1.0"),
    ("schema diff student.created user.created", 1, "two event types: a reader of one reads"),
    ("--profile", 2, "medtrack --profile NAME"),
    ("e.json", 2, "medtrack validate e.json"),
    (
        "publish -f e.json --url amqp://u:hunter2@rabbit.prod/%2F --dryrun",
        2,
        "medtrack publish -f e.json --url 'amqp://u:***@rabbit.prod/%2F' --dry-run",
    ),
    (
        "publish -f e.json --url u:hunter2@rabbit.prod --dryrun",
        2,
        "medtrack publish -f e.json --url 'u:***@rabbit.prod' --dry-run",
    ),
    ("publish --host h2 --count 3", 2, "medtrack publish student.created --host h2 --count 3"),
    (
        "publish --profile production --vhost v -q student.created 3",
        2,
        "medtrack publish --profile production --vhost v -q student.created --count 3",
    ),
    ("publish -u admin:hunter2 -f e.json", 2, "medtrack publish --username admin -f e.json"),
    (
        "publish -f e.json --url amqps://rabbit.prod --usernam x",
        2,
        "medtrack publish -f e.json --url amqps://rabbit.prod --username x",
    ),
    (
        "send e.json --password=hunter2",
        2,
        "read -rs MEDTRACK_PASSWORD && export MEDTRACK_PASSWORD",
    ),
    ("--record x.ndjson listen 'student.*'", 2, "medtrack listen --record x.ndjson 'student.*'"),
    ("-f e.json publish", 2, "medtrack publish -f e.json"),
    (
        "publish student.created email=a@b.org",
        2,
        "medtrack publish student.created --set payload.email=VALUE",
    ),
    (
        "publish student.created payload.email=a@b.org 2",
        2,
        "medtrack publish student.created --set payload.email=VALUE --count 2",
    ),
    ("publish student.created '{\"a\": 1}'", 2, "medtrack publish student.created -d JSON"),
    ("publish student.created --count=1,000", 2, "medtrack publish student.created --count 1000"),
    ("schema --profile x list", 2, "medtrack schema list --profile x"),
    ("listen -c 3", 2, "medtrack listen --count 3"),
    ("listen -qo yaml", 2, "medtrack listen --help"),
    (
        "listen --broker rabbit.prod student.created",
        2,
        "medtrack listen --host rabbit.prod student.created",
    ),
    (
        "listen --server amqp://rabbit.prod/%2F student.created",
        2,
        "medtrack listen --url amqp://rabbit.prod/%2F student.created",
    ),
    ("publish -f e.json --dry-run=yes", 2, "medtrack publish -f e.json --dry-run"),
    ("config show prod", 2, "medtrack config show --profile prod"),
    ("publish student.created user.created", 2, "medtrack publish student.created --count 1"),
    ("validate e.json --jsn", 2, "medtrack validate e.json -o json"),
    ("-profile production listen", 2, "medtrack --profile production listen"),
    ("publish 'e.json' -x", 2, "medtrack publish --help"),
    ("schema diff student.created@1.0", 2, "medtrack schema diff student.created@1.0 new.json"),
    (
        "replay --profile production",
        2,
        "medtrack replay --profile production morning.ndjson --dry-run",
    ),
    ("replay e.json -s 2", 2, "medtrack replay e.json --speed 2"),
    ("help publsh", 2, "medtrack --help"),
    ("broker start --port 5672", 2, "medtrack broker start --help"),
    ("publish --profile medtrack e.json", 2, "medtrack publish --profile medtrack -f e.json"),
    ("--profile medtrack publish e.json", 2, "medtrack --profile medtrack publish -f e.json"),
    (
        "--profile medtrack publish student.created --dry-run",
        2,
        "medtrack --profile medtrack publish student.created --count 1 --dry-run",
    ),
    (
        "publish --count 3 --url amqp://other/%2F",
        2,
        "medtrack publish student.created --count 3 --url amqp://other/%2F",
    ),
    ("subscrbe 'student.*'", 2, "medtrack listen 'student.*'"),
    ("publish -e student.created", 2, "medtrack publish student.created --count 1"),
    (
        "publish created --count 1",
        2,
        "did you mean student.created or user.created or stage.created or evaluation.created?",
    ),
    (
        "schema show student",
        2,
        "did you mean student.created or student.updated or student.deleted?",
    ),
    ("schema student.created", 2, "medtrack schema show student.created"),
    ("listen --timeout 1week", 2, "medtrack listen --timeout 10s"),
    ("listen --timeout '10 seconds'", 2, "medtrack listen --timeout 10s"),
    ("listen --timeout 5min", 2, "medtrack listen --timeout 5m"),
    ("publish student.created --count 10k", 2, "medtrack publish student.created --count 3"),
    (
        "listen --where 'event.payload.score <'",
        2,
        "write all of it: --where 'event.payload.score < 10'",
    ),
    ("replay e.json --speed", 2, "medtrack replay e.json --speed 2"),
    ("help foo", 2, "medtrack --help"),
    (
        "publish student.created --file",
        2,
        "medtrack publish student.created --file sample-events/student.created.json",
    ),
    ("publish *.json", 2, "medtrack publish -f '*.json'"),
    (
        "publish --set payload.email=a@b.org",
        2,
        "medtrack publish student.created --set payload.email=VALUE",
    ),
    ("publish studentcreated", 2, "did you mean student.created?"),
    ("publish Student.Created --count 1", 2, "did you mean student.created?"),
    ("publish student-created --count 1", 2, "did you mean student.created?"),
    ("publish -f e.json --message_id x", 2, "medtrack publish -f e.json --message-id x"),
    ("publish -f e.json --retry 5", 2, "medtrack publish -f e.json --retry-for 5"),
    ("publish -d", 2, "medtrack publish -d JSON"),
    (
        "listen student.created --record",
        2,
        "medtrack listen student.created --record events.ndjson",
    ),
    ("listen --expect student.created:x", 2, "--expect student.created:3"),
    ("validate e.json -o", 2, "medtrack validate e.json -o json"),
    ("validate e.json --strict=yes", 2, "medtrack validate e.json --strict"),
    ("validate e.json --explain", 2, "medtrack validate e.json --explain RULE"),
    ("replay e.json --invalid drop", 2, "medtrack replay e.json --invalid send"),
    ("schema example", 2, "medtrack schema example student.created"),
    ("schema diff old.json", 2, "medtrack schema diff old.json new.json"),
    ("config show --url", 2, "medtrack config show --url amqp://HOST:5672/%2F"),
    ("config shw", 2, "medtrack config show"),
    ("config path x", 2, "medtrack config path"),
    ("stats e.json --html", 2, "medtrack stats e.json --html FILE"),
    ("doctor --file", 2, "medtrack doctor --file sample-events/student.created.json"),
    ("replay e.json --since 2025-01-02 --until 2025-01-01", 2, "swap the two times"),
    *(
        (f"replay e.json --until {time}", 2, "or --until -2h for two hours ago")
        for time in ("10:00", "2h", "yesterday", "15.01.2025", "1736935200")
    ),
    *(
        (f"listen --until {time} --idle-timeout 0.01", 2, "--timeout 10m ends any listen")
        for time in ("10:00", "2020-01-01T00:00:00Z")
    ),
    (
        "publish student.created --set 'payload={}'",
        2,
        "a field at a time, such as payload.last_name; -d takes a whole payload",
    ),
    ("client", 2, "medtrack client python"),
    ("client ruby", 2, "medtrack client python"),
    ("completion powershell", 2, "medtrack completion bash"),
    ("archive create", 2, "medtrack archive create --bind '#' --accept-loss"),
    ("simulate show 5", 2, "medtrack simulate show student 550e8400-e29b-41d4-a716-446655440000"),
    ("simulate run --fail-rate 20%", 2, "medtrack simulate run --fail-rate 0.2"),
    ("queue watch --until 10s", 2, "for a time --timeout 10m"),
    (
        "listen --rotate 10 --record r.ndjson --idle-timeout 0.01",
        2,
        "--rotate 10MB is a size, --rotate 10m a time",
    ),
    (
        "listen --rotate 10M --record r.ndjson --idle-timeout 0.01",
        2,
        "--rotate 10MB is a size, --rotate 10m a time",
    ),
]
"""A command line, its exit code, and what is said at least."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Start in a folder as a beginner has it: paths of the command line are the process's."""
    path = tmp_path_factory.mktemp("beginner")
    (path / "e.json").write_bytes(SAMPLE.read_bytes())
    (path / "payload.json").write_text(PAYLOAD, "utf-8")
    (path / "bad.json").write_text('{"a": 1,}', "utf-8")
    (path / "tab.yaml").write_text("a:\n\tb: 1\n", "utf-8")
    (path / "dots.yaml").write_text("...\n", "utf-8")
    (path / "colon.yaml").write_text("event:student\npayload: 1\n", "utf-8")
    (path / "events").mkdir()
    (path / "unknown.json").write_text(SAMPLE.read_text("utf-8").replace("created", "craeted"))
    rows = ({**RECORDED, "received_at": f"2026-01-0{n}T10:00:00Z"} for n in (1, 2))
    (path / "old.ndjson").write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path)
        yield path


@pytest.mark.parametrize(("line", "code", "wanted"), SLIPS, ids=[each[0] for each in SLIPS])
def test_a_slip_is_answered(folder: Path, line: str, code: int, wanted: str) -> None:
    """A slip has its exit code and its sentence, and sends nothing that wasn't asked for."""
    if "--where '" in line and not HAS_CEL:
        wanted = "pip install 'medtrack[where]'"
    broker = MemoryBroker(wants_all=True)
    said = run(*shlex.split(line), folder=folder, broker=broker)
    assert said.code == code
    told = " ".join(f"{said.err} {said.out}".replace('\\"', '"').split())
    if wanted.startswith("medtrack "):
        assert told.endswith(f"hint: {wanted}") or f'"hint":"{wanted}"' in told
    assert wanted in told
    assert "hunter2" not in told
    assert not broker.sent


COMMANDS = {each for row in SLIPS for each in row[2].split(" && ") if each.startswith("medtrack ")}


@pytest.mark.parametrize("line", sorted(COMMANDS))
def test_a_hint_is_a_command(line: str) -> None:
    """A command that a hint names can be read: nothing of it is a slip again."""
    words = shlex.split(line)[1:]
    command: Any = tree()
    while (at := next((w for w in words if w in getattr(command, "commands", ())), None)) and at:
        command = command.commands[at]
        words.remove(at)
    if not {"--help", "--version"} & {*words}:
        command.make_context("medtrack", words)
