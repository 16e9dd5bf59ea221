"""A private RabbitMQ for development, demo and tests: start, stop, status.

It shares nothing with a RabbitMQ of the system: no port, cookie, data or epmd. All its files are in
one folder, it listens on 127.0.0.1 only, and needs no privilege.
"""

import re
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from medtrack_cli.core.connection_settings import ConnectionSettings, Host, Secret
from medtrack_cli.core.ports import Stop
from medtrack_cli.errors import BrokerUnreachable, MedtrackError
from medtrack_cli.files import state
from medtrack_cli.private_broker import node as private_node
from medtrack_cli.private_broker.container import Container
from medtrack_cli.private_broker.folder_lock import locked
from medtrack_cli.private_broker.install import install_package
from medtrack_cli.private_broker.node import LOOPBACK, PASSWORD, USERNAME, Node
from medtrack_cli.private_broker.rabbitmq import HOW_TO_INSTALL, Installation, Kind, find
from medtrack_cli.private_broker.server import Server

EXCHANGE = "medtrack.events"
_STOP_PATIENCE = 20.0  # seconds for RabbitMQ to write its data; its statistics alone take 5
_ANSWER_PATIENCE = 5.0  # seconds for a running broker to answer before it counts as stuck
_PAUSE = 0.05  # seconds between two checks

_SHOWN = 5  # lines of a log
_AROUND = 100  # characters on each side of a match: Erlang prints a whole term as one line
_STAMP = re.compile(r"^\S+ \S+ \[\w+\] <[0-9.]+> ")
_CAUSES = re.compile(
    r"eaddrinuse|already_used|in use|no_reg_reply|eacces|denied|enospc|no space|not found|"
    r"\bERROR:|incompatible|unsupported",
    re.IGNORECASE,
)
_TROUBLE = re.compile(r"error|fail|crash", re.IGNORECASE)

Launcher = Server | Container
"""Starts, watches and ends one node."""


@dataclass(frozen=True, slots=True)
class PrivateBroker:
    """A running private broker. `ready`: AMQP answers; `pid` is None in a container.

    Both URLs contain the guide's public development credentials.
    """

    amqp_url: str
    management_url: str
    amqp_port: int
    management_port: int
    pid: int | None
    folder: Path
    version: str
    already_running: bool
    ready: bool

    @property
    def web_address(self) -> str:
        """The management API's URL without the login."""
        return f"http://{LOOPBACK}:{self.management_port}"


def state_folder(environ: Mapping[str, str], name: str = "default") -> Path:
    """Return the folder of a private broker."""
    return state.state_folder(environ, "broker", name)


def start(
    state: Path,
    *,
    environ: Mapping[str, str],
    announce: Callable[[str], None],
    install: bool = False,
    deadline: float = 60.0,
) -> PrivateBroker:
    """Start the broker of a state folder, or return the one that runs.

    `announce` gets a line before anything slow or lasting: a package installed, an image fetched.
    `deadline` is in seconds and counts from the launch. A failed or interrupted start leaves no
    process behind. Raises BrokerUnreachable with the log's informative lines, CannotCreate,
    TimedOut.
    """
    if sys.platform == "win32":
        hint = "run medtrack inside WSL, or start RabbitMQ with Docker Desktop"
        raise BrokerUnreachable("a private broker can't be started on Windows", hint=hint)
    with locked(state, deadline):
        if (running := status(state)) and running.ready:
            return running
        if known := _known(state):
            known.end(_STOP_PATIENCE)  # stuck, or left by a start that was killed
        found = _obtain(state, environ, announce, install=install)
        node = private_node.prepare(found, known.node if known else None)
        private_node.save(node, state)  # before the launch, so that any process can be found
        launcher = launcher_of(node, state)
        try:
            launcher.launch(environ, announce)
            _await_greeting(launcher, deadline)
            _declare_exchange(launcher)
        except BaseException:
            launcher.end(0)
            raise
        return _describe(launcher)


def stop(state: Path, *, erase: bool = False) -> bool:
    """Stop the broker of a state folder, with `erase` also its data; False if none ran."""
    if not state.exists():
        return False
    with locked(state, _STOP_PATIENCE * 3):
        known = _known(state)
        ended = known is not None and known.end(0 if erase else _STOP_PATIENCE)
        if erase:
            if known:
                known.erase()
            shutil.rmtree(state)
        return ended


