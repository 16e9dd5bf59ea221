"""docs/cheat.md and docs/guide.md: every line of them is run."""

import json
import re
import shutil
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.broker.witness import client
from tests.builders import event
from tests.cli.tool import Tool
from tests.conftest import Broker
from tests.project.lines import ended
from tests.project.pages import ROOT, blocks
from tests.project.test_examples import MANAGEMENT

if TYPE_CHECKING:
    from tests.broker.witness import Witness

LINE = re.compile(r"(?P<command>.*?)(?: +# (?:(?P<code>\d+): )?.*)?")


WANTED = {
    "cheat": {"validate", "publish", "listen", "replay", "schema", "config", "explain"},
    "guide": {"doctor", "client", "publish", "schema", "simulate", "queue", "route"},
}


@pytest.mark.parametrize("page", WANTED)
def test_every_line_does_what_it_says(
    page: str,
    connected: Tool,
    broker: Broker,
    witness: "Witness",
    request: pytest.FixtureRequest,
) -> None:
    """Each line ends with 0 or the code after it, and the events it publishes arrive."""
    connected.environ["MEDTRACK_MANAGEMENT_URL"] = getattr(broker, "web_address", MANAGEMENT)
    shutil.copytree(ROOT / "sample-events", connected.folder / "sample-events")
    connected.write("payload.json", json.dumps(event("student.deleted")["payload"]))
    request.getfixturevalue("monkeypatch").chdir(connected.folder)
    text = (ROOT / f"docs/{page}.md").read_text()
    lines = [line for _, block in blocks(text, "sh") for line in block.splitlines()]
    verbs = {line.split()[1] for line in lines if line.startswith("medtrack")}

    assert WANTED[page] <= verbs
    request.addfinalizer(partial(_clear, connected, broker))
    for line in lines:
        found = LINE.fullmatch(line)
        assert found
        shorter = found["command"].replace("--timeout 1", "--timeout 0.1")
        code, said = ended(connected, shorter)
        assert code == int(found["code"] or 0), (line, said)
    assert len(witness.take()) > 3


def _clear(connected: Tool, broker: Broker) -> None:
    """Delete the queues that lines have made: other tests count on there being none."""
    assert connected.run("simulate", "reset", "--yes").code == 0
    with client(broker.amqp_url) as channel:
        channel.queue_delete("your-service.events")
