"""What docs/archive.md claims of three nodes: replicas, leaders, several readers, lost nodes."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from medtrack_cli.private_broker import EXCHANGE
from tests.broker.witness import client
from tests.cli.tool import Ran, Running, Tool
from tests.faults.breaking import await_true
from tests.faults.cluster import Cluster

pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]

NAME = "tests.cluster.archive"


@pytest.fixture
def tool(tmp_path: Path, cluster: Cluster) -> Iterator[Tool]:
    """Give the tool with an archive that was made at node 2, and all nodes as hosts."""
    hosts = [f"127.0.0.1:{cluster.node(number).amqp_port}" for number in range(3)]
    api = f"http://127.0.0.1:{cluster.node(0).management_port}"
    profile = {"url": cluster.node_url(0), "hosts": hosts, "management_url": api}
    with Tool(tmp_path, MEDTRACK_CONFIG="all.yaml") as made:
        config = {"default_profile": "all", "profiles": {"all": profile}}
        made.write("all.yaml", json.dumps(config))
        (tmp_path / "all.yaml").chmod(0o600)
        line = ("archive", "create", NAME, "--bind", "#", "--accept-loss")
        ran = made.run(*line, MEDTRACK_URL=cluster.node_url(2), MEDTRACK_MANAGEMENT_URL=api)
        assert ran.code == 0, ran.err
        try:
            yield made
        finally:
            cluster.heal()
            with client(cluster.node_url(0)) as channel:
                channel.queue_delete(NAME)


def publish(cluster: Cluster, number: int, ids: range) -> None:
    """Publish at a node, each confirmed."""
    with client(cluster.node_url(number)) as channel:
        channel.confirm_delivery()
        for each in ids:
            channel.basic_publish(EXCHANGE, "a.key", json.dumps({"number": each}).encode())


def shown(tool: Tool) -> dict[str, Any]:
    """Show the archive as any node has it."""
    ran = tool.run("archive", "show", NAME, "-o", "json")
    assert ran.code == 0, ran.err
    return ran.summary


def reader(tool: Tool, cluster: Cluster, number: int) -> Running:
    """Start a reader of 300 events that has come to one of the nodes, and has read 200."""
    line = ("listen", "--from-stream", NAME, "--count", "300", "-o", "json")
    here = f":{cluster.node(number).amqp_port}/"
    for _ in range(20):
        running = tool.start(*line)
        running.await_text('"number":199', 60, stream="out")
        if here in [each for each in running.err.splitlines() if "connecting to" in each][-1]:
            return running
        running.process.kill()
        running.process.wait()
    raise AssertionError("hosts are tried in any order")


def numbers(ran: Ran) -> list[int]:
    """List the numbers of the events that were read, in their order."""
    assert ran.code == 0, ran.err
    return [each["body"]["number"] for each in ran.of_kind("event")]


def test_a_killed_leader_costs_nothing_that_was_confirmed(cluster: Cluster, tool: Tool) -> None:
    """Three replicas, led where it was made; killed, another leads: confirms and readers go on.

    Readers at several nodes have each event once, in order, and the node that comes back has all.
    """
    publish(cluster, 0, range(200))
    await_true(lambda: len(shown(tool)["online"] or ()) == 3)  # told every five seconds
    names = shown(tool)["replicas"]
    assert len(names) == 3
    assert cluster.leader(NAME) == 2
    readers = [reader(tool, cluster, 0), reader(tool, cluster, 2)]
    cluster.kill(2)
    publish(cluster, 0, range(200, 300))
    received = [each.end(60) for each in readers]
    assert [numbers(each) for each in received] == [list(range(300))] * 2
    assert '"may_have_missed":false' in received[1].err
    await_true(lambda: len(shown(tool)["online"] or ()) == 2)
    assert shown(tool)["replicas"] == names
    assert cluster.leader(NAME) != 2
    cluster.heal()
    url = cluster.node_url(2)
    ran = tool.run("stats", "--from-stream", NAME, "-o", "json", MEDTRACK_URL=url)
    assert ran.summary["events"] == 300, ran.err


def test_two_lost_nodes_stop_it_and_lose_nothing(cluster: Cluster, tool: Tool) -> None:
    """One node of three is no majority: nothing is confirmed, nothing read; all is there later."""
    publish(cluster, 0, range(100))
    cluster.kill(1)
    cluster.kill(2)
    ran = tool.run("publish", "student.created", "--count", "1", "--timeout", "5", "-o", "json")
    assert ran.code != 0
    assert "confirmed" not in {each["outcome"] for each in ran.of_kind("receipt")}
    with ThreadPoolExecutor() as pool:  # alone, none of them starts
        list(pool.map(cluster.start, (1, 2)))
    cluster.heal()
    ran = tool.run("stats", "--from-stream", NAME, "-o", "json")
    assert ran.summary["routing_keys"]["names"][0] == {
        "name": "a.key",
        "events": 100,
        "invalid": 100,
    }
