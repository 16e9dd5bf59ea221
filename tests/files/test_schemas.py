"""Folders of schemas: what is loaded, and every fault with its place."""

import json
from pathlib import Path

import pytest

from medtrack_cli.core.compatibility import Contract
from medtrack_cli.files.schemas.folders import SchemaFault, load, read_schema

GOOD = {"type": "object", "properties": {"a": {"type": "string"}}}


def write(folder: Path, name: str, content: object) -> Path:
    """Write a file of the folder; an object as JSON."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def faults(folder: Path) -> list[tuple[str, str]]:
    """List the faults of a folder: place in the folder, and sentence."""
    return [
        (each.place.removeprefix(f"{folder}/"), each.message)
        for each in load([folder])
        if isinstance(each, SchemaFault)
    ]


def test_types_and_versions_are_the_names_of_folders_and_files(tmp_path: Path) -> None:
    """Every schema is loaded by its place, JSON or YAML, at any depth; hidden files are not."""
    write(tmp_path, "room.booked/1.0.json", GOOD)
    write(tmp_path, "room.booked/1.10.yaml", "type: object\n")
    write(tmp_path, "facilities/room.freed_again/2.0.yml", "type: object\n")
    write(tmp_path, ".git/room.lost/1.0.json", "{")
    write(tmp_path, "README.md", "none")
    found = list(load([tmp_path]))
    assert [each[:2] for each in found if isinstance(each, Contract)] == [
        ("room.freed_again", "2.0"),
        ("room.booked", "1.0"),
        ("room.booked", "1.10"),
    ]
    assert len(found) == 3


BROKEN: list[tuple[str, object, str, str]] = [
    ("a.b/1.0.json", '{"type": "object",}', "1:18", "comma"),
    ("a.b/1.0.json", "", "1:1", "holds one schema, this one 0"),
    ("a.b/1.0.json", "[]", "1:1", "holds one schema, this one 0"),
    ("a.b/1.0.json", '{"type":"object","type":"object"}', "1:18", "twice"),
    ("a.b/1.0.json", "true", "1:1", "an object"),
    ("a.b/1.0.yaml", "type: [object\n", "1:7", "not closed"),
    ("a.b/1.0.yaml", "type: object\n---\ntype: object\n", "1:1", "this one 2"),
    ("a.b/1.0.yaml", "a: &x {}\ntype: object\n", "1:4", "anchor"),
    ("a.b/1.0.json", {"$schema": "http://json-schema.org/draft-07/schema#"}, "1:13", "2020-12"),
    ("a.b/1.0.yaml", "type: object\nproperties:\n  a: {type: text}\n", "3:13", "2020-12"),
    (
        "a.b/1.0.yaml",
        "type: object\nproperties:\n  a:\n    $ref: https://example.org/a\n",
        "4:11",
        "same document",
    ),
    ("a.b/1.0.json", {**GOOD, "properties": {"a": {"format": "iban"}}}, "1:1", "iban"),
    ("a.b/1.0.json", {**GOOD, "properties": {"a": {"pattern": "["}}}, "1:1", "regex"),
    ("a.b/1.0.json", {"properties": {}}, "1:1", '"type": "object"'),
    ("a.b/1.0.yaml", "type: object\nrequired: [a]\nexamples:\n  - {b: 1}\n", "4:5", "a is missing"),
    ("a.b/1.0.json", {**GOOD, "examples": [{"a": 1}]}, "1:80", "a must be a string"),
    ("booked/1.0.json", GOOD, "1:1", "EVENT_TYPE/VERSION.json"),
    ("Room.Booked/1.0.json", GOOD, "1:1", "EVENT_TYPE/VERSION.json"),
    ("a.b/1.json", GOOD, "1:1", "EVENT_TYPE/VERSION.json"),
    ("a.b/01.0.json", GOOD, "1:1", "EVENT_TYPE/VERSION.json"),
    ("1.0.json", GOOD, "1:1", "EVENT_TYPE/VERSION.json"),
    ("student.created/1.0.json", GOOD, "1:1", "medtrack itself"),
]


@pytest.mark.parametrize(
    ("name", "content", "place", "words"), BROKEN, ids=[f"{n} {c}"[:70] for n, c, *_ in BROKEN]
)
def test_a_fault_has_its_place(
    tmp_path: Path, name: str, content: object, place: str, words: str
) -> None:
    """What can't be used is told with file, line and column of what is wrong in it."""
    write(tmp_path, name, content)
    [(where, sentence)] = faults(tmp_path)
    assert where == f"{name}:{place}"
    assert words in sentence


def test_every_fault_of_every_file_is_told(tmp_path: Path) -> None:
    """Faults don't end the loading: all are listed, and what is sound is loaded."""
    for number, (_, content, *_) in enumerate(BROKEN[:16]):
        write(tmp_path, f"type.n{number}/1.0.json", content)
    write(tmp_path, "room.booked/1.0.json", GOOD)
    found = list(load([tmp_path, tmp_path / "missing"]))
    files = {each.path.parent.name for each in found if isinstance(each, SchemaFault)}
    assert len(files - {tmp_path.name}) == 16
    assert [each.event_type for each in found if isinstance(each, Contract)] == ["room.booked"]
    assert isinstance(found[-1], SchemaFault)
    assert found[-1].message == "no such folder of schemas"


def test_a_file_is_no_folder_of_schemas(tmp_path: Path) -> None:
    """Who names a schema's file is told to name its folder."""
    write(tmp_path, "room.booked/1.0.json", GOOD)
    (fault,) = load([tmp_path / "room.booked/1.0.json"])
    assert isinstance(fault, SchemaFault)
    assert fault.message.startswith("a file, and no folder of schemas: name the folder")


def test_two_files_of_one_version_are_a_fault(tmp_path: Path) -> None:
    """JSON and YAML of the same version, or the same in two folders: the second is a fault."""
    first = write(tmp_path / "one", "room.booked/1.0.json", GOOD)
    write(tmp_path / "one", "room.booked/1.0.yaml", "type: object\n")
    write(tmp_path / "two", "room.booked/1.0.json", GOOD)
    found = list(load([tmp_path / "one", tmp_path / "two"]))
    said = [each for each in found if isinstance(each, SchemaFault)]
    assert [each.path.relative_to(tmp_path).as_posix() for each in said] == [
        "one/room.booked/1.0.yaml",
        "two/room.booked/1.0.json",
    ]
    assert all(str(first) in each.message for each in said)


def test_a_file_can_be_read_wherever_it_stands(tmp_path: Path) -> None:
    """A schema outside of any folder of schemas is read by its content alone."""
    assert read_schema(write(tmp_path, "any.json", GOOD)) == GOOD
    fault = read_schema(write(tmp_path, "other.json", "{"))
    assert isinstance(fault, SchemaFault)
    assert fault.place.endswith("other.json:1:2")


def test_a_schema_that_can_not_be_read_is_a_fault(tmp_path: Path) -> None:
    """A link that leads nowhere or round in circles is no crash."""
    path = tmp_path / "room.booked" / "1.0.json"
    path.parent.mkdir()
    path.symlink_to(path)
    assert [each for each in load([tmp_path]) if isinstance(each, Contract)] == []
    fault = read_schema(path)
    assert isinstance(fault, SchemaFault)
