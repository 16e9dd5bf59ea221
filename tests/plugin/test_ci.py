"""The action that starts a broker for later steps, and the page's examples for CI."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from medtrack_cli.private_broker import PrivateBroker
from tests.plugin.projects import PAGE
from tests.project.pages import ROOT, blocks

FOLDER = ROOT / ".github/actions/start"
ACTION: dict[str, Any] = yaml.safe_load((FOLDER / "action.yml").read_text())


def test_the_action_tells_later_steps_of_a_broker_that_runs(
    tmp_path: Path, private_broker: PrivateBroker
) -> None:
    """Its last step gives the broker's addresses, and a medtrack that is led there."""
    default = tmp_path / "state/medtrack/broker/default"
    default.parent.mkdir(parents=True)
    default.symlink_to(private_broker.folder)  # so that there is none to be started
    step = ACTION["runs"]["steps"][-1]
    filled = {
        name: text.replace("${{ runner.temp }}/medtrack-start/venv/bin/python", sys.executable)
        .replace("${{ runner.temp }}/medtrack-start", str(tmp_path))
        .replace("${{ github.action_path }}", str(FOLDER))
        for name, text in step["env"].items()
    }
    environ = {"PATH": os.environ["PATH"], "XDG_STATE_HOME": str(tmp_path / "state")}
    output = tmp_path / "output"
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    own = {**environ, **filled, "GITHUB_OUTPUT": str(output)}
    subprocess.run(command, cwd=tmp_path, env=own, check=True, timeout=60)

    said = dict(line.split("=", 1) for line in output.read_text().splitlines())
    assert said.keys() == ACTION["outputs"].keys()
    assert said["url"] == private_broker.amqp_url
    assert said["management-url"] == private_broker.web_address
    asked = [said["medtrack"], "--profile", "private", "config", "show"]
    done = subprocess.run(asked, env=environ, capture_output=True, text=True, check=True)
    assert str(private_broker.amqp_port) in done.stdout


def test_the_page_names_what_the_action_gives() -> None:
    """GitHub's example uses the action by its path, and outputs that it has."""
    examples = dict(blocks(PAGE.read_text("utf-8"), "yaml"))
    steps = yaml.safe_load(examples["github"])["jobs"]["tests"]["steps"]
    path = steps[1]["uses"].partition("medtrack/")[2].partition("@")[0]
    assert ROOT / path == FOLDER
    used = "".join(steps[-1]["env"].values())
    assert {name for name in ACTION["outputs"] if f".outputs.{name} }}" in used} == {
        "url",
        "medtrack",
    }
    assert (
        "medtrack broker start --install" in yaml.safe_load(examples["gitlab"])["tests"]["script"]
    )
