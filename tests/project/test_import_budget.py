"""What a run may import: start-up time is kept by what is not loaded."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {"jsonschema_rs", "pika", "pydantic", "rich", "urllib3", "yaml"}

# A process of its own: this one has loaded everything. The list is printed at the very end,
# however the run ends.
PROGRAM = """
import atexit, sys
atexit.register(lambda: print("loaded:", *sys.modules, file=sys.__stderr__))
from medtrack_cli.__main__ import main
sys.exit(main())
"""


def heavy_imports_of(*arguments: str, **environment: str) -> set[str]:
    """Run the command line and list the heavy libraries it loaded."""
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
    assert "medtrack_cli.app" in last
    return HEAVY & set(last)


def test_version_is_light() -> None:
    """`--version` loads no heavy library."""
    assert heavy_imports_of("--version") == set()


def test_completion_is_light(tmp_path: Path) -> None:
    """Completing commands, options, types, fields, codes loads no heavy library."""
    for typed in (["val"], ["publish", ""], ["publish", "--set", "p"], ["explain", ""]):
        assert heavy_imports_of("completion", "zsh", "--", *typed, HOME=str(tmp_path)) == set()


def test_completion_of_what_files_say_loads_their_parser_alone(tmp_path: Path) -> None:
    """Where there is a configuration, the types of its folders cost YAML's parser, no more."""
    file = tmp_path / "medtrack.yaml"
    file.write_text("schemas: [.]\n")
    typed = ["--config", str(file), "publish", ""]
    assert heavy_imports_of("completion", "zsh", "--", *typed) == {"yaml"}


@pytest.mark.parametrize("arguments", [["--help"], ["validate", "--help"]])
def test_help_is_light(arguments: list[str]) -> None:
    """Help loads no heavy library."""
    assert heavy_imports_of(*arguments) == set()


@pytest.mark.parametrize("command", ["validate", "stats"])
def test_reading_files_never_loads_the_broker(command: str) -> None:
    """Checking and counting files load neither the broker's library nor the management API's."""
    assert heavy_imports_of(command, "sample-events").isdisjoint({"pika", "urllib3"})
