"""Run whole processes, side by side in time, and keep what they cost."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from resource import struct_rusage
from statistics import median
from tempfile import TemporaryFile
from typing import NamedTuple, TypeVar

ROOT = Path(__file__).resolve().parent.parent
PYTHON = (sys.executable,)
MEDTRACK = (sys.executable, "-m", "medtrack_cli")

A = TypeVar("A")


class Sizes(NamedTuple):
    """How much is measured how often."""

    rounds: int
    starts: int
    blocking: int  # events that BlockingConnection publishes in a round
    long_run: int  # events of the run whose memory is measured
    validated: int
    listened: int
    recorded: int  # MB of a recording
    summed_up: int  # recorded events


FULL = Sizes(7, 25, 3_000, 2_000_000, 200_000, 20_000, 2_000, 500_000)
QUICK = Sizes(3, 9, 2_000, 100_000, 50_000, 10_000, 50, 100_000)


class Cost(NamedTuple):
    """What one process cost: seconds on the clock, seconds of CPU, the peak of its memory."""

    seconds: float
    cpu: float
    megabytes: float
    output: str


class Result(NamedTuple):
    """One row of the table. `goal` None: for information; `more_is_better` tells its direction."""

    what: str
    figures: Sequence[float]
    unit: str
    goal: float | None = None
    more_is_better: bool = False

    @property
    def is_met(self) -> bool:
        if self.goal is None:
            return True
        middle = median(self.figures)
        return middle >= self.goal if self.more_is_better else middle <= self.goal


def run(command: Sequence[str], environ: Mapping[str, str]) -> Cost:
    """Run a command to its end, in the repository's root; anything but exit code 0 ends it all.

    The peak counts from the fork on: it is never below what this process itself holds.
    """
    with TemporaryFile() as complaints:
        started = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603 -- our own commands
            command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=complaints
        )
        assert process.stdout  # noqa: S101 -- for the type checker
        with process.stdout as stream:
            output = stream.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            complaints.seek(0)
            said = complaints.read().decode(errors="replace")
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{said}")
    return Cost(seconds, usage.ru_utime + usage.ru_stime, megabytes(usage), output)


def megabytes(usage: struct_rusage) -> float:
    """Give the peak of a process's memory; macOS counts it in bytes."""
    return usage.ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)


def interleave(rounds: int, sides: Mapping[str, Callable[[], A]], label: str) -> list[dict[str, A]]:
    """Run things in turn, A B A B, so that what slows the machine slows all of them."""
    results = []
    for number in range(1, rounds + 1):
        note(f"{label}: {number} of {rounds}")
        results.append({name: side() for name, side in sides.items()})
    return results


def note(text: str) -> None:
    """Say what is being measured; the table comes last, on stdout."""
    print(text, file=sys.stderr, flush=True)


def table(results: Sequence[Result]) -> str:
    """Lay the results out for people."""
    titles = ("what", "min", "median", "max", "unit", "goal", "")
    rows = [titles, *(_row(result) for result in results)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if 0 < place < 4 else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _row(result: Result) -> tuple[str, ...]:
    figures = (min(result.figures), median(result.figures), max(result.figures))
    goal, verdict = "", ""
    if result.goal is not None:
        goal = f"at {'least' if result.more_is_better else 'most'} {result.goal:g}"
        verdict = "met" if result.is_met else "MISSED"
    return (result.what, *(f"{figure:,.1f}" for figure in figures), result.unit, goal, verdict)
