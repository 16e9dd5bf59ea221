"""medtrack demo."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from medtrack_cli.commands.options import Panel, command, flag
from medtrack_cli.commands.shared_options import INSTALL
from medtrack_cli.core.kinds import Kind
from medtrack_cli.errors import ExitCode, UsageError
from medtrack_cli.runtime import Runtime

if TYPE_CHECKING:
    from medtrack_cli.commands.showing import Show

REGISTRATION = "sample-events/registration.yaml"
DEAD_LETTERS = "medtrack.simulated.dead-letters"
INVALID = """\
{
  "event_type": "student.created",
  "payload": {
    "student_id": "7a1f0c52-3b0e-4d53-9c64-1d0f8a7e2b11",
    "user_id": "7b2e1d63-4c1f-4e64-8d75-2e1f9b8f3c22",
    "cin": "ZZ123456",
    "email": "amina.example-at-example.org",
    "phone": "0001234567",
    "first_name": "Amina",
    "last_name": "Example"
  },
  "service": "external-registration-service",
  "timestamp": "2025-01-15T10:00:00Z",
  "version": "1.0"
}
"""
MENDED = ["--set", "payload.email=amina@example.org", "--set", "payload.phone=+0001234567"]
LISTEN = ["listen", "--count", "2", "--timeout", "60"]

_ENDED = "the private RabbitMQ is gone. Try next:"
NEXT = (
    "medtrack broker start",
    "medtrack --profile private listen",
    "medtrack --profile private publish student.created --count 1",
)


@command(
    "demo",
    "medtrack demo",
    "medtrack demo --pause",
    "medtrack demo --install",
    effect="write",
    panel=Panel.SET_UP,
)
def demo(
    runtime: Runtime,
    *,
    install: bool = INSTALL,
    pause: bool = flag(Panel.HOW, "--pause", "Wait for Enter before each step."),
) -> int:
    """Show it all in a minute.

    Validates, publishes, lets MedTrack's services react, records, replays, refuses, and sends a
    dead letter back. Runs the very commands it shows, on a private RabbitMQ that is gone
    afterwards.
    """
    import shutil

    from medtrack_cli.commands.showing import Show
    from medtrack_cli.temporary import temporary_folder
    from medtrack_cli.wiring import private_broker
    from medtrack_cli.wiring.inputs import sample_folder

    if pause and not runtime.terminal.has_person:
        raise UsageError("--pause waits for Enter on a terminal", hint="leave it out")
    printer = runtime.printer
    with ExitStack() as stack:
        folder = Path(stack.enter_context(temporary_folder("demo")))
        shutil.copytree(sample_folder(), folder / "sample-events")
        (folder / "invalid.json").write_text(INVALID)
        stack.callback(private_broker.stop, runtime, "demo", erase=True)
        printer.note("starting a private RabbitMQ")
        broker = private_broker.start(runtime, "demo", install=install)
        (folder / "empty.yaml").touch()
        more = {
            "MEDTRACK_URL": broker.amqp_url,
            "MEDTRACK_MANAGEMENT_URL": broker.web_address,
            "MEDTRACK_CONFIG": str(folder / "empty.yaml"),  # the profiles are for other brokers
            "XDG_STATE_HOME": str(folder / "state"),
        }
        show = Show(runtime, folder, more, pause)
        _tour(show)
    printer.summary(Kind.DEMO, {"steps": show.steps, "exit_code": 0}, _ENDED)
    if runtime.output != "json":
        for command_line in NEXT:
            runtime.world.stdout.write(f"  {command_line}\n")
    return ExitCode.DONE


def _tour(show: "Show") -> None:
    """Follow a student's registration through MedTrack, then what goes wrong, and its repair."""
    reacted = "What MedTrack's services did"
    show.run("What is in the samples?", ["validate", "sample-events"])
    stand_in = ["simulate", "run"]
    with show.beside("Let MedTrack's services stand in", stand_in, ends=False) as services:
        record = [*LISTEN, "--record", "morning.ndjson"]
        with show.beside("Listen and record", record) as listener:
            show.run("Publish the registration of a student", ["publish", "-f", REGISTRATION])
            listener.show("What the listener saw", 2)
        services.show(reacted, 5)
        replay = ["replay", "morning.ndjson", "--speed", "10"]
        show.run("Replay what was recorded, ten times as fast", replay)
        services.show(f"{reacted}: nothing twice", 5)
        refused = ["publish", "-f", "invalid.json"]
        show.run("An invalid event is refused before anything leaves", refused, expected=1)
        show.run("Sent unchecked, it becomes a dead letter", [*refused, "--no-validate"])
        services.show(reacted, 3)
        home = ["replay", "--from-queue", DEAD_LETTERS, *MENDED, "--yes"]
        show.run("Mend the dead letters, and send each home", home)
        services.show(reacted, 3)
