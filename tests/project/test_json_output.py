"""docs/json-output.md holds for all that the tool prints."""

import json
import re
import shutil
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import jsonschema_rs
import pytest

from medtrack_cli import private_broker as private
from medtrack_cli.command_line import command_of
from medtrack_cli.core.doctor.results import Check
from medtrack_cli.core.explanations import Group
from medtrack_cli.core.kinds import Kind
from medtrack_cli.core.messages import Outcome
from medtrack_cli.core.topology.lint_rules import TopologyRule
from medtrack_cli.errors import MedtrackError
from medtrack_cli.events.findings import Rule
from tests.broker.witness import client
from tests.cli.tool import COMMAND, Ran, Tool
from tests.project.pages import ROOT, blocks

PAGE = ROOT / "docs/json-output.md"
DEFINITIONS = str(ROOT / "medtrack_cli/samples/definitions.json")
FILES = "file"  # neither stdout nor stderr: what is in a recording

Records = dict[tuple[str, str], list[dict[str, Any]]]
"""By stream and kind."""


class Documented(NamedTuple):
    """What the page says of a kind."""

    stream: str
    schema: dict[str, Any]
    example: dict[str, Any]


@cache
def documented() -> dict[str, Documented]:
    """Read the page: a section a kind, which says where it is printed."""
    sections = re.split(r"^### (\w+)\n", PAGE.read_text(), flags=re.MULTILINE)[1:]
    found = {}
    for kind, text in zip(sections[::2], sections[1::2], strict=True):
        parts = {name: json.loads(body) for name, body in blocks(text, "json")}
        (stream,) = re.findall(r"^(?:On|In a) (stdout|stderr|file)\. ", text, re.MULTILINE)
        found[kind] = Documented(stream, parts["schema"], parts["example"])
    return found


def test_every_kind_is_documented() -> None:
    """Each kind that can be printed has a section, and each section is of such a kind."""
    assert documented().keys() == set(Kind)


def test_schemas_are_closed() -> None:
    """A property that no schema names is never printed: each object with properties is closed."""

    def objects(schema: object) -> Iterator[dict[str, Any]]:
        if isinstance(schema, list):
            for each in schema:
                yield from objects(each)
        elif isinstance(schema, dict):
            if "properties" in schema:
                yield schema
            yield from objects(list(schema.get("properties", {}).values()))
            yield from objects([schema.get("items"), schema.get("oneOf")])

    for kind, known in documented().items():
        assert known.schema["properties"]["kind"] == {"const": kind}
        assert [each for each in objects(known.schema) if each["additionalProperties"]] == []


@pytest.mark.parametrize("kind", documented())
def test_examples_fit_their_schemas(kind: str) -> None:
    """The example of a kind is one."""
    assert problems(kind, documented()[kind].example) == []


def error_codes() -> set[str]:
    """Name the codes of all errors; one that only adds to another has its code."""
    families = MedtrackError.__subclasses__()
    return {each.code for family in families for each in (family, *family.__subclasses__())}


@pytest.mark.parametrize(
    ("kind", "name", "values"),
    [
        ("receipt", "outcome", list(Outcome)),
        ("finding", "rule", [*Rule, *TopologyRule]),
        ("error", "code", sorted(error_codes())),
        ("explanation", "group", list(Group)),
        ("check", "id", list(Check)),
    ],
)
def test_choices_are_complete(kind: str, name: str, values: list[str]) -> None:
    """A schema that lists what a value can be lists all that the code has."""
    assert sorted(documented()[kind].schema["properties"][name]["enum"]) == sorted(values)


def problems(kind: str, record: object) -> list[str]:
    """Hold a record against the schema of its kind."""
    validator = jsonschema_rs.Draft202012Validator(documented()[kind].schema, validate_formats=True)
    return [f"{kind}: {error.message}" for error in validator.iter_errors(record)]


IN_BACKGROUND = ("sh", "-c", 'trap "" INT; exec "$@"', "sh")
"""As a script's `medtrack demo &`: Ctrl-C is ignored from the start."""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("is_whole", [False, pytest.param(True, marks=pytest.mark.long)])
def test_real_output_fits_the_schemas(connected: Tool, *, is_whole: bool) -> None:
    """What commands print is said where the page says, and fits its schema; in all every kind."""
    shutil.copytree(ROOT / "sample-events", connected.folder / "sample-events")
    seen: Records = defaultdict(list)
    more = brokers(connected) if is_whole else ()
    for ran in (*files_and_settings(connected), *deliveries(connected), *more):
        collect(seen, ran)
    for name in ("all.ndjson", "mark", "state/medtrack/replays/kept.journal"):
        lines = (connected.folder / name).read_text().splitlines(keepends=True)
        kinds = "".join(line for line in lines if line.startswith('{"kind"'))
        collect(seen, Ran(0, kinds, ""), out=FILES)

    places = {(known.stream, kind) for kind, known in documented().items()}
    assert seen.keys() - places == {(FILES, "event")}
    assert not is_whole or places - seen.keys() == set()
    assert [
        found
        for (_, kind), records in seen.items()
        for each in records
        for found in problems(kind, each)
    ] == []


def collect(seen: Records, ran: Ran, out: str = "stdout") -> None:
    """Sort what a run printed by stream and kind; plain lines are for stderr alone."""
    for line in ran.out.splitlines():
        record = json.loads(line) if line.startswith("{") else {"kind": f"no object: {line!r}"}
        seen[out, record["kind"]].append(record)
    for line in ran.err.splitlines():
        if line.startswith("{"):
            record = json.loads(line)
            seen["stderr", record["kind"]].append(record)


