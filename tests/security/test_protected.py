"""A protected broker gets nothing without a person's yes, whatever way it is reached by."""

import json
import os
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.builders import numbered
from tests.cli.pty_run import answering
from tests.cli.tool import Tool
from tests.contracts.fakes import MemoryBroker
from tests.running import run

USERS = """\
profiles:
  production:
    hosts: [prod.example, 'prod2.example:5673']
    vhost: live
    username: ann
    password: secret
    protected: true
  tunnel: {host: localhost, port: 7777, username: ann, password: secret, protected: true}
  team: {host: prod.example, vhost: dev, username: ann, password: secret}
"""
PROJECT = """\
profiles:
  copy: {url: 'amqp://ann:secret@prod.example/live', protected: false}
  tunnelled: {url: 'amqp://ann:secret@localhost:7777', protected: false}
  release: {url: 'amqp://ann:secret@rabbitmq.medtrack.com'}
"""
EXPLICIT = """\
default_profile: production
profiles:
  production: {url: 'amqp://ann:secret@prod.example/live', protected: false}
"""
PUBLISH = ("publish", "-f", "event.json")
REPLAY = ("replay", "event.json", "--speed", "max")


class Workplace(NamedTuple):
    """A user with protected profiles in a project, and a broker that would take everything."""

    home: Path
    broker: MemoryBroker

    def run(self, line: str, command: tuple[str, ...] = PUBLISH, stdin: bytes = b"") -> int:
        """Run a command with `NAME=value` variables and options; its exit code."""
        words = line.split()
        options = [word for word in words if not word.startswith("MEDTRACK_")]
        environ = dict(word.split("=", 1) for word in words if word.startswith("MEDTRACK_"))
        arguments = [self.home / w if w == "event.json" else w for w in (*command, *options)]
        return run(
            *arguments, folder=self.home, broker=self.broker, stdin=stdin, environ=environ
        ).code


def write(home: Path) -> None:
    """Make the files of the workplace."""
    own = home / ".config/medtrack/config.yaml"
    own.parent.mkdir(parents=True)
    own.write_text(USERS)
    own.chmod(0o600)
    (home / "medtrack.yaml").write_text(PROJECT)
    (home / "other.yaml").write_text(EXPLICIT)
    (home / "other.yaml").chmod(0o600)
    (home / "event.json").write_bytes(next(numbered(1)))


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    """Make the workplace."""
    write(tmp_path)
    return Workplace(tmp_path, MemoryBroker(wants_all=True))


WAYS = """\
--profile production
MEDTRACK_PROFILE=production
--profile production --host elsewhere.example
--profile production --url amqp://ann:x@elsewhere.example
--profile production --vhost dev --exchange amq.topic
--profile production -q
--profile production -o json
--profile production -vv
MEDTRACK_YES=1 --profile production
MEDTRACK_PROTECTED=false --profile production
--url amqp://ann:x@prod.example/live
--url amqp://ann:x@PROD.Example/live
--url amqp://ann:x@prod.example./live
--url amqp://ann:x@prod%2Eexample/live
--url amqps://ann:x@prod.example:5671/live
--url amqp://ann:x@prod2.example/live
--url amqp://ann:x@prod.example/other
MEDTRACK_URL=amqp://ann:x@prod.example
MEDTRACK_HOST=prod.example MEDTRACK_PASSWORD=x
--host prod.example MEDTRACK_PASSWORD=x
--host prod2.example:5673 MEDTRACK_PASSWORD=x
--profile team --vhost live
MEDTRACK_VHOST=live MEDTRACK_PROFILE=team
--profile team --port 5672
--profile copy
MEDTRACK_PROFILE=copy
--profile release
--url amqp://ann:x@rabbitmq.medtrack.com
--config other.yaml
MEDTRACK_CONFIG=other.yaml
--config other.yaml --profile medtrack MEDTRACK_PASSWORD=x
--profile tunnelled
--url amqp://ann:x@localhost:7777
--url amqp://ann:x@localhost.:7777
--url amqp://ann:x@LOCALHOST:7777
--url amqp://ann:x@127.0.0.1:7777
--url amqp://ann:x@127.9.9.9:7777
--url amqp://ann:x@127.1:7777
--url amqp://ann:x@0x7f000001:7777
--url amqp://ann:x@2130706433:7777
--url amqp://ann:x@0.0.0.0:7777
--url amqp://ann:x@[::1]:7777
--url amqp://ann:x@[::]:7777
--url amqp://ann:x@[::ffff:127.0.0.1]:7777
--port 7777""".splitlines()


@pytest.mark.parametrize("command", [PUBLISH, REPLAY], ids=["publish", "replay"])
@pytest.mark.parametrize("way", WAYS)
def test_no_way_round(workplace: Workplace, way: str, command: tuple[str, ...]) -> None:
    """Without a terminal the command is refused before anything connects; with --yes it runs."""
    assert workplace.run(way, command) == 2
    assert workplace.broker.sent == []

    assert workplace.run(f"{way} --yes", command) == 0
    assert len(workplace.broker.sent) == 1


