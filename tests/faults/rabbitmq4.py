"""RabbitMQ 4 out of the root folder of a Debian, with every deprecated feature denied."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from medtrack_cli import private_broker as private
from medtrack_cli.private_broker import PrivateBroker, processes
from medtrack_cli.private_broker import node as private_node
from tests.faults.breaking import environ_of

# Without /proc in the root, RabbitMQ asks its own runtime how much memory it uses.
_NO_PROC = "vm_memory_calculation_strategy = erlang\n"


@contextmanager
def running(root: Path) -> Iterator[Path]:
    """Start it through chroot, give its state folder, and leave nothing behind."""
    root = root.resolve()
    _let_paths_hold_inside(root)
    with tempfile.TemporaryDirectory(dir=root / "tmp", prefix="medtrack-") as name:
        folder = Path(name, "state")
        _write_doors(root, folder.with_name("rabbitmq"))
        extra = folder / "conf.d" / "tests.conf"
        extra.parent.mkdir(parents=True)
        extra.write_text(_NO_PROC)
        broker = private.start(folder, environ=environ_of(folder), announce=print)
        node = private_node.load(folder)
        assert node is not None
        try:
            features = deprecated(broker)
            assert features, "RabbitMQ 4 has deprecated features"
            denials = [f"deprecated_features.permit.{each} = false\n" for each in features]
            extra.write_text(_NO_PROC + "".join(denials))
            private.stop(folder)
            private.start(folder, environ=environ_of(folder), announce=print)
            yield folder
        finally:
            private.stop(folder, erase=True)
            assert processes.marked(node.token) == frozenset()


def deprecated(broker: PrivateBroker) -> list[str]:
    """List the broker's deprecated features that can still be permitted or denied."""
    listed = private.rabbitmqctl(broker, "list_deprecated_features", "--formatter=json", "--silent")
    return [each["name"] for each in json.loads(listed) if each["deprecation_phase"] != "removed"]


def _let_paths_hold_inside(root: Path) -> None:
    """Let the root's own path lead to the root from inside, so that paths mean the same there."""
    link = root / root.relative_to("/")
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to("/")


def _write_doors(root: Path, home: Path) -> None:
    """Write what `private` looks for in RABBITMQ_HOME: scripts that lead into the root."""
    sbin = home / "sbin"
    sbin.mkdir(parents=True)
    (sbin / "rabbitmq-env").touch()
    chroot = shutil.which("chroot", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    for name in ("rabbitmq-server", "rabbitmqctl"):
        door = sbin / name
        door.write_text(f'#!/bin/sh\nexec {chroot} "{root}" /usr/lib/rabbitmq/bin/{name} "$@"\n')
        door.chmod(0o755)
