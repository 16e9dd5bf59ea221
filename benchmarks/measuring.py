"""Run whole processes, side by side in time, and keep what they cost."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from math import inf
from pathlib import Path
from resource import struct_rusage
from statistics import median
from tempfile import TemporaryFile
from typing import IO, NamedTuple, TypeVar

ROOT = Path(__file__).resolve().parent.parent
PYTHON = (sys.executable,)
MEDTRACK = (sys.executable, "-m", "medtrack_cli")
LEAST_ROUNDS = 3
missing: dict[str, str] = {}
"""What could not be measured, and why."""

A = TypeVar("A")


class Sizes(NamedTuple):
    """How much is measured how often."""

    rounds: int
    seconds: int  # from which a comparison has no further round, after the first three
    ends_at: float  # on the monotonic clock: from then on, only what must be
    starts: int
    files: int
    validated: int  # events in one file
    published: int  # and what is taken, and replayed
    many: int  # what is published once more, a larger file
    slow: int  # events of the publishers that wait for each answer
    recorded: int  # MB of a recording
    summed_up: int  # recorded events
    growth: tuple[int, ...]  # numbers of events
    replayed: int  # the greatest of these that is replayed


NOW, LAST = time.monotonic(), 1_000_000
MODES = {
    "tiny": Sizes(2, 1, inf, 2, 10, 1_000, 500, 2_000, 20, 2, 500, (100, 200, 400, 800), 800),
    "quick": Sizes(
        *(5, 25, NOW + 600, 11, 1_000, 200_000, 50_000, 150_000, 1_000, 200, 200_000),
        *((1_000, 10_000, 100_000, LAST), 10_000),
    ),
    "full": Sizes(
        *(7, 400, inf, 25, 1_000, 200_000, 50_000, 500_000, 3_000, 2_000, 500_000),
        *((1_000, 10_000, 100_000, LAST), LAST),
    ),
}


class Failed(Exception):
    """A measurement that gives no figure."""


class Cost(NamedTuple):
    """What one process cost: seconds on the clock, seconds of CPU, the peak of its memory."""

    seconds: float
    cpu: float
    megabytes: float
    output: str = ""
    said: str = ""


class Result(NamedTuple):
    """One row of the table; without an aim it is for information."""

    what: str
    figures: Sequence[float]
    unit: str
    most: float | None = None  # the aim: the median is at most this
    least: float | None = None
    itself: str = ""  # its own seconds and memory

    @property
    def is_met(self) -> bool:
        middle = median(self.figures)
        return (self.most is None or middle <= self.most) and (
            self.least is None or middle >= self.least
        )


def run(
    command: Sequence[str],
    environ: Mapping[str, str],
    stdin: IO[bytes] | None = None,
    stdout: IO[bytes] | None = None,
) -> Cost:
    """Run a command to its end, in the repository's root; any exit code but 0 is a failure.

    The peak counts from the fork on: it is never below what this process itself holds.
    """
    with TemporaryFile() as complaints:
        started = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603 -- our own commands
            *(command,),
            cwd=ROOT,
            env=environ,
            stdin=stdin or subprocess.DEVNULL,
            stdout=stdout or subprocess.PIPE,
            stderr=complaints,
        )
        output = ""
        if process.stdout:
            with process.stdout as stream:
                output = stream.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        complaints.seek(0)
        said = complaints.read().decode(errors="replace")
        if process.returncode:
            words = " ".join(command)[:200]
            raise Failed(f"{words} ended with {process.returncode}:\n{said}{output[-500:]}")
    return Cost(seconds, usage.ru_utime + usage.ru_stime, megabytes(usage), output, said)


def megabytes(usage: struct_rusage) -> float:
    """Give the peak of a process's memory; macOS counts it in bytes."""
    return usage.ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)


def interleave(
    sizes: Sizes, sides: Mapping[str, Callable[[], A]], label: str, rounds: int = 0
) -> list[dict[str, A]]:
    """Run things in turn, A B A B, so that what slows the machine slows all of them.

    A side that fails is left out, except for ours.
    """
    left, results = dict(sides), list[dict[str, A]]()
    began = time.monotonic()
    for number in range(1, (rounds or sizes.rounds) + 1):
        a_round = (time.monotonic() - began) / max(1, len(results))
        is_long = len(results) >= LEAST_ROUNDS and a_round * number > sizes.seconds
        if is_long or (results and time.monotonic() > sizes.ends_at):
            break
        note(f"{label}: {number} of {rounds or sizes.rounds}")
        results.append({})
        for name, side in list(left.items()):
            try:
                results[-1][name] = side()
            except Failed as failure:
                if name == "ours":
                    raise
                note(f"left out: {name}: {failure}")
                missing[f"{name} in {label}"] = "it failed"
                del left[name]
    return [{name: each[name] for name in left} for each in results]


def ratios(rounds: Sequence[Mapping[str, Cost]], side: str, other: str) -> list[float]:
    """Give how many times as long a side took as the other, round by round."""
    return [each[side].seconds / each[other].seconds for each in rounds]


def itself(rounds: Sequence[Mapping[str, Cost]], side: str = "ours") -> str:
    """Write the seconds and the memory of a side, the middle of its rounds."""
    seconds = median(each[side].seconds for each in rounds)
    memory = max(each[side].megabytes for each in rounds)
    return f"{number(seconds)} s, {memory:,.0f} MB"


def number(figure: float) -> str:
    """Write a figure with about three digits."""
    return f"{figure:,.{2 if figure < 10 else 1 if figure < 100 else 0}f}"


def note(text: str) -> None:
    """Say what is being measured; the table comes last, on stdout."""
    print(text, file=sys.stderr, flush=True)
