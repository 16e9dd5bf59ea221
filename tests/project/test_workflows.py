"""The workflows of GitHub, read as text: nothing here reaches GitHub."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
ACTIONS = [*WORKFLOWS, *ROOT.glob("action.yml"), *(ROOT / ".github").glob("actions/*/action.yml")]
PINNED = re.compile(r"[\w.-]+(/[\w.-]+)+@[0-9a-f]{40} # v\d+(\.\d+)*")


def parsed(path: Path) -> dict[Any, Any]:
    """Load a workflow, which is always a mapping."""
    document = yaml.safe_load(path.read_text())
    assert isinstance(document, dict)
    return document


@pytest.mark.parametrize("path", ACTIONS, ids=lambda path: str(path.relative_to(ROOT)))
def test_actions_are_pinned(path: Path) -> None:
    """Every action from elsewhere is named by its commit, with the version in a comment."""
    used = re.findall(r"^[\s-]*uses: *(.+)$", path.read_text(), re.MULTILINE)

    loose = [use for use in used if not use.startswith("./") and not PINNED.fullmatch(use)]
    assert loose == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_ask_for_nothing(path: Path) -> None:
    """A workflow has no permission at its top, and every job a limit of time."""
    workflow = parsed(path)

    assert workflow["permissions"] == {}
    assert [name for name, job in workflow["jobs"].items() if "timeout-minutes" not in job] == []


def test_ci_covers_the_supported_pythons() -> None:
    """The tests run on every Python that the classifiers promise."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    promised = re.findall(r"Python :: (\d\.\d+)", "\n".join(project["classifiers"]))
    workflow = parsed(ROOT / ".github/workflows/ci.yml")

    assert workflow["jobs"]["test"]["strategy"]["matrix"]["python"] == promised


def test_workflows_use_targets_that_exist() -> None:
    """Every `make` target that a workflow names stands in the Makefile."""
    steps = "\n".join(path.read_text() for path in WORKFLOWS)
    named = set(" ".join(re.findall(r"run: make ([a-z -]+)$", steps, re.MULTILINE)).split())
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert {"test", "broker-tests", "zipapp"} <= named
    assert named <= targets
