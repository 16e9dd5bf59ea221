"""Measure everything, print a table, and fail when a goal is missed."""

import argparse
import os
import sys
from pathlib import Path

from benchmarks.listening import listening, long_listening, taking
from benchmarks.measurements import startup, validating
from benchmarks.measuring import FULL, QUICK, Result, table
from benchmarks.publishing import memory, one_event, publishing
from benchmarks.recordings import recordings
from benchmarks.replaying import replaying
from benchmarks.stats import summing_up
from benchmarks.workplace import workplace, workplace_4


def main() -> int:
    """Run the benchmarks."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller counts, under a minute")
    sizes = QUICK if parser.parse_args().quick else FULL
    results: list[Result] = []
    with workplace() as place:
        for measure in (
            *(startup, publishing, one_event, memory),
            *(validating, listening, taking, long_listening),
            *(recordings, replaying, summing_up),
        ):
            results += measure(place, sizes)
    if root := os.environ.get("MEDTRACK_TEST_RABBITMQ4_ROOT"):
        with workplace_4(Path(root)) as place:
            results += publishing(place, sizes)
    print(table(results))
    return 0 if all(result.is_met for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
