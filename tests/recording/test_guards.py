"""What a replay shows and asks before it sends: of a protected broker, and of one it came from."""

import io
from pathlib import Path
from uuid import UUID

import pytest

from medtrack_cli.commands.guarding import Guard
from medtrack_cli.commands.replay_job import outline_of
from medtrack_cli.commands.replay_options import Pacing
from medtrack_cli.core.publishing.origin import Origin
from medtrack_cli.core.publishing.replay import Replay
from medtrack_cli.dispatch import run as run_in
from medtrack_cli.errors import UsageError
from medtrack_cli.runtime import Runtime
from medtrack_cli.world import World
from tests.builders import delivery, encode, event, message
from tests.cli.pty_run import answering
from tests.cli.tool import Ran, Tool
from tests.contracts.fakes import MemoryBroker
from tests.recording.recorded import record
from tests.running import run

WARD = Origin("rabbit.ward.example:5671", "ward", "medtrack.events")
HERE = Origin("localhost:7777", "/", "medtrack.events")
CONFIG = """\
profiles:
  ward: {url: 'amqps://ann:x@rabbit.ward.example/ward'}
  test: {url: 'amqps://ann:x@rabbit.ward.example/test'}
  other: {url: 'amqps://ann:x@other.example/ward'}
  here: {url: 'amqp://ann:x@localhost:7777'}
  careful: {url: 'amqp://ann:x@localhost:7777', protected: true}
"""
REPLAY = ("replay", "--speed", "max", "--retry-for", "0")


def recording(folder: Path, origin: Origin | None) -> Path:
    """Record two events at a place, and write the configuration."""
    (folder / ".config/medtrack").mkdir(parents=True)
    own = folder / ".config/medtrack/config.yaml"
    own.write_text(CONFIG)
    own.chmod(0o600)
    record(folder / "r.ndjson", [delivery(encode(event()))] * 2, origin=origin)
    return folder / "r.ndjson"


@pytest.mark.parametrize(
    ("origin", "profile", "plan", "asks"),
    [
        (WARD, "ward", True, True),
        (WARD, "test", True, True),
        (WARD, "other", True, False),
        (WARD, "here", True, False),
        (HERE, "here", False, False),
        (HERE, "careful", True, True),
        (None, "ward", False, False),
        (None, "careful", True, True),
    ],
)
def test_where_a_yes_is_needed(
    tmp_path: Path, origin: Origin | None, profile: str, *, plan: bool, asks: bool
) -> None:
    """Without a person nothing is sent there without --yes; foreign events show their plan."""
    path, broker = recording(tmp_path, origin), MemoryBroker(wants_all=True)

    def replay(*more: str, stdin: bytes = b"") -> Ran:
        line = (*REPLAY, "--to-profile", profile, *more)
        return run(*line, folder=tmp_path, broker=broker, stdin=stdin)

    ran = replay(str(path))
    assert (ran.code, len(broker.sent)) == ((2, 0) if asks else (0, 2))
    assert ("--yes" in ran.err) is asks
    assert ("  takes " in ran.err) is (plan and not asks)
    broker.sent.clear()
    ran = replay(str(path), "--yes")
    assert (ran.code, len(broker.sent), "  takes " in ran.err) == (0, 2, plan)
    assert "  takes " not in replay(str(path), "--yes", "-q").err
    broker.sent.clear()
    ran = replay("-", stdin=path.read_bytes())
    assert (ran.code, len(broker.sent)) == ((2, 0) if asks else (0, 2)), ran.err


