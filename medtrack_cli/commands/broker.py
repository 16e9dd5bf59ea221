"""medtrack broker start, stop, status."""

import shlex
from typing import TYPE_CHECKING, Any

from medtrack_cli.commands.options import Group, Panel, command, flag
from medtrack_cli.commands.shared_options import INSTALL
from medtrack_cli.core.kinds import Kind
from medtrack_cli.errors import ExitCode
from medtrack_cli.output.shown.shown import Page
from medtrack_cli.runtime import Runtime

if TYPE_CHECKING:
    from medtrack_cli.wiring.private_broker import PrivateBroker


EXPORT = flag(Panel.OUTPUT, "--export", "Print the two variables for your shell's eval.")


@command(
    "start",
    "medtrack broker start",
    "medtrack broker start --install",
    'eval "$(medtrack broker start --export)"',
    effect="write",
)
def start(runtime: Runtime, *, install: bool = INSTALL, export: bool = EXPORT) -> int:
    """Start a private RabbitMQ.

    It is for development: reached from this machine only, on free ports, with a name and data of
    its own. It touches no other RabbitMQ. One that runs already is kept.
    """
    from medtrack_cli.wiring import private_broker

    running = private_broker.status(runtime)
    if running is None or not running.ready:
        runtime.printer.note("starting a private RabbitMQ")
    broker = private_broker.start(runtime, install=install)
    if export:
        runtime.world.stdout.write("".join(f"{line}\n" for line in _exports(broker)))
        return ExitCode.DONE
    word = "already running" if broker.already_running else "started"
    runtime.printer.show(_page(word, broker))
    return ExitCode.DONE


@command("stop", "medtrack broker stop", effect="write")
def stop(runtime: Runtime) -> int:
    """Stop the private RabbitMQ.

    Its data stays for the next start.
    """
    from medtrack_cli.wiring import private_broker

    was_running = private_broker.stop(runtime)
    word = "stopped" if was_running else "not running"
    runtime.printer.show(Page(Kind.BROKER, {"running": False, "was_running": was_running}, word))
    return ExitCode.DONE


@command("status", "medtrack broker status -o json", effect="read")
def status(runtime: Runtime) -> int:
    """Say whether it runs, and where.

    Exit code 1: it doesn't run.
    """
    from medtrack_cli.wiring import private_broker

    broker = private_broker.status(runtime)
    if broker is None:
        runtime.printer.show(Page(Kind.BROKER, {"running": False}, "not running"))
        return ExitCode.VERDICT_NO
    word = "running" if broker.ready else "running, but not answering"
    runtime.printer.show(_page(word, broker))
    return ExitCode.DONE if broker.ready else ExitCode.VERDICT_NO


def _record(broker: "PrivateBroker") -> dict[str, Any]:
    return {
        "running": True,
        "ready": broker.ready,
        "url": broker.amqp_url,
        "management_url": broker.web_address,
        "pid": broker.pid,
        "version": broker.version,
        "folder": str(broker.folder),
    }


def _page(word: str, broker: "PrivateBroker") -> Page:
    text = "\n".join(
        [
            f"RabbitMQ {broker.version} {word}",
            f"  url         {broker.amqp_url}",
            f"  management  {broker.management_url}",
            f"  folder      {broker.folder}",
            "",
            "  `medtrack --profile private …` leads there, and so do:",
        ]
    )
    commands = [f"  {line}" for line in _exports(broker)]
    return Page(Kind.BROKER, _record(broker), text, commands=commands)


def _exports(broker: "PrivateBroker") -> list[str]:
    variables = {
        "MEDTRACK_URL": broker.amqp_url,
        "MEDTRACK_MANAGEMENT_URL": broker.web_address,
    }
    return [f"export {name}={shlex.quote(text)}" for name, text in variables.items()]


broker = Group(
    "broker",
    "Run a private RabbitMQ for development.",
    ["medtrack broker start", "medtrack broker status"],
    Panel.BROKER,
    (start, stop, status),
)
