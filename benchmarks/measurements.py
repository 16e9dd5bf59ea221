"""Starting and validating, each with its goal."""

from functools import partial

from benchmarks.measuring import MEDTRACK, PYTHON, Result, Sizes, interleave, run
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
        "--version": (["--version"], 4),
        "--help": (["--help"], 8),
        "validate, one small file": (["validate", place.events(1)], 12),
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
