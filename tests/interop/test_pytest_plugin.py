"""Publishers in other languages, tested with the pytest plugin."""

from pathlib import Path

import pytest

from medtrack_cli.private_broker import PrivateBroker
from medtrack_cli.testing.broker import MANAGEMENT_URL, URL
from tests.clients.programs import program
from tests.plugin.projects import run_pytest

TEST = """
import os
import subprocess


def test_it_publishes_a_student(medtrack_broker, medtrack_tap):
    environ = {**os.environ, **medtrack_broker.environ}
    subprocess.run(%r, env=environ, check=True, timeout=60)
    student = medtrack_tap.expect("student.created", where={"cin": "ZZ123456"})
    assert student.findings == ()
    assert len(medtrack_tap.all) == 1
"""


@pytest.mark.parametrize("language", ["node", "java"])
def test_a_publisher_is_tested_in_a_few_lines(
    tmp_path: Path, private_broker: PrivateBroker, language: str
) -> None:
    """It runs as its users run it, led by its environment to a vhost of the test's own."""
    url, api = private_broker.amqp_url, private_broker.web_address
    made = program(tmp_path, language, url=url, api=api)
    (tmp_path / "test_it.py").write_text(TEST % (made.command,), "utf-8")
    ran = run_pytest(tmp_path, {**made.environ, URL: url, MANAGEMENT_URL: api})
    assert (ran.get("tests"), ran.get("failures"), ran.get("errors")) == ("1", "0", "0")
