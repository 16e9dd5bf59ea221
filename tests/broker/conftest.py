"""State folders of private brokers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from medtrack_cli import private_broker as private
from medtrack_cli.private_broker import node as private_node
from medtrack_cli.private_broker import processes


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """Name a state folder of the test's own; whatever is started there is ended."""
    folder = tmp_path / "state"
    yield folder
    node = private_node.load(folder)
    private.stop(folder, erase=True)
    assert node is None or processes.marked(node.token) == frozenset()
