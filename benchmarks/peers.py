"""The programs that medtrack is measured beside, in a folder of their own, not our environment."""

import json
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from benchmarks.measuring import ROOT, missing, note

FOLDER = ROOT / "build" / "bench"
PACKAGES = {
    "python": ("aio-pika", "check-jsonschema"),
    "node": ("ajv-cli", "@sourcemeta/jsonschema"),
}


@cache
def peer(name: str) -> tuple[str, ...]:
    """Give a peer's command, empty where it can't be had; `aio-pika` is a Python that has it."""
    if name.startswith("amqp-"):
        path, why = shutil.which(name), "apt-get install amqp-tools brings it"
    elif name in PACKAGES["python"]:
        path, why = f"{_python()}/{'python' if name == 'aio-pika' else name}", "pip could not"
    else:
        path, why = f"{_node()}/{name}", "npm could not install it"
    if path and Path(path).exists():
        return (path,)
    note(f"left out: {name}: {why}")
    missing[name] = why
    return ()


@cache
def _python() -> Path:
    folder = FOLDER / "python"
    _install(
        "python", ([sys.executable, "-m", "venv", str(folder)], [f"{folder}/bin/pip", "install"])
    )
    return folder / "bin"


@cache
def _node() -> Path:
    folder = FOLDER / "node"
    _install("node", (["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder)],))
    return folder / "node_modules" / ".bin"


def _install(kind: str, commands: tuple[list[str], ...]) -> None:
    """Install packages once; without them their peers are left out."""
    if (FOLDER / kind / "made").exists():
        return
    note(f"installing {', '.join(PACKAGES[kind])}")
    (FOLDER / kind).mkdir(parents=True, exist_ok=True)
    *before, last = commands
    for command in (*before, [*last, *PACKAGES[kind]]):
        program = shutil.which(command[0])
        if not program or _fails([program, *command[1:]]):
            return
    (FOLDER / kind / "made").touch()


def _fails(command: list[str]) -> bool:
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 -- our own
    return done.returncode != 0


def versions() -> str:
    """Name the versions of what was installed."""
    found = []
    for name in PACKAGES["python"]:
        made = (FOLDER / "python").glob(f"lib/*/site-packages/{name.replace('-', '_')}-*.dist-info")
        found += [f"{name} {each.stem.rpartition('-')[2]}" for each in made]
    for name in PACKAGES["node"]:
        file = FOLDER / "node" / "node_modules" / name / "package.json"
        if file.exists():
            found.append(f"{name} {json.loads(file.read_text())['version']}")
    return ", ".join(found)
