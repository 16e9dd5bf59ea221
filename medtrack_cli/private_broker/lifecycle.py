"""A private RabbitMQ for development and tests: start, stop, status.

It shares nothing with a RabbitMQ of the system: not its ports, cookie, data nor epmd. All it
has is in one folder, all it listens on is 127.0.0.1, and no privilege is needed.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from medtrack_cli.core.connection import ConnectionSettings, Host, Secret
from medtrack_cli.core.ports import Stop
from medtrack_cli.errors import BrokerUnreachable, MedtrackError
from medtrack_cli.private_broker import container, processes
from medtrack_cli.private_broker import node as private_node
from medtrack_cli.private_broker.boot_log import telling_lines
from medtrack_cli.private_broker.folder_lock import locked
from medtrack_cli.private_broker.greeting import broker_version
from medtrack_cli.private_broker.install import install_package
from medtrack_cli.private_broker.node import LOOPBACK, PASSWORD, USERNAME, Node
from medtrack_cli.private_broker.rabbitmq import HOW_TO_INSTALL, Installation, Kind, find

EXCHANGE = "medtrack.events"
_STOP_PATIENCE = 20.0  # seconds RabbitMQ gets to write its data; its statistics alone take 5
_ANSWER_PATIENCE = 5.0  # seconds a running broker gets to greet, before it counts as stuck
_PAUSE = 0.05  # seconds between two looks


@dataclass(frozen=True, slots=True)
class PrivateBroker:
    """A private broker that runs. `ready` says whether AMQP answers; `pid` is None in a container.

    Both URLs hold the guide's public development credentials.
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
    """Name the folder of a private broker: `$XDG_STATE_HOME/medtrack/broker/<name>`.

    A relative XDG_STATE_HOME is ignored, as the XDG base directory specification asks.
    """
    state = Path(environ.get("XDG_STATE_HOME", ""))
    if not state.is_absolute():
        state = Path(environ.get("HOME") or Path.home(), ".local", "state")
    return state / "medtrack" / "broker" / name


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
    process behind. Raises BrokerUnreachable with the log's telling lines, CannotCreate, TimedOut.
    """
    _refuse_windows()
    with locked(state, deadline):
        known = private_node.load(state)
        if known and (running := _observe(known, state)) and running.ready:
            return replace(running, already_running=True)
        if known:
            _end(known, state)  # stuck, or left by a start that was killed
        found = _obtain(state, environ, announce, install=install)
        node = private_node.prepare(found, known)
        private_node.save(node, state)  # before the launch: whatever runs can be found again
        try:
            _launch(node, state, environ, announce)
            _await_greeting(node, state, deadline)
            _declare_exchange(node, state)
        except BaseException:
            _end(node, state, patience=0)
            raise
        return _describe(node, state)


def stop(state: Path, *, erase: bool = False) -> bool:
    """Stop the broker of a state folder, and with `erase` forget its data; False if none ran."""
    if not state.exists():
        return False
    with locked(state, _STOP_PATIENCE * 3):
        node = private_node.load(state)
        ended = node is not None and _end(node, state, 0 if erase else _STOP_PATIENCE)
        if erase:
            if node and node.kind is Kind.CONTAINER:
                container.erase(node)
            shutil.rmtree(state)
        return ended


def status(state: Path) -> PrivateBroker | None:
    """Look at the broker of a state folder; None if it does not run."""
    node = private_node.load(state)
    running = node and _observe(node, state)
    return replace(running, already_running=True) if running else None


def settings(environ: Mapping[str, str]) -> dict[str, str]:
    """Say where the private broker runs, as a profile's settings; BrokerUnreachable: none does."""
    running = status(state_folder(environ))
    if running is None or not running.ready:
        raise BrokerUnreachable("no private broker runs", hint="medtrack broker start")
    return {"url": running.amqp_url, "management_url": running.web_address}


def kill(broker: PrivateBroker) -> None:
    """Kill the broker as a power cut would; `start` brings it back on the same ports and data."""
    node = _node_of(broker)
    if node.kind is Kind.CONTAINER:
        container.kill(node)
    elif broker.pid is not None:
        processes.kill(node.token, broker.pid)