def files_and_settings(tool: Tool) -> Iterator[Ran]:
    """Run what needs no broker."""
    valid = (ROOT / "sample-events/student.created.json").read_text()
    typo = tool.write("typo.json", valid.replace("first_name", "first_nmae"))
    for folder in ("old", "new", "bad"):
        (tool.folder / folder / "room.booked").mkdir(parents=True)
    seats = {"type": "integer", "minimum": 1}
    schema: dict[str, Any] = {"type": "object", "properties": {"seats": seats}}
    tool.write("old/room.booked/1.0.json", json.dumps(schema))
    seats["minimum"] = 10
    tool.write("new/room.booked/1.0.json", json.dumps(schema))
    tool.write("bad/room.booked/1.0.json", '{"type": "strin"}')
    emptied = tool.write(
        "emptied.json", '{"exchanges": [{"name": "medtrack.events", "type": "topic"}]}'
    )
    for arguments in (
        ("schema", "check", "new"),
        ("schema", "check", "bad"),
        ("schema", "check", "new", "--against", "old"),
        ("schema", "diff", "old/room.booked/1.0.json", "new/room.booked/1.0.json"),
        ("validate", typo, "missing.json", "sample-events"),
        ("validate", "--list-rules"),
        ("validate", "--explain", "bad_format"),
        ("explain",),
        ("explain", "unroutable"),
        ("explain", "69"),
        ("publish", "-f", typo),
        ("publish", "-f", "sample-events", "--dry-run"),
        ("schema", "list"),
        ("schema", "show", "student.updated"),
        ("schema", "show", "stage.completed"),
        ("config", "show"),
        ("config", "show", "--profile", "medtrack"),
        ("config", "init"),
        ("config", "init"),
        ("config", "path"),
        ("config", "check"),
        ("route", "user.created", "no.body", "--definitions", DEFINITIONS),
        ("topology", "lint", "--definitions", DEFINITIONS),
        ("topology", "diff", DEFINITIONS, emptied),
        ("version",),
        ("spec",),
        ("doctor",),
        ("doctor", "--list"),
    ):
        yield tool.run(*arguments, "-o", "json")


def deliveries(tool: Tool) -> Iterator[Ran]:
    """Publish, listen, record and replay, a message that is no event among them."""
    listener = tool.listen("--record", "all.ndjson", "--count", "3")
    registration = ("publish", "-f", "sample-events/registration.yaml", "--checkpoint", "mark")
    yield tool.run(*registration, "-o", "json")
    with client(tool.environ["MEDTRACK_URL"]) as channel:
        channel.basic_publish("medtrack.events", "no.event", b"\xff\x00")
    yield listener.end()
    for more in (["--dry-run"], ["--name", "kept"], ["--invalid", "fail"], ["--invalid", "skip"]):
        yield tool.run("replay", "all.ndjson", "--speed", "max", *more, "-o", "json")
    yield tool.run("replay", "--runs", "-o", "json")
    yield tool.run("stats", "all.ndjson", "-o", "json")
    yield tool.run("listen", "--timeout", "0.1")


def simulated(tool: Tool, environ: dict[str, Any]) -> Iterator[Ran]:
    """Let a service handle a stage, as expected, and say what it did; end the stage."""
    tool.write("expect.yaml", "expect: [stage.created]\nnever: [student.deleted]\n")
    asked = ("--assert", "expect.yaml", "--within", "3s", "-o", "json")
    running = tool.start("simulate", "run", "eval", *asked, **environ)
    running.await_text('"listening"')
    created = "sample-events/stage.created.json"
    yield tool.run("publish", "-f", created, "-o", "json", **environ)
    yield running.end()
    stage = json.loads((tool.folder / created).read_text())["payload"]["stage_id"]
    for words in (("show", "stage", stage), ("complete", stage), ("reset", "--yes")):
        yield tool.run("simulate", *words, "-o", "json", **environ)


def brokers(tool: Tool) -> Iterator[Ran]:
    """Start a private broker, cut a listener off from it, stop it; run the demo."""
    started = tool.run("broker", "start", "--install", "-o", "json", seconds=300)
    yield started
    environ = {"MEDTRACK_URL": started.summary["url"]}
    listener = tool.start("listen", "-o", "json", "--count", "1", **environ)
    listener.await_text('"listening"')
    running = private.status(private.state_folder(tool.environ, "default"))
    assert running is not None
    private.rabbitmqctl(running, "close_all_connections", "a test")
    listener.await_text('"resumed"')
    yield tool.run("publish", "-f", "sample-events/user.created.json", "-o", "json", **environ)
    yield listener.end()
    yield tool.run(
        *("queue", "declare", "q", "--bind", "a", "--type", "classic", "-o", "json"), **environ
    )
    yield tool.run("queue", "list", "q", "-o", "json", **environ)
    yield tool.run("archive", "create", "--bind", "#", "--accept-loss", "-o", "json", **environ)
    yield tool.run("archive", "show", "medtrack.archive", "-o", "json", **environ)
    yield from simulated(tool, environ)
    for verb in ("status", "stop", "status"):
        yield tool.run("broker", verb, "-o", "json")
    demo = tool.start("demo", "-o", "json", command=(*IN_BACKGROUND, *COMMAND)).end(100)
    assert demo.code == 0, demo.err
    printed = {each["kind"] for each in demo.records}
    assert printed <= set(command_of("medtrack demo")["kinds"])
    yield demo
