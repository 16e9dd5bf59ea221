"""The broker that the tests of this folder talk to: started by the suite itself."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from medtrack_cli.broker import private
from medtrack_cli.broker.private import PrivateBroker, processes, rabbitmq
from medtrack_cli.broker.private import node as private_node

INSTALLATION_TIME = 900  # seconds for the first test on a machine without RabbitMQ


class GivenBroker(NamedTuple):
    """The broker that MEDTRACK_TEST_AMQP_URL names."""

    amqp_url: str


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the first test wait for an installation, which happens inside a fixture."""
    if items and rabbitmq.find_server(os.environ) is None:
        items[0].add_marker(pytest.mark.timeout(INSTALLATION_TIME))


@pytest.fixture(scope="session")
def private_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateBroker]:
    """Start a broker of the suite's own, install RabbitMQ where it is missing; leave nothing."""
    folder = tmp_path_factory.mktemp("broker") / "a state folder"
    broker = private.start(folder, environ=os.environ, announce=print, install=True)
    node = private_node.load(folder)
    assert node is not None
    yield broker
    private.stop(folder, erase=True)
    assert processes.marked(node.token) == frozenset()
    assert not folder.exists()


@pytest.fixture(scope="session")
def broker(request: pytest.FixtureRequest) -> PrivateBroker | GivenBroker:
    """Give the running broker: MEDTRACK_TEST_AMQP_URL where it is set, else one of our own."""
    if url := os.environ.get("MEDTRACK_TEST_AMQP_URL"):
        return GivenBroker(url)
    running: PrivateBroker = request.getfixturevalue("private_broker")
    return running


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """Name a state folder of the test's own; whatever is started there is ended."""
    folder = tmp_path / "state"
    yield folder
    node = private_node.load(folder)
    private.stop(folder, erase=True)
    assert node is None or processes.marked(node.token) == frozenset()
