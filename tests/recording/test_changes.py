"""`medtrack replay` with options that change what is sent: its dry run, in this process."""

import io
import json
from pathlib import Path

import pytest

from medtrack_cli.commands.replay import replay
from medtrack_cli.commands.replay_options import (
    Changing,
    Choosing,
    Pacing,
    Redriving,
    Running,
    Streaming,
)
from medtrack_cli.core.choices import Invalid, To
from medtrack_cli.errors import MedtrackError
from medtrack_cli.runtime import Runtime
from medtrack_cli.world import World
from tests.builders import delivery, encode, event
from tests.cli.tool import Ran
from tests.recording.recorded import record

LONG = "k" * 300


def dry(
    folder: Path,
    changing: Changing,
    choosing: Choosing = Choosing(),  # noqa: B008 -- frozen
    profile: str | None = None,
) -> Ran:
    """Replay r.ndjson without sending."""
    out, err = io.StringIO(), io.StringIO()
    flags = {"profile": profile} if profile else {}
    world = World(stdout=out, stderr=err, environ={}, cwd=folder)
    code = replay(
        Runtime(world, flags, output="json", told="json"),
        [str(folder / "r.ndjson")],
        redriving=Redriving(),
        streaming=Streaming(),
        choosing=choosing,
        pacing=Pacing(),
        changing=changing,
        running=Running(dry_run=True),
    )
    return Ran(code, out.getvalue(), err.getvalue())


@pytest.mark.parametrize(
    ("changing", "said"),
    [
        (Changing(header=["X-MedTrack-Replay=x"]), "doesn't set this: X-MedTrack-Replay"),
        (Changing(header=["CC=student.created"]), "doesn't set this: CC"),
        (Changing(header=["h" * 256 + "=x"]), "longer than 255 bytes"),
        (Changing(header=["h=\udcff"]), "not UTF-8"),
        (Changing(header=["=x"]), "KEY=VALUE"),
        (Changing(key_prefix=LONG), "--key-prefix is longer than 255 bytes"),
        (Changing(key_prefix="x.", to=To.QUEUE), "exclude each other"),
        (Changing(set_=["payload.emial=x"]), "no such field"),
        (Changing(set_=["payload.email"]), "PATH=VALUE"),
        (Changing(set_=["timestamp=x"], refresh_timestamps=True), "are one thing"),
        (Changing(to_profile="nope"), "no profile is named nope"),
        (Changing(to_profile="private"), "exclude each other"),
    ],
)
def test_what_nothing_can_be_sent_with_is_refused(
    tmp_path: Path, changing: Changing, said: str
) -> None:
    """A slip in the options ends the run before a recording is read, with a hint."""
    (tmp_path / "r.ndjson").write_text("no recording\n")
    profile = "local" if changing.to_profile == "private" else None
    with pytest.raises(MedtrackError, match=said) as error:
        dry(tmp_path, changing, profile=profile)
    assert error.value.hint


def test_a_recording_of_odd_things_is_changed_where_it_can_be(tmp_path: Path) -> None:
    """What can't be changed is told, each with its reason; then nothing would be sent."""
    path = tmp_path / "r.ndjson"
    good = encode(event())
    odd = [delivery(b"no JSON", ""), delivery(good, "k" * 250), delivery(good), delivery(b"")]
    record(path, odd)
    ran = dry(tmp_path, Changing(key_prefix="t.", new_ids=True, header=["a=b"], to_profile="local"))
    assert (ran.code, ran.summary["would_send"]) == (0, 4)
    keys = [each["routing_key"] for each in ran.of_kind("message")]
    assert keys == ["t.", "t." + "k" * 250, "t.student.created", "t.student.created"]
    ran = dry(tmp_path, Changing(key_prefix="test.t."))
    assert [each["outcome"] for each in ran.of_kind("receipt")] == [
        *("unsent", "invalid", "unsent", "unsent")
    ]
    changing = Changing(refresh_timestamps=True)
    ran = dry(tmp_path, changing)
    assert (ran.code, ran.summary["invalid"], ran.summary["would_send"]) == (1, 2, 0)
    ran = dry(tmp_path, changing, Choosing(invalid=Invalid.SKIP, key=["student.#"]))
    assert (ran.code, ran.summary["would_send"], ran.summary["invalid_skipped"]) == (0, 1, 1)
    (message,) = ran.of_kind("message")
    changed = json.loads(message["body_text"])
    assert changed.pop("timestamp") > "2026"
    assert changed.items() < event().items()
