"""The pre-commit hook, the GitHub action and docs/validate-in-ci.md, as their runners use them."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.project.pages import ROOT, blocks

PAGE = ROOT / "docs/validate-in-ci.md"
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
(HOOK,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a checkout with valid events, a late one and a bad one, and a trap for Python."""
    shutil.copytree(ROOT / "sample-events", tmp_path / "sample-events")
    valid = (ROOT / "sample-events/student.deleted.json").read_text()
    (tmp_path / "late.json").write_text(valid.replace(':00Z"', ':00"'))
    (tmp_path / "bad one, 100%.json").write_text("{}")
    (tmp_path / "json.py").write_text("raise SystemExit('a file of the checkout was imported')")
    return tmp_path


def environ(folder: Path, **more: str) -> dict[str, str]:
    """Make an environment in which `medtrack` is this checkout."""
    program = folder / "bin/medtrack"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m medtrack_cli "$@"\n')
    program.chmod(0o755)
    path = f"{program.parent}:{os.environ['PATH']}"
    return {"PATH": path, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", **more}


def run(command: list[str], folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the checkout."""
    return subprocess.run(
        command,
        cwd=folder,
        env=environ(folder, **more),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_hook_names_our_command() -> None:
    """The hook's entry is the console script, with a sub-command and an option that there are."""
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    program, command, option = shlex.split(HOOK["entry"])
    assert program in scripts
    assert (command, option) == ("validate", "--allow-empty")
    assert HOOK.keys() == {
        *("id", "name", "description", "entry", "language", "files", "require_serial")
    }


@pytest.mark.parametrize(
    ("path", "matches"),
    [
        ("events/a.json", True),
        ("sample-events/deep/er/a.yml", True),
        ("test/my.events/a.ndjson.gz", False),
        ("test/my-events/a.ndjson.gz", True),
        ("events/a.yaml", True),
        ("events/a.yaml.gz", False),
        ("events/README.md", False),
        ("package.json", False),
        ("prevents/a.json", False),
        ("events.json", False),
    ],
)
def test_hook_files(path: str, matches: bool) -> None:  # noqa: FBT001 -- a case's value
    """The hook looks at event files in folders of events, and at nothing else."""
    assert (re.search(HOOK["files"], path) is not None) == matches


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["sample-events/user.created.json", "sample-events/registration.yaml"], 0),
        (["--strict", "late.json"], 1),
        (["late.json", "bad one, 100%.json"], 1),
    ],
)
def test_hook_runs(folder: Path, arguments: list[str], code: int) -> None:
    """Called with arguments and file names after its entry, the hook passes or fails."""
    ended = run([*shlex.split(HOOK["entry"]), *arguments], folder)
    assert ended.returncode == code, ended.stderr
    assert "checked" in ended.stdout


def act(folder: Path, **inputs: str) -> tuple[int, str, dict[str, str], str]:
    """Run the action's last step as the runner does: exit code, log, outputs, summary."""
    step = ACTION["runs"]["steps"][-1]
    given = {name: each.get("default", "") for name, each in ACTION["inputs"].items()} | inputs
    filled = {
        name: re.sub(r"\$\{\{ inputs\.(\w+) \}\}", lambda match: given[match[1]], text)
        .replace("${{ runner.temp }}/medtrack-validate/bin/python", sys.executable)
        .replace("${{ runner.temp }}", str(folder))
        .replace("${{ github.action_path }}", str(ROOT))
        for name, text in step["env"].items()
    }
    assert "${{" not in "".join(filled.values()) + step["run"]
    (folder / "step.sh").write_text(step["run"])
    files = {name: folder / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    for path in files.values():
        path.write_text("")
    ended = run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "step.sh"],
        folder,
        **filled,
        **{name: str(path) for name, path in files.items()},
        GITHUB_ACTIONS="true",
        GITHUB_WORKSPACE=str(folder),
    )
    outputs = dict(line.split("=", 1) for line in files["GITHUB_OUTPUT"].read_text().splitlines())
    summary = files["GITHUB_STEP_SUMMARY"].read_text()
    return ended.returncode, ended.stdout + ended.stderr, outputs, summary


@pytest.mark.parametrize(
    ("inputs", "code"),
    [
        ({"paths": "sample-events"}, 0),
        ({"paths": "  late.json\n\n  sample-events/*.json  \n"}, 0),
        ({"paths": "late.json", "strict": "true"}, 1),
        ({"paths": "bad one, 100%.json\nsample-events"}, 1),
        ({"paths": "missing.json\nsample-events"}, 66),
        ({"paths": "sample-events/user.created.json", "as": "student.created"}, 1),
        ({"paths": "$(touch broken)\n--help"}, 66),
        ({"paths": ""}, 2),
        ({"paths": "sample-events", "sarif": "no/such/folder.sarif"}, 73),
    ],
)
def test_action(folder: Path, inputs: dict[str, str], code: int) -> None:
    """The action ends with the command's code, says it in its output, and sums up."""
    ended, log, outputs, summary = act(folder, **inputs)

    assert ended == code, log
    assert outputs == {"exit-code": str(code)}
    assert ("::error " in log) == (code in {1, 66} and "strict" not in inputs)
    assert not (folder / "broken").exists()
    if code in {0, 1, 66}:
        assert summary.startswith("## medtrack validate\n\n~~~~~~text\n")
        assert summary.endswith(" s)\n~~~~~~\n")


def test_action_writes_reports(folder: Path) -> None:
    """The reports asked for are written where they are asked for, annotations to the log."""
    _, log, _, summary = act(
        folder, paths="bad one, 100%.json", sarif="out put.sarif", junit="out.xml"
    )

    assert json.loads((folder / "out put.sarif").read_text())["version"] == "2.1.0"
    assert (folder / "out.xml").read_text().startswith("<?xml")
    assert "file=bad one%2C 100%25.json,line=1," in log
    assert "bad one, 100%.json:1:1: error[not_an_event]" in summary


def test_action_finds_what_it_installs() -> None:
    """The requirements that the action installs are there, with hashes."""
    install = ACTION["runs"]["steps"][1]["run"]
    (path,) = re.findall(r"\$ACTION/([\w./-]+)", install)
    assert "--require-hashes" in install
    assert "--hash=sha256:" in (ROOT / path).read_text()


def examples() -> dict[str, Any]:
    """Read the page's YAML examples by their names."""
    return {name: yaml.safe_load(text) for name, text in blocks(PAGE.read_text(), "yaml")}


def test_page_describes_the_action() -> None:
    """The page's table of inputs is the action's, and its example uses them."""
    described = re.findall(r"^\| `([\w-]+)` \| [^|]+ \|$", PAGE.read_text(), re.MULTILINE)
    assert set(ACTION["inputs"]) <= set(described)
    step = examples()["github"]["jobs"]["events"]["steps"][1]
    assert step["with"].keys() <= ACTION["inputs"].keys()
    assert "`exit-code`" in PAGE.read_text()


def test_page_examples_run(folder: Path) -> None:
    """GitLab's job and the hook's arguments of the page are commands that work."""
    (hook,) = examples()["pre-commit"]["repos"][0]["hooks"]
    assert hook["id"] == HOOK["id"]
    assert run(["medtrack", "validate", *hook["args"], "sample-events"], folder).returncode == 0
    job = examples()["gitlab"]["events"]
    (folder / "sample-events").rename(folder / "events")
    assert run(["bash", "-ec", job["script"][-1]], folder).returncode == 0
    assert (folder / job["artifacts"]["reports"]["junit"]).exists()
