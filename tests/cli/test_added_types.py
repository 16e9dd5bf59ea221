"""Added event types take part in every command exactly like the built-in ones."""

import json
from typing import Any

import pytest

from tests.broker.witness import Witness
from tests.cli.added import ROOM, booked, ndjson, project, schema, whole
from tests.cli.tool import Tool

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
    """Published, received, recorded, replayed: an added type is judged as a built-in one."""
    joined.write("good.ndjson", ndjson(booked(), whole("student.created", STUDENT, "2.0")))
    joined.write("bad.ndjson", ndjson(booked(floor=99)))
    listening = joined.listen("--record", "all.ndjson", "--count", "3")
    assert joined.run("publish", "-f", "good.ndjson").code == 0
    refused = joined.run("publish", "-f", "bad.ndjson", "-o", "json")
    assert (refused.code, refused.summary["invalid"]) == (1, 1)
    assert joined.run("publish", "-f", "bad.ndjson", "--no-validate").code == 0
    received = listening.end().of_kind("event")
    assert [(each["routing_key"], each["valid"]) for each in received] == [
        ("room.booked", True),
        ("student.created", True),
        ("room.booked", False),
    ]
    assert [each["rule"] for each in received[2]["findings"]] == ["out_of_range"]
    assert len(witness.take()) == 3
    assert joined.run("validate", "all.ndjson", "-o", "json").summary["invalid"] == 1
    for how, code, sent in (("send", 0, 3), ("skip", 0, 2), ("fail", 1, 0)):
        ran = joined.run("replay", "all.ndjson", "--speed", "max", "--invalid", how, "-o", "json")
        assert (ran.code, ran.summary["confirmed"]) == (code, sent), ran.err
        assert len(witness.take()) == sent


FAULTS: dict[str, tuple[str | object, str]] = {
    "room.freed/1.0.json": ('{"type": "object",}', ":1:18"),
    "room.freed/1.1.yaml": ("type: [object\n", ":1:7"),
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
