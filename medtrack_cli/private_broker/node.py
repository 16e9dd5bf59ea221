"""A private RabbitMQ's identity from one start to the next: its names and ports."""

import json
import secrets
import socket
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from medtrack_cli import whole_file
from medtrack_cli.errors import BrokerUnreachable
from medtrack_cli.private_broker.rabbitmq import Installation, Kind

LOOPBACK = "127.0.0.1"
USERNAME, PASSWORD = "admin", "password"  # the guide's development credentials

# Below the ports that systems hand out to clients (from 32768 on Linux): a client that keeps
# trying a port in that range while the broker is down can end up connected to itself.
_PORTS = range(20_000, 32_000)


@dataclass(frozen=True, slots=True)
class Node:
    """The identity of a private broker. It outlives a stop, so that a restart finds its data."""

    kind: Kind
    command: Path
    token: str
    amqp_port: int
    management_port: int
    distribution_port: int
    epmd_port: int

    @property
    def name(self) -> str:
        """Erlang's name for it; `localhost` resolves without DNS."""
        return f"medtrack-{self.token}@localhost"

    def version(self, patience: float) -> str | None:
        """Ask for AMQP 0-9-1 and read the version from the broker's answer, connection.start.

        None without such an answer within about `patience` seconds. There is no login. AMQP 0-9-1
        §4.2.2 (the protocol header) and §4.2.3 (the frame).
        """
        try:
            with socket.create_connection((LOOPBACK, self.amqp_port), patience) as connection:
                connection.sendall(b"AMQP\x00\x00\x09\x01")
                with connection.makefile("rb") as stream:
                    header = stream.read(7)
                    frame = stream.read(min(int.from_bytes(header[3:7]), 65_536))
        except OSError:
            return None
        if frame[:4] != b"\x00\x0a\x00\x0a":  # class 10, method 10: connection.start
            return None
        _, _, text = frame.partition(b"\x07versionS")
        return text[4 : 4 + int.from_bytes(text[:4])].decode("utf-8", "replace")


def prepare(installation: Installation, known: Node | None) -> Node:
    """Choose a node's names and ports: the former ones, as far as they are still free."""
    wanted = (
        (known.amqp_port, known.management_port, known.distribution_port, known.epmd_port)
        if known
        else (None,) * 4
    )
    with ExitStack() as held:
        amqp, management, distribution, epmd = (_free_port(port, held) for port in wanted)
    token = known.token if known else secrets.token_hex(6)
    return Node(
        installation.kind, installation.command, token, amqp, management, distribution, epmd
    )


def load(folder: Path) -> Node | None:
    """Read a folder's node; None without a readable one."""
    try:
        stored = json.loads((folder / "broker.json").read_text("utf-8"))
        return Node(**{**stored, "kind": Kind(stored["kind"]), "command": Path(stored["command"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def save(node: Node, folder: Path) -> None:
    """Write the node atomically: a reader sees the old one or the new one."""
    whole_file.replace(folder / "broker.json", json.dumps(asdict(node), default=str))


def _free_port(wanted: int | None, held: ExitStack) -> int:
    """Find a free port, and hold it so that the next call finds another one."""
    chosen = (_PORTS.start + secrets.randbelow(len(_PORTS)) for _ in range(200))
    for port in [*([wanted] if wanted else []), *chosen]:
        candidate = held.enter_context(socket.socket())
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind((LOOPBACK, port))
        except OSError:
            continue
        return port
    raise BrokerUnreachable(
        "no free port for the private broker",
        f"{LOOPBACK}, {_PORTS.start} to {_PORTS.stop}",
        hint="close programs that listen there: `ss -ltnp` or `lsof -i` names them",
    )
