"""Added event types in every command, and `medtrack schema`."""

import json
import re
from typing import Any

import pytest

from tests.broker.witness import Witness
from tests.cli.added import ROOM, ROOM_BOOKED, STUDENT_2, booked, project, schema, whole
from tests.cli.tool import ROOT, Ran, Tool
from tests.files.test_old_schemas import git

STUDENT = {"student_id": ROOM, "cin": 7}


@pytest.fixture
def added(tool: Tool) -> Tool:
    """Give the tool in a project with types of its own."""
    project(tool)
    return tool


@pytest.fixture
def joined(connected: Tool) -> Tool:
    """Give the same with a broker."""
    project(connected)
    return connected


def ndjson(*events: dict[str, Any]) -> str:
    """Write events as NDJSON."""
    return "".join(json.dumps(each) + "\n" for each in events)


def test_added_types_are_listed_and_shown(added: Tool) -> None:
    """`schema list` and `show` know added types and versions, with all that they say."""
    listed = added.run("schema", "list", "-o", "json").records
    names = [(each["event_type"], each["version"]) for each in listed]
    assert len(names) == 10
    assert ("room.booked", "1.0") in names
    assert names.index(("student.created", "1.0")) + 1 == names.index(("student.created", "2.0"))
    shown = added.run("schema", "show", "room.booked", "-o", "json").summary
    assert shown["description"] == "A room has been booked."
    assert shown["published_by"] == "the facility service"
    assert shown["example"]["payload"]["code"] == "0123"
    text = added.run("schema", "show", "room.booked").out
    for word in ("the facility service", "tells the student", "room_id", "the room", "uuid"):
        assert word in text
    assert "2.0" in added.run("schema", "show", "student.created").out
    assert "1.0" in added.run("schema", "show", "student.created", "--version", "1.0").out


@pytest.mark.parametrize(
    ("event_type", "version"),
    [("room.booked", "1.0"), ("student.created", "2.0"), ("student.created", "1.0")],
)
def test_an_example_is_valid(added: Tool, event_type: str, version: str) -> None:
    """What `schema example` prints passes `validate`, and the schema that `export` prints."""
    example = added.run("schema", "example", event_type, "--version", version)
    assert json.loads(example.out)["version"] == version
    added.write("example.json", example.out)
    assert added.run("validate", "example.json").code == 0
    exported = added.run("schema", "export", event_type, "--version", version)
    assert json.loads(exported.out)["examples"] == [json.loads(example.out)]


def test_a_type_without_an_example_says_so(added: Tool) -> None:
    """Without `examples` in its schema there is no example, no generated event: exit code 2."""
    schema(added, "room.freed/1.0.json", {"type": "object"})
    for arguments in (("schema", "example", "room.freed"), ("publish", "room.freed", "--count=1")):
        ran = added.run(*arguments)
        assert (ran.code, "add `examples`" in ran.err) == (2, True), ran.err


SPOILT = [
    booked(floor=99),
    booked(code="12"),
    booked(romm=1),
    {**booked(), "payload": {"code": "0123"}},
    booked(version="2.0"),
    whole("student.created", {"student_id": ROOM, "cin": "seven"}, "2.0"),
    whole("student.created", STUDENT, "1.0"),
]
RULES = [
    {("out_of_range", "/payload/floor")},
    {("invalid_value", "/payload/code")},
    {("unknown_field", "/payload/romm")},
    {("missing_field", "/payload/room_id")},
    {("unknown_version", "/version")},
    {("wrong_type", "/payload/cin")},
]


