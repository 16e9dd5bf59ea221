"""The pytest plugin, in the projects that a page shows, and where it can't do its work."""

import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from medtrack_cli.broker.management.client import names
from medtrack_cli.errors import BrokerUnreachable, UsageError
from medtrack_cli.private_broker import PrivateBroker
from medtrack_cli.testing.broker import MANAGEMENT_URL, PREFIX, URL, opened
from tests.plugin.projects import FAILING, MANY, project, run_pytest

MESSAGES = {
    "test_another_address": (
        "not within 0.1 s\nnot met: expect student.created where email; it came 0 times",
        'email differs: wanted "x.x@xxxxxxx.xxx", got "xxxxx.xxxxxxx@xxxxxxx.xxx"',
        "student.created  student_id ",
    ),
    "test_taken": ("it came 0 times", "1 more: taken by what was expected before"),
    "test_invalid_is_none": ("student.created came at ", "but it is invalid: missing_field at"),
    "test_none": ("never student.#; it came once, at ",),
    "test_unroutable": ("stage.completed is unroutable: no queue is bound to it",),
    "test_invalid": ("not published, it is invalid:\n  /payload/email: email is not an e-mail",),
    "test_wrong_field": ("no such field in student.created: payload.emial", "payload.email?"),
    "test_wrong_type": ("did you mean 'student.created'?",),
    "test_another_reaction": ("COMM.welcome came at ", "but it is about another"),
    "test_wrong_service": ("there is no such service: com\nhint: did you mean comm?",),
}


def test_the_projects_of_the_page_pass_and_leave_nothing(
    tmp_path: Path, environ: Mapping[str, str]
) -> None:
    """Publisher and consumer are tested as the page shows; what fails says why, masked."""
    project(tmp_path, FAILING)
    ran = run_pytest(tmp_path, environ)
    cases = {each.get("name", ""): each for each in ran.iter("testcase")}
    failed = {name: each.find("failure") for name, each in cases.items()}
    told = {name: each.get("message", "") for name, each in failed.items() if each is not None}
    assert {name.partition("[")[0] for name in told} == {*MESSAGES}
    for name, texts in MESSAGES.items():
        for text in texts:
            assert text in told[name]
    assert "amina.example" not in "".join(told.values())
    assert ran.get("errors") == "0"
    assert len(cases) == len(MESSAGES) + 8
    assert not [each for each in vhosts(environ) if each.startswith(PREFIX)]


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_hundred_runs_on_four_processes_have_no_flake(tmp_path: Path) -> None:
    """Processes share a private broker of the tests' own, and the last one erases it."""
    project(tmp_path, MANY)
    home = tmp_path / "home"
    ran = run_pytest(tmp_path, {"HOME": str(home)}, "--numprocesses=4", "-k", "many")
    assert (ran.get("tests"), ran.get("failures"), ran.get("errors")) == ("100", "0", "0")
    brokers = home / ".local/state/medtrack/broker"
    assert [each.name for each in brokers.iterdir()] == ["pytest.users"]


def vhosts(environ: Mapping[str, str]) -> tuple[str, ...]:
    """List the vhosts of the broker that tests get."""
    with opened(allow_remote=False, environ=environ) as own:
        found = names(own.settings, "vhosts", 20)
        assert own.vhost in found
        return tuple(each for each in found if each != own.vhost)


@pytest.fixture
def environ(private_broker: PrivateBroker, tmp_path: Path) -> Mapping[str, str]:
    """Give an environment that leads the fixtures to the suite's broker."""
    named = {URL: private_broker.amqp_url, MANAGEMENT_URL: private_broker.web_address}
    return {"HOME": str(tmp_path), **named}


def test_it_is_there_and_costs_nothing_unused() -> None:
    """Loading it takes under 20 ms, and loads nothing but pytest."""
    (found,) = [each for each in entry_points(group="pytest11") if each.name == "medtrack"]
    program = (
        "import contextlib, sys, time, typing, pytest; before = {*sys.modules}; "
        f"since = time.process_time(); import {found.value}; "
        "print(time.process_time() - since, *({*sys.modules} - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    seconds, *loaded = done.stdout.split()
    assert float(seconds) < 0.02
    assert {*loaded} == {"medtrack_cli", "medtrack_cli.pytest_plugin"}


def test_a_broker_beyond_this_machine_is_refused() -> None:
    """Nobody's tests publish to a real broker by an address left in the environment."""
    environ = {URL: "amqp://a:b@rabbitmq.medtrack.com/%2F"}
    with (
        pytest.raises(UsageError, match="leads beyond this machine") as told,
        opened(allow_remote=False, environ=environ),
    ):
        pass
    assert "medtrack_allow_remote = true" in told.value.hint


def test_a_broker_that_is_not_there_says_the_next_step() -> None:
    """No management API: the error names it, and the variable that names another."""
    environ = {URL: "amqp://a:b@localhost:1/%2F", MANAGEMENT_URL: "http://localhost:1"}
    with (
        pytest.raises(BrokerUnreachable, match="management API doesn't answer") as told,
        opened(allow_remote=False, environ=environ),
    ):
        pass
    assert MANAGEMENT_URL in told.value.hint
