"""Measure the sections named, by default all of them, and print a table.

The exit code is 1 when an aim is missed or a section could not be measured.
"""

import argparse
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from benchmarks import (
    growing,
    listening,
    publishing,
    recordings,
    replaying,
    starting,
    stats,
    validating,
)
from benchmarks.measuring import MODES, Result, Sizes, missing, note
from benchmarks.report import BEGIN, PAGE, keep, table, write
from benchmarks.workplace import Workplace, workplace, workplace_4

Section = Callable[[Workplace, Sizes], list[Result]]
SECTIONS: dict[str, tuple[Section, ...]] = {
    "start": (starting.starting,),
    "validate": (validating.one_file, validating.small_files, validating.large_file),
    "publish": (publishing.one_event, publishing.many, publishing.more),
    "listen": (listening.taking, listening.listening),
    "replay": (replaying.replaying, recordings.recordings),
    "stats": (stats.summing_up,),
    "growth": (growing.growing,),
    "rabbitmq4": (publishing.many,),
}
ROOT_4 = "MEDTRACK_TEST_RABBITMQ4_ROOT"


def main() -> int:
    """Run the benchmarks."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(SECTIONS))
    for mode, words in (("full", "all sizes, more rounds: an hour"), ("tiny", "see that it runs")):
        parser.add_argument(f"--{mode}", dest="mode", action="store_const", const=mode, help=words)
    parser.add_argument("--write", action="store_true", help="put the table in the page")
    parser.add_argument("--page", default=PAGE, type=Path, metavar="FILE", help=f"[{PAGE.name}]")
    given = parser.parse_args()
    if unknown := set(given.sections) - set(SECTIONS):
        parser.error(f"no such section: {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    if given.write and BEGIN not in given.page.read_text(encoding="utf-8"):
        parser.error(f"{given.page} has no place for the table: {BEGIN.strip()}")
    mode = given.mode or "quick"
    chosen = [each for each in SECTIONS if each in (given.sections or SECTIONS)]
    results, failed = _measure(chosen, mode)
    print(table(results))
    if given.write:
        left_out = [f"{name} ({why})" for name, why in missing.items()]
        write(given.page, mode, SECTIONS, [*left_out, *failed])
    return 0 if not failed and all(each.is_met for each in results) else 1


def _measure(chosen: list[str], mode: str) -> tuple[list[Result], list[str]]:
    results: list[Result] = []
    failed: list[str] = []
    root_4 = os.environ.get(ROOT_4)
    places = [(workplace(), [each for each in chosen if each != "rabbitmq4"])]
    if "rabbitmq4" in chosen and root_4:
        places.append((workplace_4(Path(root_4)), ["rabbitmq4"]))
    elif "rabbitmq4" in chosen:
        note(f"left out: rabbitmq4: {ROOT_4} names no folder (make rabbitmq4)")
    for opened, names in places:
        with opened as place:
            for name in names:
                found, is_whole = _section(name, place, MODES[mode])
                results += found
                keep(mode, name, found, place.name)
                failed += [] if is_whole else [f"some of {name} (it failed)"]
    return results, failed


def _section(name: str, place: Workplace, sizes: Sizes) -> tuple[list[Result], bool]:
    """Measure a section; what fails in it is told, and the others are still measured."""
    results: list[Result] = []
    is_whole = True
    for measure in SECTIONS[name]:
        try:
            results += measure(place, sizes)
        except Exception:  # noqa: BLE001 -- all others are still worth their time
            traceback.print_exc()
            is_whole = False
    return results, is_whole


if __name__ == "__main__":
    sys.exit(main())
