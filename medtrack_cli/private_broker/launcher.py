"""What runs a private RabbitMQ: the server of this machine, or a container engine."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from medtrack_cli.private_broker.container import Container
from medtrack_cli.private_broker.node import Node
from medtrack_cli.private_broker.rabbitmq import Kind
from medtrack_cli.private_broker.server import Server


class Launcher(Protocol):
    """Starts, watches and ends one node. `log` says where its log is."""

    @property
    def node(self) -> Node: ...
    @property
    def folder(self) -> Path: ...
    @property
    def log(self) -> str: ...
    @property
    def pid(self) -> int | None:
        """The server's process id; None in a container, and while it is unknown."""

    def launch(self, environ: Mapping[str, str], announce: Callable[[str], None], /) -> None:
        """Start it; its errors are in the log. `announce` gets a line before anything slow."""

    def runs(self) -> bool:
        """Return whether it runs, ready or not."""

    def last_lines(self) -> list[str]:
        """Read the log of the last start."""

    def end(self, patience: float, /) -> bool:
        """End it and the remains of a failed launch; False if nothing ran.

        `patience` is how many seconds it gets to write its data.
        """

    def kill(self) -> None:
        """Kill it as a power cut would; its data stays."""

    def erase(self) -> None:
        """Remove data that is kept outside of the folder."""

    def rabbitmqctl(self, *arguments: str, patience: float) -> str:
        """Run rabbitmqctl and return its output; raise BrokerUnreachable."""


def launcher_of(node: Node, folder: Path) -> Launcher:
    """Choose the launcher of a node."""
    return Container(node, folder) if node.kind is Kind.CONTAINER else Server(node, folder)
