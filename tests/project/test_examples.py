"""Every example of every help is run, where `medtrack samples` has been."""

import shlex
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from medtrack_cli.files.samples import sample_folder
from tests.broker.witness import client
from tests.cli.test_help import commands
from tests.cli.tool import Tool
from tests.conftest import Broker
from tests.project.lines import ended, ended_in_bash
from tests.running import run

if TYPE_CHECKING:
    from tests.broker.witness import Witness

FIRST, LAST = "medtrack samples", "medtrack publish student.created --count 3"
GIVEN = [line for _, each in commands() for line in each.epilog.splitlines()]
EXAMPLES = list(dict.fromkeys([FIRST, *GIVEN, LAST]))
LISTENING = [line for line in EXAMPLES if line.startswith("medtrack listen")]
(EXPECTING,) = (place for place, line in enumerate(LISTENING) if "--expect" in line)
MANAGEMENT = "http://127.0.0.1:15672"  # RabbitMQ's own, of a broker that isn't the suite's
SIMULATING = [line for line in EXAMPLES if line.startswith("medtrack simulate run")]
LAST_OF_ALL = "medtrack simulate reset"
SLOW = [line for line in EXAMPLES if "broker st" in line or line.startswith("medtrack demo")]


def test_every_example_does_what_it_says(
    connected: Tool, broker: Broker, witness: "Witness", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each ends with 0; those that listen receive what the others publish, and end by it or Ctrl-C.

    `medtrack listen --queue` takes what waits in a queue that a service would have.
    """
    monkeypatch.chdir(connected.folder)
    connected.environ["MEDTRACK_MANAGEMENT_URL"] = getattr(broker, "web_address", MANAGEMENT)
    with queue_of_a_service(connected, "student-service.dead"):
        # What bash makes of >> needs no test.
        connected.write("expect.yaml", "never: [student.deleted]")
        for line in reversed(SIMULATING):
            services = connected.start(*shlex.split(line)[1:], "-o", "json")
            services.await_text('"listening"', 60)
            if line != SIMULATING[0]:
                services.signal(signal.SIGINT)
                assert services.end().code == 130, line
        received = [
            connected.start(*shlex.split(line.partition(" >> ")[0])[1:]) for line in LISTENING
        ]
        for listener in received:
            listener.await_text("listening", 60)
        for line in EXAMPLES:
            if line == "medtrack simulate show student 550e8400-e29b-41d4-a716-446655440000":
                services.await_text("EVAL.template", stream="out")
            if line not in {*LISTENING, *SLOW, *SIMULATING, LAST_OF_ALL}:
                code, said = ended(connected, line)
                assert code == 0, (line, said)
        services.signal(signal.SIGINT)
        assert services.end().code == 130
        assert ended(connected, LAST_OF_ALL)[0] == 0
        received[EXPECTING].process.wait(60)
        for listener in received:
            listener.signal(signal.SIGINT)
        codes = [listener.end().code for listener in received]
    assert len(witness.take()) > 30
    assert codes == [0 if listener is received[EXPECTING] else 130 for listener in received]
    files = ("today.ndjson", "report.html", "medtrack.sarif", "asyncapi.json")
    assert [name for name in files if not (connected.folder / name).stat().st_size] == []


@pytest.mark.long
@pytest.mark.timeout(300)
def test_every_slow_example_does_what_it_says(tool: Tool) -> None:
    """Those of the private broker and of the demo end with 0, too; `stop` is the last of them."""
    for line in sorted(SLOW, key=lambda line: ("stop" in line, "status" in line)):
        code, said = ended_in_bash(tool, line)
        assert code == 0, (line, said)


@contextmanager
def queue_of_a_service(tool: Tool, name: str) -> Iterator[None]:
    """Make what examples name on the broker, and delete it, and what they leave behind."""
    with client(tool.environ["MEDTRACK_URL"]) as channel:
        channel.queue_declare(name)
        channel.basic_publish("", name, b"{}")
        tool.run("archive", "create", "--bind", "#", "--accept-loss")
        try:
            yield
        finally:
            for left in (name, "my-tap", "student-service", "audit", "medtrack.archive", "stages"):
                channel.queue_delete(left)


def test_samples_are_never_written_over_a_file(tool: Tool) -> None:
    """Where one place is taken, by a link too, nothing is written: 73, and the place is named."""
    for taken in ("payload.json", "schemas/room.booked/1.1.json", "sample-events"):
        folder = tool.folder / taken.replace("/", "-")
        (folder / taken).parent.mkdir(parents=True)
        (folder / taken).symlink_to("nowhere")
        ran = run("samples", folder, folder=tool.folder)
        assert (ran.code, ran.out) == (73, "")
        assert taken in ran.err
        assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_samples_are_said_and_valid(tool: Tool) -> None:
    """Every file is named; events, scenario and recording are valid, the schemas can be used."""
    folder = tool.folder / "a new/one"
    ran = run("samples", folder, "-o", "json", folder=tool.folder)
    written = {path for path in folder.rglob("*") if path.is_file()}
    assert {Path(each["path"]) for each in ran.records} == written
    events = {folder / "sample-events" / path.name for path in sample_folder().iterdir()}
    assert {path for path in written if path.parent.name == "sample-events"} == events
    inputs = (folder / "sample-events", folder / "morning.ndjson")
    checked = run("validate", *inputs, "-o", "json", folder=tool.folder)
    assert (checked.code, checked.summary["files"]) == (0, len(events) + 1)
    assert run("schema", "check", folder / "schemas", folder=tool.folder).code == 0
