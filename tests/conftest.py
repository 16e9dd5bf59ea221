"""The brokers that the tests talk to, started by the suite itself, and the tool as a process."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, settings

from medtrack_cli import private_broker as private
from medtrack_cli.private_broker import PrivateBroker, processes, rabbitmq
from medtrack_cli.private_broker import node as private_node
from tests.broker.witness import Witness, client
from tests.cel import HAS_CEL
from tests.cli.tool import Tool

collect_ignore = [] if HAS_CEL else ["listen/test_where.py", "simulate/test_expectations.py"]

# A machine under load isn't a failure.
settings.register_profile(
    "suite", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("suite")

# A suite that a script runs in the background has these ignored, and so would what it starts.
for _number, _handler in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGHUP, signal.SIG_DFL),
):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _handler)

INSTALLATION_TIME = 900  # seconds for a first test on a machine without RabbitMQ
STARTERS = {"broker", "private_broker", "fragile_state", "state"}


class GivenBroker(NamedTuple):
    """The broker that MEDTRACK_TEST_AMQP_URL names."""

    amqp_url: str


Broker = PrivateBroker | GivenBroker


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let tests wait for an installation, which happens inside a fixture of the first one."""
    if rabbitmq.find_server(os.environ) is None:
        for item in items:
            if STARTERS.intersection(getattr(item, "fixturenames", ())):
                item.add_marker(pytest.mark.timeout(INSTALLATION_TIME))


def _own_broker(folder: Path) -> Iterator[PrivateBroker]:
    """Start a broker of the suite's own, install RabbitMQ where it is missing; leave nothing."""
    broker = private.start(folder, environ=os.environ, announce=print, install=True)
    node = private_node.load(folder)
    assert node is not None
    yield broker
    private.stop(folder, erase=True)
    assert processes.marked(node.token) == frozenset()
    assert not folder.exists()


@pytest.fixture(scope="session")
def private_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateBroker]:
    """Give a broker of the suite's own that all tests share."""
    yield from _own_broker(tmp_path_factory.mktemp("broker") / "a state folder")


@pytest.fixture(scope="session")
def fragile_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give the folder of a broker that tests may kill, stop and fill."""
    folder = tmp_path_factory.mktemp("fragile") / "state"
    for _ in _own_broker(folder):
        yield folder


@pytest.fixture
def fragile_broker(fragile_state: Path) -> PrivateBroker:
    """Give the broker that tests may break, running whatever the test before has left of it."""
    return private.start(fragile_state, environ=os.environ, announce=print)


@pytest.fixture(scope="session")
def broker(request: pytest.FixtureRequest) -> Broker:
    """Give the running broker: MEDTRACK_TEST_AMQP_URL where it is set, else one of our own."""
    if url := os.environ.get("MEDTRACK_TEST_AMQP_URL"):
        with client(url) as channel:
            channel.exchange_declare(private.EXCHANGE, "topic", durable=True)
        return GivenBroker(url)
    running: PrivateBroker = request.getfixturevalue("private_broker")
    return running


@pytest.fixture
def witness(broker: Broker) -> Iterator[Witness]:
    """Give a durable queue that gets everything published on the shared broker."""
    with client(broker.amqp_url) as channel, Witness(channel) as held:
        yield held


@pytest.fixture
def tool(tmp_path: Path) -> Iterator[Tool]:
    """Give the tool in an empty home, with no broker."""
    with Tool(tmp_path) as made:
        yield made


@pytest.fixture
def connected(tmp_path: Path, broker: Broker) -> Iterator[Tool]:
    """Give the tool in an empty home, with the shared broker in its environment."""
    with Tool(tmp_path, MEDTRACK_URL=broker.amqp_url) as made:
        yield made


@pytest.fixture
def chance() -> Random:
    """Give the dice of a test; a failure shows the seed that throws them again."""
    seed = int(os.environ.get("MEDTRACK_TEST_SEED") or Random().randrange(2**32))
    sys.stdout.write(f"MEDTRACK_TEST_SEED={seed} repeats this\n")
    return Random(seed)