def test_findings_are_the_same_in_every_syntax(added: Tool) -> None:
    """JSON, NDJSON and YAML of an invalid event of an added type: same rules, right places."""
    for number, event in enumerate(SPOILT[: len(RULES)]):
        pretty = json.dumps(event, indent=2)
        added.write(f"{number}.json", pretty)
        added.write(f"{number}.yaml", pretty)  # JSON is YAML
        added.write(f"{number}.ndjson", ndjson(event))
    found: dict[str, list[Any]] = {}
    for syntax in ("json", "yaml", "ndjson"):
        files = [f"{number}.{syntax}" for number in range(len(RULES))]
        ran = added.run("validate", *files, "-o", "json")
        assert ran.code == 1
        found[syntax] = []
        for each in ran.of_kind("finding"):
            line, rule, pointer = each["line"], each["rule"], each["pointer"]
            text = (added.folder / each["file"]).read_text().splitlines()[line - 1]
            key = text.find(f'"{pointer.rsplit("/", 1)[1]}": ') + 1
            value = key + len(pointer.rsplit("/", 1)[1]) + 4
            opening = text.find('"payload": {') + 12
            places = {"unknown_field": key, "missing_field": opening}
            assert each["column"] == places.get(rule, value)
            found[syntax].append((each["file"].split(".")[0], line, rule, pointer))
    assert found["json"] == found["yaml"]
    assert [{each[2:] for each in found["ndjson"] if each[0] == str(n)} for n in range(6)] == RULES
    assert [(n, *rest) for n, _, *rest in found["json"]] == [
        (n, *rest) for n, _, *rest in found["ndjson"]
    ]


YAML = """\
event_type: room.booked
payload:
  room_id: 550e8400-e29b-41d4-a716-446655440000
  code: 0123
  floor: 3
  tags: [01, yes, 1.50, ~x]
service: 7
timestamp: 2025-01-15T10:00:00Z
version: 1.0
---
event_type: student.created
payload: {student_id: 550e8400-e29b-41d4-a716-446655440000, cin: 1234567}
service: s
timestamp: 2025-01-15T10:00:00Z
version: 2.0
---
event_type: student.deleted
payload: {student_id: 550e8400-e29b-41d4-a716-446655440000, user_id: 660e9500-f39c-52e5-b827-557766551111}
service: s
timestamp: 2025-01-15T10:00:00Z
version: 1.0
"""  # noqa: E501 -- one event


def test_yaml_scalars_keep_their_text(added: Tool) -> None:
    """Where the version's schema wants a string, 0123 and yes stay texts; a number is a number."""
    added.write("events.yaml", YAML)
    assert added.run("validate", "events.yaml").code == 0
    ran = added.run("publish", "-f", "events.yaml", "--dry-run", "-o", "json")
    first, second, _ = (json.loads(each["body_text"]) for each in ran.of_kind("message"))
    assert first["payload"]["code"] == "0123"
    assert first["payload"]["tags"] == ["01", "yes", "1.50", "~x"]
    assert first["payload"]["floor"] == 3
    assert second["payload"]["cin"] == 1234567


def test_the_version_of_an_event_says_how_its_yaml_is_read(added: Tool) -> None:
    """The same field is a text in version 1.0 and a number in 2.0."""
    fields = "cin: 01234567, student_id: 550e8400-e29b-41d4-a716-446655440000"
    for version, valued in (("1.0", "01234567"), ("2.0", None)):
        text = f"event_type: student.created\npayload: {{{fields}}}\nversion: {version}\n"
        added.write("event.yaml", text)
        ran = added.run("validate", "event.yaml", "-o", "json")
        cin = [each for each in ran.of_kind("finding") if each["pointer"] == "/payload/cin"]
        assert (cin == []) is (valued is not None)


VERSIONS: list[tuple[dict[str, Any], set[str]]] = [
    (whole("student.created", STUDENT, "2.0"), set()),
    (whole("student.created", STUDENT, "2.7"), {"newer_minor_version"}),
    (whole("student.created", STUDENT, "3.0"), {"unknown_version"}),
    (whole("student.created", STUDENT, "0.9"), {"unknown_version"}),
    (booked("1.3"), {"newer_minor_version"}),
    (whole("room.freed", {"a": 1}, "2.3"), set()),
    (whole("room.freed", {"a": 1, "b": 1}, "2.4"), {"unknown_field"}),
    (whole("room.freed", {"a": 1, "b": 1}, "2.5"), set()),
    (whole("room.freed", {"a": 1, "b": 1}, "2.6"), {"newer_minor_version"}),
    (whole("room.freed", {"a": 1}, "2.1"), {"unknown_version"}),
]


