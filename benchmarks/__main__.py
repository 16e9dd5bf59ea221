"""Measure everything, print a table, and fail when a goal is missed."""

import argparse
import sys

from benchmarks.measurements import FULL, QUICK, listening, memory, publishing, startup, validating
from benchmarks.measuring import Result, table
from benchmarks.workplace import workplace


def main() -> int:
    """Run the benchmarks."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller counts, under a minute")
    sizes = QUICK if parser.parse_args().quick else FULL
    results: list[Result] = []
    with workplace() as place:
        for measure in (startup, publishing, memory, validating, listening):
            results += measure(place, sizes)
    print(table(results))
    return 0 if all(result.is_met for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