@pytest.mark.parametrize(
    "more", ["--no-validate --keep-going --allow-unroutable", "--rate 5 --timeout 5 --retry-for 0"]
)
def test_no_option_is_a_yes(workplace: Workplace, more: str) -> None:
    """Other options don't answer the question, and neither does a dry run before."""
    assert workplace.run("--profile production --dry-run") == 0
    assert workplace.run(f"--profile production {more}") == 2
    assert workplace.broker.sent == []


@pytest.mark.parametrize("answer", [b"yes\n", b"production\n", b"y\n" * 100])
def test_a_pipe_answers_nothing(workplace: Workplace, answer: bytes) -> None:
    """What a pipe says is no answer: not before events, and not in their place."""
    for command in (PUBLISH, REPLAY, ("publish", "-f", "-"), ("replay", "-")):
        assert workplace.run("--profile production", command, stdin=answer) == 2
    assert workplace.broker.sent == []


@pytest.mark.parametrize(
    "way",
    [
        "--profile team",
        "--profile team MEDTRACK_VHOST=live MEDTRACK_HOST=prod.example",
        "--profile local",
        "--port 7778",
        "--url amqp://ann:x@prod.example.org/live",
        "--config other.yaml --profile local",
    ],
)
def test_other_brokers_are_free(workplace: Workplace, way: str) -> None:
    """A broker that nobody protects is sent to without a question."""
    assert workplace.run(way) == 0
    assert len(workplace.broker.sent) == 1


def asked(tool: Tool, answer: bytes, *arguments: str) -> tuple[int, list[str]]:
    """Run on a terminal against a protected port where nobody is; give the code and the lines."""
    write(tool.folder)
    variables = {"XDG_CONFIG_HOME": ""}
    given = (*arguments, "--profile", "tunnel", "--retry-for", "0", "--no-color")
    code, seen = answering(tool, given, variables, b" to " + arguments[0].encode() + b": ", answer)
    return code, seen.decode().splitlines()


def test_the_question_says_what_would_happen(tool: Tool) -> None:
    """It names broker, vhost, exchange, count and the ends of the input, and nobody's data."""
    events = tool.write("events.ndjson", b"".join(numbered(1500)))
    code, lines = asked(tool, b"no\n", "publish", "-f", events)

    assert code == 2
    assert lines[:4] == [
        "publish on a protected broker",
        "  broker    localhost:7777",
        "  vhost     /",
        "  exchange  medtrack.events",
    ]
    kind = "student.deleted [0-9a-f]{8}"
    assert re.fullmatch(f"  events    1,500: the first {kind}, the last {kind}", lines[4])
    assert lines[5] == "Type the profile's name, tunnel, to publish: no"
    assert lines[6].startswith("error: not confirmed, so nothing was done: localhost:7777")


@pytest.mark.parametrize("command", ["publish -f event.json", "replay event.json"])
def test_only_the_name_is_a_yes(tool: Tool, command: str) -> None:
    """The profile's name goes on, here to a port where nobody is."""
    assert asked(tool, b"tunnel\n", *command.split())[0] == 69


@pytest.mark.parametrize("answer", [b"y\n", b"yes\n", b"\n", b"TUNNEL\n", b"\x04", b"production\n"])
def test_anything_else_is_a_no(tool: Tool, answer: bytes) -> None:
    """Another answer, or none, ends with 2 and connects to nothing."""
    code, lines = asked(tool, answer, "publish", "-f", "event.json")

    assert code == 2
    assert not any("connecting" in line for line in lines)


def test_a_pipe_is_not_counted(tool: Tool) -> None:
    """What can be read once only is left for the sending, and the question says so."""
    os.mkfifo(tool.folder / "fifo")
    code, lines = asked(tool, b"no\n", "publish", "-f", "fifo")

    assert (code, lines[4]) == (2, "  events    as they come, so they are not counted")


def test_foreign_ids_are_not_shown(tool: Tool) -> None:
    """A recorded id may say anything: the plan masks it, and the question names no event."""
    recorded: dict[str, Any] = {
        "kind": "event",
        "received_at": "2025-01-15T10:00:00Z",
        "exchange": "x",
    }
    recorded |= {"routing_key": "jane.doe", "redelivered": False, "headers": {}, "body_text": "{}"}
    recorded |= {"properties": {"message_id": "jane.doe@example.org"}}
    name = tool.write("r.ndjson", json.dumps(recorded))
    _, lines = asked(tool, b"no\n", "replay", name)

    (question,) = (line for line in lines if line.startswith("replay 1 event of 2025-01-15"))
    assert "jane" not in question
    assert not any("jane.doe@" in line for line in lines)


def test_no_password_is_fetched_before_the_yes(tool: Tool) -> None:
    """Without a yes the profile's password command doesn't run."""
    write(tool.folder)
    own = tool.folder / ".config/medtrack/config.yaml"
    command = "{host: h.example, password_command: [touch, ran], protected: true}"
    own.write_text(f"profiles: {{p: {command}}}")
    ran = tool.run("publish", "-f", "event.json", "--profile", "p", XDG_CONFIG_HOME="")

    assert (ran.code, (tool.folder / "ran").exists()) == (2, False)
    assert (
        tool.run("publish", "-f", "event.json", "--profile", "p", "--yes", XDG_CONFIG_HOME="").code
        == 78
    )
    assert (tool.folder / "ran").exists()