def test_the_version_chooses_the_contract(added: Tool) -> None:
    """An event is judged by its own version; between two known minors by the lower one."""
    freed: dict[str, Any] = {
        "type": "object",
        "properties": {"a": {}},
        "additionalProperties": False,
    }
    schema(added, "room.freed/2.3.json", freed)
    schema(added, "room.freed/2.5.json", {**freed, "properties": {"a": {}, "b": {}}})
    added.write("events.ndjson", ndjson(*(event for event, _ in VERSIONS)))
    ran = added.run("validate", "events.ndjson", "-o", "json")
    for line, (_, rules) in enumerate(VERSIONS, 1):
        found = {each["rule"] for each in ran.of_kind("finding") if each["line"] == line}
        assert found == rules, line
    assert ran.summary["invalid"] == 4


def test_workers_know_added_types(added: Tool) -> None:
    """With --jobs 2 the findings are those of one process."""
    for number in range(6):
        added.write(f"{number}.ndjson", ndjson(*[booked()] * 50, *SPOILT))
    files = [f"{number}.ndjson" for number in range(6)]
    one = added.run("validate", *files, "-o", "json", "--jobs", "1")
    two = added.run("validate", *files, "-o", "json", "--jobs", "2")
    assert one.code == two.code == 1
    assert one.of_kind("finding") == two.of_kind("finding")
    assert two.summary["invalid"] == 6 * len(SPOILT)


def test_added_types_travel(joined: Tool, witness: Witness) -> None:
    """Published, heard, recorded and replayed: an added type is valid or not as a built-in one."""
    joined.write("good.ndjson", ndjson(booked(), whole("student.created", STUDENT, "2.0")))
    joined.write("bad.ndjson", ndjson(booked(floor=99)))
    listening = joined.listen("--record", "all.ndjson", "--count", "3")
    assert joined.run("publish", "-f", "good.ndjson").code == 0
    refused = joined.run("publish", "-f", "bad.ndjson", "-o", "json")
    assert (refused.code, refused.summary["invalid"]) == (1, 1)
    assert joined.run("publish", "-f", "bad.ndjson", "--no-validate").code == 0
    heard = listening.end().of_kind("event")
    assert [(each["routing_key"], each["valid"]) for each in heard] == [
        ("room.booked", True),
        ("student.created", True),
        ("room.booked", False),
    ]
    assert [each["rule"] for each in heard[2]["findings"]] == ["out_of_range"]
    assert len(witness.take()) == 3
    assert joined.run("validate", "all.ndjson", "-o", "json").summary["invalid"] == 1
    for how, code, sent in (("send", 0, 3), ("skip", 0, 2), ("fail", 1, 2)):
        ran = joined.run("replay", "all.ndjson", "--speed", "max", "--invalid", how, "-o", "json")
        assert (ran.code, ran.summary["confirmed"]) == (code, sent), ran.err
        assert len(witness.take()) == sent


