"""What all tests of faults share."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from medtrack_cli import private_broker as private
from medtrack_cli.private_broker import PrivateBroker
from tests.cli.tool import Tool
from tests.faults import cluster as three_nodes
from tests.faults import rabbitmq4
from tests.faults.breaking import environ_of
from tests.faults.cluster import Cluster

ROOT4 = os.environ.get("MEDTRACK_TEST_RABBITMQ4_ROOT")
collect_ignore = [] if ROOT4 else ["test_rabbitmq4.py"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Let the quick tests break RabbitMQ 4 as well, where there is one."""
    if "fragile_broker" in metafunc.fixturenames:
        is_long = metafunc.definition.get_closest_marker("long")
        brokers = ["fragile_state", *(["rabbitmq4_state"] if ROOT4 and not is_long else [])]
        metafunc.parametrize("fragile_broker", brokers, indirect=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let pika leave the socket of a connection that was dropped to the garbage collector."""
    for item in items:
        if "faults" in item.path.parts:
            dropped = "ignore::pytest.PytestUnraisableExceptionWarning"
            item.add_marker(pytest.mark.filterwarnings(dropped))


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    """Collect what a test has dropped while it may still be dropped."""
    yield
    gc.collect()


@pytest.fixture
def fragile_broker(request: pytest.FixtureRequest, fragile_state: Path) -> PrivateBroker:
    """Give a broker that tests may break, running whatever the test before has left of it."""
    is_4 = request.param == "rabbitmq4_state"
    folder: Path = request.getfixturevalue(request.param) if is_4 else fragile_state
    return private.start(folder, environ=environ_of(folder), announce=print)


@pytest.fixture(scope="session")
def rabbitmq4_state() -> Iterator[Path]:
    """Give the folder of a RabbitMQ 4 with every deprecated feature denied."""
    assert ROOT4, "MEDTRACK_TEST_RABBITMQ4_ROOT names the root of a Debian 13"
    with rabbitmq4.running(Path(ROOT4)) as folder:
        yield folder


@pytest.fixture(scope="session")
def three_node_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Give a cluster of three nodes that tests may break."""
    with three_nodes.running(tmp_path_factory.mktemp("cluster")) as started:
        yield started


@pytest.fixture
def cluster(three_node_cluster: Cluster) -> Cluster:
    """Give the cluster, whole again whatever the test before has left of it."""
    three_node_cluster.heal()
    return three_node_cluster


@pytest.fixture
def away(tmp_path: Path, fragile_broker: PrivateBroker) -> Iterator[Tool]:
    """Give the tool with the broker that may fail in its environment."""
    with Tool(tmp_path, MEDTRACK_URL=fragile_broker.amqp_url) as made:
        yield made
