"""Projects that use the pytest plugin, run as their owners run them."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.clients.guide import example
from tests.project.pages import ROOT, blocks

PAGE = ROOT / "docs/test-an-integration.md"
FAILING = '''
import os
import subprocess
import sys
from importlib.util import find_spec

import pika
import pytest


def test_unroutable(medtrack_publish):  # the first: a tap's queue takes a moment to go
    medtrack_publish("stage.completed")


def test_another_address(medtrack_tap, medtrack_publish):
    medtrack_publish("student.created", email="amina.example@example.org")
    medtrack_tap.expect("student.created", where={"email": "o.k@example.org"}, timeout=0.1)


def test_taken(medtrack_tap, medtrack_publish):
    medtrack_publish("student.deleted")
    medtrack_tap.expect("student.deleted")
    medtrack_tap.expect("student.deleted", timeout=0)


def test_invalid_is_none(medtrack_broker, medtrack_tap):
    body = b"""{"event_type": "student.created", "payload": {"email": "nobody"},
        "service": "s", "timestamp": "2025-01-15T10:00:00Z", "version": "1.0"}"""
    with pika.BlockingConnection(pika.URLParameters(medtrack_broker.url)) as connection:
        exchange = medtrack_broker.exchange
        connection.channel().basic_publish(exchange, "student.created", body)
    (event,) = medtrack_tap.all
    assert not event.is_valid
    assert any("/payload/email" in each for each in event.findings)
    medtrack_tap.expect("student.created", timeout=0)


def test_none(medtrack_tap, medtrack_publish):
    medtrack_publish("student.deleted")
    medtrack_tap.none("user.*")
    medtrack_tap.none("student.#")


def test_invalid(medtrack_publish):
    medtrack_publish("student.created", email="nobody")


def test_wrong_field(medtrack_publish):
    medtrack_publish("student.created", emial="a@example.org")


def test_wrong_type(medtrack_tap):
    medtrack_tap.expect("student.create")


def test_the_guides_publisher(medtrack_broker, medtrack_tap):
    environ = {**os.environ, **medtrack_broker.environ}
    subprocess.run([sys.executable, "guide.py"], env=environ, check=True)
    student = medtrack_tap.expect("student.created", where={"cin": "AB123456"})
    assert student.payload["first_name"] == "John"
    assert ["/timestamp" in each for each in student.findings] == [True]  # it has no offset
    assert len(medtrack_tap.all) == 1


def test_what_may_be_asked(medtrack_tap, medtrack_publish):
    sent = medtrack_publish("evaluation.created", score=85, service="ours")
    other = medtrack_publish("evaluation.created", score=12)
    assert sent.payload["evaluation_id"] != other.payload["evaluation_id"]
    at = {"score": 12, "payload.student_id": other.payload["student_id"], "version": "1.0"}
    assert medtrack_tap.expect("evaluation.*", where=at).message_id == other.message_id
    asked = lambda event: event["service"] == "ours"
    assert medtrack_tap.expect("#", where=asked) == sent
    assert medtrack_tap.all == [sent, other]


def test_reactions(medtrack_services, medtrack_publish):
    services = medtrack_services()
    sent = medtrack_publish("student.created")
    welcome = services.expect("COMM.welcome", about=sent.payload["student_id"])
    assert welcome.event == sent
    services.none("PROFILE.#")
    services.none("COMM.#", about="somebody-else")
    reactions = {each.id for each in services.all}
    assert reactions == {"COMM.welcome", "AUTH.account", "CORE.tracking"}


def test_failing_services(medtrack_services, medtrack_publish):
    services = medtrack_services("comm", fail_rate=0.5, seed=1)
    for number in range(5):
        sent = medtrack_publish("student.created")
        services.expect("COMM.welcome", where={"email": sent.payload["email"]})


def test_another_reaction(medtrack_services, medtrack_publish):
    services = medtrack_services("comm")
    medtrack_publish("student.created")
    services.expect("COMM.welcome", about="nobody", timeout=0)


def test_wrong_service(medtrack_services):
    medtrack_services("com")


@pytest.mark.skipif(find_spec("cel_expr_python") is None, reason="no wheel for this Python")
def test_expression(medtrack_tap, medtrack_publish):
    medtrack_publish("evaluation.created", score=85)
    medtrack_tap.expect("evaluation.created", where="event.payload.score > 80")
'''

MANY = """
import pytest


@pytest.mark.parametrize("number", range(100))
def test_many(number, medtrack_tap, medtrack_publish):
    sent = medtrack_publish("stage.completed")
    came = medtrack_tap.expect("stage.completed", where={"stage_id": sent.payload["stage_id"]})
    assert came == sent
    medtrack_tap.none("student.*")
    assert medtrack_tap.all == [came]
"""


def project(folder: Path, more: str = "") -> None:
    """Write the modules that the page shows, the guide's publisher, and more tests."""
    for name, text in blocks(PAGE.read_text("utf-8"), "python"):
        if name:
            (folder / name).write_text(text, "utf-8")
    read = 'pika.URLParameters(__import__("os").environ["MEDTRACK_URL"])'
    guide = re.sub(
        r"pika\.ConnectionParameters\(.*?\n\)",
        read,
        example("python", "# Publish student.created"),
        flags=re.DOTALL,
    )
    (folder / "guide.py").write_text(guide, "utf-8")
    (folder / "test_more.py").write_text(more, "utf-8")


def run_pytest(folder: Path, environ: Mapping[str, str], *arguments: str) -> ET.Element:
    """Run a project's tests with no settings of ours; give the suite of the JUnit report."""
    command = [sys.executable, "-m", "pytest", "--junit-xml=report.xml"]
    command += ["-p", "no:cacheprovider", "-p", "no:randomly"]
    done = subprocess.run(
        [*command, *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], **environ},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    report = folder / "report.xml"
    assert report.exists(), done.stdout + done.stderr
    (suite,) = ET.parse(report).getroot()
    return suite
