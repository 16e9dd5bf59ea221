"""A private RabbitMQ in a container, for machines that have an engine but no RabbitMQ."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from medtrack_cli import programs
from medtrack_cli.errors import BrokerUnreachable
from medtrack_cli.private_broker.node import LOOPBACK, PASSWORD, USERNAME, Node
from medtrack_cli.private_broker.rabbitmq import IMAGE


@dataclass(frozen=True, slots=True)
class Container:
    """A launcher: the data is in a volume that outlives the container, named after the token."""

    node: Node
    folder: Path
    pid: None = None

    @property
    def name(self) -> str:
        return f"medtrack-broker-{self.node.token}"

    @property
    def log(self) -> str:
        return f"`{self.node.command.name} logs`"

    def launch(self, environ: Mapping[str, str], announce: Callable[[str], None]) -> None:
        """Start the container, pulling the image first if it is missing.

        The host name is fixed, since the data's name depends on it.
        """
        if not self._succeeds("image", "inspect", IMAGE):
            announce(f"fetching the image {IMAGE} with {self.node.command.name}")
            self._engine("pull", "--quiet", IMAGE, environ=environ)
        login = {"RABBITMQ_DEFAULT_USER": USERNAME, "RABBITMQ_DEFAULT_PASS": PASSWORD}
        self._engine(
            *("run", "--detach", "--rm", "--name", self.name, "--hostname", "medtrack"),
            *("--publish", f"{LOOPBACK}:{self.node.amqp_port}:5672"),
            *("--publish", f"{LOOPBACK}:{self.node.management_port}:15672"),
            *("--volume", f"{self.name}:/var/lib/rabbitmq"),
            *("--env", "RABBITMQ_DEFAULT_USER", "--env", "RABBITMQ_DEFAULT_PASS"),
            IMAGE,
            environ={**environ, **login},
        )

    def runs(self) -> bool:
        return self._succeeds("top", self.name)

    def last_lines(self) -> list[str]:
        if not self.runs():
            return []  # its log was removed with it
        return self._engine("logs", "--tail", "40", self.name).splitlines()

    def end(self, _patience: float) -> bool:
        ran = self.runs() and bool(self._engine("stop", "-t", "20", self.name))
        self._succeeds("rm", "--force", self.name)
        return ran

    def kill(self) -> None:
        self._engine("kill", self.name)

    def erase(self) -> None:
        self._succeeds("volume", "rm", "--force", self.name)

    def rabbitmqctl(self, *arguments: str, patience: float) -> str:
        command = ("exec", self.name, "rabbitmqctl", "--quiet", *arguments)
        return self._engine(*command, seconds=patience)

    def _engine(
        self,
        *arguments: str,
        environ: Mapping[str, str] | None = None,
        seconds: float | None = None,
    ) -> str:
        """Run the engine's command line and return what it printed; raise BrokerUnreachable."""
        command = self.node.command
        done = programs.run([command, *arguments], environ=environ, seconds=seconds)
        if done.returncode:
            what = f"{command.name} {arguments[0]} failed"
            raise BrokerUnreachable(
                what, self.name, hint=done.stderr.decode(errors="replace").strip()
            )
        return done.stdout.decode(errors="replace")

    def _succeeds(self, *arguments: str) -> bool:
        try:
            self._engine(*arguments)
        except (BrokerUnreachable, OSError):
            return False
        return True
