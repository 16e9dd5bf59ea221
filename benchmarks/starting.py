"""How long each command takes until its help is printed, beside Python's own start."""

from functools import partial
from statistics import median

from benchmarks.measuring import MEDTRACK, PYTHON, Result, Sizes, interleave, itself, ratios, run
from benchmarks.workplace import Workplace
from medtrack_cli.app import tree

GOALS = {"--version": 4.0, "--help": 8.0, "validate FILE": 12.0}
UNIT = "as long as `python -c pass`"


def starting(place: Workplace, sizes: Sizes) -> list[Result]:
    """Compare short runs with Python's own start, each a whole process."""
    shown = [name for name, each in tree().commands.items() if not each.hidden]
    commands = {
        "--version": ["--version"],
        "--help": ["--help"],
        "validate FILE": ["validate", place.events(1)],
        **{f"{name} --help": [name, "--help"] for name in shown},
    }
    sides = {
        "python": partial(run, [*PYTHON, "-c", "pass"], place.environ),
        **{
            name: partial(run, [*MEDTRACK, *arguments], place.environ)
            for name, arguments in commands.items()
        },
    }
    for side in sides.values():
        side()  # its code is compiled, and read once
    rounds = interleave(sizes, sides, "start of every command", sizes.starts)
    figures = {name: ratios(rounds, name, "python") for name in commands}
    helps = sorted(set(figures) - set(GOALS), key=lambda name: median(figures[name]))
    return [
        *(
            Result(f"`medtrack {name}`", figures[name], UNIT, goal, itself=itself(rounds, name))
            for name, goal in GOALS.items()
        ),
        *(
            Result(
                f"{which} `--help` of {len(helps)}: `{name}`", figures[name], UNIT, GOALS["--help"]
            )
            for which, name in (("quickest", helps[0]), ("slowest", helps[-1]))
        ),
    ]
