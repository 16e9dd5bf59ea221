"""A private RabbitMQ in a container, for machines that have an engine but no RabbitMQ."""

import os
import subprocess
from collections.abc import Callable, Mapping

from medtrack_cli.errors import BrokerUnreachable
from medtrack_cli.private_broker.node import LOOPBACK, PASSWORD, USERNAME, Node
from medtrack_cli.private_broker.rabbitmq import IMAGE
from medtrack_cli.programs import for_others


def launch(node: Node, environ: Mapping[str, str], announce: Callable[[str], None]) -> None:
    """Start the container, fetching the image first where it is missing.

    The data is in a volume that outlives it; the host name is fixed, since it names the data.
    """
    if not _succeeds(node, "image", "inspect", IMAGE):
        announce(f"fetching the image {IMAGE} with {node.command.name}")
        engine(node, "pull", "--quiet", IMAGE, environ=environ)
    engine(
        node,
        *("run", "--detach", "--rm", "--name", _name(node), "--hostname", "medtrack"),
        *("--publish", f"{LOOPBACK}:{node.amqp_port}:5672"),
        *("--publish", f"{LOOPBACK}:{node.management_port}:15672"),
        *("--volume", f"{_name(node)}:/var/lib/rabbitmq"),
        *("--env", "RABBITMQ_DEFAULT_USER", "--env", "RABBITMQ_DEFAULT_PASS"),
        IMAGE,
        environ={
            **environ,
            "RABBITMQ_DEFAULT_USER": USERNAME,
            "RABBITMQ_DEFAULT_PASS": PASSWORD,
        },
    )


def runs(node: Node) -> bool:
    """Tell whether the container is there and running."""
    return _succeeds(node, "top", _name(node))


def last_lines(node: Node) -> list[str]:
    """Read the end of the container's log."""
    return engine(node, "logs", "--tail", "40", _name(node)).splitlines() if runs(node) else []


def end(node: Node) -> bool:
    """Stop the container and remove it, or what a failed launch left; False if it did not run."""
    ran = runs(node) and bool(engine(node, "stop", "-t", "20", _name(node)))
    _succeeds(node, "rm", "--force", _name(node))
    return ran


def kill(node: Node) -> None:
    """Kill the container without a word; its volume stays."""
    engine(node, "kill", _name(node))


def erase(node: Node) -> None:
    """Remove the volume with the data."""
    _succeeds(node, "volume", "rm", "--force", _name(node))


def rabbitmqctl(node: Node, *arguments: str) -> str:
    """Run rabbitmqctl inside the container."""
    return engine(node, "exec", _name(node), "rabbitmqctl", "--quiet", *arguments)


def engine(node: Node, *arguments: str, environ: Mapping[str, str] | None = None) -> str:
    """Run the engine's command line and return what it printed; raise BrokerUnreachable."""
    done = subprocess.run(  # noqa: S603 - the engine that was found; arguments are ours
        [node.command, *arguments],
        env=for_others(os.environ if environ is None else environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise BrokerUnreachable(
            f"{node.command.name} {arguments[0]} failed", _name(node), hint=done.stderr.strip()
        )
    return done.stdout


def _succeeds(node: Node, *arguments: str) -> bool:
    try:
        engine(node, *arguments)
    except (BrokerUnreachable, OSError):
        return False
    return True


def _name(node: Node) -> str:
    return f"medtrack-broker-{node.token}"
