"""How fast stats reads a recording, beside a loop that only parses its lines."""

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from benchmarks.measurements import ORJSON_LOOP
from benchmarks.measuring import MEDTRACK, PYTHON, Result, Sizes, interleave, run
from benchmarks.workplace import Workplace
from medtrack_cli.core.checked import examine
from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.record import to_record
from medtrack_cli.core.times import rfc3339
from medtrack_cli.files.recordings.checksums import sealed
from medtrack_cli.files.recordings.reader import FORMAT

BEGIN = datetime(2025, 1, 15, 10, tzinfo=UTC)


def summing_up(place: Workplace, sizes: Sizes) -> list[Result]:
    """Compare stats with a loop of orjson.loads over the same recording, as whole processes."""
    file = recorded(place, sizes.summed_up)
    sides = {
        "orjson": partial(run, [*PYTHON, "-c", ORJSON_LOOP, file], place.environ),
        "ours": partial(run, [*MEDTRACK, "stats", file], place.environ),
    }
    rounds = interleave(sizes.rounds, sides, "stats")
    seconds = [each["ours"].seconds / each["orjson"].seconds for each in rounds]
    cpu = [each["ours"].cpu / each["orjson"].cpu for each in rounds]
    long = run([*MEDTRACK, "stats", recorded(place, sizes.long_run)], place.environ)
    return [
        Result(f"stats, {sizes.summed_up:,} recorded events", seconds, "times orjson", 3),
        Result("  CPU", cpu, "times orjson"),
        Result(f"  memory for {sizes.long_run:,}", [long.megabytes], "MB", 250),
    ]


def recorded(place: Workplace, count: int) -> str:
    """Give a recording of so many events, fifty a second, each with an id of its own."""
    path = place.folder / f"recorded-{count}.ndjson"
    if path.exists():
        return str(path)
    header = {"kind": "recording", "version": FORMAT, "run": "0" * 16, "part": 1}
    with path.open("wb") as out, Path(place.events(count)).open("rb") as lines:
        out.write(sealed({**header, "started_at": rfc3339(BEGIN), "line": 1}))
        for number, line in enumerate(lines):
            seconds = number / 50
            delivery = Delivery(
                received_at=BEGIN + timedelta(seconds=seconds),
                exchange="medtrack.events",
                routing_key="student.created",
                redelivered=False,
                body=line.rstrip(),
                properties={
                    "content_type": "application/json",
                    "delivery_mode": 2,
                    "message_id": f"{number:08x}-c0f3-4b5e-9d36-5d3b8a1f6e10",
                },
            )
            record = to_record(examine(delivery))
            out.write(sealed({**record, "elapsed": seconds, "line": number + 2}))
    return str(path)
