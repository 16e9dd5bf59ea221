"""Replaying the end of a large recording, beside a loop that reads its lines."""

import json
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from benchmarks.measuring import (
    MEDTRACK,
    PYTHON,
    Failed,
    Result,
    Sizes,
    interleave,
    itself,
    note,
    ratios,
    run,
)
from benchmarks.workplace import Workplace
from medtrack_cli.core.checked import examine
from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.record import to_record
from medtrack_cli.core.times import from_rfc3339, rfc3339
from medtrack_cli.files.recordings.checksums import sealed
from medtrack_cli.files.recordings.reader import FORMAT
from medtrack_cli.files.samples import sample

WANTED = 100  # events at the end
LARGE = 2_000  # MB
STEP = timedelta(milliseconds=1)
STARTED = from_rfc3339("2025-01-15T10:00:00Z")

LINE_LOOP = """
import sys
wanted = 0
since = b'{"kind":"event","received_at":"' + sys.argv[2].encode()
with open(sys.argv[1], "rb") as lines:
    for line in lines:
        if line[:58] >= since:
            wanted += 1
"""


def recordings(place: Workplace, sizes: Sizes) -> list[Result]:
    """Compare a dry run of the last events with a loop over all lines, as whole processes."""
    file = Path(place.folder, "large.ndjson")
    note(f"replay: writing a recording of {sizes.recorded:,} MB")
    count = write(file, sizes.recorded)
    since = rfc3339(moment(count - WANTED))
    command = [*MEDTRACK, "replay", str(file), "--dry-run", "-o", "json", "--since", since]
    sides = {
        "loop": partial(run, [*PYTHON, "-c", LINE_LOOP, str(file), since], place.environ),
        "ours": partial(run, command, place.environ),
    }
    rounds = interleave(sizes, sides, "replay, the end of a recording")
    file.unlink()
    for each in rounds:
        summary = json.loads(each["ours"].output.splitlines()[-1])
        if summary["would_send"] != WANTED:
            raise Failed(f"replay found {summary['would_send']} of {WANTED} events")
    what = f"replay --since, the last {WANTED} of {count:,} events, {sizes.recorded:,} MB"
    goal = 0.5 if sizes.recorded >= LARGE else None  # a start outweighs a small one
    unit = "as long as a loop over the lines"
    return [Result(what, ratios(rounds, "ours", "loop"), unit, goal, itself=itself(rounds))]


def moment(number: int) -> datetime:
    """Tell when an event was received."""
    return STARTED + number * STEP


def write(file: Path, megabytes: int) -> int:
    """Write a recording of so many MB; give how many events it holds."""
    at = count = 0
    with file.open("wb") as out:
        for number, line in enumerate(_lines(), 1):
            line["at"], line["line"] = at, number
            at += out.write(sealed(line))
            count = number - 1
            if at >= megabytes * 1_000_000:
                return count
    return count


def _lines() -> Iterator[dict[str, object]]:
    header = {"kind": "recording", "version": FORMAT, "run": "0" * 16, "part": 1}
    yield {**header, "started_at": rfc3339(STARTED)}
    body = json.dumps(sample("student.created")).encode()
    seen = examine(Delivery(STARTED, "medtrack.events", "student.created", False, body))  # noqa: FBT003
    record = to_record(seen)
    for number in range(sys.maxsize):
        elapsed = number * STEP.total_seconds()
        yield {**record, "received_at": rfc3339(moment(number)), "elapsed": elapsed}
