"""Fixtures for tests of what talks to MedTrack; where none is used, nothing but pytest is loaded.

docs/testing.md shows them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from medtrack_cli.testing import Broker, Publish, Tap


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what pytest's ini may say."""
    remote = "let medtrack's fixtures use a MEDTRACK_TEST_URL beyond this machine"
    reveal = "show persons' values where an expectation of medtrack's fixtures fails"
    parser.addini("medtrack_allow_remote", remote, type="bool", default=False)
    parser.addini("medtrack_reveal", reveal, type="bool", default=False)


@contextmanager
def _telling() -> Iterator[None]:
    """Show what keeps a fixture from being made, and the next step, without a traceback."""
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
    """Give a tap that hears every event published since the test began."""
    from medtrack_cli.testing.tap import tapped

    with _telling(), tapped(medtrack_broker, reveal=pytestconfig.getini("medtrack_reveal")) as tap:
        yield tap


@pytest.fixture
def medtrack_publish(medtrack_broker: "Broker") -> "Publish":
    """Give what publishes an event with one call, and raises unless the broker confirms it."""
    from medtrack_cli.testing.publish import Publish

    return Publish(medtrack_broker)
