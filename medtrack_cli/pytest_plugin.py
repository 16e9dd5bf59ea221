"""Fixtures for tests of MedTrack integrations; until one is used, only pytest is imported.

docs/testing.md shows them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from medtrack_cli.testing import Broker, Publish, StandIns, Tap


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options in pytest's ini file."""
    remote = "let medtrack's fixtures use a MEDTRACK_TEST_URL beyond this machine"
    reveal = "show persons' values where an expectation of medtrack's fixtures fails"
    parser.addini("medtrack_allow_remote", remote, type="bool", default=False)
    parser.addini("medtrack_reveal", reveal, type="bool", default=False)


@contextmanager
def _telling() -> Iterator[None]:
    """Show why a fixture can't be made, and the next step, without a traceback."""
    from medtrack_cli.errors import MedtrackError
    from medtrack_cli.testing.telling import sentence

    try:
        yield
    except MedtrackError as error:
        pytest.fail(sentence(error), pytrace=False)


@pytest.fixture(scope="session")
def medtrack_broker(pytestconfig: pytest.Config) -> "Iterator[Broker]":
    """Give a broker, in a vhost of this process alone: MEDTRACK_TEST_URL's, else a private one."""
    from medtrack_cli.testing.broker import opened

    with _telling(), opened(allow_remote=pytestconfig.getini("medtrack_allow_remote")) as broker:
        yield broker


@pytest.fixture
def medtrack_tap(medtrack_broker: "Broker", pytestconfig: pytest.Config) -> "Iterator[Tap]":
    """Give a tap that receives every event published since the test began."""
    from medtrack_cli.testing.tap import tapped

    with _telling(), tapped(medtrack_broker, reveal=pytestconfig.getini("medtrack_reveal")) as tap:
        yield tap


@pytest.fixture
def medtrack_publish(medtrack_broker: "Broker") -> "Publish":
    """Give a function that publishes an event, and raises unless the broker confirms it."""
    from medtrack_cli.testing.publish import Publish

    return Publish(medtrack_broker)


@pytest.fixture
def medtrack_services(
    medtrack_broker: "Broker",
    tmp_path_factory: pytest.TempPathFactory,
    pytestconfig: pytest.Config,
) -> "Iterator[StandIns]":
    """Give what lets MedTrack's services stand in until the test ends."""
    from medtrack_cli.testing import StandIns

    folder, reveal = tmp_path_factory.mktemp("medtrack"), pytestconfig.getini("medtrack_reveal")
    with _telling(), StandIns(medtrack_broker, folder, reveal=reveal) as made:
        yield made