def status(state: Path) -> PrivateBroker | None:
    """Describe the broker of a state folder; None if it does not run."""
    known = _known(state)
    return replace(_describe(known), already_running=True) if known and known.runs() else None


def settings(environ: Mapping[str, str]) -> dict[str, str]:
    """Give the private broker's address as a profile's settings; BrokerUnreachable without one."""
    running = status(state_folder(environ))
    if running is None or not running.ready:
        raise BrokerUnreachable("no private broker runs", hint="medtrack broker start")
    return {"url": running.amqp_url, "management_url": running.web_address}


def kill(broker: PrivateBroker) -> None:
    """Kill the broker as a power cut would; `start` brings it back on the same ports and data."""
    _launcher(broker).kill()


def rabbitmqctl(broker: PrivateBroker, *arguments: str, patience: float = 60.0) -> str:
    """Run rabbitmqctl against the broker and return its output; raise BrokerUnreachable."""
    return _launcher(broker).rabbitmqctl(*arguments, patience=patience)


def _obtain(
    state: Path, environ: Mapping[str, str], announce: Callable[[str], None], *, install: bool
) -> Installation:
    found = find(environ)
    if found is None and install:
        log = state / "install.log"
        if install_package(environ, announce=announce, log=log):
            found = find(environ)
    if found is None:
        raise BrokerUnreachable("no RabbitMQ on this machine", hint=HOW_TO_INSTALL)
    return found


def _await_greeting(launcher: Launcher, deadline: float) -> None:
    until = time.monotonic() + deadline
    while launcher.node.version(patience=1) is None:
        if not launcher.runs():
            raise _failure("RabbitMQ ended while it started", launcher)
        if time.monotonic() > until:
            raise _failure(f"RabbitMQ was not ready in {deadline:g} seconds", launcher)
        time.sleep(_PAUSE)


def _declare_exchange(launcher: Launcher) -> None:
    from medtrack_cli.broker.amqp.dialer import declare_exchange

    at = Host(LOOPBACK, launcher.node.amqp_port)
    settings = ConnectionSettings((at,), username=USERNAME, password=Secret(PASSWORD))
    try:
        declare_exchange(settings, lambda _line: None, Stop())
    except MedtrackError as error:
        raise _failure("the new broker refused the exchange's declaration", launcher) from error


def _failure(what: str, launcher: Launcher) -> BrokerUnreachable:
    lines = [f"its log ({launcher.log}) says:", *telling_lines(launcher.last_lines())]
    return BrokerUnreachable(what, str(launcher.node.command), hint="\n".join(lines))


def telling_lines(log: Sequence[str]) -> list[str]:
    """Choose the lines that name a cause, else those that mention trouble, else the last.

    A failed boot prints hundreds of lines.
    """
    said = [_STAMP.sub("", line).strip() for line in log if "[info]" not in line]
    for pattern in (_CAUSES, _TROUBLE):
        found = [_cut(line, match) for line in said if (match := pattern.search(line))]
        if found:
            return list(dict.fromkeys(found))[:_SHOWN]
    return [line for line in said if line][-_SHOWN:]


def _cut(line: str, match: re.Match[str]) -> str:
    start, end = max(0, match.start() - _AROUND), match.end() + _AROUND
    return f"{'…' if start else ''}{line[start:end]}{'…' if end < len(line) else ''}"


def _describe(launcher: Launcher) -> PrivateBroker:
    login, node = f"{USERNAME}:{PASSWORD}@{LOOPBACK}", launcher.node
    version = node.version(_ANSWER_PATIENCE)
    return PrivateBroker(
        amqp_url=f"amqp://{login}:{node.amqp_port}/%2F",
        management_url=f"http://{login}:{node.management_port}",
        amqp_port=node.amqp_port,
        management_port=node.management_port,
        pid=launcher.pid,
        folder=launcher.folder,
        version=version or "",
        already_running=False,
        ready=version is not None,
    )


def launcher_of(node: Node, folder: Path) -> Launcher:
    """Choose the launcher of a node."""
    return Container(node, folder) if node.kind is Kind.CONTAINER else Server(node, folder)


def _known(state: Path) -> Launcher | None:
    node = private_node.load(state)
    return launcher_of(node, state) if node else None


def _launcher(broker: PrivateBroker) -> Launcher:
    if launcher := _known(broker.folder):
        return launcher
    raise BrokerUnreachable("no private broker", str(broker.folder), hint="start it first")
