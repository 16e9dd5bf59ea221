"""The JSON Schema of a configuration file, and the check of one."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest

from medtrack_cli.config.locations import INITIAL
from medtrack_cli.config.yaml_document import Node, Scalar, Sequence, parse_document
from medtrack_cli.errors import ConfigError
from tests.config.mistakes import OF_KEYS_AND_TYPES
from tests.project.pages import ROOT, blocks
from tests.running import run, run_json

if TYPE_CHECKING:
    from tests.config.conftest import Machine

PAGE = ROOT / "docs/tls-and-profiles.md"
RIGHT = [
    "",
    "profiles:\nservice:\n",
    "profiles: {local: {tls: }, x: }\n",
    "service: 12\nschemas: here\ndefault_profile: local\n",
    "profiles: {x: {host: h, hosts: , port: 5671, password: 0123, tls: {}, protected: 'true'}}\n",
    "profiles: {x: {hosts: h, port: '5671', vhost: '', password_command: [pass, '']}}\n",
    "profiles: {x: {url: 'AMQPS://h', management_url: 'HTTPS://h', exchange: 1.5}}\n",
    INITIAL,
    *(text for _, text in blocks(PAGE.read_text(), "yaml")),
]


@pytest.fixture
def schema() -> dict[str, Any]:
    """Print the schema."""
    printed = run("config", "schema")
    assert printed.code == 0
    found: dict[str, Any] = json.loads(printed.out)
    jsonschema_rs.meta.validate(found)
    return found


def as_editors_read(node: Node | None) -> Any:
    """Read YAML by the core schema of YAML 1.2."""
    match node:
        case None:
            return None
        case Scalar():
            text = node.text.reveal()
            try:
                return None if node.is_unset else json.loads(text)
            except ValueError:
                return text
        case Sequence():
            return [as_editors_read(each) for each in node.items]
    return {key: as_editors_read(value) for key, (value, _) in node.items.items()}


def fits(schema: dict[str, Any], text: str) -> bool:
    """Return whether an editor finds nothing wrong with a text."""
    read = as_editors_read(parse_document(text, "x"))
    return jsonschema_rs.Draft202012Validator(schema).is_valid(read)


@pytest.mark.parametrize("text", RIGHT)
def test_what_the_loader_takes_fits(machine: "Machine", schema: dict[str, Any], text: str) -> None:
    """A file that can be used has no mark in an editor."""
    machine.user(text)
    machine.load(environ={"MEDTRACK_PROFILE": "local"})
    assert fits(schema, text)


@pytest.mark.parametrize("text", [each[0] for each in OF_KEYS_AND_TYPES])
def test_what_the_loader_refuses_does_not(schema: dict[str, Any], text: str) -> None:
    """Whatever is refused for a key or a value's kind is marked in an editor."""
    assert not fits(schema, text)


def test_every_key_is_there(machine: "Machine", schema: dict[str, Any]) -> None:
    """At each level the schema has the keys that the loader itself lists when it meets another."""
    profile = schema["properties"]["profiles"]["additionalProperties"]
    path = machine.user("")
    for text, table in (
        ("%s: x", schema),
        ("profiles: {x: {%s: x}}", profile),
        ("profiles: {x: {tls: {%s: x}}}", profile["properties"]["tls"]),
    ):
        path.write_text(text % "zzzzzzzzzzzzz")
        with pytest.raises(ConfigError) as caught:
            machine.load()
        assert caught.value.hint == f"known: {', '.join(table['properties'])}"


def test_the_check_says_where(tmp_path: Path) -> None:
    """0 and what would be used, or 78 with the place; a project's file is read as a project's."""
    assert run_json("config", "check", folder=tmp_path).summary == {
        "kind": "configuration",
        "files": [],
        "profile": "local",
        "profiles": ["local", "private", "medtrack"],
    }
    project = tmp_path / "below/medtrack.yaml"
    project.parent.mkdir()
    project.write_text("default_profile: x\nprofiles:\n  x: {password: open}\n")
    (tmp_path / "mine.yaml").write_text(project.read_text())
    right = run(
        *("config", "check", "below/medtrack.yaml"),
        folder=tmp_path,
        environ={"MEDTRACK_CONFIG": "/nowhere"},
    )
    assert (right.code, right.out.partition(" ")[0]) == (0, str(project))
    project.write_text("profiles:\n  x:\n    password_file: x\n")
    for file, place, said in (
        ("below/medtrack.yaml", f"{project}:3", "counts only in your own"),
        ("mine.yaml", "mine.yaml", "open to other users"),
        ("no/medtrack.yaml", "no/medtrack.yaml", "No such file"),
        ("--config=no.yaml", "no.yaml", "No such file"),
    ):
        ran = run_json("config", "check", file, folder=tmp_path)
        assert (ran.code, ran.out) == (78, "")
        error = json.loads(ran.err)
        assert said in error["message"]
        assert error["message"].endswith(place)