FAULTS: dict[str, tuple[str | object, str]] = {
    "room.freed/1.0.json": ('{"type": "object",}', ":1:18"),
    "room.freed/1.1.yaml": ("type: [object\n", ":2:1"),
    "room.freed/1.2.json": ({"$schema": "http://json-schema.org/draft-07/schema#"}, ":1:13"),
    "room.freed/1.3.json": ({"type": "object", "$ref": "https://example.org/a"}, ":1:28"),
    "room.freed/1.4.json": ({"type": "object", "properties": {"a": {"format": "x"}}}, ":1:1"),
    "room.freed/1.5.json": ({"type": "object", "properties": {"a": {"pattern": "("}}}, ":1:1"),
    "room.freed/1.6.yaml": ("type: object\nrequired: [a]\nexamples: [{b: 1}]\n", ":3:12"),
    "room.freed/first.json": ({"type": "object"}, ":1:1"),
    "room.booked/1.0.json": ({"type": "object"}, ":1:1"),
    "student.created/1.0.json": ({"type": "object"}, ":1:1"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_broken_schema_stops_validate(added: Tool, name: str) -> None:
    """A schema that can't be used is exit code 65 with its place."""
    content, place = FAULTS[name]
    schema(added, name, content)
    if name == "room.booked/1.0.json":
        name = "room.booked/1.0.yaml"  # the second in order is the fault
    ran = added.run("validate", added.write("event.json", json.dumps(booked())))
    assert ran.code == 65
    assert f"{name}{place}" in ran.err
    assert "schema check" in ran.err


def test_a_broken_schema_stops_every_command(added: Tool) -> None:
    """Whatever needs the registry ends with 65, before a broker is asked for anything."""
    schema(added, "room.freed/1.0.json", "{")
    added.write("event.json", json.dumps(booked()))
    for arguments in (
        ("publish", "-f", "event.json"),
        ("listen",),
        ("replay", "event.json"),
        ("schema", "list"),
        ("schema", "show", "user.created"),
        ("schema", "diff", "user.created", "user.created"),
    ):
        ran = added.run(*arguments)
        assert (ran.code, "room.freed/1.0.json:1:2" in ran.err) == (65, True), (arguments, ran)
        assert "connecting" not in ran.err


def test_schema_check_lists_every_fault(added: Tool) -> None:
    """`schema check` tells all faults of all files at once, as lines of JSON too."""
    for name, (content, _) in FAULTS.items():
        schema(added, name, content)
    ran = added.run("schema", "check", "-o", "json")
    assert ran.code == 65
    assert {each["kind"] for each in ran.records} == {"schema_fault"}
    found = [each["place"].split("/schemas/")[1] for each in ran.records]
    expected = [f"{name}{place}" for name, (_, place) in FAULTS.items() if "booked" not in name]
    assert sorted(found) == sorted([*expected, "room.booked/1.0.yaml:1:1"])
    assert added.run("schema", "check").out.count("room.freed") == 8


def test_a_missing_folder_is_a_fault(added: Tool) -> None:
    """A folder of the configuration that isn't there is exit code 65 everywhere."""
    added.write("medtrack.yaml", "schemas: [./schemas, ./nowhere]\n")
    for arguments in (("schema", "check"), ("schema", "list"), ("listen", "--count", "1")):
        ran = added.run(*arguments)
        assert ran.code == 65, ran
        assert "no such folder of schemas" in ran.out + ran.err
        assert "nowhere" in ran.out + ran.err


def test_a_sound_folder(added: Tool) -> None:
    """All sound is exit code 0 and a number; no folder at all is exit code 2."""
    ran = added.run("schema", "check", "-o", "json")
    assert (ran.code, ran.records) == (0, [{"kind": "checked", "schemas": 2, "exit_code": 0}])
    added.write("medtrack.yaml", "service: tests\n")
    assert added.run("schema", "check").code == 2
    assert added.run("schema", "check", "schemas").code == 0


def room(*, required: tuple[str, ...] = ("room_id",), **fields: object) -> dict[str, Any]:
    """Make a schema of room.booked."""
    return {
        "type": "object",
        "required": list(required),
        "additionalProperties": False,
        "properties": {"room_id": {"type": "string"}, **fields},
    }


SEATS = {"type": "integer", "minimum": 1, "maximum": 50}
CHANGES: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    (room(), room(seats=SEATS), "yes", "yes"),
    (room(), room(seats=SEATS, required=("room_id", "seats")), "no", "yes"),
    (room(seats=SEATS, required=("room_id", "seats")), room(), "yes", "no"),
    (room(seats=SEATS), room(seats={**SEATS, "maximum": 90}), "yes", "no"),
    (room(seats=SEATS), room(seats={**SEATS, "minimum": 10}), "no", "yes"),
    (room(seats=SEATS), room(seats={"type": "string"}), "no", "no"),
    (room(kind={"enum": ["a", "b"]}), room(kind={"enum": ["b", "c"]}), "no", "no"),
    (room(day={"type": "string", "format": "date"}), room(day={"type": "string"}), "yes", "no"),
]


@pytest.mark.parametrize(("old", "new", "backward", "forward"), CHANGES)
def test_a_break_is_proved_by_an_event(
    tool: Tool, old: dict[str, Any], new: dict[str, Any], backward: str, forward: str
) -> None:
    """`validate` accepts each witness as its writer's version, and refuses it as its reader's."""
    tool.write("medtrack.yaml", "schemas: [./schemas]\n")
    schema(tool, "room.booked/1.0.json", old)
    schema(tool, "room.booked/1.1.json", new)
    ran = tool.run("schema", "diff", "room.booked@1.0", "room.booked@1.1", "-o", "json")
    [comparison] = ran.of_kind("comparison")
    assert (comparison["backward"], comparison["forward"]) == (backward, forward)
    assert ran.code == ("no" in (backward, forward))
    witnesses = [each["event"] for each in comparison["changes"] if each["breaks"]]
    assert bool(witnesses) is ("no" in (backward, forward))
    others = {"1.0": "1.1", "1.1": "1.0"}
    sent = ndjson(*witnesses)
    read = ndjson(*({**each, "version": others[each["version"]]} for each in witnesses))
    if witnesses:
        assert tool.run("validate", tool.write("sent.ndjson", sent)).code == 0
        refused = tool.run("validate", tool.write("read.ndjson", read), "-o", "json")
        assert refused.summary["invalid"] == len(witnesses)


def test_diff_reads_files_and_types(added: Tool) -> None:
    """Operands are files or TYPE@VERSION; what is neither, or can't be used, has its exit code."""
    old = str(schema(added, "old.json", room(), "elsewhere"))
    new = str(schema(added, "new.yaml", "type: object\n", "elsewhere"))
    broken = str(schema(added, "broken.json", "{", "elsewhere"))
    assert added.run("schema", "diff", old, old).code == 0
    assert added.run("schema", "diff", old, new).code == 1
    assert added.run("schema", "diff", "student.created@1.0", "student.created@2.0").code == 1
    assert added.run("schema", "diff", "student.created@1.0", "student.created").code == 1
    ran = added.run("schema", "diff", old, broken)
    assert (ran.code, "broken.json:1:2" in ran.err) == (65, True)
    for missing, code, words in (
        ("room.booked@7.0", 2, "known: 1.0"),
        ("room.boked@1.0", 2, "did you mean room.booked?"),
        ("missing.json", 66, "missing.json"),
        ("elsewhere/missing", 66, "elsewhere/missing"),
    ):
        ran = added.run("schema", "diff", old, missing)
        assert (ran.code, words in ran.err) == (code, True), ran.err


@pytest.fixture
def versioned(tool: Tool) -> Tool:
    """Give a project in a git repository with the branch `before`."""
    project(tool)
    schema(tool, "room.freed/1.0.json", room())
    folder = tool.folder
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "schemas", "medtrack.yaml")
    git(folder, "commit", "-qm", "first")
    git(folder, "branch", "before")
    return tool


