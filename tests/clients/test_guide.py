"""The integration guide's own examples, run as they are written there, beside the tool."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from medtrack_cli.files.samples import sample_folder
from tests.broker.witness import client
from tests.cli.tool import Ran, Tool
from tests.clients.guide import example, readdressed
from tests.clients.programs import JARS, MORE, PACKAGES
from tests.clients.test_clients import MANAGEMENT
from tests.conftest import Broker
from tests.running import run

QUEUE = "your-service.events"  # as the guide's consumer names it
NAIVE = ["naive_timestamp"]

# What the guide leaves to its reader.
REGISTERING = """
from types import SimpleNamespace
class YourDatabase:
    save = staticmethod(lambda data: SimpleNamespace(**data))
register_student(dict(id="550e8400-e29b-41d4-a716-446655440000",
    user_id="660e9500-f39c-52e5-b827-557766551111", cin="AB123456", email="student@example.com",
    phone="+1234567890", first_name="John", last_name="Doe"))
"""
RETRYING = """
payload = {"student_id": "550e8400-e29b-41d4-a716-446655440000", "updated_fields": ["email"]}
assert publish_with_retry("student.updated", payload)
"""
STUDENT = """
public record Student(String getId, String getUserId, String getCin, String getEmail,
        String getPhone, String getFirstName, String getLastName) {
    public static void main(String[] arguments) throws Exception {
        EventPublisher.publishStudentCreated(new Student("550e8400-e29b-41d4-a716-446655440000",
            "660e9500-f39c-52e5-b827-557766551111", "AB123456", "student@example.com",
            "+1234567890", "John", "Doe"));
    }
}
"""


def ran(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a program to its end."""
    environ = {**os.environ, "NODE_PATH": PACKAGES or "", "PYTHONWARNINGS": "ignore"}
    return subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, timeout=60, check=False
    )


def judged(received: Ran) -> list[tuple[str, bool, list[str]]]:
    """Give each event that was received: key, whether it is valid, its rules, each explained."""
    found = [
        (each["routing_key"], each["valid"], [finding["rule"] for finding in each["findings"]])
        for each in received.of_kind("event")
    ]
    for rule in {rule for *_, rules in found for rule in rules}:
        assert run("explain", rule).code == 0
    return found


PYTHON: dict[str, tuple[Sequence[str], str, list[str]]] = {
    "publisher": (["# Publish student.created event"], "", ["student.created"]),
    "registration": (["class MedTrack"], REGISTERING, ["user.created", "student.created"]),
    "retry": (["class MedTrack", "def publish_with_retry"], RETRYING, ["student.updated"]),
}


@pytest.mark.parametrize("name", PYTHON)
def test_listen_hears_the_guides_python(connected: Tool, broker: Broker, name: str) -> None:
    """Its events are valid; their naive timestamps are a warning."""
    holding, more, keys = PYTHON[name]
    texts = [readdressed(example("python", each), broker) for each in holding]
    text = "".join(texts)
    listening = connected.listen("--count", f"{len(keys)}", "--timeout", "20")
    done = ran(connected.folder, sys.executable, "-c", text + more)
    assert (done.returncode, done.stderr) == (0, "")
    assert judged(listening.end()) == [(key, True, NAIVE) for key in keys]


@pytest.mark.skipif(not MORE, reason="make test-interop has Node's and Java's clients")
@pytest.mark.parametrize("language", ["node", "java"])
def test_listen_hears_the_guides_other_languages(
    connected: Tool, broker: Broker, language: str
) -> None:
    """Their events are valid; Node's example is, once its JSON.dumps has become JSON.stringify."""
    listening = connected.listen("--count", "1", "--timeout", "60")
    if language == "node":
        text = readdressed(example("javascript", "publishStudentCreated"), broker)
        as_written = ran(connected.folder, "node", "-e", text)
        assert as_written.returncode == 1
        assert "JSON.dumps is not a function" in as_written.stderr
        done = ran(connected.folder, "node", "-e", text.replace("JSON.dumps", "JSON.stringify"))
    else:
        text = readdressed(example("java", "class EventPublisher"), broker)
        connected.write("EventPublisher.java", text)
        connected.write("Student.java", STUDENT)
        path = f"{JARS}:/usr/share/java/com.android.json.jar:."
        compiled = ran(connected.folder, "javac", "-cp", path, "Student.java")
        assert compiled.returncode == 0, compiled.stderr
        done = ran(connected.folder, "java", "-cp", path, "Student")
    assert done.returncode == 0, done.stderr
    assert "Event published" in done.stdout
    assert judged(listening.end()) == [("student.created", True, [])]


def test_the_guides_consumer_hears_publish(connected: Tool, broker: Broker) -> None:
    """The guide's consumer understands what `publish` sends, and takes each event once."""
    body = (sample_folder() / "stage.completed.json").read_bytes()
    name = connected.write("event.json", body)
    with running_consumer(broker, connected.folder) as said:
        published = connected.run("publish", "-f", name, "-o", "json")
        assert (published.code, published.summary["confirmed"]) == (0, 1)
        await_text(said, "Stage completed for student 550e8400-e29b-41d4-a716-446655440000")
        assert "Traceback" not in said.read_text("utf-8")


def test_the_guides_curl_example_is_received_as_invalid(connected: Tool, broker: Broker) -> None:
    """The guide's test event, incomplete and with an id that is none, is shown with findings.

    Listening goes on, and its exit code doesn't change.
    """
    text = readdressed(example("bash", "curl"), broker, getattr(broker, "web_address", MANAGEMENT))
    listening = connected.listen("--count", "2", "--timeout", "20")
    done = ran(connected.folder, "bash", "-c", text)
    assert '{"routed":true}' in done.stdout
    name = str(sample_folder() / "stage.created.json")
    assert connected.run("publish", "-f", name).code == 0
    received = listening.end()
    assert received.code == 0
    assert [(key, valid) for key, valid, _ in judged(received)] == [
        ("student.created", False),
        ("stage.created", True),
    ]
    found = {(each["rule"], each["pointer"]) for each in received.records[0]["findings"]}
    names = ("user_id", "cin", "phone", "first_name", "last_name")
    assert found == {
        ("bad_format", "/payload/student_id"),
        ("missing_field", "/timestamp"),
        ("missing_field", "/version"),
        *(("missing_field", f"/payload/{name}") for name in names),
    }


@contextmanager
def running_consumer(broker: Broker, folder: Path) -> Iterator[Path]:
    """Run the guide's consumer until the test is done; give the file it prints to."""
    said = folder / "consumer.out"
    text = readdressed(example("python", "start_consuming"), broker)
    with said.open("wb") as out:
        process = subprocess.Popen([sys.executable, "-uc", text], stdout=out, stderr=out)
    try:
        await_text(said, "Consuming events")
        yield said
    finally:
        process.kill()
        process.wait(10)
        with client(broker.amqp_url) as channel:
            channel.queue_delete(QUEUE)


def await_text(path: Path, text: str) -> None:
    """Wait until a program has printed a text."""
    until = time.monotonic() + 20
    while text not in path.read_text("utf-8"):
        assert time.monotonic() < until, path.read_text("utf-8")
        time.sleep(0.02)
