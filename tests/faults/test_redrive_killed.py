"""Dead letters whose run is killed: none is lost, few are sent twice, and those with one id."""

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from random import Random
from signal import SIGKILL
from typing import Any

import pytest

from medtrack_cli.private_broker import PrivateBroker
from tests.cli.tool import Tool
from tests.faults.breaking import await_receipts
from tests.faults.letters import ids_in, morgue, quorum

WINDOW = 500


def kill_and_go_on(
    broker: PrivateBroker, folder: Path, arguments: Mapping[str, Any], chance: Random, letters: int
) -> int:
    """Kill a run at any point, then do the rest; give how many were sent twice."""
    environ = {
        "MEDTRACK_URL": broker.amqp_url,
        "MEDTRACK_MANAGEMENT_URL": broker.web_address,
    }
    with Tool(folder, **environ) as tool, morgue(broker.amqp_url, 2, arguments) as dead:
        ids = dead.kill(letters // 2)
        run = ("replay", "--from-queue", dead.dead, "--yes", "-o", "json")
        running = tool.start(*run)
        await_receipts(running, chance.randrange(1, letters * 9 // 10))
        os.kill(running.process.pid, SIGKILL)
        running.end()
        sent_twice = 0
        for _ in range(5):
            ran = tool.run(*run)
            assert ran.code == 0, ran.err
            assert ran.summary["seen"] == ran.summary["redriven"] + ran.summary["left"]
            if not dead.depth(dead.dead):
                break
        for origin in dead.origins:
            found = Counter(ids_in(dead.channel, origin))
            assert set(found) == set(ids)
            sent_twice += found.total() - len(ids)
    return sent_twice


def test_a_killed_run_loses_nothing(
    fragile_broker: PrivateBroker, tmp_path: Path, chance: Random
) -> None:
    """Killed once, and done again: each letter is home, and at most a window of them twice."""
    assert kill_and_go_on(fragile_broker, tmp_path, {}, chance, 300) <= WINDOW


@pytest.mark.long
@pytest.mark.parametrize("arguments", [{}, quorum(None), quorum(2)], ids=["classic", "quorum", "2"])
def test_twenty_killed_runs_lose_nothing(
    fragile_broker: PrivateBroker, tmp_path: Path, arguments: Mapping[str, Any], chance: Random
) -> None:
    """The same on twenty queues, of each type."""
    for number in range(20):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert kill_and_go_on(fragile_broker, folder, arguments, chance, 1000) <= WINDOW
