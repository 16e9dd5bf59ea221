"""`medtrack spec` says what is so: it agrees with Typer's commands and with --help."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from medtrack_cli.app import tree
from medtrack_cli.core.explanations.codes import EXIT_CODES
from medtrack_cli.core.kinds import Kind
from tests.cli.tool import COMMAND, ROOT
from tests.running import run

SPEC: dict[str, Any] = run("spec").summary
COMMANDS = [each for each in SPEC["commands"] if each["effect"]]
BY_NAME = pytest.mark.parametrize("command", COMMANDS, ids=lambda each: each["name"])


def typers(command: Any, name: str = "medtrack") -> Iterator[tuple[str, Any]]:
    """Give Typer's own commands and groups, by how they are typed."""
    yield name, command
    for word, inner in getattr(command, "commands", {}).items():
        yield from typers(inner, f"{name} {word}")


def test_every_command_is_in_it_with_each_of_its_options() -> None:
    """What Typer would take, and nothing else, with required and repeatable as it takes them."""
    told = {each["name"]: each for each in SPEC["commands"]}
    known = dict(typers(tree()))
    assert told.keys() == known.keys()
    for name, command in known.items():
        options = {tuple(sorted(each.opts)) for each in command.params if each.opts[0][0] == "-"}
        assert {tuple(sorted(each["names"])) for each in told[name]["options"]} == options
        required = [each.name for each in command.params if each.required]
        parameters = told[name]["arguments"] + told[name]["options"]
        assert len([each for each in parameters if each["required"]]) == len(required)


def test_every_command_has_its_effect() -> None:
    """read, write or destructive, for each command; a group has none."""
    for name, command in typers(tree()):
        is_group = hasattr(command, "commands")
        assert is_group or command.callback.effect in {"read", "write", "destructive"}, name
    effects = {each["name"]: each["effect"] for each in COMMANDS}
    assert effects["medtrack validate"] == "read"
    assert effects["medtrack publish"] == "write"
    assert effects["medtrack simulate reset"] == "destructive"


@BY_NAME
def test_codes_and_kinds_exist(command: dict[str, Any]) -> None:
    """Each exit code is explained, each kind is known; every command can end with 0, 2 and 70."""
    assert {0, 2, 70} <= set(command["exit_codes"]) <= set(EXIT_CODES)
    assert {str(each) for each in command["exit_codes"]} <= SPEC["exit_codes"].keys()
    assert {"error", "note"} <= set(command["kinds"]) <= set(Kind)


@BY_NAME
def test_help_says_the_same(command: dict[str, Any]) -> None:
    """--help has each option with its value, each argument, each example, and nothing more."""
    text = run(*command["name"].split()[1:], "--help").out
    shown = set(re.findall(r"^ {2,6}(?:-\w, )?(--[\w-]+)", text, re.MULTILINE))
    names = {name for each in command["options"] for name in each["names"]}
    assert shown == {name for name in names if name.startswith("--")}
    flat = " ".join(text.split())
    for each in command["options"]:
        assert f"{', '.join(each['names'])} {each['metavar']}".strip() in flat
    for said in (*command["examples"], *(each["metavar"] for each in command["arguments"])):
        assert " ".join(said.split()) in flat


@pytest.mark.parametrize(
    "line",
    [
        "validate sample-events",
        "validate missing.json",
        "validate typo.json",
        "validate --list-rules",
        "publish -f typo.json",
        "publish -f typo.json --dry-run --keep-going",
        "publish -f missing.json --dry-run",
        "publish --url amqp://a:b@localhost:1 -f sample-events/user.created.json --retry-for 0",
        "listen --profile nowhere",
        "stats typo.json",
        "stats notes.txt",
        "replay notes.txt",
        "replay --runs",
        "schema list",
        "schema show stage.created",
        "schema check sample-events",
        "route no.body --definitions definitions.json",
        "topology lint --definitions definitions.json",
        "topology diff definitions.json definitions.json",
        "config show",
        "config path",
        "config check",
        "samples .",
        "explain 69",
        "doctor --list",
        "queue list",
        "simulate list log",
        "broker status",
        "version",
    ],
)
def test_what_runs_do_is_declared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    """A run ends with a code, and prints kinds of objects, that `spec` has for its command."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "sample-events", tmp_path / "sample-events")
    shutil.copy(ROOT / "medtrack_cli/samples/definitions.json", tmp_path)
    (tmp_path / "typo.json").write_text('{"event_type": "student.deleted"}\n')
    (tmp_path / "notes.txt").write_text("nothing\n")
    environ = {"XDG_STATE_HOME": str(tmp_path), "MEDTRACK_URL": "amqp://a:b@localhost:1"}
    code, out, err = run(*line.split(), "-o", "json", folder=tmp_path, environ=environ)
    named = (" ".join(["medtrack", *line.split()[:count]]) for count in (2, 1))
    command = next(each for name in named for each in COMMANDS if each["name"] == name)
    printed = {json.loads(each)["kind"] for each in (out + err).splitlines()}
    assert code in command["exit_codes"]
    assert printed
    assert printed <= set(command["kinds"])


def test_it_is_data_for_other_programs(tmp_path: Path) -> None:
    """In a pipe it is one JSON object, always the same; on a terminal, or asked for, tables."""
    first, second = (
        subprocess.run([*COMMAND, "spec"], cwd=tmp_path, capture_output=True, check=True, env=each)
        for each in ({"PYTHONPATH": str(ROOT)}, {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "7"})
    )
    assert first.stdout == second.stdout
    assert first.stdout.count(b"\n") == 1
    assert json.loads(first.stdout) == SPEC
    people = run("spec", "-o", "human").out
    for each in COMMANDS:
        assert re.search(rf"^{each['name']} +{each['effect']} ", people, re.MULTILINE)


def test_man_pages_can_be_read(tmp_path: Path) -> None:
    """There is a page for each command, in ASCII, with all its options."""
    script = ROOT / "scripts/man_pages.py"
    subprocess.run([sys.executable, script, tmp_path], check=True, env={"PYTHONPATH": str(ROOT)})
    for command in SPEC["commands"]:
        page = tmp_path / f"{command['name'].replace(' ', '-')}.1"
        text = page.read_bytes().decode("ascii").replace("\\-", "-")
        assert text.startswith(".TH ")
        for each in command["options"]:
            assert f".B {', '.join(each['names'])}" in text
