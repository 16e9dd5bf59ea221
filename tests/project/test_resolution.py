"""What is installed with medtrack can be had as wheels, for each Python on each platform."""

import re
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import pytest

from tests.cli.tool import ROOT

PYTHONS = ("3.11", "3.12", "3.13", "3.14", "3.15")
PLATFORMS = (
    "x86_64-manylinux_2_28",
    "aarch64-manylinux_2_28",
    "x86_64-unknown-linux-musl",
    "aarch64-unknown-linux-musl",
    "x86_64-apple-darwin",
    "aarch64-apple-darwin",
    "x86_64-pc-windows-msvc",
)
TARGETS = tuple(product(PYTHONS, PLATFORMS))
# Targets without a wheel of cel-expr-python, for the extra `where`: docs/decisions/cel.md.
WITHOUT_WHERE = {target for target in TARGETS if target[0] == "3.15" or "musl" in target[1]}


def resolved(target: tuple[str, str], *what: str) -> str:
    """Resolve with wheels alone; give what uv says where it can't be done."""
    python, platform = target
    command = [str(Path(sys.executable).with_name("uv")), "pip", "compile", "--no-config", *what]
    command += ["--python-version", python, "--python-platform", platform, "--quiet"]
    command += ["--only-binary", ":all:"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return ran.stderr if ran.returncode else ""


def lacking(*what: str) -> dict[tuple[str, str], str]:
    """Name the targets for which something has no wheel, with what uv says."""
    with ThreadPoolExecutor(4) as pool:
        said = pool.map(lambda target: resolved(target, *what), TARGETS)
        return {target: text for target, text in zip(TARGETS, said, strict=True) if text}


def test_all_promised_pythons_are_resolved_for() -> None:
    """The Pythons here are those of the classifiers."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert re.findall(r"Python :: (3\.\d+)", "\n".join(project["classifiers"])) == [*PYTHONS]


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("what", ["pyproject.toml", "requirements/runtime.txt"])
def test_everything_has_a_wheel_everywhere(what: str) -> None:
    """Both the newest versions and those pinned are there for all; the package index is asked."""
    assert lacking(what) == {}


@pytest.mark.long
@pytest.mark.timeout(900)
def test_conditions_have_a_wheel_where_it_is_said() -> None:
    """The extra `where` is to be had but where it is said not to be."""
    assert lacking("pyproject.toml", "--extra", "where").keys() == WITHOUT_WHERE
