"""The private broker, by its name."""

from medtrack_cli import private_broker
from medtrack_cli.private_broker import PrivateBroker
from medtrack_cli.runtime import Runtime

__all__ = ["PrivateBroker", "start", "status", "stop"]


def start(runtime: Runtime, name: str = "default", *, install: bool) -> PrivateBroker:
    """Start the private broker of this name, or find it running; on a terminal with progress."""
    environ, clock, printer = runtime.world.environ, runtime.world.clock, runtime.printer
    state = private_broker.state_folder(environ, name)
    since = clock.monotonic()
    with printer.progress(lambda: f"not ready yet, {clock.monotonic() - since:.0f} s"):
        return private_broker.start(state, environ=environ, announce=printer.note, install=install)


def stop(runtime: Runtime, name: str = "default", *, erase: bool = False) -> bool:
    """Stop the private broker of this name; False when none ran."""
    return private_broker.stop(
        private_broker.state_folder(runtime.world.environ, name), erase=erase
    )


def status(runtime: Runtime, name: str = "default") -> PrivateBroker | None:
    """Describe the private broker of this name."""
    return private_broker.status(private_broker.state_folder(runtime.world.environ, name))
