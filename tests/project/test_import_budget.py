"""What a run may import: start-up time is kept by what is not loaded."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Protocol

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {"jsonschema_rs", "pika", "pydantic", "pydantic_core", "rich", "typer", "urllib3", "yaml"}

# A process of its own: this one has loaded everything. The list is printed at the very end,
# however the run ends.
PROGRAM = """
import atexit, sys
atexit.register(lambda: print("loaded:", *sys.modules, file=sys.__stderr__))
from medtrack_cli.__main__ import main
sys.exit(main())
"""


class Broker(Protocol):
    """What the session's broker says of itself."""

    @property
    def amqp_url(self) -> str: ...


def heavy_imports_of(*arguments: str, **environment: str) -> set[str]:
    """Run the command line and list the heavy libraries it loaded."""
    return HEAVY & imports_of(*arguments, **environment)


def imports_of(*arguments: str, **environment: str) -> set[str]:
    """Run the command line and list all modules it loaded."""
    script = f"import sys; sys.argv = {['medtrack', *arguments]!r}\n{PROGRAM}"
    ended = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=os.environ | environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert "Traceback" not in ended.stderr, ended.stderr
    last = ended.stderr.splitlines()[-1].split()
    assert last[0] == "loaded:"
    assert "medtrack_cli.__main__" in last
    return set(last)


def test_version_is_light() -> None:
    """`--version` loads no heavy library, and of medtrack only its first module."""
    loaded = imports_of("--version")
    assert loaded.isdisjoint({*HEAVY, "json", "re", "typing"})
    assert {each for each in loaded if each.startswith("medtrack_cli.")} == {
        "medtrack_cli.__main__"
    }


@pytest.mark.parametrize("arguments", [[], ["--help"], ["validate", "--help"], ["queue", "-h"]])
def test_help_is_light(arguments: list[str]) -> None:
    """A help loads no heavy library and no command."""
    loaded = imports_of(*arguments)
    assert loaded.isdisjoint({*HEAVY, "medtrack_cli.app", "medtrack_cli.world", "subprocess"})


@pytest.mark.parametrize("arguments", [["spec"], ["spec", "-o", "human"], ["version"], ["explain"]])
def test_what_reads_nothing_is_light(arguments: list[str]) -> None:
    """A command that needs no event loads no library but Typer, and no other command."""
    loaded = imports_of(*arguments)
    assert loaded & HEAVY - {"rich"} == {"typer"}
    assert "medtrack_cli.commands.publish" not in loaded or arguments == ["version"]


def test_validate_is_light() -> None:
    """Checking a JSON file loads what it is checked with, and no other command."""
    loaded = imports_of("validate", "sample-events/user.created.json")
    assert loaded & HEAVY == {"typer", "pydantic_core"}
    assert loaded.isdisjoint({"asyncio", "medtrack_cli.commands.publish", "medtrack_cli.broker"})


def test_publish_is_light(broker: Broker, tmp_path: Path) -> None:
    """Publishing an event loads pika, Typer and pydantic's core, no more."""
    environ = {"MEDTRACK_URL": broker.amqp_url, "HOME": str(tmp_path)}
    loaded = imports_of("publish", "-f", "sample-events/user.created.json", **environ)
    assert loaded & HEAVY == {"typer", "pydantic_core", "pika"}
    assert "medtrack_cli.commands.listen" not in loaded


def test_completion_is_light(tmp_path: Path) -> None:
    """Completing commands, options, types, fields, codes loads no heavy library."""
    for typed in (["val"], ["publish", ""], ["publish", "--set", "p"], ["explain", ""]):
        assert heavy_imports_of("completion", "zsh", "--", *typed, HOME=str(tmp_path)) == {"typer"}


def test_completion_of_what_files_say_loads_their_parser_alone(tmp_path: Path) -> None:
    """Where there is a configuration, the types of its folders cost YAML's parser, no more."""
    file = tmp_path / "medtrack.yaml"
    file.write_text("schemas: [.]\n")
    typed = ["--config", str(file), "publish", ""]
    assert heavy_imports_of("completion", "zsh", "--", *typed) == {"typer", "yaml"}


@pytest.mark.parametrize("command", ["validate", "stats"])
def test_reading_files_never_loads_the_broker(command: str) -> None:
    """Checking and counting files load neither the broker's library nor the management API's."""
    assert heavy_imports_of(command, "sample-events").isdisjoint({"pika", "urllib3"})
