"""Three nodes: what is lost, and what is said of it, when a node goes or is cut off."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from medtrack_cli.private_broker import EXCHANGE
from tests.broker.witness import client
from tests.cli.tool import Tool
from tests.faults.breaking import await_true
from tests.faults.cluster import Cluster
from tests.faults.listening import TAP, check_story, keys, say, stories

pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]


def test_nodes_are_killed_and_parted(cluster: Cluster) -> None:
    """The cluster of these tests is one: a node that is killed or cut off is missed by the rest."""
    assert [cluster.peers(number) for number in range(3)] == [2, 2, 2]
    cluster.kill(2)
    assert cluster.peers(0) == 1
    cluster.start(2)
    cluster.heal()
    with cluster.parted(1):
        assert cluster.peers(0) == 1
    cluster.heal()
    assert [cluster.peers(number) for number in range(3)] == [2, 2, 2]


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        (("--durable", TAP), None),
        (("--durable", TAP, "--queue-type", "quorum"), None),
        (("--queue", TAP, "--yes"), "classic"),
        (("--queue", TAP, "--yes"), "quorum"),
    ],
    ids=["classic tap", "quorum tap", "classic queue", "quorum queue"],
)
def test_the_node_of_a_queue_is_killed(
    tmp_path: Path, cluster: Cluster, options: tuple[str, ...], kind: str | None
) -> None:
    """What is published while a queue's node is down is lost to a classic queue, and said to be.

    The broker confirms it all the same. A quorum queue gets it.
    """
    wanted = {f"meanwhile.{number}" for number in range(100)}
    is_replicated = "quorum" in (kind, options[-1])
    environ = {
        "MEDTRACK_URL": cluster.node_url(2),
        "MEDTRACK_MANAGEMENT_URL": f"http://127.0.0.1:{cluster.node(0).management_port}",
    }
    with Tool(tmp_path, **environ) as tool, deleted_at_the_end(cluster):
        if kind:
            declare(cluster.node_url(2), kind)
        running = tool.listen(*options)
        assert cluster.leader(TAP) == 2
        say(cluster.node(0), "before.it")
        running.await_text("before.it", stream="out")
        cluster.kill(2)
        await_true(lambda: cluster.peers(0) == 1)
        say(cluster.node(0), *sorted(wanted))
        cluster.heal()
        ran = check_story(running, cluster.node(0), missed=not is_replicated)
    assert len(wanted.intersection(keys(ran))) == (100 if is_replicated else 0)


def test_a_quorum_tap_follows_its_cluster(tmp_path: Path, cluster: Cluster) -> None:
    """On several hosts a replicated tap goes on while its node is down, and when it is cut off."""
    hosts = [f"127.0.0.1:{cluster.node(number).amqp_port}" for number in range(3)]
    config = {"profiles": {"all": {"url": cluster.node_url(0), "hosts": hosts}}}
    with Tool(tmp_path) as tool, deleted_at_the_end(cluster):
        tool.write("all.yaml", json.dumps(config))
        (tmp_path / "all.yaml").chmod(0o600)
        profile = ("--config", "all.yaml", "--profile", "all")
        running = tool.listen(*profile, "--durable", TAP, "--queue-type", "quorum")
        say(cluster.node(0), "first")
        running.await_text("first", stream="out")
        killed = cluster.leader(TAP)
        cluster.kill(killed)
        left = (killed + 1) % 3
        say(cluster.node(left), "while.it.is.down")
        running.await_text("while.it.is.down", 60, stream="out")
        cluster.heal()
        parted = cluster.leader(TAP)
        with cluster.parted(parted):
            say(cluster.node((parted + 1) % 3), "while.it.is.cut.off")
            running.await_text("while.it.is.cut.off", 60, stream="out")
        cluster.heal()
        say(cluster.node(0), "last")
        running.await_text("last", 60, stream="out")
        running.signal(signal.SIGTERM)
        ran = running.end()
    assert list(dict.fromkeys(keys(ran))) == [
        "first",
        "while.it.is.down",
        "while.it.is.cut.off",
        "last",
    ]
    resumed = [each for each in stories(ran) if each["kind"] == "resumed"]
    assert not any(each["may_have_missed"] for each in resumed)


def declare(url: str, kind: str) -> None:
    """Declare a queue of others' through a node, on which its leader is then."""
    with client(url) as channel:
        channel.queue_declare(TAP, durable=True, arguments={"x-queue-type": kind})
        channel.queue_bind(TAP, EXCHANGE, "#")


@contextmanager
def deleted_at_the_end(cluster: Cluster) -> Iterator[None]:
    """Delete the queue when the cluster is whole again."""
    try:
        yield
    finally:
        cluster.heal()
        with client(cluster.node_url(0)) as channel:
            channel.queue_delete(TAP)
