"""A private broker in a container: what the engine is told, whichever engine it is."""

import os
from pathlib import Path

import pytest

from medtrack_cli import private_broker as private
from medtrack_cli.errors import BrokerUnreachable
from medtrack_cli.private_broker import node as private_node
from medtrack_cli.private_broker.rabbitmq import IMAGE, Kind

NAME = "medtrack-broker-token"
ENGINE = """#!/bin/sh
echo "$*" >> "$0.calls"
case $1 in top) [ -e "$0.up" ] ;; kill) rm "$0.up" ;; exec) echo said ;; stop) echo "$4" ;;
    image) exit 1 ;; run) env > "$0.env"; exit 125 ;; esac
"""


@pytest.fixture
def engine(state: Path, tmp_path: Path) -> Path:
    """Give an engine that writes down its calls, with the node of a container that runs."""
    command = tmp_path / "podman"
    command.write_text(ENGINE)
    command.chmod(0o755)
    command.with_name("podman.up").touch()
    state.mkdir()
    node = private_node.Node(Kind.CONTAINER, command, "token", 1, 2, 3, 4)  # nobody is on port 1
    private_node.save(node, state)
    return command


def calls(engine: Path) -> list[str]:
    """Take what an engine was told since the last look."""
    written = engine.with_name("podman.calls")
    lines = written.read_text().splitlines()
    written.unlink()
    return lines


def test_a_container_is_asked_and_ended_through_its_engine(state: Path, engine: Path) -> None:
    """Status, rabbitmqctl, kill and stop are the engine's commands; erasing takes the volume."""
    broker = private.status(state)
    assert broker is not None
    assert (broker.pid, broker.ready, broker.amqp_port) == (None, False, 1)
    assert calls(engine) == [f"top {NAME}"]
    assert private.rabbitmqctl(broker, "status") == "said\n"
    assert calls(engine) == [f"exec {NAME} rabbitmqctl --quiet status"]
    assert private.stop(state)
    assert calls(engine) == [f"top {NAME}", f"stop -t 20 {NAME}", f"rm --force {NAME}"]
    private.kill(broker)
    assert private.status(state) is None
    assert calls(engine) == [f"kill {NAME}", f"top {NAME}"]
    assert not private.stop(state, erase=True)
    assert calls(engine) == [f"top {NAME}", f"rm --force {NAME}", f"volume rm --force {NAME}"]
    assert not state.exists()


def test_a_container_is_launched_without_our_variables(state: Path, engine: Path) -> None:
    """The image is fetched, the login is in no argument, and what the engine refuses is told."""
    node = private_node.load(state)
    assert node is not None
    said: list[str] = []
    environ = {**os.environ, "MEDTRACK_PASSWORD": "secret"}
    with pytest.raises(BrokerUnreachable, match="podman run failed"):
        private.launcher_of(node, state).launch(environ, said.append)
    inspected, pulled, ran = calls(engine)
    assert (inspected, pulled) == (f"image inspect {IMAGE}", f"pull --quiet {IMAGE}")
    assert said == [f"fetching the image {IMAGE} with podman"]
    assert "--publish 127.0.0.1:1:5672" in ran
    assert "password" not in ran
    seen = engine.with_name("podman.env").read_text().splitlines()
    assert "RABBITMQ_DEFAULT_PASS=password" in seen
    assert not [line for line in seen if line.startswith("MEDTRACK_")]
