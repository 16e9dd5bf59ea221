"""The table of all results, and its place in docs/performance.md."""

import json
import os
import platform
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.measuring import ROOT, Result, number
from benchmarks.peers import FOLDER, versions

PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- written by make bench: begin -->\n", "<!-- written by make bench: end -->\n"
TITLES = ("what", "median (least to greatest)", "times what", "aim", "itself")


def table(results: Iterable[Result]) -> str:
    """Lay the results out as a table of Markdown, which people can read as it is."""
    rows = [TITLES, *(_row(each) for each in results)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rule = tuple("-" * width for width in widths)
    return "".join(
        "| " + " | ".join(map(str.ljust, row, widths)) + " |\n"
        for row in (rows[0], rule, *rows[1:])
    )


def _row(result: Result) -> tuple[str, ...]:
    least, middle, most = (f(result.figures) for f in (min, median, max))
    figures = number(middle)
    if len(result.figures) > 1:
        figures += f" ({number(least)} to {number(most)})"
    aims = {"at most": result.most, "at least": result.least}
    aim = "".join(f"{words} {each:g}" for words, each in aims.items() if each is not None)
    if aim:
        aim += ": met" if result.is_met else ": **missed**"
    return (result.what, figures, result.unit, aim, result.itself)


def keep(mode: str, section: str, results: Sequence[Result], broker: str) -> None:
    """Keep a section's results, so that a later run of another section can be added to them."""
    kept = _kept(mode)
    kept[section] = {
        "machine": f"`make bench ARGS={_words(mode)}`, {_machine(broker)}",
        "results": [each._asdict() for each in results],
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    _file(mode).write_text(json.dumps(kept, indent=1))


def write(page: Path, mode: str, sections: Iterable[str], left_out: Sequence[str]) -> None:
    """Put all that was measured in the page, between its marks; what is `full` goes before."""
    kept = _kept(mode) if mode == "tiny" else _kept("quick") | _kept("full")
    known = {each: kept[each] for each in sections if each in kept}
    results = [Result(**each) for section in known.values() for each in section["results"]]
    together: dict[str, list[str]] = {}
    for name, section in known.items():
        together.setdefault(section["machine"], []).append(name)
    said = [f"Measured ({', '.join(names)}): {by}." for by, names in together.items()]
    said += [f"Not measured: {each}." for each in left_out]
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    made = f"{before}{BEGIN}\n{table(results)}\n" + "\n".join(said) + f"\n\n{END}{after}"
    page.write_text(made, encoding="utf-8")


def _words(mode: str) -> str:
    return "--write" if mode == "quick" else f"'--write --{mode}'"


def _file(mode: str) -> Path:
    return FOLDER / f"results-{mode}.json"


def _kept(mode: str) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        return dict(json.loads(_file(mode).read_text()))
    return {}


def _machine(broker: str) -> str:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    model = platform.processor() or platform.machine()
    with suppress(OSError, IndexError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(each.split(": ")[1] for each in lines if each.startswith("model name"))
    system = platform.system()
    with suppress(OSError):
        system = platform.freedesktop_os_release()["PRETTY_NAME"]
    day = datetime.now(UTC).date()
    python = f"Python {platform.python_version()}"
    beside = ", ".join(filter(None, (python, broker, versions())))
    return f"{day}, {cores} cores ({model}), {system}, {beside}"