def against(tool: Tool, *options: str) -> Ran:
    """Check the schemas against the branch."""
    return tool.run("schema", "check", "--against", "before", "-o", "json", *options)


def test_nothing_changed_breaks_nothing(versioned: Tool) -> None:
    """Without a change, and with a new type or new major version, it is exit code 0."""
    assert against(versioned).records == [
        {"kind": "compared", "changed": 0, "broken": 0, "undecided": 0, "exit_code": 0}
    ]
    schema(versioned, "room.cleaned/1.0.json", room())
    schema(versioned, "room.freed/2.0.json", {"type": "object"})
    assert (against(versioned).code, against(versioned).summary["changed"]) == (0, 0)


def test_a_changed_version_is_compared_with_itself(versioned: Tool) -> None:
    """A version changed in place is compared with what it was at the revision."""
    tighter = ROOM_BOOKED.replace("maximum: 40", "maximum: 9").replace("room_id, code", "room_id")
    schema(versioned, "room.booked/1.0.yaml", tighter)
    ran = against(versioned)
    [comparison] = ran.of_kind("comparison")
    assert (ran.code, comparison["old"], comparison["new"]) == (
        1,
        "room.booked 1.0",
        "room.booked 1.0",
    )
    assert {each["pointer"] for each in comparison["changes"] if each["breaks"]} == {
        "/payload/floor",
        "/payload/code",
    }


