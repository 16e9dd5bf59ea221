"""How fast stats reads a recording, beside a loop that only parses its lines."""

from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from benchmarks.measuring import MEDTRACK, PYTHON, Result, Sizes, interleave, itself, ratios, run
from benchmarks.validating import ORJSON_LOOP
from benchmarks.workplace import Workplace
from medtrack_cli.core.checked import examine
from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.record import to_record
from medtrack_cli.core.times import rfc3339
from medtrack_cli.files.recordings.checksums import sealed
from medtrack_cli.files.recordings.reader import FORMAT

DISTINCT = 1_000  # bodies of a recording
BEGIN = datetime(2025, 1, 15, 10, tzinfo=UTC)


def summing_up(place: Workplace, sizes: Sizes) -> list[Result]:
    """Compare stats with a loop of orjson.loads over the same recording, as whole processes."""
    file = recorded(place, sizes.summed_up)
    sides = {
        "orjson": partial(run, [*PYTHON, "-c", ORJSON_LOOP, file], place.environ),
        "ours": partial(run, [*MEDTRACK, "stats", file], place.environ),
    }
    rounds = interleave(sizes, sides, "stats")
    what = f"stats, {sizes.summed_up:,} recorded events"
    unit = "as long as a loop of orjson.loads"
    return [Result(what, ratios(rounds, "ours", "orjson"), unit, 3, itself=itself(rounds))]


def recorded(place: Workplace, count: int) -> str:
    """Give a recording of so many events, fifty a second, each with an id of its own."""
    path = place.folder / f"recorded-{count}.ndjson"
    if path.exists():
        return str(path)
    header = {"kind": "recording", "version": FORMAT, "run": "0" * 16, "part": 1}
    with path.open("wb") as out, Path(place.events(count)).open("rb") as lines:
        out.write(sealed({**header, "started_at": rfc3339(BEGIN), "line": 1}))
        records = [_record(line.rstrip()) for line in islice(lines, DISTINCT)]
        for number, record in enumerate(islice(cycle(records), count)):
            moment = rfc3339(BEGIN + timedelta(seconds=number / 50))
            ids = {
                **record["properties"],
                "message_id": f"{number:08x}-c0f3-4b5e-9d36-5d3b8a1f6e10",
            }
            own = {"received_at": moment, "properties": ids, "elapsed": number / 50}
            out.write(sealed({**record, **own, "line": number + 2}))
    return str(path)


def _record(body: bytes) -> dict[str, Any]:
    properties = {"content_type": "application/json", "delivery_mode": 2}
    key = "student.created"
    delivery = Delivery(
        BEGIN, "medtrack.events", key, redelivered=False, body=body, properties=properties
    )
    return to_record(examine(delivery))
