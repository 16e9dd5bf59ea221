"""Validating one file, many small ones and a large one, beside validators of JSON Schema."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from benchmarks.measuring import (
    MEDTRACK,
    PYTHON,
    Cost,
    Result,
    Sizes,
    interleave,
    itself,
    ratios,
    run,
)
from benchmarks.peers import peer
from benchmarks.workplace import Workplace

ORJSON_LOOP = """
import sys, orjson
with open(sys.argv[1], "rb") as lines:
    for line in lines:
        orjson.loads(line)
"""


def one_file(place: Workplace, sizes: Sizes) -> list[Result]:
    """Validate one event, whole processes."""
    folder = place.files(1)
    sides = _sides(place, folder, ["validate", str(folder / "0.json")])
    rounds = interleave(sizes, sides, "validate, one file", sizes.starts)
    return _results("validate, one file", rounds, {})


def small_files(place: Workplace, sizes: Sizes) -> list[Result]:
    """Validate a folder of small files."""
    folder = place.files(sizes.files)
    sides = _sides(place, folder, ["validate", str(folder)])
    rounds = interleave(sizes, sides, f"validate, {sizes.files:,} files")
    return _results(f"validate, {sizes.files:,} small files", rounds, {"jsonschema": 1.5})


def large_file(place: Workplace, sizes: Sizes) -> list[Result]:
    """Validate lines on one core, and on two."""
    file = place.events(sizes.validated)
    lines = Path(file).with_suffix(".jsonl")  # the one suffix by which sourcemeta's takes lines
    if not lines.exists():
        lines.hardlink_to(file)  # a link is followed to its name
    ours = [*MEDTRACK, "validate", "--jobs"]
    sides = {
        "ours": partial(run, [*ours, "1", file], place.environ),
        "two": partial(run, [*ours, "2", file], place.environ),
        "a loop of orjson.loads": partial(run, [*PYTHON, "-c", ORJSON_LOOP, file], place.environ),
    }
    if command := peer("jsonschema"):
        said = [*command, "validate", "--fast", place.schema(), str(lines)]
        sides["jsonschema"] = partial(run, said, place.environ)
    what = f"validate, {sizes.validated:,} lines, one core"
    rounds = interleave(sizes, sides, what)
    goals = {"jsonschema": 1.0, "a loop of orjson.loads": 4.5}
    return [
        *_results(what, rounds, goals, but="two"),
        Result("… two processes", ratios(rounds, "two", "ours"), "as long as one", 0.67),
    ]


def _sides(place: Workplace, folder: Path, arguments: list[str]) -> dict[str, Callable[[], Cost]]:
    """Run medtrack, and the peers that can be had, on the files of a folder."""
    schema, files = place.schema(), sorted(map(str, folder.iterdir()))
    peers = {
        "jsonschema": ["validate", "--fast", schema, *([str(folder)] if files[1:] else files)],
        "ajv": [
            *("validate", "--spec=draft2020", "--strict=false", "--validate-formats=false"),
            *("-s", schema, "-d", f"{folder}/*.json"),
        ],
        "check-jsonschema": ["--schemafile", schema, *files],
    }
    commands = {name: [*peer(name), *words] for name, words in peers.items() if peer(name)}
    commands["ours"] = [*MEDTRACK, *arguments]
    return {name: partial(run, words, place.environ) for name, words in commands.items()}


NAMES = {
    "jsonschema": "sourcemeta's `jsonschema --fast`",
    "ajv": "ajv-cli",
    "check-jsonschema": "check-jsonschema",
}


def _results(
    what: str, rounds: list[dict[str, Cost]], goals: Mapping[str, float], but: str = ""
) -> list[Result]:
    own = itself(rounds)
    return [
        Result(
            what,
            ratios(rounds, "ours", name),
            f"as long as {NAMES.get(name, name)}",
            goals.get(name),
            itself=own,
        )
        for name in rounds[0]
        if name not in {"ours", but}
    ]
