"""How a private RabbitMQ is set apart from the system's: its names, ports, files, environment."""

import json
import os
import secrets
import socket
import subprocess
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from medtrack_cli import whole_file
from medtrack_cli.errors import BrokerUnreachable, CannotCreate
from medtrack_cli.private_broker import processes
from medtrack_cli.private_broker.rabbitmq import Installation, Kind

LOOPBACK = "127.0.0.1"
USERNAME, PASSWORD = "admin", "password"  # the guide's development credentials

# Below the ports that systems hand out to clients (from 32768 on Linux): a client that keeps
# trying a port in that range while the broker is down can end up connected to itself.
_PORTS = range(20_000, 32_000)

_CONFIG = """\
# Written by medtrack at every start of this private broker; changes are lost.
listeners.tcp.local = {loopback}:{node.amqp_port}
management.tcp.ip = {loopback}
management.tcp.port = {node.management_port}
default_user = {username}
default_pass = {password}
default_vhost = /
# Publishers are blocked below this: little, because a laptop's disk is often nearly full.
disk_free_limit.absolute = 50MB
log.file.rotation.size = 10485760
log.file.rotation.count = 1
"""
_LOOPBACK_ONLY = "-kernel inet_dist_use_interface {127,0,0,1}"


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


def prepare(installation: Installation, known: Node | None) -> Node:
    """Choose a node's names and ports: those it had, as far as they are still free."""
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
    """Read a folder's node; None where there is none that can be read."""
    try:
        stored = json.loads((folder / "broker.json").read_text("utf-8"))
        return Node(**{**stored, "kind": Kind(stored["kind"]), "command": Path(stored["command"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def save(node: Node, folder: Path) -> None:
    """Write the node so that a reader sees the old one or the new one, whatever happens."""
    whole_file.replace(folder / "broker.json", json.dumps(asdict(node), default=str))


def write_files(node: Node, folder: Path) -> None:
    """Lay out the folder of a node that the machine's own RabbitMQ runs."""
    for name in ("data", "home", "log"):
        (folder / name).mkdir(mode=0o700, exist_ok=True)
    settings = _CONFIG.format(node=node, loopback=LOOPBACK, username=USERNAME, password=PASSWORD)
    _write_private(folder / "rabbitmq.conf", settings)
    # These two stand in for the system's files, which would be read otherwise.
    _write_private(folder / "rabbitmq-env.conf", "# Empty on purpose.\n")
    _write_private(folder / "advanced.config", "[].\n")
    _write_private(folder / "enabled_plugins", "[rabbitmq_management].\n")
    cookie = folder / "home" / ".erlang.cookie"
    if not (cookie.exists() and cookie.stat().st_size):  # an empty one keeps Erlang from starting
        _write_private(cookie, secrets.token_hex(24))


def environment(node: Node, folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Say all that RabbitMQ's scripts read, and pass on nothing of the caller's but PATH.

    HOME leads Erlang to the node's own cookie, which so appears in no argument list.
    """
    system = "/opt/homebrew/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
    return {
        "PATH": f"{environ.get('PATH', os.defpath)}:{system}",
        "LANG": "C.UTF-8",
        "HOME": f"{folder}/home",
        "ERL_EPMD_ADDRESS": LOOPBACK,
        "ERL_EPMD_PORT": str(node.epmd_port),
        "ERL_CRASH_DUMP": f"{folder}/log/erl_crash.dump",
        "RABBITMQ_NODENAME": node.name,
        "RABBITMQ_CONF_ENV_FILE": f"{folder}/rabbitmq-env.conf",
        "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq.conf",
        "RABBITMQ_CONFIG_FILES": f"{folder}/conf.d/*.conf",
        "RABBITMQ_ADVANCED_CONFIG_FILE": f"{folder}/advanced.config",
        "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/enabled_plugins",
        "RABBITMQ_MNESIA_BASE": f"{folder}/data",
        "RABBITMQ_LOG_BASE": f"{folder}/log",
        "RABBITMQ_LOGS": f"{folder}/log/rabbitmq.log",
        "RABBITMQ_PID_FILE": f"{folder}/pid",
        "RABBITMQ_DIST_PORT": str(node.distribution_port),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"+S 2:2 +sbwt none {_LOOPBACK_ONLY}",
        "RABBITMQ_CTL_ERL_ARGS": _LOOPBACK_ONLY,
    }


def launch(node: Node, folder: Path, environ: Mapping[str, str]) -> None:
    """Start the server in a session of its own, where no Ctrl-C of the terminal reaches it.

    The shell hands it over to the system at once, so that it is nobody's child.
    """
    write_files(node, folder)
    forget_processes(folder)
    (folder / "log" / "rabbitmq.log").unlink(missing_ok=True)
    with (folder / "log" / "console.log").open("wb") as console:
        subprocess.run(  # noqa: S603 - a constant script and the server that was found
            ["/bin/sh", "-c", '"$0" & echo $! > launched', node.command],
            env=environment(node, folder, environ) | {processes.MARK: node.token},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            check=True,
        )


def runtime_pid(folder: Path) -> int | None:
    """Read the Erlang runtime's process id, which RabbitMQ writes early and may leave behind."""
    return _read_pid(folder / "pid")


def runs(node: Node, folder: Path) -> bool:
    """Tell whether the server runs: its start script or its runtime. A lone epmd doesn't count."""
    server = {_read_pid(folder / "launched"), runtime_pid(folder)}
    return processes.any_runs(node.token, frozenset(pid for pid in server if pid))


def forget_processes(folder: Path) -> None:
    """Remove the process ids of a server that has ended."""
    for name in ("launched", "pid"):
        (folder / name).unlink(missing_ok=True)


def last_lines(folder: Path) -> list[str]:
    """Read what the last start logged."""
    logs = (folder / "log" / "console.log", folder / "log" / "rabbitmq.log")
    texts = [log.read_text("utf-8", "replace") for log in logs if log.exists()]
    return "\n".join(texts).splitlines()


def _read_pid(path: Path) -> int | None:
    try:
        return int(path.read_text("ascii"))
    except (OSError, ValueError):
        return None


def _write_private(path: Path, text: str) -> None:
    try:
        whole_file.replace(path, text)
    except OSError as error:
        raise CannotCreate(
            "the private broker's file can't be written",
            str(path),
            hint=f"{error.strerror}: free the disk or set XDG_STATE_HOME to a folder of yours",
        ) from error


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
