"""doctor run against a broker, and what holds of each run."""

import json
import time
from typing import Any

import urllib3

from medtrack_cli.private_broker import PrivateBroker
from tests.cli.tool import Ran
from tests.faults.patients import SECRET, Given
from tests.faults.permissions import PASSWORD
from tests.running import run_json


def definitions(broker: PrivateBroker) -> str:
    """Export all that is declared on the broker, what goes with its connection included."""
    login = urllib3.make_headers(basic_auth="admin:password")
    url = f"http://127.0.0.1:{broker.management_port}/api"
    paths = ("definitions", "queues?columns=name", "bindings")
    exported = [urllib3.request("GET", f"{url}/{path}", headers=login).json() for path in paths]
    return json.dumps(exported, sort_keys=True)


def examined(given: Given, broker: PrivateBroker, *more: str) -> Ran:
    """Run doctor; it takes no longer than 20 s, says no password and leaves nothing."""
    before, started = definitions(broker), time.monotonic()
    environ = {"MEDTRACK_URL": given.url, **given.environ}
    ran = run_json("doctor", *given.arguments, *more, environ=environ, clock=given.clock)
    assert time.monotonic() - started < 20
    assert definitions(broker) == before
    said = ran.out + ran.err
    assert not any(each in said for each in (SECRET, PASSWORD, "canary", "4711", "users-secret"))
    return ran


def checks(ran: Ran, status: str) -> list[dict[str, Any]]:
    """Give the checks that came to something."""
    return [each for each in ran.of_kind("check") if each["status"] == status]
