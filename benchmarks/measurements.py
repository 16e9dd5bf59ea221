"""Starting, validating and listening, each with its goal."""

import json
import subprocess
import time
from functools import partial
from pathlib import Path

from benchmarks.measuring import MEDTRACK, PYTHON, ROOT, Result, Sizes, interleave, note, run
from benchmarks.workplace import Workplace

ORJSON_LOOP = """
import sys, orjson
with open(sys.argv[1], "rb") as lines:
    for line in lines:
        orjson.loads(line)
"""


def startup(place: Workplace, sizes: Sizes) -> list[Result]:
    """Compare short runs with Python's own start, each a whole process."""
    goals = {
        "--version": (["--version"], 8),
        "validate, one small file": (["validate", place.events(1)], 18),
    }
    results = []
    for name, (arguments, goal) in goals.items():
        sides = {
            "python": partial(run, [*PYTHON, "-c", "pass"], place.environ),
            "ours": partial(run, [*MEDTRACK, *arguments], place.environ),
        }
        rounds = interleave(sizes.starts, sides, name)
        ratios = [each["ours"].seconds / each["python"].seconds for each in rounds]
        results.append(Result(name, ratios, "times `python -c pass`", goal))
    return results


def validating(place: Workplace, sizes: Sizes) -> list[Result]:
    """Compare validate on one core with a loop of orjson.loads, both as whole processes."""
    file = place.events(sizes.validated)
    command = [*MEDTRACK, "validate", "--jobs"]
    sides = {
        "orjson": partial(run, [*PYTHON, "-c", ORJSON_LOOP, file], place.environ),
        "one core": partial(run, [*command, "1", file], place.environ),
        "two": partial(run, [*command, "2", file], place.environ),
    }
    rounds = interleave(sizes.rounds, sides, "validate")
    slower = [each["one core"].seconds / each["orjson"].seconds for each in rounds]
    faster = [each["one core"].seconds / each["two"].seconds for each in rounds]
    name = f"validate, {sizes.validated:,} events, one core"
    return [
        Result(name, slower, "times orjson", 4.5),
        Result("  memory", [each["one core"].megabytes for each in rounds], "MB", 120),
        Result("  --jobs 2", faster, "times one core's rate", 1.5, True),  # noqa: FBT003
    ]


def listening(place: Workplace, sizes: Sizes) -> list[Result]:
    """Publish at full speed to a listener that writes JSON, and see that it gets everything."""
    count = sizes.listened
    shares, rates = [], []
    for number in range(1, sizes.rounds // 2 + 1):
        note(f"listen: {number} of {sizes.rounds // 2}")
        received, seconds = _listen(place, count)
        shares.append(100 * received / count)
        rates.append(count / seconds)
    return [
        Result(f"listen, of {count:,} events", shares, "percent received", 100, True),  # noqa: FBT003
        Result("  from the first published to the last written", rates, "events a second"),
    ]


def _listen(place: Workplace, count: int) -> tuple[int, float]:
    """Count the distinct valid events that a listener has written, and take its time."""
    output = Path(place.folder, "listened.ndjson")
    command = [*MEDTRACK, "listen", "--count", str(count), "--timeout", "60", "-o", "json"]
    with (
        output.open("wb") as stdout,
        subprocess.Popen(  # noqa: S603 -- our own command
            command, cwd=ROOT, env=place.environ, stdout=stdout, stderr=subprocess.PIPE
        ) as listener,
    ):
        assert listener.stderr  # noqa: S101 -- for the type checker
        while b'"listening"' not in (line := listener.stderr.readline()):
            if not line:
                raise SystemExit("listen ended before it was ready")
        started = time.perf_counter()
        run([*MEDTRACK, "publish", "-f", place.events(count)], place.environ)
        listener.stderr.read()
        listener.wait()
        seconds = time.perf_counter() - started
    with output.open("rb") as lines:
        events = [json.loads(line) for line in lines]
    valid = {event["properties"]["message_id"] for event in events if event["valid"]}
    return len(valid), seconds
