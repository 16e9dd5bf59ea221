"""medtrack demo."""

from contextlib import ExitStack
from pathlib import Path

import typer

from medtrack_cli.commands.help_pages import Panel
from medtrack_cli.commands.option_types import Install
from medtrack_cli.commands.options import command
from medtrack_cli.core.kinds import Kind
from medtrack_cli.errors import ExitCode
from medtrack_cli.runtime import Runtime

REGISTRATION = "sample-events/registration.yaml"
INVALID = """\
{
  "event_type": "student.created",
  "payload": {
    "student_id": "550e8400-e29b-41d4-a716-446655440000",
    "user_id": "660e9500-f39c-52e5-b827-557766551111",
    "cin": "ZZ123456",
    "email": "amina.example-at-example.org",
    "phone": "+0001234567",
    "first_nmae": "Amina",
    "last_name": "Example"
  },
  "service": "external-registration-service",
  "timestamp": "2025-01-15T10:00:00Z",
  "version": "1.0"
}
"""


_ENDED = "the private RabbitMQ is gone. Try next:"
NEXT = (
    "medtrack broker start",
    "medtrack --profile private listen",
    "medtrack --profile private publish student.created --count 1",
)


def demo(
    runtime: Runtime,
    *,
    install: Install = False,
) -> int:
    """Show it all in a minute.

    Validates, publishes, listens, records, replays and refuses. Runs the very commands it
    shows, on a private RabbitMQ that is gone afterwards.
    """
    import shutil
    import tempfile

    from medtrack_cli.commands.showing import Show
    from medtrack_cli.wiring import private_broker
    from medtrack_cli.wiring.inputs import sample_folder

    printer = runtime.printer
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="medtrack-demo-")))
        shutil.copytree(sample_folder(), folder / "sample-events")
        (folder / "invalid.json").write_text(INVALID)
        stack.callback(private_broker.stop, runtime, "demo", erase=True)
        printer.note("starting a private RabbitMQ")
        broker = private_broker.start(runtime, "demo", install=install)
        (folder / "empty.yaml").touch()
        more = {
            "MEDTRACK_URL": broker.amqp_url,
            "MEDTRACK_CONFIG": str(folder / "empty.yaml"),  # the profiles are for other brokers
        }
        show = Show(runtime, folder, more)
        show.run("What is in the samples?", ["validate", "sample-events"])
        with show.listening("Listen and record", ["--record", "morning.ndjson"]):
            show.run("Publish the registration of a student", ["publish", "-f", REGISTRATION])
        with show.listening("Listen again"):
            replay = ["replay", "morning.ndjson", "--speed", "10"]
            show.run("Replay what was recorded, ten times as fast", replay)
        refused = ["publish", "-f", "invalid.json"]
        show.run("An invalid event is refused before anything leaves", refused, expected=1)
    printer.summary(Kind.DEMO, {"steps": show.steps, "exit_code": 0}, _ENDED)
    if runtime.output != "json":
        for command_line in NEXT:
            runtime.world.stdout.write(f"  {command_line}\n")
    return ExitCode.DONE


def register(app: typer.Typer) -> None:
    """Add the command."""
    examples = ["medtrack demo", "medtrack demo --install"]
    command(app, "demo", examples=examples, panel=Panel.SET_UP)(demo)
