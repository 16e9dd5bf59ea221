"""A private RabbitMQ run by the machine's own server, separate from the system's."""

import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from medtrack_cli import programs, whole_file
from medtrack_cli.errors import BrokerUnreachable, CannotCreate
from medtrack_cli.private_broker import processes
from medtrack_cli.private_broker.node import LOOPBACK, PASSWORD, USERNAME, Node

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
class Server:
    """A launcher: all that the server has is in the folder, found again by the node's token.

    `Container` has the same methods. `log` says where the log is.
    """

    node: Node
    folder: Path

    @property
    def log(self) -> str:
        return str(self.folder / "log")

    @property
    def pid(self) -> int | None:
        """The Erlang runtime's process id, which RabbitMQ writes early and may leave behind."""
        return self._read_pid("pid")

    def launch(self, environ: Mapping[str, str], _announce: Callable[[str], None]) -> None:
        """Start the server in a session of its own, which the terminal's Ctrl-C doesn't reach.

        The shell hands it over to the system at once, so that it is nobody's child. Its errors are
        in the log.
        """
        self.write_files()
        self._forget_processes()
        (self.folder / "log" / "rabbitmq.log").unlink(missing_ok=True)
        with (self.folder / "log" / "console.log").open("wb") as console:
            programs.run(
                ["/bin/sh", "-c", '"$0" & echo $! > launched', self.node.command],
                environ=self._environment(environ),
                more={processes.MARK: self.node.token},
                cwd=self.folder,
                stdout=console,
                stderr=console,
                start_new_session=True,
            )

    def runs(self) -> bool:
        """Return whether its start script or its runtime runs. A lone epmd doesn't count."""
        pids = (self._read_pid("launched"), self.pid)
        return processes.any_runs(self.node.token, frozenset(pid for pid in pids if pid))

    def last_lines(self) -> list[str]:
        """Read the log of the last start."""
        logs = (self.folder / "log" / "console.log", self.folder / "log" / "rabbitmq.log")
        texts = [log.read_text("utf-8", "replace") for log in logs if log.exists()]
        return "\n".join(texts).splitlines()

    def end(self, patience: float) -> bool:
        """End it and the remains of a failed launch; False if nothing ran.

        `patience` is how many seconds it gets to write its data.
        """
        ended = processes.end(self.node.token, self.pid, patience)
        self._forget_processes()
        return ended

    def kill(self) -> None:
        """Kill it as a power cut would; its data stays."""
        if self.pid is not None:
            processes.kill(self.node.token, self.pid)

    def erase(self) -> None:
        """Do nothing: all its data is in the folder."""

    def rabbitmqctl(self, *arguments: str, patience: float) -> str:
        """Run rabbitmqctl and return its output; raise BrokerUnreachable."""
        done = programs.run(
            [self.node.command.with_name("rabbitmqctl"), "--quiet", *arguments],
            environ=self._environment(os.environ),
            cwd=self.folder,
            seconds=patience,
        )
        if done.returncode:
            hint = (done.stderr or done.stdout).decode(errors="replace").strip()
            raise BrokerUnreachable("rabbitmqctl failed", " ".join(arguments), hint=hint)
        return done.stdout.decode(errors="replace")

    def write_files(self) -> None:
        """Write the node's configuration files into the folder."""
        folder = self.folder
        for name in ("data", "home", "log"):
            (folder / name).mkdir(mode=0o700, exist_ok=True)
        login = {"username": USERNAME, "password": PASSWORD}
        settings = _CONFIG.format(node=self.node, loopback=LOOPBACK, **login)
        _write_private(folder / "rabbitmq.conf", settings)
        # Without these two, the system's files would be read.
        _write_private(folder / "rabbitmq-env.conf", "# Empty on purpose.\n")
        _write_private(folder / "advanced.config", "[].\n")
        _write_private(folder / "enabled_plugins", "[rabbitmq_management].\n")
        cookie = folder / "home" / ".erlang.cookie"  # an empty one keeps Erlang from starting
        if not (cookie.exists() and cookie.stat().st_size):
            _write_private(cookie, secrets.token_hex(24))

    def _environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Set all that RabbitMQ's scripts read, and pass on only PATH of the caller's environment.

        HOME leads Erlang to the node's own cookie, which so appears in no argument list.
        """
        node, folder = self.node, self.folder
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

    def _forget_processes(self) -> None:
        for name in ("launched", "pid"):
            (self.folder / name).unlink(missing_ok=True)

    def _read_pid(self, name: str) -> int | None:
        try:
            return int((self.folder / name).read_text("ascii"))
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
