"""The integration guide's own programs, as written there, beside the tool."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from medtrack_cli.files.samples import sample_folder
from medtrack_cli.private_broker import EXCHANGE
from tests.broker.witness import client, settings_of
from tests.cli.tool import Tool
from tests.conftest import Broker

GUIDE = Path(__file__).parents[1] / "interop_guide"
QUEUE = "your-service.events"  # as the guide's consumer names it
CURL_BODY = (
    b'{"event_type":"student.created","payload":{"student_id":"test-123",'
    b'"email":"test@example.com"},"service":"test"}'
)


def sample(event_type: str) -> bytes:
    """Read a type's sample file."""
    return (sample_folder() / f"{event_type}.json").read_bytes()


def program(name: str, broker: Broker) -> str:
    """Read a program of the guide, with the address and the login of the test's broker."""
    settings = settings_of(broker.amqp_url)
    text = (GUIDE / f"{name}.py.txt").read_text("utf-8")
    login = f"PlainCredentials({settings.username!r}, {settings.password.reveal()!r})"
    return (
        text.replace("PlainCredentials('admin', 'password')", login)
        .replace("host='rabbitmq.medtrack.com'", f"host={settings.hosts[0].name!r}")
        .replace("port=5672", f"port={settings.hosts[0].port}")
    )


@contextmanager
def running_consumer(broker: Broker, folder: Path) -> Iterator[Path]:
    """Run the guide's consumer until the test is done; give the file it prints to."""
    said = folder / "consumer.out"
    with said.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-uc", program("consumer", broker)], stdout=out, stderr=out
        )
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


def test_listen_hears_the_guides_publisher(connected: Tool, broker: Broker) -> None:
    """The event of the guide's publisher is valid; its naive timestamp is a warning."""
    listening = connected.listen("--count", "1", "--timeout", "20")
    done = subprocess.run(
        [sys.executable, "-c", program("publisher", broker)],
        capture_output=True,
        check=True,
        timeout=20,
    )
    assert "Event published" in done.stdout.decode()
    ran = listening.end()
    assert ran.code == 0
    (event,) = ran.records
    assert (event["routing_key"], event["valid"]) == ("student.created", True)
    assert event["properties"] == {"content_type": "application/json", "delivery_mode": 2}
    assert [each["rule"] for each in event["findings"]] == ["naive_timestamp"]


def test_the_guides_consumer_hears_publish(connected: Tool, broker: Broker, tmp_path: Path) -> None:
    """The guide's consumer understands what `publish` sends, and takes each event once."""
    name = connected.write("event.json", sample("stage.completed"))
    with running_consumer(broker, tmp_path) as said:
        ran = connected.run("publish", "-f", name, "-o", "json")
        assert (ran.code, ran.summary["confirmed"]) == (0, 1)
        await_text(said, "Stage completed for student 550e8400-e29b-41d4-a716-446655440000")
        assert "Traceback" not in said.read_text("utf-8")


def test_the_guides_curl_example_is_heard_as_invalid(connected: Tool, broker: Broker) -> None:
    """The guide's test event, incomplete and with an id that is none, is shown with findings.

    Listening goes on, and its exit code doesn't change.
    """
    listening = connected.listen("--count", "2", "--timeout", "20")
    with client(broker.amqp_url) as channel:
        channel.basic_publish(EXCHANGE, "student.created", CURL_BODY)
        channel.basic_publish(EXCHANGE, "stage.created", sample("stage.created"))
    ran = listening.end()
    assert ran.code == 0
    invalid, valid = ran.records
    assert invalid["valid"] is False
    assert invalid["body_text"].encode() == CURL_BODY
    found = {(each["rule"], each["pointer"]) for each in invalid["findings"]}
    assert found == {
        ("bad_format", "/payload/student_id"),
        ("missing_field", "/timestamp"),
        ("missing_field", "/version"),
        *(
            ("missing_field", f"/payload/{name}")
            for name in ("user_id", "cin", "phone", "first_name", "last_name")
        ),
    }
    assert valid["valid"] is True
    assert json.loads(ran.err.splitlines()[-1])["invalid"] == 1