@pytest.mark.parametrize(("origin", "profile"), [(WARD, "ward"), (None, "careful")])
def test_a_run_that_goes_on_needs_a_yes_again(
    tmp_path: Path, origin: Origin | None, profile: str
) -> None:
    """Whoever takes it up may be another: without --yes nothing more is sent; new ids stay."""
    path, broker = recording(tmp_path, origin), MemoryBroker(wants_all=False)

    def replay(*more: str) -> Ran:
        return run("replay", *more, "--to-profile", profile, folder=tmp_path, broker=broker)

    changes = ("--new-ids", "--refresh-timestamps", "--set", "payload.email=zoe@example.org")
    begun = ("--yes", "--name", "monday", "--speed", "max", *changes)
    assert replay(str(path), *begun).code == 1
    ids = [each.message_id for each in broker.sent]
    broker.sent.clear()
    shown = run("replay", "--show", "monday", folder=tmp_path).out
    assert "types     student.created 2\n" in shown
    assert "set=payload.email=xxx@xxxxxxx.xxx" in shown
    assert replay("--resume", "monday").code == 2
    assert not broker.sent
    assert replay("--resume", "monday", "--yes").code == 1
    assert [each.message_id for each in broker.sent] == ids


class Person(io.BytesIO):
    """Somebody at a terminal."""

    def isatty(self) -> bool:
        return True


class Screen(io.StringIO):
    """What they see."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("answer", "sent"), [("yes", 2), ("Y", 2), ("", 0), ("n", 0)])
def test_a_plain_yes_sends_it_where_it_was_recorded(tmp_path: Path, answer: str, sent: int) -> None:
    """The question names target, count, span and pace; any other answer sends nothing."""
    path, broker, screen = recording(tmp_path, WARD), MemoryBroker(wants_all=True), Screen()
    world = World(
        stdin=Person(f"{answer}\n".encode()),
        stdout=io.StringIO(),
        stderr=screen,
        environ={"HOME": str(tmp_path)},
        cwd=tmp_path,
        open_publisher=broker.open_publisher,
    )
    code = run_in(world, ["replay", str(path), "--profile", "ward", "--no-color"])
    assert (code, len(broker.sent)) == (0 if sent else 2, sent)
    assert (
        "replay 2 events of 2025-01-15 12:00:00 UTC in 0.0 s to where they were recorded, "
        "rabbit.ward.example:5671, vhost ward, exchange medtrack.events\nSure? [y/N] "
    ) in screen.getvalue()


@pytest.mark.parametrize("answer", ["y", "n"])
def test_a_stream_is_known_to_come_home_before_it_is_read(tmp_path: Path, answer: str) -> None:
    """Where the source is a broker, it is asked at once, and one yes is enough."""
    recording(tmp_path, None)
    world = World(
        stdin=Person(f"{answer}\n".encode()),
        stderr=Screen(),
        environ={"HOME": str(tmp_path)},
        cwd=tmp_path,
    )
    runtime = Runtime(world, {"profile": "ward"})
    outline = outline_of(runtime, Replay("monday", UUID(int=0)), Pacing(), runtime)
    guard = Guard(runtime, outline, yes=False)
    coming = [message(paced_by=delivery(origin=WARD))]
    if answer == "n":
        with pytest.raises(UsageError, match="not confirmed"):
            guard.ask(is_counted=False)
        with pytest.raises(UsageError, match="needs a yes"):
            list(guard.passing(coming))
        return
    guard.ask(is_counted=False)
    assert list(guard.passing(coming)) == coming


def test_a_protected_broker_wants_the_profiles_name(tool: Tool) -> None:
    """The plan stands before the question; no answer is a no."""
    recording(tool.folder, None)
    arguments = ("replay", "r.ndjson", "--retry-for", "0", "--profile", "careful", "--no-color")
    question = b"Type the profile's name, careful, to replay: "
    code, seen = answering(tool, arguments, {"XDG_CONFIG_HOME": ""}, question, b"\n")
    text = " ".join(seen.decode().split())
    asked = "replay 2 events of 2025-01-15 12:00:00 UTC in 0.0 s to the protected broker localhost:"
    assert text.index("12:00:00.000 student.created") < text.index(asked)
    assert (code, "not confirmed" in text, "connecting" in text) == (2, True, False)
