"""How time and memory grow with the number of events."""

import time
from collections.abc import Callable
from math import log
from statistics import linear_regression

from benchmarks.listening import ours, taken
from benchmarks.measuring import LAST, MEDTRACK, Cost, Result, Sizes, note, number, run
from benchmarks.replaying import replay
from benchmarks.stats import recorded
from benchmarks.workplace import Workplace

MOST = 1.05


def growing(place: Workplace, sizes: Sizes) -> list[Result]:
    """Fit the exponent of what each command costs beyond its start."""

    def validate(count: int) -> Cost:
        return run([*MEDTRACK, "validate", "--jobs", "1", place.events(count)], place.environ)

    def stats(count: int) -> Cost:
        return run([*MEDTRACK, "stats", recorded(place, count)], place.environ)

    def publish(count: int) -> Cost:
        return run([*MEDTRACK, "publish", "-f", place.events(count)], place.environ)

    def listen(count: int) -> Cost:
        return taken(place, count, ours(count))  # what was published just before

    def replayed(count: int) -> Cost:
        return replay(place, count, recorded(place, count))

    with place.queue():
        return [
            *_growth(place, sizes, {"validate": validate}, LAST),
            *_growth(place, sizes, {"stats": stats}, LAST),
            *_growth(place, sizes, {"replay": replayed}, sizes.replayed),
            *_growth(place, sizes, {"publish": publish, "listen": listen}, LAST),
        ]


def _growth(
    place: Workplace, sizes: Sizes, commands: dict[str, Callable[[int], Cost]], most: int
) -> list[Result]:
    """Measure each size; what one event takes is the start, which doesn't grow."""
    starts = [{name: measure(1) for name, measure in commands.items()} for _ in range(3)]
    costs: dict[int, dict[str, Cost]] = {}
    for count in sizes.growth:
        if count <= most and not (len(costs) > 2 and time.monotonic() > sizes.ends_at):
            note(f"growth: {', '.join(commands)}: {count:,} events")
            costs[count] = {name: measure(count) for name, measure in commands.items()}
    place.take()
    return [
        _fitted(name, min(each[name].cpu for each in starts), {n: costs[n][name] for n in costs})
        for name in commands
    ]


def _fitted(name: str, start: float, costs: dict[int, Cost]) -> Result:
    """Fit the exponent of the CPU to the last three sizes."""
    counts = list(costs)
    cpu = [max(0.001, each.cpu - start) for each in costs.values()]
    slope, _ = linear_regression(list(map(log, counts[-3:])), list(map(log, cpu[-3:])))
    seconds = ", ".join(number(each.seconds) for each in costs.values())
    memory = ", ".join(f"{each.megabytes:.0f}" for each in costs.values())
    what = f"growth of {name}, {', '.join(f'{each:,}' for each in counts)} events"
    return Result(what, [slope], "as exponent of its CPU", MOST, itself=f"{seconds} s; {memory} MB")