def test_a_new_minor_is_compared_with_the_one_before(versioned: Tool) -> None:
    """A new minor version must go with the minor before it, of the same major."""
    schema(versioned, "room.freed/1.1.json", room(seats=SEATS))
    assert (against(versioned).code, against(versioned).summary["changed"]) == (0, 1)
    schema(versioned, "room.freed/1.2.json", room(seats={**SEATS, "minimum": 5}))
    ran = against(versioned)
    assert ran.code == 1
    assert [(each["old"], each["new"], each["full"]) for each in ran.of_kind("comparison")] == [
        ("room.freed 1.0", "room.freed 1.1", "yes"),
        ("room.freed 1.1", "room.freed 1.2", "no"),
    ]
    assert against(versioned, "--mode", "forward").code == 0


def test_a_type_that_is_gone_breaks_its_writers(versioned: Tool) -> None:
    """A removed type, or a removed version, is a break in every mode."""
    (versioned.folder / "schemas/room.freed/1.0.json").unlink()
    for mode in ("backward", "forward", "full"):
        ran = against(versioned, "--mode", mode)
        [comparison] = ran.of_kind("comparison")
        assert (ran.code, comparison["old"], comparison["new"]) == (1, "room.freed 1.0", None)
    assert "room.freed 1.0" in versioned.run("schema", "check", "--against", "before").out


def test_what_check_can_not_compare_with(versioned: Tool) -> None:
    """No such revision is 66, broken schemas on either side 65, a broken mode 2."""
    assert versioned.run("schema", "check", "--against", "nowhere").code == 66
    assert versioned.run("schema", "check", "--against", "before", "--mode", "x").code == 2
    old = versioned.folder / "old"
    schema(versioned, "room.freed/1.0.json", "{", "old")
    ran = versioned.run("schema", "check", "--against", str(old))
    assert (ran.code, "room.freed/1.0.json:1:2" in ran.err) == (65, True)
    schema(versioned, "room.freed/1.0.json", "{")
    ran = against(versioned)
    assert (ran.code, ran.records[0]["kind"]) == (65, "schema_fault")


def test_a_folder_to_compare_with(versioned: Tool) -> None:
    """--against a folder compares with the schemas that stand in it."""
    schema(versioned, "student.created/2.0.json", STUDENT_2, "old")
    assert versioned.run("schema", "check", "--against", "old").code == 0
    schema(versioned, "student.created/2.0.json", {**STUDENT_2, "required": []}, "old")
    ran = versioned.run("schema", "check", "--against", "old", "--mode", "backward", "-o", "json")
    assert (ran.code, ran.summary["broken"]) == (1, 1)


def test_the_page_on_schemas_shows_what_is_so(tool: Tool) -> None:
    """The files of docs/schemas.md, written as they stand there, make its commands print that."""
    page = (ROOT / "docs/schemas.md").read_text("utf-8")
    printed: list[tuple[str, str]] = []
    for kind, name, text in re.findall(r"^```(\w+) ?(\S*)\n((?:.*\n)*?)```$", page, re.MULTILINE):
        if kind == "yaml" and "." in name:
            schema(tool, name, text, ".")
        elif kind == "console":
            for step in re.split(r"^\$ medtrack ", text, flags=re.MULTILINE)[1:]:
                command, _, expected = step.partition("\n")
                ran = tool.run(*command.split())
                assert ran.code == 0, ran.err
                printed.append((expected, ran.out))
    assert len(printed) == 3
    for expected, out in printed:
        assert varied(out) == varied(expected)


def varied(text: str) -> str:
    """Replace what differs from run to run."""
    text = re.sub(r" {2,}\d+ bytes", " N bytes", text)
    return re.sub(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", "ID", text)
