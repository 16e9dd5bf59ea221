"""With -q, `listen` says only what went wrong, and all of that."""

import signal
import time

import pytest

from medtrack_cli.private_broker import EXCHANGE
from tests.broker.witness import client, settings_of
from tests.cli.tool import Tool
from tests.conftest import Broker
from tests.faults.proxy import Proxy


@pytest.mark.parametrize(
    "form", [("--format", "{routing_key}"), ("-o", "raw"), ("-o", "human")], ids=" ".join
)
def test_a_gap_is_told_all_the_same(connected: Tool, broker: Broker, form: tuple[str, ...]) -> None:
    """A lost connection, and what it misses, are told; what goes well isn't."""
    (host,) = settings_of(broker.amqp_url).hosts
    with Proxy(host.port) as proxy, client(broker.amqp_url) as channel:
        url = proxy.through(broker.amqp_url)
        running = connected.start("listen", "-q", *form, MEDTRACK_URL=url)
        while not running.out:
            channel.basic_publish(EXCHANGE, "ready", b"{}")
            time.sleep(0.1)
        proxy.cut()
        running.await_text("may be missing")
        running.signal(signal.SIGTERM)
        ran = running.end()
    lost, resumed, ended = ran.err.splitlines()
    assert ran.code == 143
    assert "is said when it is over" in lost
    assert resumed.startswith("listening again since")
    assert ended.startswith("stopped: ")


def test_why_it_failed_is_told_all_the_same(connected: Tool) -> None:
    """An expectation that wasn't met says what is missing; one without a failure is silent."""
    command = ("listen", "-q", "-o", "human", "--timeout", "0.5")
    failed = connected.run(*command, "--expect", "student.created")
    assert (failed.code, failed.out) == (1, "")
    said = [line.split(":")[0] for line in failed.err.splitlines()]
    assert said == ["time is up", "missing", "came"]
    assert connected.run(*command).err == ""


def test_what_was_cut_off_a_recording_is_told_all_the_same(connected: Tool) -> None:
    """That bytes of a recording were cut off is a warning, which -q keeps."""
    command = ("listen", "-q", "-o", "human", "--timeout", "0.2", "--record", "r.ndjson")
    assert connected.run(*command).err == ""
    with (connected.folder / "r.ndjson").open("ab") as recording:
        recording.write(b'{"kind":"event"')
    assert "warning: the last line was torn: 15 bytes" in connected.run(*command).err
