"""The action that starts a broker for later steps, and the page's examples for CI."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from medtrack_cli.private_broker import PrivateBroker
from tests.plugin.projects import PAGE
from tests.project.pages import ROOT, blocks

FOLDER = ROOT / ".github/actions/start"
ACTION: dict[str, Any] = yaml.safe_load((FOLDER / "action.yml").read_text())


def test_the_action_starts_services_and_tells_of_a_broker(
    tmp_path: Path, private_broker: PrivateBroker
) -> None:
    """Its last step gives the broker's addresses, and a medtrack that is led there."""
    default = tmp_path / "state/medtrack/broker/default"
    default.parent.mkdir(parents=True)
    default.symlink_to(private_broker.folder)  # so that there is none to be started
    environ = {"PATH": os.environ["PATH"], "XDG_STATE_HOME": str(tmp_path / "state")}
    said = act(tmp_path, environ, services="comm eval")
    try:
        assert said["url"] == private_broker.amqp_url
        assert said["management-url"] == private_broker.web_address
        event = str(ROOT / "sample-events/stage.created.json")
        asked = [said["medtrack"], "--profile", "private", "publish", "-f", event]
        subprocess.run(asked, env=environ, capture_output=True, check=True, timeout=60)
        names = await_reactions(tmp_path / "reactions.ndjson", 2)
        assert {*names} == {"COMM.stage", "EVAL.template"}
    finally:
        os.killpg(int((tmp_path / "group").read_text()), signal.SIGKILL)
        reset = [said["medtrack"], "--profile", "private", "simulate", "reset", "--yes"]
        subprocess.run(reset, env=environ, capture_output=True, check=True, timeout=60)


def act(folder: Path, environ: dict[str, str], **inputs: str) -> dict[str, str]:
    """Run the action's last step as the runner does; give its outputs."""
    step = ACTION["runs"]["steps"][-1]
    filled = {
        name: text.replace("${{ runner.temp }}/medtrack-start/venv/bin/python", sys.executable)
        .replace("${{ runner.temp }}/medtrack-start", str(folder))
        .replace("${{ github.action_path }}", str(FOLDER))
        .replace("${{ inputs.services }}", inputs["services"])
        for name, text in step["env"].items()
    }
    assert "${{" not in "".join(filled.values())
    output = folder / "output"
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"]
    subprocess.run(
        [*command, f"echo $$ > {folder}/group\n{step['run']}"],
        cwd=folder,
        env={**environ, **filled, "GITHUB_OUTPUT": str(output)},
        start_new_session=True,
        check=True,
        timeout=60,
    )
    return dict(line.split("=", 1) for line in output.read_text().splitlines())


def await_reactions(file: Path, count: int) -> list[str]:
    """Wait until services have done so much, and name what they did."""
    until = time.monotonic() + 20
    while len(lines := file.read_text("utf-8").splitlines()) < count:
        assert time.monotonic() < until, lines
        time.sleep(0.05)
    return [json.loads(line)["reaction"] for line in lines]


def test_the_page_names_what_the_action_gives() -> None:
    """GitHub's example uses the action by its path, and outputs that it has."""
    examples = dict(blocks(PAGE.read_text("utf-8"), "yaml"))
    steps = yaml.safe_load(examples["github"])["jobs"]["tests"]["steps"]
    path = steps[1]["uses"].partition("medtrack/")[2].partition("@")[0]
    assert ROOT / path == FOLDER
    assert steps[1]["with"].keys() == ACTION["inputs"].keys()
    named = re.findall(r"steps\.medtrack\.outputs\.([\w-]+)", examples["github"])
    assert {*named} == {*ACTION["outputs"]} - {"management-url"}
    script = yaml.safe_load(examples["gitlab"])["tests"]["script"]
    assert "medtrack broker start --install" in script