def rabbitmqctl(broker: PrivateBroker, *arguments: str, patience: float = 60.0) -> str:
    """Run rabbitmqctl against the broker and return its output; raise BrokerUnreachable."""
    node = _node_of(broker)
    if node.kind is Kind.CONTAINER:
        return container.rabbitmqctl(node, *arguments)
    done = subprocess.run(  # noqa: S603 - RabbitMQ's own tool beside the server that was found
        [node.command.with_name("rabbitmqctl"), "--quiet", *arguments],
        env=private_node.environment(node, broker.folder, os.environ),
        cwd=broker.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=patience,
        check=False,
    )
    if done.returncode:
        raise BrokerUnreachable(
            "rabbitmqctl failed", " ".join(arguments), hint=(done.stderr or done.stdout).strip()
        )
    return done.stdout


def _refuse_windows() -> None:
    if sys.platform == "win32":
        raise BrokerUnreachable(
            "a private broker can't be started on Windows",
            hint="run medtrack inside WSL, or start RabbitMQ with Docker Desktop",
        )


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


def _launch(
    node: Node, state: Path, environ: Mapping[str, str], announce: Callable[[str], None]
) -> None:
    if node.kind is Kind.CONTAINER:
        container.launch(node, environ, announce)
    else:
        private_node.launch(node, state, environ)


def _await_greeting(node: Node, state: Path, deadline: float) -> None:
    until = time.monotonic() + deadline
    while broker_version(LOOPBACK, node.amqp_port, patience=1) is None:
        if not _runs(node, state):
            raise _failure("RabbitMQ ended while it started", node, state)
        if time.monotonic() > until:
            raise _failure(f"RabbitMQ was not ready in {deadline:g} seconds", node, state)
        time.sleep(_PAUSE)


def _declare_exchange(node: Node, state: Path) -> None:
    from medtrack_cli.broker.amqp.request import declare_exchange

    at = Host(LOOPBACK, node.amqp_port)
    settings = ConnectionSettings((at,), username=USERNAME, password=Secret(PASSWORD))
    try:
        declare_exchange(settings, lambda _line: None, Stop())
    except MedtrackError as error:
        raise _failure("the new broker refused the exchange's declaration", node, state) from error


def _failure(what: str, node: Node, state: Path) -> BrokerUnreachable:
    if node.kind is Kind.CONTAINER:
        lines, place = container.last_lines(node), f"`{node.command.name} logs`"
    else:
        lines, place = private_node.last_lines(state), str(state / "log")
    hint = "\n".join([f"its log ({place}) says:", *telling_lines(lines)])
    return BrokerUnreachable(what, str(node.command), hint=hint)


def _observe(node: Node, state: Path) -> PrivateBroker | None:
    return _describe(node, state) if _runs(node, state) else None


def _describe(node: Node, state: Path) -> PrivateBroker:
    login = f"{USERNAME}:{PASSWORD}@{LOOPBACK}"
    version = broker_version(LOOPBACK, node.amqp_port, _ANSWER_PATIENCE)
    return PrivateBroker(
        amqp_url=f"amqp://{login}:{node.amqp_port}/%2F",
        management_url=f"http://{login}:{node.management_port}",
        amqp_port=node.amqp_port,
        management_port=node.management_port,
        pid=None if node.kind is Kind.CONTAINER else private_node.runtime_pid(state),
        folder=state,
        version=version or "",
        already_running=False,
        ready=version is not None,
    )


def _runs(node: Node, state: Path) -> bool:
    if node.kind is Kind.CONTAINER:
        return container.runs(node)
    return private_node.runs(node, state)


def _end(node: Node, state: Path, patience: float = _STOP_PATIENCE) -> bool:
    if node.kind is Kind.CONTAINER:
        return container.end(node)
    ended = processes.end(node.token, private_node.runtime_pid(state), patience)
    private_node.forget_processes(state)
    return ended


def _node_of(broker: PrivateBroker) -> Node:
    node = private_node.load(broker.folder)
    if node is None:
        raise BrokerUnreachable("no private broker", str(broker.folder), hint="start it first")
    return node
