"""The built-in profile that leads to the private broker, and the variables that do."""

import subprocess
from pathlib import Path

import pytest

from medtrack_cli.private_broker import PrivateBroker
from tests.broker.witness import Witness
from tests.cli.tool import Tool


@pytest.fixture
def beside(tool: Tool, private_broker: PrivateBroker, tmp_path: Path) -> Tool:
    """Give the tool, with the private broker where `medtrack broker start` would have put it."""
    state = tmp_path / "state" / "medtrack" / "broker"
    state.mkdir(parents=True)
    (state / "default").symlink_to(private_broker.folder)
    tool.environ = {**tool.environ, "XDG_STATE_HOME": str(tmp_path / "state")}
    return tool


def test_the_profile_leads_to_the_private_broker(beside: Tool, witness: Witness) -> None:
    """Events published with `--profile private` arrive there, and config show says where."""
    ran = beside.run("publish", "--profile", "private", "student.created", "--count", "1")
    assert (ran.code, len(witness.take())) == (0, 1)
    shown = beside.run("config", "show", "--profile", "private", "-o", "json").records
    sources = {each["name"]: each["source"] for each in shown}
    assert sources["hosts"] == sources["management_url"] == "built-in profile private"


def test_without_a_private_broker_the_profile_says_how_to_start_one(tool: Tool) -> None:
    """Nothing runs: 69, and the next step is a command."""
    tool.environ = {**tool.environ, "XDG_STATE_HOME": str(tool.folder)}
    ran = tool.run("publish", "student.created", "--count", "1", "--profile", "private")
    assert ran.code == 69
    assert ran.err == "error: no private broker runs\nhint: medtrack broker start\n"


def test_a_profile_of_that_name_in_a_file_counts(tool: Tool) -> None:
    """Your own file's `private` leads where it says; a project's stays on this machine."""
    name = tool.write("medtrack.yaml", "profiles: {private: {host: there.example.org}}")
    show = ("config", "show", "--profile", "private", "-o", "json")
    shown = tool.run(*show, "--config", name).records
    assert {each["name"]: each["value"] for each in shown}["hosts"] == ["there.example.org:5672"]
    assert tool.run(*show).code == 78


def test_the_exported_lines_are_all_of_stdout(beside: Tool, private_broker: PrivateBroker) -> None:
    """A shell's eval takes them; a broker that can't be started exports nothing."""
    ran = beside.run("broker", "start", "--export")
    script = f'{ran.out}\nprintf "%s %s" "$MEDTRACK_URL" "$MEDTRACK_MANAGEMENT_URL"'
    said = subprocess.run(["sh", "-ec", script], capture_output=True, text=True, check=True).stdout
    assert said == f"{private_broker.amqp_url} {private_broker.web_address}"
    failed = beside.run("broker", "start", "--export", XDG_STATE_HOME="/proc/there/is/none")
    assert (failed.code, failed.out) == (73, "")
    assert failed.err.startswith("starting a private RabbitMQ\n")
    assert ran.err == ""  # it runs: nothing is slow
