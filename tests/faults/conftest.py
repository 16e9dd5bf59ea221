"""What all tests of faults share."""

import gc
from collections.abc import Iterator

import pytest


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
