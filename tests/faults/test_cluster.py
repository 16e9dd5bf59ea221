"""Three nodes: what is lost, and what is said of it, when a node goes or is cut off."""

import pytest

from tests.faults.cluster import Cluster

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
