"""`medtrack schema`: types of one's own shown and checked, and what a change of them breaks."""

import json
from typing import Any

import pytest

from tests.cli.added import ROOM_BOOKED, STUDENT_2, ndjson, project, schema
from tests.cli.tool import Ran, Tool
from tests.files.test_old_schemas import git


@pytest.fixture
def added(tool: Tool) -> Tool:
    """Give the tool in a project with types of its own."""
    project(tool)
    return tool


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


def test_a_missing_folder_is_a_fault(added: Tool) -> None:
    """A folder of the configuration that isn't there is exit code 65 everywhere."""
    added.write("medtrack.yaml", "schemas: [./schemas, ./nowhere]\n")
    for arguments in (("schema", "check"), ("schema", "list"), ("listen", "--count", "1")):
        ran = added.run(*arguments)
        assert ran.code == 65, ran
        assert "no such folder of schemas" in ran.out + ran.err
        assert "nowhere" in ran.out + ran.err
        assert "nowhere:1:1" not in ran.out + ran.err


def test_a_sound_folder(added: Tool) -> None:
    """All sound is exit code 0 and a number; no folder at all is exit code 2."""
    ran = added.run("schema", "check", "-o", "json")
    assert (ran.code, ran.records) == (0, [{"kind": "checked", "schemas": 2, "exit_code": 0}])
    added.write("medtrack.yaml", "service: tests\n")
    assert added.run("schema", "check").code == 2
    assert added.run("schema", "check", "schemas").code == 0


def test_what_is_personal_is_shown_and_checked(added: Tool) -> None:
    """`schema show` says which fields are a person's; a mark that is no boolean is a fault."""
    mark = {"x-personal": True}
    marked = {"guest": mark, "cin": {"type": "string"}, "room": {"$ref": "#/$defs/room"}}
    document = {"type": "object", "properties": marked, "$defs": {"room": {"type": "string"}}}
    schema(added, "room.left/1.0.json", document)
    for event_type, personal in (
        ("room.left", {"guest", "cin"}),
        ("user.created", {"email", "first_name", "last_name"}),
    ):
        shown = added.run("schema", "show", event_type, "-o", "json").summary
        assert {each["name"] for each in shown["fields"] if each["personal"]} == personal
    assert "(optional, personal)" in added.run("schema", "show", "room.left").out
    document["$defs"]["room"]["x-personal"] = "yes"  # type: ignore[index] # of a schema
    schema(added, "room.left/1.0.json", document)
    ran = added.run("schema", "check")
    assert (ran.code, "x-personal is true or false" in ran.out) == (65, True), ran.out


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


def test_a_break_is_proved_by_an_event(tool: Tool) -> None:
    """`validate` accepts each witness as its writer's version, and refuses it as its reader's."""
    tool.write("medtrack.yaml", "schemas: [./schemas]\n")
    for number, (old, new, *_) in enumerate(CHANGES):
        schema(tool, f"room.number{number}/1.0.json", old)
        schema(tool, f"room.number{number}/1.1.json", new)
    witnesses: list[dict[str, Any]] = []
    for number, (*_, backward, forward) in enumerate(CHANGES):
        name = f"room.number{number}"
        ran = tool.run("schema", "diff", f"{name}@1.0", f"{name}@1.1", "-o", "json")
        [comparison] = ran.of_kind("comparison")
        assert (comparison["backward"], comparison["forward"]) == (backward, forward)
        assert ran.code == ("no" in (backward, forward))
        proofs = [each["event"] for each in comparison["changes"] if each["breaks"]]
        assert bool(proofs) is ("no" in (backward, forward))
        witnesses += proofs
    others = {"1.0": "1.1", "1.1": "1.0"}
    tool.write("sent.ndjson", ndjson(*witnesses))
    turned = ({**each, "version": others[each["version"]]} for each in witnesses)
    tool.write("read.ndjson", ndjson(*turned))
    assert tool.run("validate", "sent.ndjson", "--strict").code == 0
    refused = tool.run("validate", "read.ndjson", "-o", "json")
    assert refused.summary["invalid"] == len(witnesses)


@pytest.mark.parametrize(("mode", "code"), [("backward", 1), ("forward", 0), ("full", 1)])
def test_the_mode_is_what_is_asked(added: Tool, mode: str, code: int) -> None:
    """A tightened limit breaks new readers only: --mode forward is exit code 0."""
    schema(added, "room.freed/1.0.json", room(seats=SEATS))
    schema(added, "room.freed/1.1.json", room(seats={**SEATS, "minimum": 10}))
    ran = added.run("schema", "diff", "room.freed@1.0", "room.freed@1.1", "--mode", mode)
    assert ran.code == code


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
