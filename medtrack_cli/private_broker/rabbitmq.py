"""Finding a RabbitMQ on this machine that medtrack may start privately."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from medtrack_cli import programs

IMAGE = "docker.io/library/rabbitmq:4-management"
ENGINES = ("docker", "podman")
ENGINE_PATIENCE = 5.0  # seconds; a running engine answers `info` in well under one

HOW_TO_INSTALL = (
    "start Docker or Podman, or install RabbitMQ: Debian, Ubuntu: sudo apt-get install"
    " --no-install-recommends rabbitmq-server; Fedora: sudo dnf install rabbitmq-server; macOS:"
    " brew install rabbitmq; Windows: Docker Desktop, or any of these inside WSL"
)


class Kind(StrEnum):
    """What runs the broker: programs of this machine, or a container engine."""

    SERVER = "server"
    CONTAINER = "container"


class Installation(NamedTuple):
    """A RabbitMQ that can be started. `command` is rabbitmq-server itself, or the engine."""

    kind: Kind
    command: Path


def find(environ: Mapping[str, str]) -> Installation | None:
    """Find an installed RabbitMQ, else a container engine that answers."""
    if server := find_server(environ):
        return Installation(Kind.SERVER, server)
    if engine := find_engine(environ):
        return Installation(Kind.CONTAINER, engine)
    return None


def find_server(environ: Mapping[str, str], root: Path = Path("/")) -> Path | None:
    """Find RabbitMQ's own start script.

    Packages put a wrapper on PATH that switches to the user `rabbitmq`. The script itself has
    `rabbitmq-env` beside it once symbolic links are followed; nothing else counts.
    """
    for folder in _server_folders(environ, root):
        script = (folder / "rabbitmq-server").resolve()
        usable = os.access(script, os.X_OK) and os.access(script.with_name("rabbitmq-env"), os.R_OK)
        if script.name == "rabbitmq-server" and usable:
            return script
    return None


def find_engine(environ: Mapping[str, str]) -> Path | None:
    """Find a container engine that runs."""
    for name in ENGINES:
        command = shutil.which(name, path=environ.get("PATH", os.defpath))
        if command and _answers(command, environ):
            return Path(command)
    return None


def _server_folders(environ: Mapping[str, str], root: Path) -> Iterator[Path]:
    if home := environ.get("RABBITMQ_HOME"):
        yield Path(home, "sbin")
    yield from map(Path, filter(None, environ.get("PATH", os.defpath).split(os.pathsep)))
    yield root / "usr/lib/rabbitmq/bin"  # Debian, Ubuntu, Fedora
    for prefix in ("opt/homebrew", "usr/local"):
        yield root / prefix / "opt/rabbitmq/sbin"
        yield root / prefix / "sbin"
    yield from _unpacked(root / "opt", "rabbitmq*")
    if user := environ.get("HOME"):
        yield from _unpacked(Path(user), "rabbitmq_server-*")


def _unpacked(folder: Path, pattern: str) -> list[Path]:
    """Find unpacked archives, the newest version first."""
    found = sorted(folder.glob(pattern), key=_version_in, reverse=True)
    return [archive / "sbin" for archive in found]


def _version_in(archive: Path) -> list[int]:
    return [int(number) for number in re.findall("[0-9]+", archive.name)]


def _answers(engine: str, environ: Mapping[str, str]) -> bool:
    try:
        nowhere = subprocess.DEVNULL
        asked = programs.run(
            [engine, "info"],
            environ=environ,
            seconds=ENGINE_PATIENCE,
            stdout=nowhere,
            stderr=nowhere,
        )
    except OSError:
        return False
    return asked.returncode == 0
